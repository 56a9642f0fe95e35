import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type BenchErrorCode =
  | "BENCH_DEFINITION_INVALID"
  | "BENCH_OPTIONS_INVALID"
  | "BENCH_NOTHING_FOUND"
  | "BENCH_FILE_FAILED"
  | "BENCH_BODY_FAILED"
  | "BENCH_TIMEOUT"
  | "BENCH_PROCESS_DIED"
  | "BENCH_OUT_OF_MEMORY"
  | "BENCH_BODY_REMOVED"
  | "BENCH_LEFT_RUNNING"
  | "BENCH_RATIO_UNMEASURED"
  | "BENCH_RELAY_UNSUPPORTED";

export const benchErrors: ErrorCatalogue<BenchErrorCode> = defineErrors({
  BENCH_DEFINITION_INVALID: { next: "Correct the benchmark that the message names.", exitCode: exitCodes.usage },
  BENCH_OPTIONS_INVALID: { next: "Correct the options that the message names.", exitCode: exitCodes.usage },
  BENCH_NOTHING_FOUND: {
    next: "Name a benchmark file, or put one where the pattern finds it: **/*.bench.ts.",
    exitCode: exitCodes.usage,
  },
  BENCH_FILE_FAILED: {
    next: "Run the file with node alone: it must load without an error before it can be measured.",
    exitCode: exitCodes.usage,
  },
  BENCH_BODY_FAILED: {
    next: "Make the body succeed every time; a benchmark of a failing call measures the failure.",
    exitCode: exitCodes.invalidMeasurement,
  },
  BENCH_TIMEOUT: {
    next: "Make the body settle, or allow it longer with the timeoutMs option of the case.",
    exitCode: exitCodes.invalidMeasurement,
  },
  BENCH_PROCESS_DIED: {
    next: "Find out what ends the process: a body must not.",
    exitCode: exitCodes.invalidMeasurement,
  },
  BENCH_OUT_OF_MEMORY: {
    next: "Release what an iteration made, or give the process more with nodeFlags: ['--max-old-space-size=…'].",
    exitCode: exitCodes.invalidMeasurement,
  },
  BENCH_BODY_REMOVED: {
    next: "Return a value that depends on the work, and let the work depend on something that changes from call to call.",
    exitCode: exitCodes.invalidMeasurement,
  },
  BENCH_LEFT_RUNNING: {
    next: "Clear what the benchmark began, in its body, in teardown or in afterAll; unref() a timer that may stay.",
    exitCode: exitCodes.invalidMeasurement,
  },
  BENCH_RATIO_UNMEASURED: {
    next: "Do more work in one call, so that it takes some nanoseconds in both builds.",
    exitCode: exitCodes.invalidMeasurement,
  },
  BENCH_RELAY_UNSUPPORTED: {
    next: "Compare two builds on Linux or macOS (under Windows: in WSL); suites can be compared anywhere.",
    exitCode: exitCodes.usage,
  },
});
