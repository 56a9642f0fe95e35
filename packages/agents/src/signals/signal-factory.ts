import { type Clock, systemClock } from "@mettle/core";
import type { Signal } from "./signal.ts";

/** What a signal may carry besides type, source and data. */
export interface SignalAttributes {
  readonly subject?: string | undefined;
  /** W3C trace context of what caused it. */
  readonly traceparent?: string | undefined;
  readonly extensions?: Signal["extensions"];
}

/**
 * Makes signals with ids that count up. One per runtime: an id is unique among the signals of one factory.
 *
 * Types are not checked here but where they are routed, once per type rather than once per signal.
 */
export class SignalFactory {
  readonly #clock: Clock;
  #lastId = 0;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Hot: once per signal. Every field is present on every signal, in one order, so that all have one shape. */
  create<Data>(type: string, source: string, data: Data, attributes?: SignalAttributes): Signal<Data> {
    return {
      id: ++this.#lastId,
      type,
      source,
      time: this.#clock.wallTime(),
      data,
      subject: attributes?.subject,
      traceparent: attributes?.traceparent,
      extensions: attributes?.extensions,
    };
  }
}
