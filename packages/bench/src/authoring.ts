// What a benchmark file imports; kept apart from the runner, so that a measuring process loads little.
export {
  afterAll,
  type BenchFunction,
  beforeAll,
  bench,
  leak,
  measure,
  memoryPerThing,
  type SuiteFunction,
  suite,
  suite as describe,
} from "./bench.ts";
export type {
  BenchBody,
  BenchContext,
  CaseOptions,
  Hook,
  LeakCaseOptions,
  Parameters,
  ParameterValue,
  PerThingOptions,
  RecordBody,
  RecordOptions,
  SuiteOptions,
} from "./definition.ts";
export { Bench } from "./compat/tinybench.ts";
