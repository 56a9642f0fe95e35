export * from "./authoring.ts";
export { runBenchmarks, type BenchOptions, type BenchResult } from "./runner.ts";
