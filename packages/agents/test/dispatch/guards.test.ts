import { ManualClock, ms } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { guarded, isReceiverFailure } from "../../src/dispatch/adapter.ts";
import { type BreakerOptions, CircuitBreaker } from "../../src/dispatch/circuit-breaker.ts";
import { ConcurrencyLimit } from "../../src/dispatch/concurrency-limit.ts";
import { dispatchErrors } from "../../src/dispatch/errors.ts";
import { makeSignal } from "../signals/signals.ts";

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;
const error = new Error("down");
const fail = async (): Promise<never> => Promise.reject(error);

describe("the circuit breaker", () => {
  function make(options: BreakerOptions = {}) {
    const clock = new ManualClock();
    const states: string[] = [];
    const breaker = new CircuitBreaker({ clock, onChange: (state) => states.push(state), ...options });
    return { clock, states, breaker };
  }

  test("opens at the fifth failure within 10 s, for 30 s, and closes after a success", async () => {
    const { clock, states, breaker } = make();
    for (let i = 0; i < 5; i++) {
      await expect(breaker.run(fail)).rejects.toBe(error);
      await clock.advance(ms(2000));
    }
    expect(breaker.state).toBe("open");
    let called = false;
    const call = (): string => {
      called = true;
      return "up";
    };
    await expect(breaker.run(call)).rejects.toMatchObject({
      code: "BREAKER_OPEN",
      details: { retryAfterMs: 28_000 },
      retryable: true,
    });
    expect(called).toBe(false);
    await clock.advance(ms(28_000));
    expect(await breaker.run(call)).toBe("up");
    expect(states).toEqual(["open", "halfOpen", "closed"]);
  });

  test("half open, it lets one call through and opens again when that fails", async () => {
    const { clock, states, breaker } = make({ failures: 1 });
    await expect(breaker.run(fail)).rejects.toBe(error);
    await clock.advance(ms(30_000));
    const trial = Promise.withResolvers<void>();
    const first = breaker.run(() => trial.promise);
    await expect(breaker.run(() => 1)).rejects.toThrow(code("BREAKER_OPEN"));
    trial.reject(error);
    await expect(first).rejects.toBe(error);
    await clock.advance(ms(29_999));
    await expect(breaker.run(() => 1)).rejects.toMatchObject({ details: { retryAfterMs: 1 } });
    await clock.advance(ms(1));
    expect(await breaker.run(() => 1)).toBe(1);
    expect(states).toEqual(["open", "halfOpen", "open", "halfOpen", "closed"]);
  });

  test("a call that began before it opened does not close it", async () => {
    const { breaker } = make({ failures: 1 });
    const old = Promise.withResolvers<string>();
    const late = breaker.run(() => old.promise);
    await expect(breaker.run(fail)).rejects.toBe(error);
    old.resolve("late");
    expect(await late).toBe("late");
    expect(breaker.state).toBe("open");
  });

  test("nor does it while another call is trying", async () => {
    const { clock, breaker } = make({ failures: 1 });
    const [old, trial] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    const late = breaker.run(() => old.promise);
    await expect(breaker.run(fail)).rejects.toBe(error);
    await clock.advance(ms(30_000));
    const trying = breaker.run(() => trial.promise);
    old.resolve("late");
    await late;
    expect(breaker.state).toBe("halfOpen");
    trial.resolve("up");
    await trying;
    expect(breaker.state).toBe("closed");
  });

  test.each([
    [10_000, "open"],
    [10_001, "closed"],
  ])("failures %d ms apart leave it %s", async (apart, state) => {
    const { clock, breaker } = make({ failures: 2 });
    await expect(breaker.run(fail)).rejects.toBe(error);
    await clock.advance(ms(apart));
    await expect(breaker.run(fail)).rejects.toBe(error);
    expect(breaker.state).toBe(state);
  });

  test("counts failures as a sliding window does", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 400 })), { maxLength: 40 }),
        async (calls) => {
          const { clock, breaker } = make({ failures: 3, window: ms(1000), openFor: ms(1e9) });
          const failedAt: number[] = [];
          let opens = false;
          for (const [good, wait] of calls) {
            if (!opens && !good) {
              failedAt.push(clock.now() / 1e6);
              opens = failedAt.filter((at) => at >= clock.now() / 1e6 - 1000).length >= 3;
            }
            await breaker.run(good ? () => 1 : fail).catch((thrown: unknown) => thrown);
            expect(breaker.state).toBe(opens ? "open" : "closed");
            await clock.advance(ms(wait));
          }
        },
      ),
    );
  });

  test("what is no failure of the receiver does not count", async () => {
    const { breaker } = make({ failures: 1, isFailure: isReceiverFailure });
    const refused = dispatchErrors.create("DISPATCH_REFUSED", "404");
    await expect(breaker.run(async () => Promise.reject(refused))).rejects.toBe(refused);
    expect(breaker.state).toBe("closed");
    await expect(breaker.run(fail)).rejects.toBe(error);
    expect(breaker.state).toBe("open");
  });

  test.each([{ failures: 0 }, { failures: 1.5 }, { window: ms(0) }, { openFor: ms(-1) }])(
    "%j is refused",
    (options) => {
      expect(() => new CircuitBreaker(options)).toThrow(code("DISPATCH_OPTIONS_INVALID"));
    },
  );
});

