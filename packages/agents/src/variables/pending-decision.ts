import { type DecisionRule, simpleMajority, unanimity, VoteCollector } from "../coordination/vote-collector.ts";
import type { Timer, Timers } from "../timers/timers.ts";
import type { Milliseconds } from "@mettle/core";
import type { Budgets, Reservation } from "../economy/budgets.ts";
import { vickreyAuction } from "../economy/sealed-bid.ts";
import { variableErrors } from "./errors.ts";

/** How a vote of the affected agents ended. `unreachable`: too few of them answered. */
export type VoteResult = "approved" | "denied" | "unreachable" | "cancelled";

/** The affected agents vote on a change. */
export class PendingVote {
  readonly #collector: VoteCollector;
  readonly #numbers: ReadonlyMap<string, number>;

  constructor(
    voters: ReadonlyMap<string, number>,
    unanimous: boolean,
    timers: Timers,
    deadline: Milliseconds,
    concluded: (result: VoteResult) => void,
  ) {
    const rule: DecisionRule = unanimous ? unanimity : simpleMajority;
    this.#numbers = voters;
    this.#collector = new VoteCollector({
      members: voters.size,
      rule,
      timers,
      deadline,
      concluded: (outcome) => {
        if (outcome.state === "decided") concluded(outcome.choice === 1 ? "approved" : "denied");
        else if (outcome.reason === "unreachable") concluded("denied");
        else concluded(outcome.reason === "deadline" ? "unreachable" : "cancelled");
      },
    });
  }

  vote(voter: string, approve: boolean, confidence: number): void {
    const receipt = this.#collector.vote(this.#numbers.get(voter) ?? -1, approve ? 1 : 0, confidence);
    if (receipt !== "unknown") return;
    throw variableErrors.create(
      "VARIABLE_NOT_PENDING",
      `${voter} may not vote, or not with a confidence of ${confidence}.`,
      {
        details: { voter, confidence: String(confidence) },
      },
    );
  }

  cancel(): void {
    this.#collector.cancel();
  }
}

/** How an auction ended: the value to commit, or that nobody could be asked. */
export type AuctionResult<Value> =
  | { readonly state: "won"; readonly bidder: string; readonly value: Value; readonly price: number }
  /** Nobody cares more than nothing. */
  | { readonly state: "uncontested" }
  | { readonly state: "unreachable" | "cancelled" };

/** The affected agents bid for the value they want; the highest has it and pays the second price. */
export class PendingAuction<Value> {
  readonly #bids = new Map<string, { readonly value: Value; readonly reservation: Reservation }>();
  readonly #bidders: ReadonlyMap<string, number>;
  readonly #budgets: Budgets;
  readonly #concluded: (result: AuctionResult<Value>) => void;
  readonly #timer: Timer;
  #open = true;

  constructor(
    bidders: ReadonlyMap<string, number>,
    budgets: Budgets,
    timers: Timers,
    deadline: Milliseconds,
    concluded: (result: AuctionResult<Value>) => void,
  ) {
    this.#bidders = bidders;
    this.#budgets = budgets;
    this.#concluded = concluded;
    this.#timer = timers.after(deadline, () =>
      this.#end(this.#bids.size === 0 ? { state: "unreachable" } : this.#judge()),
    );
  }

  /**
   * One bid for each; a bid of 0 says that the bidder does not care.
   *
   * @throws MettleError `ACCOUNT_OVERDRAWN`, `ACCOUNT_UNKNOWN`, `VARIABLE_NOT_PENDING` for a second bid or a stranger
   */
  bid(bidder: string, value: Value, amount: number): void {
    if (!this.#bidders.has(bidder) || this.#bids.has(bidder)) {
      throw variableErrors.create("VARIABLE_NOT_PENDING", `${bidder} may not bid, or has bid.`, {
        details: { bidder },
      });
    }
    this.#bids.set(bidder, { value, reservation: this.#budgets.reserve(bidder, amount) });
    if (this.#bids.size === this.#bidders.size) this.#end(this.#judge());
  }

  cancel(): void {
    this.#end({ state: "cancelled" });
  }

  #judge(): AuctionResult<Value> {
    const bids = Array.from(this.#bids, ([bidder, { reservation }]) => ({ bidder, amount: reservation.amount }));
    const outcome = vickreyAuction(bids.filter(({ amount }) => amount > 0));
    if (outcome.state === "unsold") return { state: "uncontested" };
    const { winner, price } = outcome;
    return { state: "won", bidder: winner, value: this.#bids.get(winner)!.value, price };
  }

  #end(result: AuctionResult<Value>): void {
    if (!this.#open) return;
    this.#open = false;
    this.#timer.cancel();
    for (const [bidder, { reservation }] of this.#bids) {
      if (result.state === "won" && result.bidder === bidder) reservation.commit(result.price);
      else reservation.release();
    }
    this.#concluded(result);
  }
}
