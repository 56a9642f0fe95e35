import { ManualClock, ms, Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Bid,
  type BundleBid,
  clearMarket,
  determineWinners,
  DutchAuction,
  EnglishAuction,
  type Order,
  runEnglishAuction,
  sealedBidAuction,
  TimerWheel,
  vcgAuction,
  vickreyAuction,
} from "../../src/index.ts";

const amount = fc.integer({ min: 0, max: 20 });
const bids = fc.array(fc.record({ bidder: fc.constantFrom("a", "b", "c", "d"), amount }), { maxLength: 8 });

describe("sealed bids", () => {
  test("the highest wins, the earlier of equals; first price pays its own, second price the best of another", () => {
    fc.assert(
      fc.property(bids, amount, (offers: Bid[], reserve) => {
        const valid = offers.filter((bid) => bid.amount >= reserve);
        const sorted = valid.toSorted((a, b) => b.amount - a.amount); // stable
        const [best] = sorted;
        const other = sorted.find(({ bidder }) => bidder !== best?.bidder);
        const unsold = { state: "unsold" };
        expect(sealedBidAuction(offers, { reserve })).toEqual(
          best ? { state: "sold", winner: best.bidder, price: best.amount } : unsold,
        );
        expect(vickreyAuction(offers, { reserve })).toEqual(
          best ? { state: "sold", winner: best.bidder, price: Math.max(reserve, other?.amount ?? 0) } : unsold,
        );
      }),
    );
  });

  test("in a second-price auction no bid does better than the truth", () => {
    fc.assert(
      fc.property(
        fc.array(amount, { minLength: 1, maxLength: 4 }),
        amount,
        amount,
        amount,
        (others, worth, lie, reserve) => {
          const gain = (mine: number): number => {
            const rivals = others.map((amount, i) => ({ bidder: `rival ${i}`, amount }));
            const outcome = vickreyAuction([...rivals, { bidder: "me", amount: mine }], { reserve });
            return outcome.state === "sold" && outcome.winner === "me" ? worth - outcome.price : 0;
          };
          expect(gain(worth)).toBeGreaterThanOrEqual(gain(lie));
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([Number.NaN, -1, Infinity])("a bid of %s is refused", (amount) => {
    expect(() => vickreyAuction([{ bidder: "a", amount }])).toThrow(
      expect.objectContaining({ code: "AUCTION_BID_INVALID" }),
    );
  });
});

describe("open auctions", () => {
  test("English: bids rise, quiet sells", async () => {
    const clock = new ManualClock();
    const auction = new EnglishAuction({ reserve: 10, increment: 2, quiet: ms(100), timers: new TimerWheel(clock) });
    expect(() => auction.bid("a", 9)).toThrow(/at least 10/);
    auction.bid("a", 10);
    await clock.advance(ms(99));
    expect(() => auction.bid("b", 11)).toThrow(/at least 12/);
    auction.bid("b", 15);
    await clock.advance(ms(99));
    expect(auction.standing).toEqual({ bidder: "b", amount: 15 });
    expect(auction.asking).toBe(17);
    await clock.advance(ms(1));
    expect(await auction.outcome()).toEqual({ state: "sold", winner: "b", price: 15 });
    expect(() => auction.bid("a", 100)).toThrow(expect.objectContaining({ code: "AUCTION_CLOSED" }));
  });

  test("English: a bid that rounding makes equal to the standing one is none", () => {
    const timers = new TimerWheel(new ManualClock());
    const auction = new EnglishAuction({ increment: 1, quiet: ms(5), timers });
    auction.bid("a", 2 ** 53);
    expect(() => auction.bid("b", 2 ** 53)).toThrow(expect.objectContaining({ code: "AUCTION_BID_INVALID" }));
    auction.bid("b", 2 ** 53 + 2);
    expect(auction.standing).toEqual({ bidder: "b", amount: 2 ** 53 + 2 });
  });

  test.each([
    ["that rounding loses", 2 ** 53 - 4, 1],
    ["of which it takes too many", 0, 1e-300],
  ])("English with limits: an increment %s is refused", (_, reserve, increment) => {
    const limits = ["a", "b"].map((bidder) => ({ bidder, limit: 2 ** 53 + 100 }));
    expect(() => runEnglishAuction(limits, { reserve, increment })).toThrow(
      expect.objectContaining({ code: "OPTIONS_INVALID" }),
    );
    // Nobody bids against the only one who wants it.
    expect(runEnglishAuction([limits[0]!], { reserve, increment })).toMatchObject({ state: "sold", price: reserve });
  });

  test("Dutch: a decrement that rounding loses is refused", () => {
    const timers = new TimerWheel(new ManualClock());
    const make = (reserve: number) => new DutchAuction({ start: 2 ** 54, decrement: 1, every: ms(1), reserve, timers });
    expect(() => make(0)).toThrow(expect.objectContaining({ code: "OPTIONS_INVALID" }));
    expect(make(2 ** 54).price).toBe(2 ** 54); // it need not fall
  });

  test("English: nobody bids", async () => {
    const clock = new ManualClock();
    const auction = new EnglishAuction({ increment: 1, quiet: ms(5), timers: new TimerWheel(clock) });
    await clock.advance(ms(5));
    expect(await auction.outcome()).toEqual({ state: "unsold" });
  });

  test("English with limits: the same as bidders who take turns at a live auction; within a step of second price", () => {
    fc.assert(
      fc.property(
        fc.array(amount, { minLength: 1, maxLength: 6 }),
        amount,
        fc.integer({ min: 1, max: 4 }),
        (worth, reserve, increment) => {
          const limits = worth.map((limit, i) => ({ bidder: `b${i}`, limit }));
          const outcome = runEnglishAuction(limits, { reserve, increment });
          const live = new EnglishAuction({
            reserve,
            increment,
            quiet: ms(1),
            timers: new TimerWheel(new ManualClock()),
          });
          for (let bidding = true; bidding; ) {
            bidding = false;
            for (const { bidder, limit } of limits) {
              if (live.standing?.bidder === bidder || limit < live.asking) continue;
              live.bid(bidder, live.asking);
              bidding = true;
            }
          }
          expect(outcome).toEqual(
            live.standing
              ? { state: "sold", winner: live.standing.bidder, price: live.standing.amount }
              : { state: "unsold" },
          );
          const second = vickreyAuction(
            limits.map(({ bidder, limit }) => ({ bidder, amount: limit })),
            { reserve },
          );
          expect(outcome.state).toBe(second.state);
          if (outcome.state === "sold" && second.state === "sold") {
            expect(Math.abs(outcome.price - second.price)).toBeLessThanOrEqual(increment);
          }
        },
      ),
    );
  });

  test("Dutch: the price falls to the reserve, the first to accept has it", async () => {
    const clock = new ManualClock();
    const called: number[] = [];
    const timers = new TimerWheel(clock);
    const options = { start: 10, decrement: 4, every: ms(10), reserve: 1, timers };
    const auction = new DutchAuction({ ...options, called: (price) => called.push(price) });
    await clock.advance(ms(25));
    expect(called).toEqual([10, 6, 2]);
    expect(auction.accept("a")).toBe(2);
    expect(() => auction.accept("b")).toThrow(expect.objectContaining({ code: "AUCTION_CLOSED" }));
    expect(await auction.outcome()).toEqual({ state: "sold", winner: "a", price: 2 });
    await clock.advance(ms(100));
    expect(called).toHaveLength(3);

    const unwanted = new DutchAuction(options);
    await clock.advance(ms(39));
    expect(unwanted.price).toBe(1);
    await clock.advance(ms(1));
    expect(await unwanted.outcome()).toEqual({ state: "unsold" });
  });
});

const bundles = fc.array(
  fc.record({
    bidder: fc.constantFrom("a", "b", "c", "d", "e"),
    items: fc.subarray(["u", "v", "w", "x", "y"], { minLength: 1 }),
    amount,
  }),
  { maxLength: 9 },
);

/** Every set of bids that fits together. */
function bestByTrying(offers: readonly BundleBid[]): number {
  let best = 0;
  for (let set = 0; set < 1 << offers.length; set++) {
    const chosen = offers.filter((_, i) => (set >> i) & 1);
    const items = chosen.flatMap((bid) => bid.items);
    if (new Set(items).size !== items.length) continue;
    if (new Set(chosen.map(({ bidder }) => bidder)).size !== chosen.length) continue;
    best = Math.max(
      best,
      chosen.reduce((sum, bid) => sum + bid.amount, 0),
    );
  }
  return best;
}

describe("combinatorial auctions", () => {
  test("the winners fit together and are worth as much as any choice", () => {
    fc.assert(
      fc.property(bundles, (offers) => {
        const { winners, value, exact, bound } = determineWinners(offers);
        expect({ value, exact, bound }).toEqual({ value: bestByTrying(offers), exact: true, bound: value });
        const items = winners.flatMap((bid) => bid.items);
        expect(new Set(items).size).toBe(items.length);
        expect(new Set(winners.map(({ bidder }) => bidder)).size).toBe(winners.length);
        expect(winners.reduce((sum, bid) => sum + bid.amount, 0)).toBe(value);
      }),
      { numRuns: 300 },
    );
  });

  test("cut short it says so, and the best lies between its value and its bound", () => {
    fc.assert(
      fc.property(bundles, (offers) => {
        const { value, exact, bound } = determineWinners(offers, { maxNodes: 2 });
        const best = bestByTrying(offers);
        expect(value).toBeLessThanOrEqual(best);
        expect(bound).toBeGreaterThanOrEqual(best - 1e-9);
        if (exact) expect(value).toBe(best);
      }),
      { numRuns: 300 },
    );
  });

  test("forty bids for twenty items are solved exactly, three hundred at least with a bound", () => {
    const random = new Random(5);
    const offers = (count: number): BundleBid[] =>
      Array.from({ length: count }, (_, i) => {
        const items = random
          .shuffle(Array.from({ length: 20 }, (_, item) => `item ${item}`))
          .slice(0, 1 + random.below(5));
        return { bidder: `bidder ${i}`, items, amount: Math.round(items.length * (5 + 10 * random.uniform())) };
      });
    expect(determineWinners(offers(40)).exact).toBe(true);
    const { value, bound } = determineWinners(offers(300), { maxNodes: 20_000 });
    expect(value).toBeGreaterThan(0.7 * bound);
  });

  test("an empty bundle, and one with an item twice, are refused", () => {
    for (const items of [[], ["x", "x"]]) {
      expect(() => determineWinners([{ bidder: "a", items, amount: 1 }])).toThrow(
        expect.objectContaining({ code: "AUCTION_BID_INVALID" }),
      );
    }
  });

  test("VCG: winners pay what they cost the others, never more than they bid", () => {
    fc.assert(
      fc.property(bundles, (offers) => {
        const { winners, payments, value, truthful } = vcgAuction(offers);
        expect(truthful).toBe(true);
        expect([...payments.keys()].toSorted()).toEqual(winners.map(({ bidder }) => bidder).toSorted());
        for (const { bidder, amount } of winners) {
          const without = bestByTrying(offers.filter((bid) => bid.bidder !== bidder));
          expect(payments.get(bidder)).toBe(without - (value - amount));
          expect(payments.get(bidder)).toBeLessThanOrEqual(amount);
        }
      }),
    );
  });

  test("VCG: no report does better than the truth", () => {
    const valuations = fc.array(
      fc.record({ items: fc.subarray(["u", "v", "w"], { minLength: 1 }), amount, lie: amount }),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(bundles, valuations, (others, mine) => {
        const gain = (report: (bundle: { amount: number; lie: number }) => number): number => {
          const reports = mine.map((bundle) => ({ bidder: "me", items: bundle.items, amount: report(bundle) }));
          const { winners, payments } = vcgAuction([...others, ...reports]);
          const won = winners.find(({ bidder }) => bidder === "me");
          if (won === undefined) return 0;
          return mine[(reports as BundleBid[]).indexOf(won)]!.amount - payments.get("me")!;
        };
        expect(gain(({ amount }) => amount)).toBeGreaterThanOrEqual(gain(({ lie }) => lie));
      }),
      { numRuns: 300 },
    );
  });

  test("VCG with one item is a second-price auction", () => {
    fc.assert(
      fc.property(fc.uniqueArray(amount, { minLength: 2, maxLength: 6 }), (amounts) => {
        const offers = amounts.map((amount, i) => ({ bidder: `b${i}`, amount }));
        const second = vickreyAuction(offers);
        const { payments } = vcgAuction(offers.map((bid) => ({ ...bid, items: ["it"] })));
        expect(second.state === "sold" && payments.get(second.winner)).toBe(second.state === "sold" && second.price);
      }),
    );
  });
});

describe("clearMarket", () => {
  const orders = fc.array(
    fc.record({ trader: fc.constantFrom("a", "b", "c"), price: amount, quantity: fc.integer({ min: 1, max: 5 }) }),
    {
      maxLength: 7,
    },
  );
  const sum = (of: readonly { quantity: number }[]): number => of.reduce((total, { quantity }) => total + quantity, 0);

  test("trades the most that any one price allows, at a price where nobody left out would trade", () => {
    fc.assert(
      fc.property(orders, orders, (buying: Order[], selling: Order[]) => {
        const { volume, price, bought, sold } = clearMarket(buying, selling);
        const at = (p: number): number =>
          Math.min(sum(buying.filter((order) => order.price >= p)), sum(selling.filter((order) => order.price <= p)));
        const possible = Math.max(0, ...[...buying, ...selling].map((order) => at(order.price)));
        expect(volume).toBe(possible);
        expect([sum(bought), sum(sold)]).toEqual([volume, volume]);
        expect(price === undefined).toBe(volume === 0);
        if (price === undefined) return;
        expect(at(price)).toBe(volume);
        // Whoever strictly wants to trade at the price does, in full.
        expect(sum(buying.filter((order) => order.price > price))).toBeLessThanOrEqual(volume);
        expect(sum(selling.filter((order) => order.price < price))).toBeLessThanOrEqual(volume);
        expect(sum(buying.filter((order) => order.price >= price))).toBeGreaterThanOrEqual(volume);
      }),
      { numRuns: 500 },
    );
  });

  test("an order for nothing is refused", () => {
    expect(() => clearMarket([{ trader: "a", price: 1, quantity: 0 }], [])).toThrow(/0 units/);
  });
});

test("the same bid object twice wins once", () => {
  const bid: BundleBid = { bidder: "a", items: ["x"], amount: 5 };
  expect(determineWinners([bid, bid])).toMatchObject({ winners: [bid], value: 5, bound: 5 });
});
