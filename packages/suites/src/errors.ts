import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type SuitesErrorCode =
  | "PLATFORM_UNKNOWN"
  | "PLATFORM_NOT_INSTALLED"
  | "PLATFORM_REQUEST_FAILED"
  | "SUITE_UNKNOWN"
  | "SCENARIO_FAILED"
  | "SCENARIO_TIMEOUT"
  | "SCENARIO_PROCESS_DIED"
  | "SCENARIO_MEASURED_NOTHING";

/** Errors of the validation catalogue and of the adapters. */
export const suitesErrors: ErrorCatalogue<SuitesErrorCode> = defineErrors({
  PLATFORM_UNKNOWN: { next: "Name one of the platforms that the message lists.", exitCode: exitCodes.usage },
  PLATFORM_NOT_INSTALLED: {
    next: "Install what the message names, or validate another platform.",
    exitCode: exitCodes.usage,
  },
  PLATFORM_REQUEST_FAILED: {
    next: "See the cause: the platform did not do what the scenario asked of it.",
    exitCode: exitCodes.internal,
  },
  SUITE_UNKNOWN: { next: "Name one of the suites that the message lists.", exitCode: exitCodes.usage },
  SCENARIO_FAILED: {
    next: "See the message: the platform, or the scenario, threw. Its figures are missing, so the run cannot pass.",
    exitCode: exitCodes.invalidMeasurement,
  },
  SCENARIO_TIMEOUT: {
    next: "The platform hung, or the machine is far too busy: run the one suite alone.",
    exitCode: exitCodes.invalidMeasurement,
    retryable: true,
  },
  SCENARIO_PROCESS_DIED: {
    next: "See the last output in the message; out of memory is the usual cause.",
    exitCode: exitCodes.invalidMeasurement,
  },
  SCENARIO_MEASURED_NOTHING: {
    next: "Report it: a scenario must measure what its rules judge.",
    exitCode: exitCodes.invalidMeasurement,
  },
});
