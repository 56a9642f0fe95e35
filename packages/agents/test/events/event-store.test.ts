import { ManualClock, ms } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type EventQuery, EventStore, type StoredEvent } from "../../src/events/event-store.ts";
import { EventChain } from "../../src/events/event-chain.ts";
import { patternMatches } from "../signals/signals.ts";

const sequences = (events: readonly StoredEvent[]): number[] => events.map(({ sequence }) => sequence);
const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;

describe("queries against a scan", () => {
  const newEvent = fc.record(
    { type: fc.constantFrom("a.b", "a.c", "d"), correlation: fc.constantFrom("x", "y", "__proto__"), data: fc.nat() },
    { requiredKeys: ["type", "data"] },
  );
  const step = fc.oneof(
    newEvent.map((event) => ({ append: [event] })),
    fc.array(newEvent, { maxLength: 4 }).map((append) => ({ append })),
    fc.record({ wait: fc.integer({ min: -3, max: 10 }) }),
    fc.record({ keep: fc.integer({ min: 0, max: 20 }) }),
    fc.record({ before: fc.integer({ min: 90, max: 160 }) }),
  );
  const query: fc.Arbitrary<EventQuery> = fc.record(
    {
      type: fc.constantFrom("a.b", "d", "none", "a.*", "**"),
      correlation: fc.constantFrom("x", "y", "none", "__proto__"),
      from: fc.integer({ min: 90, max: 170 }),
      to: fc.integer({ min: 90, max: 170 }),
      after: fc.nat(30),
      order: fc.constantFrom("oldest" as const, "newest" as const),
      limit: fc.nat(6),
    },
    { requiredKeys: [] },
  );

  function scan(events: readonly StoredEvent[], asked: EventQuery): number[] {
    const found = events.filter(
      ({ sequence, type, correlation, time }) =>
        (asked.type === undefined || patternMatches(asked.type, type)) &&
        (asked.correlation === undefined || asked.correlation === correlation) &&
        time >= (asked.from ?? 0) &&
        time < (asked.to ?? Number.POSITIVE_INFINITY) &&
        sequence > (asked.after ?? 0),
    );
    return sequences(asked.order === "newest" ? found.toReversed() : found).slice(0, asked.limit);
  }

  test("find the same after any appends, prunings and steps of the clock", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.array(query, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 40 }),
        (steps, queries, maxEvents) => {
          let wall = 100;
          const clock = Object.assign(new ManualClock(), { wallTime: () => ms(wall) });
          const store = new EventStore({ clock, maxEvents });
          let model: StoredEvent[] = [];
          for (const one of steps) {
            if ("append" in one) {
              const made = one.append.length === 1 ? [store.append(one.append[0]!)] : store.appendAll(one.append);
              model = [...model, ...made].slice(-maxEvents);
            } else if ("wait" in one) wall += one.wait;
            else {
              const kept = model.filter(({ time }, i) =>
                "before" in one ? time >= one.before : i >= model.length - one.keep,
              );
              // What is kept is an end of the list: times never decrease.
              expect(store.prune(one)).toBe(model.length - kept.length);
              model = kept;
            }
          }
          expect([store.size, sequences(store.query())]).toEqual([model.length, sequences(model)]);
          for (const asked of queries) expect(sequences(store.query(asked))).toEqual(scan(model, asked));
        },
      ),
      { numRuns: 1000 },
    );
  });
});

test("events carry what they were given, a sequence and a time that never decreases", () => {
  let wall = 100;
  const clock = Object.assign(new ManualClock(), { wallTime: () => ms(wall) });
  const store = new EventStore({ clock });
  const data = { any: "thing" };
  expect(store.append({ type: "a.b", correlation: "x", data })).toEqual({
    sequence: 1,
    time: 100,
    type: "a.b",
    correlation: "x",
    data,
  });
  wall = 50;
  expect(store.append({ type: "a.b", data }).time).toBe(100);
  expect([store.get(1)?.data, store.get(2)?.correlation, store.get(0), store.get(3)]).toEqual([
    data,
    undefined,
    undefined,
    undefined,
  ]);
});

test("age limits what is found", async () => {
  const clock = new ManualClock(0);
  const store = new EventStore({ clock, maxAge: ms(10) });
  for (let i = 0; i < 4; i++) {
    store.append({ type: "a", data: i });
    await clock.advance(ms(5));
  }
  expect(store.query({ type: "a" }).map(({ data }) => data)).toEqual([2, 3]);
});

test("a batch with a bad type appends nothing", () => {
  const store = new EventStore();
  expect(() =>
    store.appendAll([
      { type: "a", data: 1 },
      { type: "b..c", data: 2 },
    ]),
  ).toThrow(code("SIGNAL_TYPE_INVALID"));
  expect(() => store.append({ type: "", data: 1 })).toThrow(code("SIGNAL_TYPE_INVALID"));
  expect([store.size, store.last]).toEqual([0, 0]);
});

test("a million stories leave nothing behind once their events are gone", () => {
  const chain = new EventChain();
  let first = 1;
  for (let i = 1; i <= 1_000_000; i++) {
    chain.append(i, `story-${i}`);
    if (i >= 16) chain.drop(first, `story-${first++}`);
  }
  expect(chain.keys).toBe(15);
  expect([...chain.walk("story-1000000", first)]).toEqual([1_000_000]);
});

test.each([
  [() => new EventStore({ maxEvents: 0 }), "EVENT_STORE_INVALID"],
  [() => new EventStore({ maxAge: ms(-1) }), "EVENT_STORE_INVALID"],
  [() => new EventStore().query({ limit: Number.NaN }), "EVENT_STORE_INVALID"],
  [() => new EventStore().query({ type: "a..*" }), "PATTERN_INVALID"],
])("%s is refused", (act, expected) => {
  expect(act).toThrow(code(expected));
});
