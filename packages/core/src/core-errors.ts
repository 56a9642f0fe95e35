import { defineErrors, type ErrorCatalogue, exitCodes } from "./errors.ts";

export const coreErrors: ErrorCatalogue<"QUANTITY_INVALID" | "OPTIONS_INVALID"> = defineErrors({
  QUANTITY_INVALID: {
    next: "Write a number with a unit, such as 200ms, 1.5s, 10MB, 0.1% or 500/s.",
    exitCode: exitCodes.usage,
  },
  OPTIONS_INVALID: { next: "Correct the options that the message names.", exitCode: exitCodes.usage },
});
