// What configurations and benchmark files import. Benchmarks may import `@mettle/bench` just as well.
export {
  afterAll,
  type BenchBody,
  type BenchContext,
  beforeAll,
  bench,
  type CaseOptions,
  describe,
  measure,
  type RecordOptions,
  type SuiteOptions,
  suite,
} from "@mettle/bench";
export { type AgainstConfig, type BenchConfig, defineConfig, type MettleConfig } from "./config/define-config.ts";
