import { statsErrors } from "./errors.ts";
import { studentTCritical } from "./distributions.ts";
import { dot, invertSymmetric } from "./internal-linear.ts";
import { requireArgument, requireConfidence, requireSamples } from "./samples.ts";

export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** X(N) = λN / (1 + σ(N − 1) + κN(N − 1)). */
export interface Scalability {
  /** Throughput of one: the slope at the start, in the throughput's unit. */
  readonly lambda: Estimate;
  /** Contention: the share of work that is serial, 0 … 1 in theory. */
  readonly sigma: Estimate;
  /** Coherency: the cost of each pair that must agree. Above 0, more load means less throughput past the peak. */
  readonly kappa: Estimate;
  /** Coverage of the intervals. */
  readonly confidence: number;
  /** Where throughput is greatest; absent when the fit has none (κ = 0, or σ ≥ 1). */
  readonly peak?: Peak;
  /** Standard deviation of the throughputs about the curve. */
  readonly residualDeviation: number;
}

export interface Peak {
  /** √((1 − σ) / κ). */
  readonly concurrency: number;
  /** Throughput of the curve there. */
  readonly throughput: number;
  /** Interval of the concurrency, by the delta method on its logarithm. Both absent when κ may be 0: no upper end. */
  readonly low?: number;
  readonly high?: number;
  /** True when the peak lies beyond the largest concurrency measured: an extrapolation. */
  readonly beyondData: boolean;
}

export interface ScalabilityOptions {
  /** Coverage of the intervals. @defaultValue 0.95 */
  readonly confidence?: number;
}

/**
 * Fits the Universal Scalability Law (Gunther, Guerrilla Capacity Planning, 2007) by least squares on the throughput,
 * σ and κ not negative. Intervals are Student's t on the linearized fit, cut at 0: with few points, or an estimate on
 * its bound, take them as a guide.
 *
 * @param concurrency - users, threads or nodes, above 0; at least three different
 * @param throughput - above 0, as many, in any one unit
 * @throws MettleError `STATS_TOO_FEW_SAMPLES` for fewer than 4 points, `STATS_SAMPLE_INVALID`,
 *   `STATS_ARGUMENT_INVALID` for values not above 0 or fewer than three different concurrencies
 */
export function fitScalability(
  concurrency: ArrayLike<number>,
  throughput: ArrayLike<number>,
  options: ScalabilityOptions = {},
): Scalability {
  const { confidence = 0.95 } = options;
  requireConfidence(confidence);
  requirePositivePairs(concurrency, throughput, 4, "Scalability fit");
  const data = { loads: Array.from(concurrency), throughputs: Array.from(throughput) };
  requireArgument(
    new Set(data.loads).size >= 3,
    "A scalability fit needs at least three different concurrencies: its curve has three parameters.",
  );
  const fit = bestFit(data);
  const degrees = data.loads.length - 3;
  const residualVariance = fit.squares / degrees;
  const covariance = covarianceOf(data.loads, fit.parameters, residualVariance);
  const critical = studentTCritical(confidence, degrees);
  const estimate = (index: 0 | 1 | 2): Estimate => {
    const value = fit.parameters[index];
    const half = critical * Math.sqrt(covariance[index]?.[index] as number);
    return { value, low: Math.max(0, value - half), high: value + half };
  };
  const kappa = estimate(2);
  const peak = peakOf(fit.parameters, kappa.low > 0 ? covariance : undefined, critical, Math.max(...data.loads));
  return {
    lambda: estimate(0),
    sigma: estimate(1),
    kappa,
    confidence,
    ...(peak && { peak }),
    residualDeviation: Math.sqrt(residualVariance),
  };
}

/** Throughput that a fitted law expects at `concurrency`. */
export function throughputAt(law: Scalability, concurrency: number): number {
  return uslThroughput([law.lambda.value, law.sigma.value, law.kappa.value], concurrency);
}

/** @throws MettleError as `fitScalability` promises */
export function requirePositivePairs(x: ArrayLike<number>, y: ArrayLike<number>, minimum: number, what: string): void {
  requireArgument(x.length === y.length, `${what}: ${x.length} sizes but ${y.length} values.`);
  for (const values of [x, y]) {
    requireSamples(values, minimum, what);
    for (let i = 0; i < values.length; i++) {
      requireArgument((values[i] as number) > 0, `${what}: value ${i} is ${values[i]}; all must be above 0.`, {
        index: i,
      });
    }
  }
}

type Parameters = readonly [lambda: number, sigma: number, kappa: number];

interface Data {
  readonly loads: readonly number[];
  readonly throughputs: readonly number[];
}

interface Fit {
  readonly parameters: Parameters;
  readonly squares: number;
}

function uslThroughput([lambda, sigma, kappa]: Parameters, load: number): number {
  return (lambda * load) / (1 + sigma * (load - 1) + kappa * load * (load - 1));
}

