import { type Clock, coreErrors, type Nanoseconds, ns, systemClock } from "@mettle/core";
import { type LinearTrend, linearTrend, studentTCritical } from "@mettle/stats";
import { benchLabErrors } from "../lab-errors.ts";
import { collectGarbage, type MemoryScope, readMemory } from "./heap.ts";

export interface LeakOptions {
  /** Growth below this is no leak, bytes per cycle. @defaultValue 1024, by judgement: less takes days to matter */
  readonly minimumBytesPerCycle?: number;
  /** Coverage of the intervals as a fraction. @defaultValue 0.99 */
  readonly confidence?: number;
}

export interface MeasureLeakOptions extends LeakOptions {
  /** One cycle of work after which memory should be what it was before. */
  readonly cycle: (index: number) => void | Promise<void>;
  /** @defaultValue 40, at least 12 */
  readonly cycles?: number;
  /** `isolate` sees leaked buffers as well as leaked objects. @defaultValue "isolate" */
  readonly scope?: MemoryScope;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, of: number) => void;
}

/** Memory in use after a cycle and a forced collection. */
export interface LeakPoint {
  readonly cycle: number;
  readonly bytes: number;
  /** The cycle's own time, without the collection after it. */
  readonly cycleNs: Nanoseconds;
}

export interface GrowthPerHour {
  readonly bytesPerHour: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
}

export interface LeakFinding {
  /**
   * `leak`: the interval lies above zero and the slope above the named size. `none`: the whole interval lies at or
   * below the named size. `undecided`: neither; measure more cycles.
   */
  readonly outcome: "leak" | "none" | "undecided";
  readonly slopeBytesPerCycle: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  readonly minimumBytesPerCycle: number;
  /** If the cycles ran back to back, as measured. Absent when they took no time on the clock. */
  readonly growthPerHour?: GrowthPerHour;
  /** Cycles at the start that were left out as warm-up. */
  readonly droppedCycles: number;
  /** Every cycle, the dropped ones included. */
  readonly points: readonly LeakPoint[];
}

export const leakDefaults: {
  readonly cycles: number;
  readonly minimumBytesPerCycle: number;
  readonly confidence: number;
  readonly scope: MemoryScope;
} = { cycles: 40, minimumBytesPerCycle: 1024, confidence: 0.99, scope: "isolate" };

/** Fewer leave a tail too short to tell a slope from noise. */
const MINIMUM_CYCLES = 12;

/**
 * Runs the cycles, forces a collection after each, and asks whether memory grows.
 *
 * @throws MettleError `OPTIONS_INVALID`, `MEMORY_GC_UNAVAILABLE`; whatever `cycle` throws; the reason of `signal`
 */
export async function measureLeak(options: MeasureLeakOptions): Promise<LeakFinding> {
  const { cycles, scope } = { ...leakDefaults, ...options };
  resolveLeakOptions(options);
  if (!(Number.isInteger(cycles) && cycles >= MINIMUM_CYCLES)) {
    throw coreErrors.create("OPTIONS_INVALID", `cycles must be ${MINIMUM_CYCLES} or more, got ${cycles}.`, {
      details: { cycles },
    });
  }
  const clock = options.clock ?? systemClock;
  // Sized before the first reading: a list that grew along with the cycles would be a leak of our own.
  const bytes = new Float64Array(cycles);
  const times = new Float64Array(cycles);
  for (let cycle = 0; cycle < cycles; cycle++) {
    options.signal?.throwIfAborted();
    const startedAt = clock.now();
    await options.cycle(cycle);
    times[cycle] = clock.now() - startedAt;
    await collectGarbage();
    bytes[cycle] = readMemory()[scope];
    options.onProgress?.(cycle + 1, cycles);
  }
  const points = Array.from(bytes, (size, cycle) => ({ cycle, bytes: size, cycleNs: ns(times[cycle] ?? Number.NaN) }));
  return findLeak(points, options);
}

/**
 * Whether memory grows from cycle to cycle. The slope is by least squares over the cycles after warm-up, its t interval
 * widened for the residuals' lag-1 correlation.
 *
 * @param points - in the order of the cycles, at least 12
 * @throws MettleError `MEMORY_POINTS_TOO_FEW`, `OPTIONS_INVALID`
 */
export function findLeak(points: readonly LeakPoint[], options: LeakOptions = {}): LeakFinding {
  const { minimumBytesPerCycle, confidence } = resolveLeakOptions(options);
  if (points.length < MINIMUM_CYCLES) throw tooFew(points.length);
  const droppedCycles = warmupLength(points.map(({ bytes }) => bytes));
  const kept = points.slice(droppedCycles);
  const cycles = kept.map(({ cycle }) => cycle);
  if (new Set(cycles).size < 2) throw tooFew(new Set(cycles).size);
  const sizes = kept.map(({ bytes }) => bytes);
  const fit = linearTrend(cycles, sizes);
  const residuals = sizes.map((size, i) => size - fit.intercept - fit.slope * (cycles[i] ?? Number.NaN));
  const margin = slopeMargin(fit, residuals, confidence);
  const slope = fit.slope;
  const growthPerHour = perHour(slope, margin, kept, confidence);
  return {
    outcome: outcomeOf(slope, margin, minimumBytesPerCycle),
    slopeBytesPerCycle: slope,
    low: slope - margin,
    high: slope + margin,
    confidence,
    minimumBytesPerCycle,
    ...(growthPerHour ? { growthPerHour } : {}),
    droppedCycles,
    points,
  };
}

