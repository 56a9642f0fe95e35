import { type Milliseconds, ms } from "@mettle/core";
import { refuseProblems, within } from "../coordination/check-options.ts";
import type { Timer, Timers } from "../timers/timers.ts";
import { economyErrors } from "./errors.ts";
import { type AuctionOutcome, checkAmount } from "./sealed-bid.ts";

export interface EnglishAuctionOptions {
  /** The least the seller accepts. @defaultValue 0 */
  readonly reserve?: number;
  /** A bid is at least this much over the one before; over 0. */
  readonly increment: number;
  /** Sold when nobody has bid for so long. */
  readonly quiet: Milliseconds;
  readonly timers: Timers;
}

/** Ascending and open: everyone sees the standing bid, and the last one wins at what it said. */
export class EnglishAuction {
  readonly #options: Required<EnglishAuctionOptions>;
  readonly #ended = Promise.withResolvers<AuctionOutcome>();
  #standing: { readonly bidder: string; readonly amount: number } | undefined;
  #timer: Timer;
  #open = true;

  /** @throws MettleError `OPTIONS_INVALID` */
  constructor(options: EnglishAuctionOptions) {
    this.#options = { reserve: 0, ...options };
    refuseProblems("English auction", [
      ...within("reserve", this.#options.reserve, 0, Number.MAX_VALUE),
      ...(options.increment > 0 ? [] : [`increment must be over 0, got ${options.increment}`]),
      ...(options.quiet > 0 ? [] : [`quiet must be over 0 ms, got ${options.quiet}`]),
    ]);
    this.#timer = options.timers.after(options.quiet, () => this.#end());
  }

  get standing(): { readonly bidder: string; readonly amount: number } | undefined {
    return this.#standing;
  }

  /** The least that the next bid must be. */
  get asking(): number {
    return this.#standing === undefined ? this.#options.reserve : this.#standing.amount + this.#options.increment;
  }

  /** @throws MettleError `AUCTION_CLOSED`, `AUCTION_BID_INVALID` under `asking` */
  bid(bidder: string, amount: number): void {
    refuseClosed(this.#open);
    checkAmount(bidder, amount);
    // An increment that is lost to rounding asks for the standing bid again.
    if (amount < this.asking || (this.#standing !== undefined && amount <= this.#standing.amount)) {
      throw economyErrors.create("AUCTION_BID_INVALID", `${bidder} bids ${amount}; at least ${this.asking} is asked.`, {
        details: { bidder, amount, asking: this.asking },
      });
    }
    this.#standing = { bidder, amount };
    this.#timer.cancel();
    this.#timer = this.#options.timers.after(this.#options.quiet, () => this.#end());
  }

  /** Resolves when it is sold or nobody wanted it; never rejects. */
  outcome(): Promise<AuctionOutcome> {
    return this.#ended.promise;
  }

  #end(): void {
    this.#open = false;
    const { bidder: winner, amount: price } = this.#standing ?? {};
    const sold = winner !== undefined && price !== undefined;
    this.#ended.resolve(sold ? { state: "sold", winner, price } : { state: "unsold" });
  }
}

/** Bids that are counted out one by one: some tenths of a second. */
const MOST_BIDS = 10_000_000;

/**
 * What an English auction comes to when each bidder bids the least that leads while it is under its limit: the same as
 * running `EnglishAuction` with such bidders in this order, round after round. O(bids).
 *
 * @throws MettleError `AUCTION_BID_INVALID`; `OPTIONS_INVALID` for an increment so small that there would be over 10 million bids,
 *   or that rounding would lose beside the price
 */
export function runEnglishAuction(
  limits: readonly { readonly bidder: string; readonly limit: number }[],
  { reserve = 0, increment }: { readonly reserve?: number; readonly increment: number },
): AuctionOutcome {
  refuseProblems("English auction", increment > 0 ? [] : [`increment must be over 0, got ${increment}`]);
  for (const { bidder, limit } of limits) checkAmount(bidder, limit);
  // Bids end about where the last but one gives up.
  const second = limits.map(({ limit }) => limit).sort((a, b) => b - a)[1] ?? reserve;
  refuseProblems(
    "English auction",
    (second - reserve) / increment <= MOST_BIDS ? [] : [`by ${increment}, ${second} takes over ${MOST_BIDS} bids`],
  );
  let standing: { bidder: string; amount: number } | undefined;
  for (let quiet = 0; quiet < limits.length; ) {
    for (const { bidder, limit } of limits) {
      const asking = standing === undefined ? reserve : standing.amount + increment;
      if (asking === standing?.amount) refuseProblems("English auction", [`${asking} and ${increment} is ${asking}`]);
      if (standing?.bidder === bidder || limit < asking) {
        quiet += 1;
        if (quiet >= limits.length) break;
        continue;
      }
      standing = { bidder, amount: asking };
      quiet = 0;
    }
  }
  return standing === undefined
    ? { state: "unsold" }
    : { state: "sold", winner: standing.bidder, price: standing.amount };
}

export interface DutchAuctionOptions {
  /** The first price. */
  readonly start: number;
  /** The price falls by this much; over 0. */
  readonly decrement: number;
  /** … every so often. */
  readonly every: Milliseconds;
  /** The last price. @defaultValue 0 */
  readonly reserve?: number;
  readonly timers: Timers;
  /** Told each price, the first at once. */
  readonly called?: (price: number) => void;
}

/** Descending: the first who accepts the price that stands has it. */
export class DutchAuction {
  readonly #options: Required<DutchAuctionOptions>;
  readonly #ended = Promise.withResolvers<AuctionOutcome>();
  #price: number;
  #timer: Timer;
  #open = true;

  /** @throws MettleError `OPTIONS_INVALID` */
  constructor(options: DutchAuctionOptions) {
    this.#options = { reserve: 0, called: () => undefined, ...options };
    const { start, reserve, decrement, every } = this.#options;
    refuseProblems("Dutch auction", [
      ...within("reserve", reserve, 0, Number.MAX_VALUE),
      ...within("start", start, reserve, Number.MAX_VALUE),
      ...(decrement > 0 ? [] : [`decrement must be over 0, got ${decrement}`]),
      ...(start > reserve && start - decrement === start ? [`${start} less ${decrement} is ${start}`] : []),
      ...(every > 0 ? [] : [`every must be over 0 ms, got ${every}`]),
    ]);
    this.#price = start;
    this.#timer = this.#fallLater();
    this.#options.called(start);
  }

  get price(): number {
    return this.#price;
  }

  /** @throws MettleError `AUCTION_CLOSED` when someone was faster, or nobody wanted it */
  accept(bidder: string): number {
    refuseClosed(this.#open);
    this.#open = false;
    this.#timer.cancel();
    this.#ended.resolve({ state: "sold", winner: bidder, price: this.#price });
    return this.#price;
  }

  /** Resolves when it is sold, or nobody accepted the reserve; never rejects. */
  outcome(): Promise<AuctionOutcome> {
    return this.#ended.promise;
  }

  #fallLater(): Timer {
    return this.#options.timers.after(ms(this.#options.every), () => {
      const { reserve, decrement, called } = this.#options;
      if (this.#price <= reserve) {
        this.#open = false;
        this.#ended.resolve({ state: "unsold" });
        return;
      }
      this.#price = Math.max(reserve, this.#price - decrement);
      this.#timer = this.#fallLater();
      called(this.#price);
    });
  }
}

function refuseClosed(open: boolean): void {
  if (!open) throw economyErrors.create("AUCTION_CLOSED", "The auction is over.");
}
