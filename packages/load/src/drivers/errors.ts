import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type DriverErrorCode =
  | "DRIVER_OPTIONS_INVALID"
  | "DRIVER_STEP_INVALID"
  | "DRIVER_SESSION_CLOSED"
  | "DRIVER_OPEN_FAILED";

/** What a caller did wrong, or a session that could not begin. What a server does wrong is an outcome, not an error. */
export const driverErrors: ErrorCatalogue<DriverErrorCode> = defineErrors({
  DRIVER_OPTIONS_INVALID: { next: "Correct the driver's options that the message names.", exitCode: exitCodes.usage },
  DRIVER_STEP_INVALID: { next: "Correct the step that the message describes.", exitCode: exitCodes.usage },
  DRIVER_SESSION_CLOSED: { next: "Open a new session before sending another step.", exitCode: exitCodes.usage },
  DRIVER_OPEN_FAILED: {
    next: "Check that the server is up and speaks this protocol at this address.",
    exitCode: exitCodes.invalidMeasurement,
    retryable: true,
  },
});
