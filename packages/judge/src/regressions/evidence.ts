import { formatChange } from "@mettle/core";
import { type Comparison, histogramQuantile, type Measurement, type Run } from "@mettle/results";
import { processTrim, trimmedInterval, normalQuantile, normalSurvival, studentTSurvival } from "@mettle/stats";
import { formatStatistic, isKept, type Statistic } from "../statistic.ts";

/** Where a ratio and its uncertainty come from, best first. */
export type EvidenceSource = "paired" | "counted" | "intervals" | "histograms" | "moments" | "bare";

/** current / baseline, with as much about its uncertainty as the documents allow. */
export interface RatioEvidence {
  readonly source: EvidenceSource;
  readonly ratio: number;
  readonly low?: number;
  readonly high?: number;
  readonly confidence?: number;
  /** Two-sided, that the ratio is 1. */
  readonly pValue?: number;
  /** In words, for the reader. */
  readonly notes: readonly string[];
}

/**
 * The statistic that stands for a measurement in comparisons. Benchmarks: the median, which a few interrupted samples
 * don't move. Everything else: p95, then mean, then value (S4-119), and last what counters and rates have.
 */
export function comparedStatistic(measurement: Measurement, kind: Run["kind"]): Statistic | undefined {
  const p95: Statistic = { kind: "percentile", percentile: 95 };
  const bench: readonly Statistic[] = [{ kind: "median" }, { kind: "mean" }, { kind: "value" }];
  const other: readonly Statistic[] = [p95, { kind: "mean" }, { kind: "value" }];
  const candidates: readonly Statistic[] = [...(kind === "bench" ? bench : other), { kind: "rate" }, { kind: "count" }];
  return candidates.find((statistic) => isKept(measurement, statistic));
}

/** Whether a comparison's interval is one of its ratio. Readers refuse any other; a run that was never read may hold one. */
export const isSound = ({ ratio, interval: { low, high } }: Comparison): boolean =>
  low > 0 && low <= ratio && ratio <= high && high < Number.POSITIVE_INFINITY;

/** The evidence of a paired comparison, which must be sound: interleaved runs, so what the machine did meanwhile hit both sides. */
export function pairedEvidence(comparison: Comparison): RatioEvidence {
  const { ratio, interval, pairs, selfCheck } = comparison;
  const pValue = pairedPValue(comparison);
  return {
    source: "paired",
    ratio,
    low: interval.low,
    high: interval.high,
    confidence: interval.confidence,
    ...(pValue === undefined ? {} : { pValue }),
    notes: [
      `${pairs} interleaved pairs, ${interval.method}`,
      ...(pValue === undefined ? ["too few pairs for a p-value"] : []),
      ...(selfCheck
        ? [
            `identical code showed ${formatChange(selfCheck.ratio - 1)}; this machine can find ${formatChange(selfCheck.detectable)}`,
          ]
        : []),
      ...(comparison.notes ?? []),
    ],
  };
}

/**
 * The p-value that shares the false discovery rate. The sign-flip p of n pairs is at least 2^(1 − n), too coarse to
 * survive among many comparisons however large the change, so it is the p of the trimmed t behind the interval. Where
 * the interval is wider than its stated confidence needs, the difference paid for looking several times at growing data,
 * and p pays by the same factor.
 */
function pairedPValue({ logRatios, interval, pValue }: Comparison): number | undefined {
  if (logRatios.length < 4) return pValue;
  const { estimate, standardError, degreesOfFreedom } = trimmedInterval(logRatios, processTrim, interval.confidence);
  if (!(standardError > 0)) return pValue;
  const twoSided = (t: number): number => 2 * studentTSurvival(Math.abs(t), degreesOfFreedom);
  const nominal = twoSided(Math.log(interval.high / interval.low) / 2 / standardError);
  const looking = Math.max(1, (1 - interval.confidence) / nominal);
  return Math.min(1, twoSided(estimate / standardError) * looking);
}

/**
 * The evidence of two separate runs. The ratio's interval is symmetric on the logarithm: log ratio ± z √(s₁² + s₂²),
 * where each side's s is the half-width of its own interval on the logarithm over that interval's z (delta method).
 *
 * @param values - of the chosen statistic, both above zero
 * @param confidence - of the resulting interval
 */
