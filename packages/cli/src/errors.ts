import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type CliErrorCode =
  | "USAGE_COMMAND_UNKNOWN"
  | "USAGE_FLAG_UNKNOWN"
  | "USAGE_VALUE_INVALID"
  | "USAGE_ARGUMENT_MISSING"
  | "USAGE_ARGUMENT_SURPLUS"
  | "CONFIG_UNREADABLE"
  | "CONFIG_INVALID"
  | "POLICY_MISSING"
  | "RUN_NOT_FOUND"
  | "HISTORY_EMPTY"
  | "HISTORY_DAMAGED"
  | "OUTPUT_WRITE_FAILED"
  | "FILES_EXIST"
  | "PROFILE_CASE_AMBIGUOUS";

/** Errors of the command itself. */
export const cliErrors: ErrorCatalogue<CliErrorCode> = defineErrors({
  USAGE_COMMAND_UNKNOWN: { next: "See what there is with: mettle --help.", exitCode: exitCodes.usage },
  USAGE_FLAG_UNKNOWN: { next: "See what there is with: mettle COMMAND --help.", exitCode: exitCodes.usage },
  USAGE_VALUE_INVALID: { next: "Give the flag a value as its help describes it.", exitCode: exitCodes.usage },
  USAGE_ARGUMENT_MISSING: { next: "See an example with: mettle COMMAND --help.", exitCode: exitCodes.usage },
  USAGE_ARGUMENT_SURPLUS: { next: "See an example with: mettle COMMAND --help.", exitCode: exitCodes.usage },
  CONFIG_UNREADABLE: {
    next: "Run the file with node alone: it must load without an error and export its configuration as default.",
    exitCode: exitCodes.usage,
  },
  CONFIG_INVALID: { next: "Correct the configuration at the paths that the message names.", exitCode: exitCodes.usage },
  POLICY_MISSING: {
    next: 'Write one in mettle.config.ts, such as: export default defineConfig({ judge: { thresholds: { "parse.time": "p95 < 2ms" } } }); `mettle init` writes a first one.',
    exitCode: exitCodes.usage,
  },
  RUN_NOT_FOUND: {
    next: "Name a run file, a saved baseline (mettle baseline list) or the id of a run in the history (mettle history list).",
    exitCode: exitCodes.usage,
  },
  HISTORY_EMPTY: { next: "Measure first: mettle bench appends every run to the history.", exitCode: exitCodes.usage },
  HISTORY_DAMAGED: {
    next: "Move the file aside and start a new history, or restore a copy; run documents can be appended again.",
    exitCode: exitCodes.usage,
  },
  OUTPUT_WRITE_FAILED: {
    next: "Free some space, or choose another folder with --out.",
    exitCode: exitCodes.usage,
    retryable: true,
  },
  FILES_EXIST: {
    next: "Move the files aside, or overwrite them with: mettle init --force.",
    exitCode: exitCodes.usage,
  },
  PROFILE_CASE_AMBIGUOUS: {
    next: "Choose one benchmark with --filter and a part of its name that no other has.",
    exitCode: exitCodes.usage,
  },
});
