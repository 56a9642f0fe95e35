import { refuseProblems, wholeAtLeast } from "../coordination/check-options.ts";
import { economyErrors } from "./errors.ts";
import { checkAmount } from "./sealed-bid.ts";

/** An offer for all of `items` together. Of one bidder's offers at most one is taken. */
export interface BundleBid {
  readonly bidder: string;
  readonly items: readonly string[];
  /** 0 or more. */
  readonly amount: number;
}

export interface CombinatorialOutcome {
  /** The taken bids, in the order given. */
  readonly winners: readonly BundleBid[];
  readonly value: number;
  /** True when no other choice is worth more; false when the search was cut short and the best choice met is given. */
  readonly exact: boolean;
  /** No choice is worth more than this; equals `value` when exact. */
  readonly bound: number;
}

export interface CombinatorialOptions {
  /** Choices looked at before the best so far is taken. @defaultValue 200 000, some tens of milliseconds */
  readonly maxNodes?: number;
}

interface Prepared {
  readonly bid: BundleBid;
  /** Its place among the bids given. */
  readonly place: number;
  readonly bidder: number;
  readonly items: readonly number[];
  readonly density: number;
}

/**
 * Chooses the bids worth most together, each item and each bidder at most once. The problem is NP-hard: branch and bound
 * (by the share of a bid's amount that falls on each item) is exact for some dozens of bids and often for hundreds; beyond
 * `maxNodes` the answer is at least the greedy one by amount/√items (Lehmann, O'Callaghan and Shoham, JACM 2002), and says
 * that it is not exact and how far it can be from the best.
 *
 * @throws MettleError `AUCTION_BID_INVALID`, `OPTIONS_INVALID`
 */
export function determineWinners(bids: readonly BundleBid[], options: CombinatorialOptions = {}): CombinatorialOutcome {
  const { maxNodes = 200_000 } = options;
  refuseProblems("Combinatorial auction", wholeAtLeast("maxNodes", maxNodes, 0));
  const { prepared, itemCount, bidderCount } = prepare(bids);
  const search = new Search(prepared, itemCount, bidderCount, maxNodes);
  search.takeGreedily();
  search.run();
  const chosen = new Set(search.best.map((index) => prepared[index]!.place));
  const winners = bids.filter((_, place) => chosen.has(place));
  const value = winners.reduce((sum, { amount }) => sum + amount, 0);
  const exact = !search.cutShort;
  return { winners, value, exact, bound: exact ? value : Math.max(value, search.upperBound) };
}

function prepare(bids: readonly BundleBid[]): { prepared: Prepared[]; itemCount: number; bidderCount: number } {
  const itemNumbers = new Map<string, number>();
  const bidderNumbers = new Map<string, number>();
  const number = (of: Map<string, number>, name: string): number => {
    const known = of.get(name) ?? of.size;
    of.set(name, known);
    return known;
  };
  const prepared = bids.map((bid, place): Prepared => {
    checkAmount(bid.bidder, bid.amount);
    if (bid.items.length === 0 || new Set(bid.items).size !== bid.items.length) {
      throw economyErrors.create("AUCTION_BID_INVALID", `${bid.bidder} bids for no item, or for one of them twice.`, {
        details: { bidder: bid.bidder, items: bid.items },
      });
    }
    const items = bid.items.map((item) => number(itemNumbers, item));
    return { bid, place, bidder: number(bidderNumbers, bid.bidder), items, density: bid.amount / items.length };
  });
  prepared.sort((a, b) => b.density - a.density);
  return { prepared, itemCount: itemNumbers.size, bidderCount: bidderNumbers.size };
}

class Search {
  readonly #bids: readonly Prepared[];
  readonly #itemTaken: Uint8Array;
  readonly #bidderTaken: Uint8Array;
  readonly #path: number[] = [];
  readonly #itemCount: number;
  readonly #maxNodes: number;
  /** `[bid × items + item]`: the most that one item can bring in this bid or a later one. */
  readonly #suffixDensity: Float64Array;
  best: readonly number[] = [];
  #bestValue = 0;
  #nodes = 0;
  cutShort = false;

