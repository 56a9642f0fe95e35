export { type StatsErrorCode, statsErrors } from "./errors.ts";
export { Histogram, type HistogramOptions, histogramDefaults } from "./histogram.ts";
export type { EncodedHistogram } from "./histogram-codec.ts";
export {
  median,
  medianAbsoluteDeviation,
  medianSorted,
  nearestRank,
  normalConsistency,
  type QuantileMethod,
  quantile,
  quantileSorted,
} from "./quantile.ts";
export { type SampleSummary, summarize, summaryPercentiles } from "./summary.ts";
