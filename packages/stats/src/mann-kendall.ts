import { autocorrelation, lagOneAutocorrelation } from "./autocorrelation.ts";
import { normalQuantile, normalTwoSided } from "./distributions.ts";
import { requireArgument, requireSamples } from "./samples.ts";
import { theilSen } from "./theil-sen.ts";

export interface MannKendallOptions {
  /**
   * How autocorrelation is allowed for. `pre-whitening`: a significant lag-1 correlation is taken out first, x[t] −
   * r·x[t−1] (von Storch 1995), which keeps the level of the test and costs some power. `hamed-rao`: the variance is
   * enlarged (Hamed & Rao, Journal of Hydrology 1998); liberal: at AR(1) 0.5 and 100 values about one trendless series
   * in five is flagged at 5 %. `none`: values are independent. @defaultValue "pre-whitening"
   */
  readonly correction?: "none" | "hamed-rao" | "pre-whitening";
}

export interface MannKendall {
  /** Pairs that rise less pairs that fall. */
  readonly s: number;
  /** Of s, ties and (where asked) autocorrelation included. */
  readonly variance: number;
  /** Standardized with a continuity correction of 1. */
  readonly z: number;
  /** Two-sided. */
  readonly pValue: number;
  /** Kendall's τ-a: s over the number of pairs, −1 … 1. */
  readonly tau: number;
}

/**
 * Does a series rise or fall, by any monotonic path? Mann–Kendall test with tie correction.
 *
 * Under `hamed-rao` the variance is multiplied by n/n*, from the autocorrelation of the ranks of the values about
 * their Theil–Sen line, lags significant at 5 % only; negative ones shrink it. O(n²).
 *
 * @param series - equally spaced in time, three or more; not modified
 * @throws MettleError `STATS_TOO_FEW_SAMPLES`, `STATS_SAMPLE_INVALID`, `STATS_ARGUMENT_INVALID`
 */
export function mannKendall(series: ArrayLike<number>, options: MannKendallOptions = {}): MannKendall {
  const { correction = "pre-whitening" } = options;
  requireArgument(
    corrections.includes(correction),
    `correction must be one of ${corrections.join(", ")}, got ${correction as string}.`,
  );
  requireSamples(series, 3, "Mann–Kendall test");
  const values = correction === "pre-whitening" ? preWhitened(series) : series;
  const n = values.length;
  let s = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) s += Math.sign((values[j] as number) - (values[i] as number));
  }
  const independent = (n * (n - 1) * (2 * n + 5) - tieTerm(values)) / 18;
  const variance = correction === "hamed-rao" ? independent * varianceFactor(values) : independent;
  const z = variance > 0 ? (s - Math.sign(s)) / Math.sqrt(variance) : 0;
  return { s, variance, z, pValue: normalTwoSided(z), tau: s / ((n * (n - 1)) / 2) };
}

const corrections: readonly string[] = ["none", "hamed-rao", "pre-whitening"];

/** The innovations of an AR(1) with the series' lag-1 correlation, where that is significant at 5 %. */
function preWhitened(series: ArrayLike<number>): ArrayLike<number> {
  const n = series.length;
  const r = lagOneAutocorrelation(series);
  // Four values at least, so that three innovations remain.
  if (n < 4 || !(Math.abs(r) > normalQuantile(0.975) / Math.sqrt(n))) return series;
  return Float64Array.from({ length: n - 1 }, (_, i) => (series[i + 1] as number) - r * (series[i] as number));
}

function tieTerm(values: ArrayLike<number>): number {
  const groups = new Map<number, number>();
  // Adding 0 makes −0 and 0 one key.
  for (let i = 0; i < values.length; i++) {
    const key = (values[i] as number) + 0;
    groups.set(key, (groups.get(key) ?? 0) + 1);
  }
  let term = 0;
  for (const t of groups.values()) term += t * (t - 1) * (2 * t + 5);
  return term;
}

/** n/n* of Hamed & Rao: 1 + 2 / (n(n−1)(n−2)) · Σ (n−k)(n−k−1)(n−k−2) ρ(k). */
function varianceFactor(values: ArrayLike<number>): number {
  const n = values.length;
  const at = Float64Array.from({ length: n }, (_, i) => i);
  const { slope } = theilSen(at, values);
  const ranks = averageRanks(Float64Array.from({ length: n }, (_, i) => (values[i] as number) - slope * i));
  const rho = autocorrelation(ranks, n - 1);
  const significant = normalQuantile(0.975) / Math.sqrt(n);
  let sum = 0;
  for (let k = 1; k < n; k++) {
    const correlation = rho[k] as number;
    if (Math.abs(correlation) > significant) sum += (n - k) * (n - k - 1) * (n - k - 2) * correlation;
  }
  const factor = 1 + (2 / (n * (n - 1) * (n - 2))) * sum;
  // Strong alternation can drive the estimate to zero or below, where it means nothing: such noise is not a trend's.
  return factor > 0 ? factor : 1;
}

/** Ranks from 1, equal values sharing their mean rank. */
function averageRanks(values: Float64Array): Float64Array {
  const order = Array.from(values.keys()).sort((a, b) => (values[a] as number) - (values[b] as number));
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to] as number] === values[order[from] as number]) to++;
    for (let i = from; i < to; i++) ranks[order[i] as number] = (from + to + 1) / 2;
    from = to;
  }
  return ranks;
}