/** With two bounds the optimum lies inside or on one of three faces: each is fitted, the best allowed one wins. */
function bestFit(data: Data): Fit {
  let best: Fit | undefined;
  for (const free of [[1, 2], [1], [2], []] as const) {
    const fit = refine(data, [0, ...free], startingPoint(data, free));
    const allowed = fit.parameters[1] >= 0 && fit.parameters[2] >= 0 && fit.parameters[0] > 0;
    if (allowed && (!best || fit.squares < best.squares)) best = fit;
  }
  // λ alone is a positive mean of positive values, so the last face always stands.
  return best as Fit;
}

/**
 * λN / X is linear in N − 1 and N(N − 1), so ordinary least squares on N / X gives 1/λ, σ/λ and κ/λ. It weighs the
 * points otherwise than the fit does, but lands near it.
 */
function startingPoint({ loads, throughputs }: Data, free: readonly (1 | 2)[]): Parameters {
  const columns = [
    loads.map(() => 1),
    ...free.map((index) => loads.map((load) => (load - 1) * (index === 1 ? 1 : load))),
  ];
  const target = loads.map((load, i) => load / (throughputs[i] as number));
  const inverse = invertSymmetric(columns.map((left) => columns.map((right) => dot(left, right))));
  const moments = columns.map((column) => dot(column, target));
  const [first = 0, ...rest] = inverse?.map((row) => dot(row, moments)) ?? [];
  const parameters: [number, number, number] = [0, 0, 0];
  const usable = first > 0;
  free.forEach((index, i) => {
    parameters[index] = usable ? Math.max(0, (rest[i] as number) / first) : 0;
  });
  const shape = loads.map((load) => uslThroughput([1, parameters[1], parameters[2]], load));
  parameters[0] = dot(shape, throughputs) / dot(shape, shape);
  return parameters;
}

/** Levenberg–Marquardt on the free parameters, until a step changes nothing that double precision can tell. */
function refine(data: Data, free: readonly number[], start: Parameters): Fit {
  let fit = { parameters: start, squares: squaresOf(data, start) };
  let damping = 1e-3;
  for (let step = 0; step < 500 && damping < 1e16; step++) {
    const residuals = data.loads.map(
      (load, i) => (data.throughputs[i] as number) - uslThroughput(fit.parameters, load),
    );
    const columns = gradientColumns(data.loads, fit.parameters).filter((_, index) => free.includes(index));
    const normal = columns.map((left, i) => columns.map((right, j) => dot(left, right) * (i === j ? 1 + damping : 1)));
    const moments = columns.map((column) => dot(column, residuals));
    const inverse = invertSymmetric(normal);
    const change = inverse?.map((row) => dot(row, moments));
    const next = [...fit.parameters] as [number, number, number];
    free.forEach((index, i) => {
      next[index as 0 | 1 | 2] += change?.[i] ?? 0;
    });
    const squares = squaresOf(data, next);
    if (change && squares < fit.squares) {
      fit = { parameters: next, squares };
      damping = Math.max(damping / 10, 1e-15);
    } else damping *= 10;
  }
  return fit;
}

function squaresOf({ loads, throughputs }: Data, parameters: Parameters): number {
  let sum = 0;
  for (let i = 0; i < loads.length; i++) {
    const load = loads[i] as number;
    const value = uslThroughput(parameters, load);
    // A denominator through zero is no law of throughput.
    if (!(value > 0)) return Number.POSITIVE_INFINITY;
    sum += ((throughputs[i] as number) - value) ** 2;
  }
  return sum;
}

/** Derivatives of the curve by λ, σ and κ at each load. */
function gradientColumns(loads: readonly number[], parameters: Parameters): number[][] {
  const curve = loads.map((load) => uslThroughput(parameters, load));
  const lambda = parameters[0];
  return [
    curve.map((value) => value / lambda),
    curve.map((value, i) => (-value * value * ((loads[i] as number) - 1)) / (lambda * (loads[i] as number))),
    curve.map((value, i) => (-value * value * ((loads[i] as number) - 1)) / lambda),
  ];
}

function covarianceOf(loads: readonly number[], parameters: Parameters, residualVariance: number): number[][] {
  const columns = gradientColumns(loads, parameters);
  const inverse = invertSymmetric(columns.map((left) => columns.map((right) => dot(left, right))));
  if (!inverse) {
    throw statsErrors.create("STATS_ARGUMENT_INVALID", "The concurrencies lie too close together to tell σ from κ.");
  }
  return inverse.map((row) => row.map((value) => value * residualVariance));
}

function peakOf(
  parameters: Parameters,
  covariance: number[][] | undefined,
  critical: number,
  largest: number,
): Peak | undefined {
  const [, sigma, kappa] = parameters;
  if (!(kappa > 0) || sigma >= 1) return undefined;
  const concurrency = Math.sqrt((1 - sigma) / kappa);
  const peak = {
    concurrency,
    throughput: uslThroughput(parameters, concurrency),
    beyondData: concurrency > largest,
  };
  if (!covariance) return peak;
  const gradient = [0, -0.5 / (1 - sigma), -0.5 / kappa];
  const factor = Math.exp(
    critical *
      Math.sqrt(
        dot(
          gradient,
          covariance.map((row) => dot(row, gradient)),
        ),
      ),
  );
  return { ...peak, low: concurrency / factor, high: concurrency * factor };
}
