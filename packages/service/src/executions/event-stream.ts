import type { Clock, Milliseconds } from "@mettle/core";
import { type EventPlace, isEnded, type Standing, type ToldEvent } from "./execution.ts";

export interface EventSource {
  /** Where the execution stands now, and after each news of it, until it has ended. */
  readonly standings: AsyncIterable<Standing>;
  /** What was told after a place, in order, `most` at most. */
  readonly eventsAfter: (place: EventPlace, most: number) => Promise<readonly ToldEvent[]>;
  /** The execution as callers see it. */
  readonly ended: () => Promise<unknown>;
  readonly clock: Clock;
  /** Silence is broken after this long, so that proxies and peers see that the connection lives. */
  readonly beatEvery: Milliseconds;
}

/** Before everything that any execution told. */
export const beginning: EventPlace = { fence: "0", number: 0 };
/** What is held of a stream at once: a reader that does not read holds no more than this. */
const eventsAtOnce = 100;
const retryAfterMs = 1000;

/** `3.17`: the 17th event of the attempt with fence 3. */
export const placeText = ({ fence, number }: EventPlace): string => `${fence}.${number}`;

/** @returns undefined for what is no place */
export function placeOf(text: string): EventPlace | undefined {
  const [, fence, number] = /^(\d{1,18})\.(\d{1,9})$/.exec(text) ?? [];
  return fence === undefined ? undefined : { fence, number: Number(number) };
}

/**
 * An execution's events as a Server-Sent Events stream (WHATWG HTML, 9.2): `attempt` when an attempt begins, which voids
 * what earlier ones told; `progress`, `token`; and `end` with the execution. An event's id is its place, from which a
 * reader that was cut off goes on.
 *
 * Nothing is read ahead of the reader: the database keeps what it has not taken yet.
 */
export async function* eventStream(source: EventSource, after: EventPlace): AsyncGenerator<string> {
  const { clock, beatEvery } = source;
  let place = after;
  let lastAt = clock.now();
  yield `retry: ${retryAfterMs}\n\n`;
  for await (const { state } of source.standings) {
    for (;;) {
      const told = await source.eventsAfter(place, eventsAtOnce);
      const last = told.at(-1);
      if (!last) break;
      yield told.map((event, i) => textOf(event, told[i - 1] ?? place)).join("");
      place = last;
      lastAt = clock.now();
      if (told.length < eventsAtOnce) break;
    }
    if (isEnded(state)) {
      yield `event: end\ndata: ${JSON.stringify(await source.ended())}\n\n`;
      return;
    }
    if ((clock.now() - lastAt) / 1e6 < beatEvery) continue;
    yield ": still here\n\n";
    lastAt = clock.now();
  }
}

function textOf({ event, ...place }: ToldEvent, before: EventPlace): string {
  const { type, ...data } = event;
  const begins = place.fence === before.fence ? "" : "event: attempt\ndata: {}\n\n";
  return `${begins}id: ${placeText(place)}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
