// What a benchmark file imports; kept apart from the runner, so that a measuring process loads little.
export { afterAll, beforeAll, bench, measure, suite } from "./bench.ts";
export { suite as describe } from "./bench.ts";
export type {
  BenchBody,
  BenchContext,
  CaseOptions,
  Hook,
  Parameters,
  ParameterValue,
  RecordBody,
  RecordOptions,
  SuiteOptions,
} from "./definition.ts";
export { Bench } from "./compat/tinybench.ts";
