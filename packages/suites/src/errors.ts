import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type SuitesErrorCode =
  | "PLATFORM_UNKNOWN"
  | "PLATFORM_NOT_INSTALLED"
  | "PLATFORM_REQUEST_FAILED"
  | "SUITE_UNKNOWN"
  | "SUITE_NOT_IN_PROFILE"
  | "SCENARIO_FAILED"
  | "SCENARIO_TIMEOUT"
  | "SCENARIO_PROCESS_DIED"
  | "SCENARIO_MEASURED_NOTHING"
  | "SERVICE_SCENARIO_UNKNOWN"
  | "SERVICE_OPTIONS_INVALID"
  | "SERVICE_LOGIN_FAILED"
  | "SERVICE_NOT_READY"
  | "SERVICE_DIED"
  | "SERVICE_UNREACHABLE"
  | "SERVICE_LOAD_INVALID";

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
  SUITE_UNKNOWN: { next: "Name one of those that the message lists.", exitCode: exitCodes.usage },
  SUITE_NOT_IN_PROFILE: {
    next: "Validate with one of the profiles that the message names, or leave it out.",
    exitCode: exitCodes.usage,
  },
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
  SERVICE_SCENARIO_UNKNOWN: {
    next: "Name one of the scenarios that the message lists: mettle load service:auth_performance.",
    exitCode: exitCodes.usage,
  },
  SERVICE_OPTIONS_INVALID: {
    next: "Correct what the message names: --env API_BASE_URL=http://host:port, --env TEST_TYPE=smoke.",
    exitCode: exitCodes.usage,
  },
  SERVICE_LOGIN_FAILED: {
    next: "Check that the service is up, and give its test users: --env TEST_USERNAME=user{n} --env TEST_PASSWORD=….",
    exitCode: exitCodes.invalidMeasurement,
    retryable: true,
  },
  SERVICE_NOT_READY: {
    next: "Read its last lines in the message: what it lacks stands there. Start it alone with: mettle serve.",
    exitCode: exitCodes.usage,
  },
  SERVICE_DIED: {
    next: "Read its last lines in the message. Killed from outside, it is usually short of memory.",
    exitCode: exitCodes.usage,
  },
  SERVICE_UNREACHABLE: {
    next: "Check that something listens there: curl URL/ready.",
    exitCode: exitCodes.usage,
    retryable: true,
  },
  SERVICE_LOAD_INVALID: {
    next: "Measure again on a machine with a core to spare: the generator, and not the service, made these figures.",
    exitCode: exitCodes.invalidMeasurement,
    retryable: true,
  },
});
