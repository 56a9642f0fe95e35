import { normalDensity, normalQuantile, normalSurvival } from "./distributions.ts";
import { gaussLegendre } from "./gauss-legendre.ts";
import { argumentInvalid, requireOpenFraction } from "./samples.ts";

/**
 * How much of alpha may be spent by a share of the full information. `obrien-fleming` spends almost nothing early, so
 * that the last look is nearly an ordinary test; `pocock` spends evenly, so that large effects stop early. A function
 * gives the cumulative two-sided alpha, never decreasing, at most `alpha`.
 */
export type AlphaSpending = "obrien-fleming" | "pocock" | ((fraction: number, alpha: number) => number);

export interface SequentialOptions {
  /** Two-sided error over all looks together, such as 0.01. */
  readonly alpha: number;
  /** Share of the full information at each look, such as processes so far over the most there can be; ascending, at most 1. */
  readonly fractions: readonly number[];
  /** @defaultValue "obrien-fleming" */
  readonly spending?: AlphaSpending;
}

export interface SequentialBoundaries {
  /** Stop at look k when |z| exceeds `z[k]`; ∞ where nothing is spent yet. */
  readonly z: readonly number[];
  /** Two-sided p that `z[k]` stands for: the level of a t quantile to use in its place. 0 where nothing is spent yet. */
  readonly nominalAlpha: readonly number[];
  /** Two-sided alpha spent up to and including each look. */
  readonly spent: readonly number[];
}

/**
 * Boundaries for looking at accumulating data several times with one error for all looks: a look may depend on time
 * but not on what earlier looks showed. Each boundary depends on the looks up to it alone, so later ones may be
 * decided as one goes. About 1 ms for 8 looks.
 *
 * @throws MettleError `STATS_ARGUMENT_INVALID`
 * @see Lan & DeMets, Biometrika 70 (1983); Armitage, McPherson & Rowe, JRSS A 132 (1969), for the recursion. The
 * spending functions act on each side with half of alpha.
 */
export function sequentialBoundaries(options: SequentialOptions): SequentialBoundaries {
  const { alpha, fractions, spending = "obrien-fleming" } = options;
  requireOpenFraction(alpha, "alpha");
  requireFractions(fractions);
  const spent = fractions.map((fraction) => cumulativeSpending(spending, fraction, alpha));
  const z: number[] = [];
  let paths = start;
  fractions.forEach((fraction, look) => {
    const before = look > 0 ? spent[look - 1]! : 0;
    const allowed = spent[look]! - before;
    if (!(allowed >= 0 && spent[look]! <= alpha * (1 + 1e-12))) {
      throw argumentInvalid("spending", spent[look], `must not decrease or exceed alpha (at fraction ${fraction})`);
    }
    const step = fraction - (fractions[look - 1] ?? 0);
    const boundary = boundaryFor(paths, step, fraction, allowed);
    z.push(boundary / Math.sqrt(fraction));
    const nextStep = look + 1 < fractions.length ? fractions[look + 1]! - fraction : undefined;
    if (nextStep !== undefined) paths = advance(paths, step, fraction, boundary, 0, nextStep);
  });
  return { z, nominalAlpha: z.map((bound) => 2 * normalSurvival(bound)), spent };
}

/**
 * The chance of first crossing |z| > `z[k]` at each look. Without `drift` the sum is the type I error of the design;
 * with it, the power.
 *
 * @param drift - expected z at full information: effect over its standard error there. @defaultValue 0
 * @throws MettleError `STATS_ARGUMENT_INVALID`
 */
export function crossingProbabilities(
  z: readonly number[],
  fractions: readonly number[],
  drift = 0,
): readonly number[] {
  requireFractions(fractions);
  if (z.length !== fractions.length) throw argumentInvalid("z", z.length, `must have ${fractions.length} values`);
  if (!z.every((bound) => bound > 0)) throw argumentInvalid("z", z.join(", "), "must be positive");
  if (!Number.isFinite(drift)) throw argumentInvalid("drift", drift, "must be finite");
  let paths = start;
  return fractions.map((fraction, look) => {
    const step = fraction - (fractions[look - 1] ?? 0);
    const boundary = z[look]! * Math.sqrt(fraction);
    const crossed = crossing(paths, step, boundary, drift).probability;
    const next = fractions[look + 1];
    if (next !== undefined) paths = advance(paths, step, fraction, boundary, drift, next - fraction);
    return crossed;
  });
}

