import { ManualClock, ms } from "@mettle/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { beginning, eventStream, placeOf, placeText } from "../../src/executions/event-stream.ts";
import type { EventPlace, Standing, ToldEvent } from "../../src/executions/execution.ts";

const told = (fence: number, number: number): ToldEvent => ({
  fence: String(fence),
  number,
  event: { type: "token", text: `${fence}-${number} ` },
});
const isAfter = (a: EventPlace, b: EventPlace): boolean =>
  BigInt(a.fence) === BigInt(b.fence) ? a.number > b.number : BigInt(a.fence) > BigInt(b.fence);

/** A store of events that stand there from the beginning, looked at by as many standings as are given. */
const source = (events: readonly ToldEvent[], standings: readonly Standing[], clock = new ManualClock()) => ({
  standings: (async function* () {
    yield* standings;
  })(),
  eventsAfter: async (place: EventPlace, most: number) => events.filter((one) => isAfter(one, place)).slice(0, most),
  ended: async () => ({ status: "succeeded" }),
  clock,
  beatEvery: ms(10_000),
});
const running = { state: "running", attempts: 1 } as const;
const succeeded = { state: "succeeded", attempts: 1 } as const;

async function textOf(chunks: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const chunk of chunks) text += chunk;
  return text;
}

test("tells each event with its place, then the end", async () => {
  const text = await textOf(eventStream(source([told(1, 1), told(1, 2)], [running, succeeded]), beginning));
  expect(text).toBe(
    [
      "retry: 1000",
      "event: attempt\ndata: {}",
      'id: 1.1\nevent: token\ndata: {"text":"1-1 "}',
      'id: 1.2\nevent: token\ndata: {"text":"1-2 "}',
      'event: end\ndata: {"status":"succeeded"}\n\n',
    ].join("\n\n"),
  );
});

test("a new attempt is announced, so that what the one before told can be thrown away", async () => {
  const text = await textOf(eventStream(source([told(1, 1), told(2, 1)], [succeeded]), { fence: "1", number: 0 }));
  expect(text.match(/^(?:event: attempt|id: .*)$/gm)).toEqual(["id: 1.1", "event: attempt", "id: 2.1"]);
});

test("whoever is cut off anywhere and goes on from its last place has each event once, in order", async () => {
  const events = [1, 2, 3].flatMap((fence) => Array.from({ length: 120 }, (_, i) => told(fence, i + 1)));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 150 }), { maxLength: 10 }), async (cuts) => {
      const seen: string[] = [];
      let place: EventPlace = beginning;
      for (const cut of [...cuts, Number.POSITIVE_INFINITY]) {
        const ids = (await textOf(eventStream(source(events, [succeeded]), place))).matchAll(/^id: (.*)$/gm);
        const got = [...ids].map(([, id]) => id as string).slice(0, cut);
        seen.push(...got);
        place = placeOf(got.at(-1) ?? "") ?? place;
      }
      expect(seen).toEqual(events.map((one) => placeText(one)));
    }),
    { numRuns: 30 },
  );
});

test("breaks a long silence", async () => {
  const clock = new ManualClock();
  const standings = (async function* () {
    for (let i = 0; i < 7; i++) {
      yield running;
      await clock.advance(ms(4000));
    }
    yield succeeded;
  })();
  const text = await textOf(eventStream({ ...source([], [], clock), standings }, beginning));
  expect(text.match(/^: still here$/gm)).toHaveLength(2);
});

test.each(["", "1", "1.", ".1", "a.b", "1.2.3", "-1.2", "1.9999999999", "9".repeat(30) + ".1"])(
  "%j is no place",
  (text) => expect(placeOf(text)).toBeUndefined(),
);