  constructor(bids: readonly Prepared[], items: number, bidders: number, maxNodes: number) {
    this.#bids = bids;
    this.#itemCount = items;
    this.#maxNodes = maxNodes;
    this.#itemTaken = new Uint8Array(items);
    this.#bidderTaken = new Uint8Array(bidders);
    this.#suffixDensity = new Float64Array((bids.length + 1) * items);
    for (let i = bids.length - 1; i >= 0; i--) {
      const row = i * items;
      this.#suffixDensity.copyWithin(row, row + items, row + 2 * items);
      for (const item of bids[i]!.items) {
        this.#suffixDensity[row + item] = Math.max(this.#suffixDensity[row + item]!, bids[i]!.density);
      }
    }
  }

  /** What the best choice can be worth at most, before anything is taken. */
  get upperBound(): number {
    return this.#boundFrom(0);
  }

  takeGreedily(): void {
    const order = this.#bids
      .map(({ bid, items }, index) => ({ index, rank: bid.amount / Math.sqrt(items.length) }))
      .sort((a, b) => b.rank - a.rank);
    const taken: number[] = [];
    let value = 0;
    for (const { index } of order) {
      if (!this.#free(index)) continue;
      this.#mark(index, 1);
      taken.push(index);
      value += this.#bids[index]!.bid.amount;
    }
    for (const index of taken) this.#mark(index, 0);
    this.best = taken;
    this.#bestValue = value;
  }

  run(): void {
    this.#visit(0, 0);
  }

  /** Takes or leaves bid `from` and those after it. Depth is the number of taken bids, at most the number of items. */
  #visit(from: number, value: number): void {
    for (let index = from; index < this.#bids.length; index++) {
      if (this.#nodes++ >= this.#maxNodes) {
        this.cutShort = true;
        return;
      }
      // What could be gained is less than what rounding adds up to.
      if (value + this.#boundFrom(index) <= this.#bestValue * (1 + 1e-12)) return;
      if (!this.#free(index)) continue;
      this.#mark(index, 1);
      this.#path.push(index);
      const taken = value + this.#bids[index]!.bid.amount;
      if (taken > this.#bestValue) {
        this.#bestValue = taken;
        this.best = [...this.#path];
      }
      this.#visit(index + 1, taken);
      this.#path.pop();
      this.#mark(index, 0);
      if (this.cutShort) return;
    }
  }

  /** Hot: once per node. */
  #boundFrom(index: number): number {
    const row = index * this.#itemCount;
    let bound = 0;
    for (let item = 0; item < this.#itemCount; item++) {
      if (this.#itemTaken[item] === 0) bound += this.#suffixDensity[row + item]!;
    }
    return bound;
  }

  #free(index: number): boolean {
    const { bidder, items } = this.#bids[index]!;
    return this.#bidderTaken[bidder] === 0 && items.every((item) => this.#itemTaken[item] === 0);
  }

  #mark(index: number, taken: 0 | 1): void {
    const { bidder, items } = this.#bids[index]!;
    this.#bidderTaken[bidder] = taken;
    for (const item of items) this.#itemTaken[item] = taken;
  }
}

export interface VcgOutcome extends CombinatorialOutcome {
  /** What each winner pays: what its presence costs the others. At most its bid. */
  readonly payments: ReadonlyMap<string, number>;
  /** Whether bidding one's true values is best for everyone: only when every part was solved exactly. */
  readonly truthful: boolean;
}

/**
 * Vickrey–Clarke–Groves: the bids worth most together win, and each winner pays the value that the others lose by it.
 * Solves one problem for each winner more.
 *
 * @throws MettleError `AUCTION_BID_INVALID`, `OPTIONS_INVALID`
 */
export function vcgAuction(bids: readonly BundleBid[], options: CombinatorialOptions = {}): VcgOutcome {
  const outcome = determineWinners(bids, options);
  let truthful = outcome.exact;
  const payments = new Map<string, number>();
  for (const { bidder, amount } of outcome.winners) {
    const without = determineWinners(
      bids.filter((bid) => bid.bidder !== bidder),
      options,
    );
    truthful &&= without.exact;
    // Inexact solutions could ask for less than nothing or more than was bid.
    payments.set(bidder, Math.min(amount, Math.max(0, without.value - (outcome.value - amount))));
  }
  return { ...outcome, payments, truthful };
}
