export { Baselines } from "./baselines.ts";
export { type EncodeOptions, decodeRun, encodeRun } from "./codec.ts";
export { contradictions } from "./consistency.ts";
export {
  type CaptureOptions,
  captureEnvironment,
  compareEnvironments,
  type EnvironmentComparison,
  type EnvironmentDifference,
  environmentFingerprint,
  type Machine,
} from "./environment.ts";
export { type ResultsErrorCode, resultsErrors } from "./errors.ts";
export { exportBencher, importBencher } from "./formats/bencher.ts";
export { makeFolder } from "./folder.ts";
export type { Exported, ImportOptions } from "./formats/foreign.ts";
export {
  exportGithubActionBenchmark,
  type GithubActionBenchmarkTool,
  importGithubActionBenchmark,
} from "./formats/github-action-benchmark.ts";
export type { AggregateOptions } from "./formats/k6-aggregate.ts";
export { exportK6Csv, importK6Csv, type K6CsvImportOptions } from "./formats/k6-csv.ts";
export { exportK6Json, importK6Json, type K6ImportOptions, k6ImportDefaults } from "./formats/k6-json.ts";
export type { K6Contents, K6Metric, K6Type } from "./formats/k6-metrics.ts";
export { type K6Export, type K6ExportOptions, k6ExportDefaults } from "./formats/k6-samples.ts";
export { importK6Summary } from "./formats/k6-summary.ts";
export { exportCsv, importCsv } from "./formats/long-csv.ts";
export { type Line, linesOf, type TextSource, textOf } from "./formats/text-lines.ts";
export type { Appended } from "./history/append.ts";
export {
  History,
  type HistoryOptions,
  historyDefaults,
  openHistory,
  type PruneOptions,
} from "./history/history.ts";
export type { MetricEntry, RunEntry, RunFilter, SeriesPoint, SeriesQuery } from "./history/query.ts";
export { histogramQuantile } from "./histogram-statistic.ts";
export type { JsonSchema } from "./json-schema.ts";
export { findMeasurements, type MeasurementName, measurementKey, parseMeasurementKey } from "./measurement-key.ts";
export { type NoiseProbeOptions, noiseProbeDefaults, probeNoise } from "./noise-probe.ts";
export type { Problem } from "./problem.ts";
export { currentRevision, type RevisionOptions } from "./revision.ts";
export {
  type Comparison,
  type ComparisonOutcome,
  comparisonOutcomes,
  type Direction,
  directions,
  type EncodedHistogram,
  type ErrorExample,
  type Environment,
  type Failure,
  type Imported,
  type Interval,
  type Measurement,
  type NoiseProbe,
  type OutlierCounts,
  type Profile,
  profiles,
  type RawBlocks,
  type Revision,
  type Run,
  type RunKind,
  runKinds,
  runSchema,
  type SelfCheck,
  type Series,
  type Side,
  type SlowestSample,
  type Summary,
  type SummaryStatistic,
  type Validity,
  validityStates,
} from "./run.ts";
export { type ReadRunOptions, readRun, readRunDefaults, type WriteRunOptions, writeRun } from "./run-file.ts";
export { runDocumentSchema } from "./schema.ts";
export {
  type Headline,
  headlineStatistic,
  parseStatistic,
  type StatisticName,
  statistic,
  statisticAliases,
  summaryStatistics,
} from "./statistic.ts";
export { type ReadText, readTextFile } from "./text-file.ts";
export { type CheckOptions, checkRun, schemaProblems } from "./validate.ts";
