import { ManualClock, ms } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  allocateResources,
  Budgets,
  computeOptimalAllocation,
  fairAllocation,
  ReputationBook,
  type Reservation,
  TimerWheel,
} from "../../src/index.ts";

describe("ReputationBook", () => {
  test("is the mean of the experiences, drawn to one half, and fades by halves", async () => {
    const clock = new ManualClock();
    const book = new ReputationBook({ clock, halfLife: ms(1000) });
    expect(book.of("a")).toEqual({ score: 0.5, evidence: 0 });
    for (let i = 0; i < 8; i++) book.record("a", 1);
    expect(book.of("a")).toEqual({ score: 0.9, evidence: 8 });
    await clock.advance(ms(2000));
    expect(book.of("a")).toEqual({ score: 0.75, evidence: 2 }); // (2 + 1) / (2 + 2)
    book.record("a", 0, 2);
    expect(book.of("a")).toEqual({ score: 0.5, evidence: 4 });
    await clock.advance(ms(100_000));
    expect(book.of("a").score).toBeCloseTo(0.5, 9);
  });

  test("looking often changes nothing", async () => {
    const [often, once] = [new ManualClock(), new ManualClock()];
    const books = [often, once].map((clock) => new ReputationBook({ clock }));
    for (const book of books) book.record("a", 0.9, 5);
    for (let i = 0; i < 100; i++) {
      await often.advance(ms(36_000));
      books[0]!.of("a");
    }
    await once.advance(ms(3_600_000));
    expect(books[0]!.of("a").score).toBeCloseTo(books[1]!.of("a").score, 12);
  });

  test("forgets whom it heard of longest ago", () => {
    const book = new ReputationBook({ clock: new ManualClock(), capacity: 2 });
    for (const party of ["a", "b", "a", "c"]) book.record(party, 1);
    expect(book.size).toBe(2);
    expect(book.of("b").evidence).toBe(0);
    expect(book.of("a").evidence).toBe(2);
  });

  test.each([Number.NaN, -0.1, 1.1])("a quality of %s is refused", (quality) => {
    expect(() => new ReputationBook({ clock: new ManualClock() }).record("a", quality)).toThrow(/quality/);
  });
});

describe("Budgets", () => {
  test("spent and reserved stay within the limit, and nothing is lost", () => {
    const step = fc.record({
      kind: fc.constantFrom("reserve", "spend", "commit", "release"),
      amount: fc.nat(40),
      which: fc.nat(9),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const budgets = new Budgets();
        budgets.open("a", 100);
        let spent = 0;
        const open: Reservation[] = [];
        const held = (): number => open.reduce((sum, { amount }) => sum + amount, 0);
        for (const { kind, amount, which } of steps) {
          const fits = spent + held() + amount <= 100;
          const chosen = open[which % Math.max(1, open.length)];
          if (kind === "reserve" || kind === "spend") {
            if (!fits)
              expect(() => budgets.reserve("a", amount)).toThrow(
                expect.objectContaining({ code: "ACCOUNT_OVERDRAWN" }),
              );
            else if (kind === "reserve") open.push(budgets.reserve("a", amount));
            else {
              budgets.spend("a", amount);
              spent += amount;
            }
          } else if (chosen !== undefined) {
            open.splice(open.indexOf(chosen), 1);
            const paid = Math.min(amount, chosen.amount);
            if (kind === "commit") {
              chosen.commit(paid);
              spent += paid;
            } else chosen.release();
            expect(() => chosen.release()).toThrow(expect.objectContaining({ code: "ACCOUNT_RESERVATION_SETTLED" }));
            expect(() => chosen.commit(0)).toThrow(expect.objectContaining({ code: "ACCOUNT_RESERVATION_SETTLED" }));
          }
          const reserved = held();
          expect(budgets.of("a")).toEqual({ limit: 100, spent, reserved, available: 100 - spent - reserved });
        }
      }),
    );
  });

  test("a lower limit leaves nothing, a new period everything but what is reserved", () => {
    const budgets = new Budgets();
    budgets.open("a", 100);
    budgets.spend("a", 60);
    const held = budgets.reserve("a", 10);
    budgets.open("a", 50);
    expect(budgets.of("a").available).toBe(0);
    budgets.renew("a");
    expect(budgets.of("a")).toEqual({ limit: 50, spent: 0, reserved: 10, available: 40 });
    expect(() => held.commit(11)).toThrow(expect.objectContaining({ code: "ACCOUNT_OVERDRAWN" }));
    held.commit(4);
    expect(budgets.of("a").available).toBe(46);
  });

  test("an account nobody opened, or that was closed, has no money", () => {
    const budgets = new Budgets();
    expect(() => budgets.spend("a", 1)).toThrow(expect.objectContaining({ code: "ACCOUNT_UNKNOWN" }));
    budgets.open("a", 1);
    budgets.close("a");
    expect(() => budgets.of("a")).toThrow(expect.objectContaining({ code: "ACCOUNT_UNKNOWN" }));
  });
});

