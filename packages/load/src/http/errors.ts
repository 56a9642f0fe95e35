import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type HttpErrorCode = "LOAD_HTTP_OPTIONS_INVALID";

/** Mistakes of the caller. What the network and servers do is an `HttpFailure` in the outcome, never thrown. */
export const httpErrors: ErrorCatalogue<HttpErrorCode> = defineErrors({
  LOAD_HTTP_OPTIONS_INVALID: {
    next: "Correct the options of the HTTP client that the message names.",
    exitCode: exitCodes.usage,
  },
});
