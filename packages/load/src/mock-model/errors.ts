import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type MockModelErrorCode = "MOCK_OPTIONS_INVALID" | "MOCK_FAULT_INVALID" | "MOCK_LISTEN_FAILED";

export const mockModelErrors: ErrorCatalogue<MockModelErrorCode> = defineErrors({
  MOCK_OPTIONS_INVALID: { next: "Correct the options that the message names.", exitCode: exitCodes.usage },
  MOCK_FAULT_INVALID: {
    next: "Write a fault as KIND WHEN: `status=429 5%`, `reset 1%`, `stall=5s #3`, `truncate every 10`, `malformed 1% chat`.",
    exitCode: exitCodes.usage,
  },
  MOCK_LISTEN_FAILED: {
    next: "Choose a free port with --port, or 0 for any; check that you may listen on the address.",
    exitCode: exitCodes.usage,
  },
});