function cumulativeSpending(spending: AlphaSpending, fraction: number, alpha: number): number {
  if (typeof spending === "function") return spending(fraction, alpha);
  if (fraction === 1) return alpha;
  const perSide = alpha / 2;
  switch (spending) {
    case "obrien-fleming":
      return 4 * normalSurvival(-normalQuantile(perSide / 2) / Math.sqrt(fraction));
    case "pocock":
      return 2 * perSide * Math.log1p((Math.E - 1) * fraction);
  }
}

/**
 * Where the paths are that crossed no boundary so far, as Brownian motion in information time: the integral of g over
 * them is Σ weights[i] · g(at[i]).
 */
interface Paths {
  readonly at: Float64Array;
  readonly weights: Float64Array;
}

const start: Paths = { at: Float64Array.of(0), weights: Float64Array.of(1) };

/** The chance that a path is outside ±boundary one step on, and its derivative with respect to the boundary. */
function crossing(paths: Paths, step: number, boundary: number, drift: number): { probability: number; slope: number } {
  const deviation = Math.sqrt(step);
  let probability = 0;
  let slope = 0;
  for (let i = 0; i < paths.at.length; i++) {
    const from = paths.at[i]! + drift * step;
    const above = (boundary - from) / deviation;
    const below = (boundary + from) / deviation;
    probability += paths.weights[i]! * (normalSurvival(above) + normalSurvival(below));
    slope -= (paths.weights[i]! * (normalDensity(above) + normalDensity(below))) / deviation;
  }
  return { probability, slope };
}

/** The boundary that exactly `allowed` of the paths cross in this step. */
function boundaryFor(paths: Paths, step: number, fraction: number, allowed: number): number {
  // Below this neither a probability nor its logarithm can be told from 0.
  if (allowed < 1e-290) return Number.POSITIVE_INFINITY;
  // Starts where the boundary would be if no path had ended yet: at or beyond the true one. The logarithm of the
  // crossing probability falls ever faster with the boundary, so Newton's steps come down to it from one side.
  let boundary = -normalQuantile(Math.min(allowed, 1) / 2) * Math.sqrt(fraction);
  for (let iteration = 0; iteration < 100; iteration++) {
    const { probability, slope } = crossing(paths, step, boundary, 0);
    const move = ((Math.log(allowed) - Math.log(probability)) * probability) / slope;
    boundary += move;
    if (Math.abs(move) <= 1e-13 * boundary) break;
  }
  return boundary;
}

/** Standard deviations beyond which no path is followed: 1e-23 of them go there. */
const REACH = 10;

/** The paths one step on, those outside ±boundary ended. */
function advance(
  paths: Paths,
  step: number,
  fraction: number,
  boundary: number,
  drift: number,
  nextStep: number,
): Paths {
  const low = Math.max(-boundary, drift * fraction - REACH * Math.sqrt(fraction));
  const high = Math.min(boundary, drift * fraction + REACH * Math.sqrt(fraction));
  const deviation = Math.sqrt(step);
  // A panel of two standard deviations of the shorter step is smooth enough for its 12 nodes: the error is under 1e-12.
  const panels = Math.max(1, Math.ceil((high - low) / (2 * Math.min(deviation, Math.sqrt(nextStep)))));
  const { nodes, weights } = gaussLegendre(12);
  const half = (high - low) / panels / 2;
  const next: Paths = {
    at: new Float64Array(panels * nodes.length),
    weights: new Float64Array(panels * nodes.length),
  };
  for (let k = 0; k < next.at.length; k++) {
    const panel = Math.floor(k / nodes.length);
    const node = k % nodes.length;
    const to = low + half * (2 * panel + 1 + nodes[node]!);
    let density = 0;
    for (let i = 0; i < paths.at.length; i++) {
      density += paths.weights[i]! * normalDensity((to - paths.at[i]! - drift * step) / deviation);
    }
    next.at[k] = to;
    next.weights[k] = (half * weights[node]! * density) / deviation;
  }
  return next;
}

function requireFractions(fractions: readonly number[]): void {
  let previous = 0;
  for (const fraction of fractions) {
    if (!(fraction > previous && fraction <= 1)) {
      throw argumentInvalid("fractions", fractions.join(", "), "must ascend and lie above 0, up to 1");
    }
    previous = fraction;
  }
  if (fractions.length === 0) throw argumentInvalid("fractions", "empty", "must name at least one look");
}
