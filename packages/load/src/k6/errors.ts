import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type K6ErrorCode =
  | "K6_SCRIPT_UNREADABLE"
  | "K6_SYNTAX"
  | "K6_REFUSED"
  | "K6_MODULE_NOT_FOUND"
  | "K6_OVERLAP"
  | "K6_OPTIONS_INVALID"
  | "K6_FLAG_INVALID"
  | "K6_INIT_FAILED"
  | "K6_STAGE_FAILED"
  | "K6_CALL_INVALID"
  | "K6_ABORTED"
  | "K6_MARKED_FAILED";

export const k6Errors: ErrorCatalogue<K6ErrorCode> = defineErrors({
  K6_SCRIPT_UNREADABLE: { next: "Check the path and that you may read the file.", exitCode: exitCodes.usage },
  K6_SYNTAX: { next: "Correct the place that the message names.", exitCode: exitCodes.usage },
  K6_REFUSED: {
    next: "Rewrite the places that the message names; docs/k6.md says how for each reason.",
    exitCode: exitCodes.usage,
  },
  K6_MODULE_NOT_FOUND: {
    next: "Correct the import, install the package, or put a copy of the URL's file under the --jslib folder.",
    exitCode: exitCodes.usage,
  },
  K6_OVERLAP: {
    next: "Report the script: a call that waits was not recognised. Until then, call it directly and not through a value.",
    exitCode: exitCodes.usage,
  },
  K6_OPTIONS_INVALID: { next: "Correct the options that the message names.", exitCode: exitCodes.usage },
  K6_FLAG_INVALID: { next: "Run `mettle load --help` for the flags that exist.", exitCode: exitCodes.usage },
  K6_INIT_FAILED: { next: "Correct the script: its top level threw.", exitCode: exitCodes.usage },
  K6_STAGE_FAILED: { next: "Correct the function of the script that threw.", exitCode: exitCodes.usage },
  K6_CALL_INVALID: { next: "Correct the call that the message names.", exitCode: exitCodes.usage },
  K6_ABORTED: {
    next: "The script ended the run by test.abort(); its reason is in the message.",
    exitCode: exitCodes.interrupted,
  },
  K6_MARKED_FAILED: {
    next: "The script marked the run as failed by test.fail(); its reason is in the message.",
    exitCode: exitCodes.objectiveMissed,
  },
});
