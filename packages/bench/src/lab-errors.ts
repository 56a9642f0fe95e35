import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type BenchLabErrorCode =
  | "MEMORY_GC_UNAVAILABLE"
  | "MEMORY_POINTS_TOO_FEW"
  | "PROFILE_EMPTY"
  | "PROFILE_FAILED"
  | "REVISION_INVALID"
  | "REVISION_UNKNOWN"
  | "REVISION_NOT_A_REPOSITORY"
  | "REVISION_FOLDER_MISSING"
  | "REVISION_PACKAGE_MISSING"
  | "REVISION_OVERLAY_INVALID"
  | "REVISION_CACHE_UNSAFE"
  | "REVISION_GIT_FAILED"
  | "REVISION_BUILD_FAILED"
  | "REVISION_INTERRUPTED";

/** Errors of memory measuring, profiling and other revisions. */
export const benchLabErrors: ErrorCatalogue<BenchLabErrorCode> = defineErrors({
  MEMORY_GC_UNAVAILABLE: {
    next: "Run with the node flag --expose-gc.",
    exitCode: exitCodes.invalidMeasurement,
  },
  MEMORY_POINTS_TOO_FEW: {
    next: "Give at least two different counts and three points, or more cycles.",
    exitCode: exitCodes.usage,
  },
  PROFILE_EMPTY: {
    next: "Let the profiled function run longer, or sample at a shorter interval.",
    exitCode: exitCodes.invalidMeasurement,
  },
  PROFILE_FAILED: {
    next: "Run the benchmark with `mettle bench` first: it says what is wrong with it.",
    exitCode: exitCodes.invalidMeasurement,
  },
  REVISION_INVALID: {
    next: "Name a branch, a tag or a commit, such as main, v1.2.0 or HEAD~1.",
    exitCode: exitCodes.usage,
  },
  REVISION_UNKNOWN: {
    next: "Check the name with `git rev-parse`, or fetch it first.",
    exitCode: exitCodes.usage,
  },
  REVISION_NOT_A_REPOSITORY: {
    next: "Run inside a git repository, or compare with a folder instead of a revision.",
    exitCode: exitCodes.usage,
  },
  REVISION_FOLDER_MISSING: { next: "Name a folder that exists.", exitCode: exitCodes.usage },
  REVISION_PACKAGE_MISSING: {
    next: "Choose a revision in which this folder exists.",
    exitCode: exitCodes.usage,
  },
  REVISION_OVERLAY_INVALID: {
    next: "Name existing files or folders inside the repository, relative to the current folder.",
    exitCode: exitCodes.usage,
  },
  REVISION_CACHE_UNSAFE: {
    next: "Choose a cache folder of your own, outside the repository and outside any node_modules.",
    exitCode: exitCodes.usage,
  },
  REVISION_GIT_FAILED: { next: "Run the git command that the message shows by hand.", exitCode: exitCodes.internal },
  REVISION_BUILD_FAILED: {
    next: "Read the log file, or set the install and build commands for other revisions in the configuration.",
    exitCode: exitCodes.invalidMeasurement,
  },
  REVISION_INTERRUPTED: { next: "Run it again when you are ready.", exitCode: exitCodes.interrupted, retryable: true },
});