function resolveLeakOptions(options: LeakOptions): Required<LeakOptions> {
  const { minimumBytesPerCycle, confidence } = { ...leakDefaults, ...options };
  if (!(confidence > 0 && confidence < 1 && minimumBytesPerCycle >= 0)) {
    throw coreErrors.create("OPTIONS_INVALID", "Leak: confidence must be in (0, 1), minimumBytesPerCycle 0 or more.", {
      details: { confidence, minimumBytesPerCycle },
    });
  }
  return { minimumBytesPerCycle, confidence };
}

const tooFew = (count: number): Error =>
  benchLabErrors.create("MEMORY_POINTS_TOO_FEW", `${count} cycles cannot show a leak; ${MINIMUM_CYCLES} can.`);

function outcomeOf(slope: number, margin: number, minimum: number): LeakFinding["outcome"] {
  if (slope - margin > 0 && slope > minimum) return "leak";
  return slope + margin <= minimum ? "none" : "undecided";
}

/** The smallest difference a heap can show: with it, a perfectly straight series has no infinite likelihood. */
const HEAP_STEP_BYTES = 16;

/**
 * Cycles at the start to leave out: always a tenth (code is compiled, caches fill), and up to half where two separate
 * lines, before and after that cycle, describe the series better than one by the Bayesian information criterion. So a
 * cache that fills and then stops is no leak, and one that still fills at the end is.
 */
export function warmupLength(bytes: readonly number[]): number {
  const n = bytes.length;
  const least = Math.ceil(n / 10);
  const series = bytes.slice(least);
  const cycles = series.map((_, i) => i);
  const squares = (from: number, to: number): number => {
    const count = to - from;
    // A line goes through one or two points without a rest.
    if (count < 3) return 0;
    return linearTrend(cycles.slice(from, to), series.slice(from, to)).residualDeviation ** 2 * (count - 2);
  };
  const criterion = (squared: number, parameters: number): number =>
    series.length * Math.log(squared / series.length + HEAP_STEP_BYTES ** 2) + parameters * Math.log(series.length);
  let best = { drop: 0, value: criterion(squares(0, series.length), 2) };
  for (let drop = 1; drop + least <= n / 2; drop++) {
    // Five parameters: two lines and where they part.
    const value = criterion(squares(0, drop) + squares(drop, series.length), 5);
    if (value < best.value) best = { drop, value };
  }
  return least + best.drop;
}

/**
 * With fewer, t's quantile explodes (64 at one) and a heap that grows by a few steps would say nothing. The price is that
 * strongly correlated noise is taken for a trend more often; tests hold how often.
 */
const LEAST_DEGREES_OF_FREEDOM = 3;

/** Half the interval's width. Correlated residuals are worth fewer cycles: n (1 − r) / (1 + r), for r above 0. */
function slopeMargin(fit: LinearTrend, residuals: readonly number[], confidence: number): number {
  const r = Math.min(0.9, Math.max(0, lag1(residuals)));
  const worth = (1 - r) / (1 + r);
  const degreesOfFreedom = Math.max(LEAST_DEGREES_OF_FREEDOM, fit.count * worth - 2);
  const standardError = fit.standardError * Math.sqrt(Math.max(1 / worth, (fit.count - 2) / degreesOfFreedom));
  return studentTCritical(confidence, degreesOfFreedom) * standardError;
}

function lag1(residuals: readonly number[]): number {
  let product = 0;
  let square = 0;
  for (const [i, residual] of residuals.entries()) {
    square += residual ** 2;
    product += residual * (residuals[i + 1] ?? 0);
  }
  // Fitting a line biases the estimate down by about (1 + 4 r) / n (Kendall & Stuart on residuals of a trend).
  const n = residuals.length;
  return square > 0 ? (product / square) * (1 + 4 / n) + 1 / n : 0;
}

const HOUR_NS = 3600e9;

/** Slope over mean cycle time; the relative errors of both added in quadrature (first-order propagation). */
function perHour(
  slope: number,
  margin: number,
  kept: readonly LeakPoint[],
  confidence: number,
): GrowthPerHour | undefined {
  const times = kept.map(({ cycleNs }) => cycleNs);
  const meanNs = times.reduce((sum, time) => sum + time, 0) / times.length;
  if (!(meanNs > 0)) return undefined;
  const variance = times.reduce((sum, time) => sum + (time - meanNs) ** 2, 0) / (times.length - 1);
  const timeMargin = studentTCritical(confidence, times.length - 1) * Math.sqrt(variance / times.length);
  const perHourFactor = HOUR_NS / meanNs;
  const half = perHourFactor * Math.hypot(margin, (slope * timeMargin) / meanNs);
  const bytesPerHour = slope * perHourFactor;
  return { bytesPerHour, low: bytesPerHour - half, high: bytesPerHour + half, confidence };
}
