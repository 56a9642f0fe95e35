import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export const eventErrors: ErrorCatalogue<"EVENT_STORE_INVALID"> = defineErrors({
  EVENT_STORE_INVALID: { next: "Correct the event, query or limit that the message names.", exitCode: exitCodes.usage },
});