export function unpairedEvidence(
  current: Measurement,
  baseline: Measurement,
  statistic: Statistic,
  values: { readonly current: number; readonly baseline: number },
  confidence: number,
): RatioEvidence {
  const ratio = values.current / values.baseline;
  const counted = countedEvidence(current, baseline, values);
  if (counted) return counted;
  const sources: readonly [EvidenceSource, (side: Measurement) => number | undefined, string][] = [
    ["intervals", (side) => intervalError(side, statistic), "from the intervals of both runs"],
    ["histograms", (side) => histogramError(side, statistic), "from order statistics of both histograms"],
    ["moments", (side) => momentError(side, statistic), "from mean and standard deviation of both runs"],
  ];
  for (const [source, errorOf, note] of sources) {
    const errors = [errorOf(current), errorOf(baseline)];
    const [first, second] = errors;
    if (first === undefined || second === undefined) continue;
    const error = Math.hypot(first, second);
    const reach = Math.exp(normalCritical(confidence) * error);
    const z = error === 0 ? (ratio === 1 ? 0 : Number.POSITIVE_INFINITY) : Math.abs(Math.log(ratio)) / error;
    return {
      source,
      ratio,
      low: ratio / reach,
      high: ratio * reach,
      confidence,
      pValue: 2 * normalSurvival(z),
      notes: [
        `${formatStatistic(statistic)}, ${note}`,
        "the runs were not interleaved: what the machine did between them is not in the interval",
      ],
    };
  }
  return { source: "bare", ratio, notes: [`${formatStatistic(statistic)}, two figures without an interval`] };
}

/**
 * How well the bytes that an operation allocates are known: within half a percent of known allocations (an object of 40,
 * 48 or 56 bytes was counted within 0.03 %), and a fiftieth of a byte for what the harness and the program around it
 * allocate now and then (an operation that allocates nothing was counted as 0.000006 bytes).
 */
const countedShare = 0.005;
const countedBytes = 0.02;

/**
 * Bytes an operation that are not its own: what runs beside it (a timer, feedback of the compiler) was counted as up to
 * 0.1 byte, and V8 makes no object of less than 12. A difference of less is none.
 */
export const countedFloor = 0.5;

/** A single value that was counted over several windows, as the benchmark runner reports bytes: not a sample of times. */
export const isCounted = ({ unit, interval }: Measurement): boolean => unit === "bytes" && interval?.of === "value";

/** How far a counted value may be off, in bytes: its stated precision, or its windows where they spread more. */
export function countedReach({ interval }: Measurement, value: number): number {
  const spread = interval ? Math.max(interval.high - value, value - interval.low) : 0;
  return Math.max(value * countedShare + countedBytes, spread);
}

/**
 * Counts do not vary as times do: what is left is their stated precision, so the ratio lies surely between the extremes.
 * No p-value, hence no share in the false discovery rate.
 *
 * @returns undefined unless both are counts, of more than their precision
 */
function countedEvidence(
  current: Measurement,
  baseline: Measurement,
  values: { readonly current: number; readonly baseline: number },
): RatioEvidence | undefined {
  if (!isCounted(current) || !isCounted(baseline)) return undefined;
  const [reach, before] = [countedReach(current, values.current), countedReach(baseline, values.baseline)];
  if (values.baseline <= before) return undefined;
  return {
    source: "counted",
    ratio: values.current / values.baseline,
    low: Math.max(0, values.current - reach) / (values.baseline + before),
    high: (values.current + reach) / (values.baseline - before),
    notes: [`counted, each within ${countedShare * 100} % and ${countedBytes} bytes, or the spread of its windows`],
  };
}

/** The z with P(|Z| ≤ z) = confidence. */
function normalCritical(confidence: number): number {
  return normalQuantile((1 + confidence) / 2);
}

/** Standard error of the logarithm, from the measurement's own interval when it is of this statistic. */
function intervalError({ interval }: Measurement, statistic: Statistic): number | undefined {
  const of = interval?.of === "median" || interval?.of === "mean" || interval?.of === "value" ? interval.of : undefined;
  if (!interval || of !== statistic.kind || !(interval.low > 0)) return undefined;
  return Math.log(interval.high / interval.low) / (2 * normalCritical(interval.confidence));
}

/**
 * Standard error of the logarithm of a quantile, distribution-free: the values at the ranks n q ± z √(n q (1 − q)).
 *
 * @see Conover, Practical Nonparametric Statistics (1999), section 3.2
 */
function histogramError({ histogram, summary }: Measurement, statistic: Statistic): number | undefined {
  const quantile =
    statistic.kind === "median" ? 0.5 : statistic.kind === "percentile" ? statistic.percentile / 100 : undefined;
  if (!histogram || quantile === undefined || quantile <= 0 || quantile >= 1) return undefined;
  const reach = normalCritical(0.99) * Math.sqrt((quantile * (1 - quantile)) / summary.count);
  // Past the last rank there is no upper limit to be had from the samples.
  if (quantile - reach <= 0 || quantile + reach >= 1) return undefined;
  const low = histogramQuantile(histogram, quantile - reach);
  const high = histogramQuantile(histogram, quantile + reach);
  if (low === undefined || high === undefined || !(low > 0)) return undefined;
  // Both ranks in one bucket does not mean no error: a bucket is 2^−bits wide.
  return Math.max(Math.log(high / low), 2 ** -histogram.bits) / (2 * normalCritical(0.99));
}

/** Standard error of the logarithm of a mean: s / (mean √n). */
function momentError({ summary }: Measurement, statistic: Statistic): number | undefined {
  const { mean, stddev, count } = summary;
  if (statistic.kind !== "mean" || mean === undefined || stddev === undefined || count < 2) return undefined;
  return mean > 0 ? stddev / (mean * Math.sqrt(count)) : undefined;
}
