export { type BootstrapInterval, type BootstrapOptions, bootstrapInterval } from "./bootstrap.ts";
export {
  chiSquaredCdf,
  chiSquaredQuantile,
  chiSquaredSurvival,
  fCdf,
  fQuantile,
  fSurvival,
  normalCdf,
  normalDensity,
  normalQuantile,
  normalSurvival,
  studentTCdf,
  studentTCritical,
  studentTQuantile,
  studentTSurvival,
} from "./distributions.ts";
export { type StatsErrorCode, statsErrors } from "./errors.ts";
export { Histogram } from "./histogram.ts";
export type { EncodedHistogram } from "./histogram-codec.ts";
export { type HistogramOptions, histogramDefaults } from "./histogram-options.ts";
export { type HodgesLehmannInterval, hodgesLehmann, hodgesLehmannShift } from "./hodges-lehmann.ts";
export { type KolmogorovSmirnovResult, kolmogorovSmirnovTest } from "./kolmogorov-smirnov.ts";
export { benjaminiHochberg } from "./multiple-testing.ts";
export { type LabelledOutliers, labelOutliers, type OutlierLabel } from "./outliers.ts";
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
export { type MannWhitneyResult, mannWhitneyTest, type WilcoxonResult, wilcoxonSignedRankTest } from "./rank-tests.ts";
export {
  type AlphaSpending,
  crossingProbabilities,
  type SequentialBoundaries,
  type SequentialOptions,
  sequentialBoundaries,
} from "./sequential.ts";
export { type SignFlipOptions, type SignFlipResult, signFlipTest } from "./sign-flip.ts";
export { type SampleSummary, summarize, summaryPercentiles } from "./summary.ts";
export { wilsonInterval } from "./proportion.ts";
export { pairedTInterval, type TInterval, tInterval, welchInterval } from "./t-interval.ts";
export { autocorrelation, effectiveSampleSize, lagOneAutocorrelation } from "./autocorrelation.ts";
export {
  type ChangePoint,
  type ChangePointOptions,
  type ChangePoints,
  changePointDefaults,
  changePoints,
  type Segment,
} from "./change-points.ts";
export {
  type Complexity,
  type ComplexityModel,
  type ComplexityOptions,
  fitComplexity,
  type Growth,
  growths,
} from "./complexity.ts";
export { type EDivisiveChange, type EDivisiveOptions, eDivisive } from "./e-divisive.ts";
export {
  type LinearTrend,
  type LinearTrendOptions,
  linearTrend,
  type Projection,
  projection,
} from "./least-squares.ts";
export { type MannKendall, type MannKendallOptions, mannKendall } from "./mann-kendall.ts";
export { type PeltOptions, pelt } from "./pelt.ts";
export {
  type Estimate,
  fitScalability,
  type Peak,
  type Scalability,
  type ScalabilityOptions,
  throughputAt,
} from "./scalability.ts";
export { type Steady, type SteadyOptions, steadyDefaults, steadyFrom } from "./steady.ts";
export { type TheilSen, type TheilSenOptions, theilSen } from "./theil-sen.ts";
export { processTrim, type TrimmedInterval, trimmedInterval } from "./trimmed-interval.ts";