describe("the concurrency limit", () => {
  test("never exceeds it, serves first come first served, and comes to rest, whatever fails or is given up", async () => {
    const call = fc.record({ fails: fc.boolean(), givenUp: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { maxLength: 25 }),
        fc.integer({ min: 1, max: 4 }),
        fc.infiniteStream(fc.nat()),
        async (calls, most, picks) => {
          const limit = new ConcurrencyLimit(most);
          const running: { i: number; end: () => void }[] = [];
          const started: number[] = [];
          const givenUp = calls.map(() => new AbortController());
          const outcomes = calls.map(({ fails }, i) =>
            limit
              .run(
                () =>
                  new Promise<string>((resolve, reject) => {
                    started.push(i);
                    running.push({ i, end: () => (fails ? reject(error) : resolve("done")) });
                  }),
                givenUp[i]?.signal,
              )
              .catch((thrown: unknown) => (thrown === error ? "failed" : "given up")),
          );
          const expected = calls.map(({ fails, givenUp: gone }, i) => {
            if (gone && i >= most) givenUp[i]?.abort();
            return gone && i >= most ? "given up" : fails ? "failed" : "done";
          });
          for (;;) {
            for (let i = 0; i < 5; i++) await Promise.resolve();
            expect(running.length).toBeLessThanOrEqual(most);
            expect(limit.running).toBe(running.length);
            if (running.length === 0) break;
            running.splice(picks.next().value % running.length, 1)[0]?.end();
          }
          expect(await Promise.all(outcomes)).toEqual(expected);
          expect(started).toEqual(expected.flatMap((outcome, i) => (outcome === "given up" ? [] : [i])));
          expect([limit.running, limit.waiting]).toEqual([0, 0]);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("refuses when too many wait; who gave up makes room", async () => {
    const limit = new ConcurrencyLimit(1, 1);
    const first = Promise.withResolvers<void>();
    const running = limit.run(() => first.promise);
    const abort = new AbortController();
    const waiting = limit.run(() => 2, abort.signal);
    await expect(limit.run(() => 3)).rejects.toThrow(code("DISPATCH_BUSY"));
    abort.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    const next = limit.run(() => 4);
    first.resolve();
    await running;
    expect(await next).toBe(4);
    await expect(limit.run(() => 5, abort.signal)).rejects.toThrow("enough");
    expect(limit.running).toBe(0);
  });

  test.each([
    [0, 1],
    [1.5, 1],
    [1, -1],
  ])("%d and %d are refused", (most, waiting) => {
    expect(() => new ConcurrencyLimit(most, waiting)).toThrow(code("DISPATCH_OPTIONS_INVALID"));
  });
});

test("an adapter within both: waiting is no failure, and an open breaker takes no place", async () => {
  let up = true;
  const adapter = { name: "x", dispatch: async () => (up ? undefined : fail()) };
  const [limit, breaker] = [new ConcurrencyLimit(1, 10), new CircuitBreaker({ failures: 2, clock: new ManualClock() })];
  const safe = guarded(adapter, { limit, breaker });
  await safe.dispatch(makeSignal("a"));
  up = false;
  const outcomes = await Promise.allSettled([1, 2, 3, 4].map(async () => safe.dispatch(makeSignal("a"))));
  expect(
    outcomes.map((outcome) => outcome.status === "rejected" && ((outcome.reason as { code?: string }).code ?? "down")),
  ).toEqual(["down", "down", "BREAKER_OPEN", "BREAKER_OPEN"]);
  expect([safe.name, limit.running]).toEqual(["x", 0]);
  await expect(guarded(adapter, {}).dispatch(makeSignal("a"))).rejects.toBe(error);
});

test("a call that tries whether the receiver is back and never settles is given up; the next one may try", async () => {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker({ clock, failures: 1 });
  await expect(breaker.run(fail)).rejects.toBe(error);
  await clock.advance(ms(30_000));
  const late = Promise.withResolvers<string>();
  const hanging = breaker.run(() => late.promise);
  await expect(breaker.run(() => "other")).rejects.toMatchObject({
    code: "BREAKER_OPEN",
    details: { retryAfterMs: 30_000 },
  });
  await clock.advance(ms(30_000));
  expect(await breaker.run(() => "back")).toBe("back");
  expect(breaker.state).toBe("closed");
  late.reject(error);
  await expect(hanging).rejects.toBe(error);
  expect(breaker.state).toBe("closed");
});
