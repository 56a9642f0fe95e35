import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export const telemetryErrors: ErrorCatalogue<"INSTRUMENT_CONFLICT"> = defineErrors({
  INSTRUMENT_CONFLICT: {
    next: "Give each kind of measurement a name of its own, and one unit.",
    exitCode: exitCodes.usage,
  },
});