const asked = fc.array(fc.record({ amount: fc.integer({ min: 1, max: 9 }), value: fc.nat(20) }), { maxLength: 9 });

describe("allocation", () => {
  test("indivisible: as good as trying every set", () => {
    fc.assert(
      fc.property(asked, fc.nat(25), (wishes, capacity) => {
        const requests = wishes.map((wish, i) => ({ ...wish, agent: `a${i}`, indivisible: true }));
        let best = 0;
        for (let set = 0; set < 1 << requests.length; set++) {
          const chosen = requests.filter((_, i) => (set >> i) & 1);
          if (chosen.reduce((sum, { amount }) => sum + amount, 0) > capacity) continue;
          best = Math.max(
            best,
            chosen.reduce((sum, { value }) => sum + value, 0),
          );
        }
        const { granted, value, exact, bound } = computeOptimalAllocation(capacity, requests);
        expect({ value, exact, bound }).toEqual({ value: best, exact: true, bound: best });
        expect(granted.reduce((sum, units) => sum + units, 0)).toBeLessThanOrEqual(capacity);
        expect(granted.every((units, i) => units === 0 || units === requests[i]!.amount)).toBe(true);
        expect(requests.reduce((sum, request, i) => sum + (granted[i]! > 0 ? request.value : 0), 0)).toBe(best);
        // The same with amounts that no table can hold: never better than the best, at least half of it.
        const fine = requests.map((request) => ({ ...request, amount: request.amount * Math.PI }));
        const rough = computeOptimalAllocation(capacity * Math.PI, fine);
        expect(rough.value).toBeLessThanOrEqual(best);
        expect(rough.value).toBeGreaterThanOrEqual(best / 2);
        expect(rough.bound).toBeGreaterThanOrEqual(best - 1e-9);
      }),
    );
  });

  test("divisible: no small shift of units improves it", () => {
    fc.assert(
      fc.property(asked, fc.nat(25), (wishes, capacity) => {
        const requests = wishes.map((wish, i) => ({ ...wish, agent: `a${i}` }));
        const { granted, exact } = computeOptimalAllocation(capacity, requests);
        expect(exact).toBe(true);
        const wanted = requests.reduce((sum, { amount }) => sum + amount, 0);
        expect(granted.reduce((sum, units) => sum + units, 0)).toBeCloseTo(Math.min(capacity, wanted), 9);
        const density = requests.map(({ value, amount }) => value / amount);
        for (const [i, request] of requests.entries()) {
          for (const [j] of requests.entries()) {
            // A unit of j that i would value more can only stay where it is because i is full.
            if (granted[j]! > 0 && density[i]! > density[j]! + 1e-12) expect(granted[i]).toBe(request.amount);
          }
        }
      }),
    );
  });

  test("fair: nobody could have more without taking from one who has no more", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 8 }), fc.nat(60), (amounts, capacity) => {
        const granted = fairAllocation(capacity, amounts);
        const total = granted.reduce((sum, units) => sum + units, 0);
        expect(total).toBeCloseTo(
          Math.min(
            capacity,
            amounts.reduce((sum, amount) => sum + amount, 0),
          ),
          9,
        );
        const most = Math.max(0, ...granted);
        for (const [i, units] of granted.entries()) {
          expect(units).toBeLessThanOrEqual(amounts[i]!);
          if (units < amounts[i]! - 1e-9) expect(units).toBeCloseTo(most, 9);
        }
      }),
    );
  });

  test("asks all at once; who is silent at the deadline gets nothing (S3-007)", async () => {
    const clock = new ManualClock();
    const answers = new Map<string, (request: { amount: number; value: number } | undefined) => void>();
    const allocated = allocateResources(10, {
      agents: ["a", "b", "c", "d"],
      ask: (agent, answer) => void answers.set(agent, answer),
      timers: new TimerWheel(clock),
    });
    expect([...answers.keys()]).toEqual(["a", "b", "c", "d"]);
    answers.get("a")!({ amount: 8, value: 8 });
    answers.get("c")!({ amount: 6, value: 12 });
    answers.get("d")!(undefined);
    await clock.advance(ms(5000));
    answers.get("b")!({ amount: 10, value: 1000 });
    expect(await allocated).toMatchObject({ granted: [4, 6], value: 16, silent: ["b"] });
  });

  test("ends at the last answer, without waiting for the deadline", async () => {
    const allocated = allocateResources(1, {
      agents: ["a"],
      ask: (_agent, answer) => answer({ amount: 1, value: 1 }),
      timers: new TimerWheel(new ManualClock()),
    });
    expect(await allocated).toMatchObject({ granted: [1], silent: [] });
    const nobody = allocateResources(1, {
      agents: [],
      ask: () => undefined,
      timers: new TimerWheel(new ManualClock()),
    });
    expect(await nobody).toMatchObject({ granted: [] });
  });

  const gather = (capacity: number, given: Record<string, unknown>) =>
    allocateResources(capacity, {
      agents: Object.keys(given),
      ask: (agent, answer) => answer(given[agent] as never),
      timers: new TimerWheel(new ManualClock()),
    });

  test.each<[string, unknown]>([
    ["a negative amount", { amount: -1, value: 1 }],
    ["an amount that is no number", { amount: "1", value: 1 }],
    ["a big integer", { amount: 1n, value: 1 }],
    ["a symbol", { amount: Symbol("one"), value: 1 }],
    ["no worth", { amount: 1, value: NaN }],
    ["nothing at all", null],
    ["another kind than most", { amount: 1, value: 1, indivisible: true }],
  ])("an answer that makes no sense costs nobody but its agent: %s", async (_, answer) => {
    const fair = { amount: 4, value: 4 };
    const { granted, requests, invalid } = await gather(10, { a: fair, liar: answer, b: fair });
    expect(granted).toEqual([4, 4]);
    expect(requests.map(({ agent }) => agent)).toEqual(["a", "b"]);
    expect(invalid).toEqual([{ agent: "liar", problems: expect.arrayContaining([expect.any(String)]) }]);
  });

  test("the more numerous kind of request counts", async () => {
    const whole = { amount: 4, value: 4, indivisible: true };
    expect(await gather(6, { a: whole, b: whole, c: { amount: 4, value: 4 } })).toMatchObject({
      granted: [4, 0],
      invalid: [{ agent: "c" }],
    });
    expect(await gather(6, { a: whole, b: { amount: 4, value: 4 } })).toMatchObject({
      granted: [4],
      invalid: [{ agent: "a" }],
    });
  });

  test("a capacity that is no amount is the caller's to see", async () => {
    await expect(gather(NaN, { a: { amount: 1, value: 1 } })).rejects.toMatchObject({ code: "OPTIONS_INVALID" });
  });
});
