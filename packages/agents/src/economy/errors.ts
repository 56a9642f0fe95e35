import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type EconomyErrorCode =
  | "AUCTION_BID_INVALID"
  | "AUCTION_CLOSED"
  | "ACCOUNT_OVERDRAWN"
  | "ACCOUNT_UNKNOWN"
  | "ACCOUNT_RESERVATION_SETTLED";

export const economyErrors: ErrorCatalogue<EconomyErrorCode> = defineErrors({
  AUCTION_BID_INVALID: {
    next: "Bid a finite amount of 0 or more, above what the auction asks for, for items that are on offer.",
    exitCode: exitCodes.usage,
  },
  AUCTION_CLOSED: { next: "Bid in an auction that is still open.", exitCode: exitCodes.usage },
  ACCOUNT_OVERDRAWN: {
    next: "Spend less, wait for reservations to be released, or raise the account's limit.",
    exitCode: exitCodes.usage,
    retryable: true,
  },
  ACCOUNT_UNKNOWN: { next: "Open the account before it is used.", exitCode: exitCodes.usage },
  ACCOUNT_RESERVATION_SETTLED: { next: "Commit or release a reservation once.", exitCode: exitCodes.usage },
});
