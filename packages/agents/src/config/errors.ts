import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export const configErrors: ErrorCatalogue<"SETTINGS_INVALID" | "SETTING_FIXED" | "SETTING_INVALID"> = defineErrors({
  SETTINGS_INVALID: { next: "Correct what the message names where the store is made.", exitCode: exitCodes.usage },
  SETTING_FIXED: {
    next: "Set it where the system is started, or declare the path updatable.",
    exitCode: exitCodes.usage,
  },
  SETTING_INVALID: { next: "Give a value as the setting's validator describes it.", exitCode: exitCodes.usage },
});
