import { type Clock, type Milliseconds, systemClock } from "@mettle/core";
import { emptySlots } from "../queues/ring.ts";
import { parsePattern } from "../signals/pattern.ts";
import { defaultMemo, PatternIndex } from "../signals/pattern-index.ts";
import { checkSignalType } from "../signals/signal-type.ts";
import { eventErrors } from "./errors.ts";
import { EventChain } from "./event-chain.ts";

export interface NewEvent {
  /** Dotted, as a signal's. */
  readonly type: string;
  /** Ties together what belongs to one story, such as a request's id. */
  readonly correlation?: string | undefined;
  readonly data: unknown;
}

export interface StoredEvent extends NewEvent {
  /** Counts events, from 1. */
  readonly sequence: number;
  /** When it was appended, milliseconds since the epoch. Never decreases. */
  readonly time: number;
}

export interface EventQuery {
  /** A type, or a pattern such as `orders.**`. */
  readonly type?: string;
  readonly correlation?: string;
  /** Inclusive, milliseconds since the epoch. */
  readonly from?: number;
  /** Exclusive. */
  readonly to?: number;
  /** Only events behind this sequence, to read on where an earlier answer ended. */
  readonly after?: number;
  /** @defaultValue "oldest" first */
  readonly order?: "oldest" | "newest";
  /** @defaultValue all */
  readonly limit?: number;
}

export interface EventStoreOptions {
  readonly clock?: Clock;
  /** Events kept; the oldest go first. @defaultValue 100 000 */
  readonly maxEvents?: number;
  /** @defaultValue for ever */
  readonly maxAge?: Milliseconds;
}

/**
 * What happened, in order, in memory and bounded. Queries by correlation or by one type follow a list through the events
 * that match; by time they search a range; by pattern they scan that range.
 */
export class EventStore {
  readonly #clock: Clock;
  readonly #maxEvents: number;
  readonly #maxAge: number;
  #events: (StoredEvent | undefined)[] = emptySlots(16);
  #first = 1;
  #last = 0;
  #lastTime = 0;
  readonly #byType = new EventChain();
  readonly #byCorrelation = new EventChain();

