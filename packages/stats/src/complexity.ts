import { studentTCritical } from "./distributions.ts";
import { linearTrend } from "./least-squares.ts";
import { requireArgument, requireConfidence } from "./samples.ts";
import { type Estimate, requirePositivePairs } from "./scalability.ts";

/** From the slowest growth to the fastest. */
export const growths = ["1", "log n", "n", "n log n", "n^2"] as const;
export type Growth = (typeof growths)[number];

const growthFunctions: Readonly<Record<Exclude<Growth, "1">, (n: number) => number>> = {
  "log n": Math.log,
  n: (n) => n,
  "n log n": (n) => n * Math.log(n),
  "n^2": (n) => n * n,
};

export interface ComplexityOptions {
  /**
   * `relative`: errors in proportion to the value, as times over a wide range of sizes have them. `equal`: errors of
   * one size. @defaultValue "relative"
   */
  readonly errors?: "relative" | "equal";
  /** Coverage of the intervals. @defaultValue 0.95 */
  readonly confidence?: number;
}

/** cost = base + coefficient · growth(n), logarithms natural. */
export interface ComplexityModel {
  readonly growth: Growth;
  readonly base: number;
  /** Absent for growth `1`. */
  readonly coefficient?: Estimate;
  /** Akaike's criterion with the small-sample term (Hurvich & Tsai 1989); only differences mean anything. */
  readonly aicc: number;
  /** Akaike weight, 0 … 1: how much of the evidence is for this model among those fitted. */
  readonly weight: number;
}

export interface Complexity {
  readonly best: ComplexityModel;
  /** Best first. A growth that would need a negative coefficient is left out. */
  readonly models: readonly ComplexityModel[];
  /** cost = factor · n^exponent by least squares on logarithms: needs no choice, and has no base cost. */
  readonly powerLaw: { readonly factor: number; readonly exponent: Estimate };
}

/**
 * How a cost grows with size: fits base + coefficient · g(n) for g = 1, log n, n, n log n, n² and orders them by AICc.
 * Look at `weight` before believing the best: log n and n log n need sizes over two or three decades to be told from
 * their neighbours.
 *
 * @param sizes - above 0, at least three different
 * @param costs - above 0, as many
 * @throws MettleError `STATS_TOO_FEW_SAMPLES` for fewer than 5 points, `STATS_SAMPLE_INVALID`, `STATS_ARGUMENT_INVALID`
 */
export function fitComplexity(
  sizes: ArrayLike<number>,
  costs: ArrayLike<number>,
  options: ComplexityOptions = {},
): Complexity {
  const { errors = "relative", confidence = 0.95 } = options;
  requireConfidence(confidence);
  requireArgument(
    errors === "relative" || errors === "equal",
    `errors must be relative or equal, got ${errors as string}.`,
  );
  requirePositivePairs(sizes, costs, 5, "Complexity fit");
  const n = Array.from(sizes);
  const y = Array.from(costs);
  requireArgument(new Set(n).size >= 3, "A complexity fit needs at least three different sizes.");
  const weights = y.map((value) => (errors === "relative" ? 1 / (value * value) : 1));
  const fitted = growths
    .map((growth) => fitGrowth(growth, { n, y, weights }, confidence))
    .filter((model) => model.coefficient === undefined || model.coefficient.value > 0);
  const least = Math.min(...fitted.map((model) => model.aicc));
  const likelihoods = fitted.map((model) => Math.exp((least - model.aicc) / 2));
  const total = likelihoods.reduce((sum, value) => sum + value, 0);
  const models = fitted
    .map((model, i) => ({ ...model, weight: (likelihoods[i] as number) / total }))
    // Stable: of equally good models the slower growth stays first.
    .sort((a, b) => a.aicc - b.aicc);
  const line = linearTrend(n.map(Math.log), y.map(Math.log), { confidence });
  return {
    best: models[0] as ComplexityModel,
    models,
    powerLaw: { factor: Math.exp(line.intercept), exponent: { value: line.slope, low: line.low, high: line.high } },
  };
}

interface WeightedData {
  readonly n: readonly number[];
  readonly y: readonly number[];
  readonly weights: readonly number[];
}

function fitGrowth(growth: Growth, data: WeightedData, confidence: number): Omit<ComplexityModel, "weight"> {
  const { n, y, weights } = data;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const meanOf = (values: readonly number[]): number =>
    values.reduce((sum, value, i) => sum + (weights[i] as number) * value, 0) / total;
  const meanY = meanOf(y);
  if (growth === "1") {
    const squares = y.reduce((sum, value, i) => sum + (weights[i] as number) * (value - meanY) ** 2, 0);
    return { growth, base: meanY, aicc: aiccOf(squares, data, 1) };
  }
  const g = n.map(growthFunctions[growth]);
  const meanG = meanOf(g);
  let [gg, gy] = [0, 0];
  for (let i = 0; i < g.length; i++) {
    const distance = (g[i] as number) - meanG;
    gg += (weights[i] as number) * distance * distance;
    gy += (weights[i] as number) * distance * ((y[i] as number) - meanY);
  }
  const slope = gy / gg;
  const base = meanY - slope * meanG;
  const squares = y.reduce(
    (sum, value, i) => sum + (weights[i] as number) * (value - meanY - slope * ((g[i] as number) - meanG)) ** 2,
    0,
  );
  const half = studentTCritical(confidence, y.length - 2) * Math.sqrt(squares / (y.length - 2) / gg);
  const coefficient = { value: slope, low: slope - half, high: slope + half };
  return { growth, base, coefficient, aicc: aiccOf(squares, data, 2) };
}

/**
 * n ln(RSS / n) + 2k + 2k(k + 1) / (n − k − 1), where k counts the coefficients and the error's variance. Residuals
 * below 1e-12 of the values are rounding and count as that.
 */
function aiccOf(squares: number, { y, weights }: WeightedData, coefficients: number): number {
  const count = y.length;
  const size = y.reduce((sum, value, i) => sum + (weights[i] as number) * value * value, 0);
  const k = coefficients + 1;
  return count * Math.log(Math.max(squares, 1e-24 * size) / count) + 2 * k + (2 * k * (k + 1)) / (count - k - 1);
}