  /** @throws MettleError `EVENT_STORE_INVALID` */
  constructor(options: EventStoreOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#maxEvents = options.maxEvents ?? 100_000;
    this.#maxAge = options.maxAge ?? Number.POSITIVE_INFINITY;
    if (!(Number.isInteger(this.#maxEvents) && this.#maxEvents >= 1))
      throw invalid("maxEvents must be a whole number from 1");
    if (!(this.#maxAge >= 0)) throw invalid("maxAge must be 0 ms or more");
  }

  /** Events kept. */
  get size(): number {
    return this.#last - this.#first + 1;
  }

  /** Sequence of the newest event; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** Hot. @throws MettleError `SIGNAL_TYPE_INVALID` */
  append(event: NewEvent): StoredEvent {
    checkSignalType(event.type);
    return this.#append(event, this.#now());
  }

  /** All or none, at one time and with sequences that follow each other. @throws MettleError `SIGNAL_TYPE_INVALID` */
  appendAll(events: readonly NewEvent[]): StoredEvent[] {
    for (const { type } of events) checkSignalType(type);
    const now = this.#now();
    return events.map((event) => this.#append(event, now));
  }

  get(sequence: number): StoredEvent | undefined {
    return sequence >= this.#first && sequence <= this.#last ? this.#at(sequence) : undefined;
  }

  /** @throws MettleError `PATTERN_INVALID`, `EVENT_STORE_INVALID` */
  query(query: EventQuery = {}): StoredEvent[] {
    const limit = query.limit ?? Number.POSITIVE_INFINITY;
    if (!(limit >= 0)) throw invalid(`a limit of ${limit}`);
    this.prune({ before: this.#now() - this.#maxAge });
    const low = Math.max(this.#first, (query.after ?? 0) + 1, query.from === undefined ? 0 : this.#firstAt(query.from));
    const high = query.to === undefined ? this.#last : this.#firstAt(query.to) - 1;
    const newest = query.order === "newest";
    const matches = matcherOf(query);
    const found: StoredEvent[] = [];
    // A list through the past ends with the oldest, so only the newest first can stop at the limit.
    const backwards = newest || this.#chainOf(query) !== undefined;
    const enough = newest || !backwards ? limit : Number.POSITIVE_INFINITY;
    for (const sequence of this.#candidates(query, low, high, backwards)) {
      if (found.length >= enough) break;
      const event = this.#at(sequence);
      if (sequence <= high && matches(event)) found.push(event);
    }
    if (backwards && !newest) found.reverse();
    return found.length > limit ? found.slice(0, limit) : found;
  }

  /** Drops events older than a time, or all but the newest `keep`. Returns how many. */
  prune(what: { readonly before?: number; readonly keep?: number }): number {
    const start = this.#first;
    const keepFrom = what.keep === undefined ? 0 : this.#last - what.keep + 1;
    const before = what.before ?? Number.NEGATIVE_INFINITY;
    while (this.#first <= this.#last && (this.#first < keepFrom || this.#at(this.#first).time < before)) this.#drop();
    return this.#first - start;
  }

  #chainOf(query: EventQuery): readonly [EventChain, string] | undefined {
    if (query.correlation !== undefined) return [this.#byCorrelation, query.correlation];
    if (query.type !== undefined && !query.type.includes("*")) return [this.#byType, query.type];
    return undefined;
  }

  *#candidates(query: EventQuery, low: number, high: number, backwards: boolean): Generator<number> {
    const chain = this.#chainOf(query);
    if (chain !== undefined) yield* chain[0].walk(chain[1], low);
    else if (backwards) for (let at = high; at >= low; at--) yield at;
    else for (let at = low; at <= high; at++) yield at;
  }

  #append({ type, correlation, data }: NewEvent, now: number): StoredEvent {
    if (this.size >= this.#maxEvents) this.#drop();
    if (this.size === this.#events.length) this.#grow();
    const event: StoredEvent = { sequence: ++this.#last, time: now, type, correlation, data };
    this.#events[event.sequence & (this.#events.length - 1)] = event;
    this.#byType.append(event.sequence, type);
    this.#byCorrelation.append(event.sequence, correlation);
    return event;
  }

  /** The time, held where the clock steps back. */
  #now(): number {
    this.#lastTime = Math.max(this.#lastTime, this.#clock.wallTime());
    return this.#lastTime;
  }

  #at(sequence: number): StoredEvent {
    return this.#events[sequence & (this.#events.length - 1)]!;
  }

  #drop(): void {
    const { type, correlation } = this.#at(this.#first);
    this.#byType.drop(this.#first, type);
    this.#byCorrelation.drop(this.#first, correlation);
    this.#events[this.#first & (this.#events.length - 1)] = undefined;
    this.#first += 1;
  }

  #grow(): void {
    const capacity = this.#events.length * 2;
    const events = emptySlots<StoredEvent>(capacity);
    for (let at = this.#first; at <= this.#last; at++) events[at & (capacity - 1)] = this.#at(at);
    this.#byType.grow(capacity, this.#first, this.#last);
    this.#byCorrelation.grow(capacity, this.#first, this.#last);
    this.#events = events;
  }

  /** Sequence of the first event at `time` or later; one behind the last when there is none. */
  #firstAt(time: number): number {
    let low = this.#first;
    let high = this.#last + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#at(middle).time < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** `&` on a sequence takes its low 32 bits, which is right for every safe integer and a capacity that is a power of two. */
function matcherOf({ type, correlation }: EventQuery): (event: StoredEvent) => boolean {
  const ofCorrelation = (event: StoredEvent): boolean => correlation === undefined || event.correlation === correlation;
  if (type === undefined) return ofCorrelation;
  const pattern = parsePattern(type);
  if (pattern.exact) return (event) => event.type === type && ofCorrelation(event);
  const index = new PatternIndex<true, boolean>({ plan: (items) => items.length > 0, memo: defaultMemo });
  index.add(pattern, true);
  return (event) => ofCorrelation(event) && index.find(event.type);
}

const invalid = (why: string): Error => eventErrors.create("EVENT_STORE_INVALID", `The event store: ${why}.`);
