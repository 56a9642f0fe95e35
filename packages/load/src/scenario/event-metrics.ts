import type { Metric, MetricRecorder, TagSet } from "../metrics/recorder.ts";
import { EventStreamParser, type ServerSentEvent } from "../sse/event-stream-parser.ts";

/** What is recorded of event streams. One a worker. Times in ms. */
export class EventMetrics {
  readonly events: Metric;
  /** From the start of the request. */
  readonly first: Metric;
  /** Between one event and the next. */
  readonly gap: Metric;

  constructor(recorder: MetricRecorder) {
    this.events = recorder.metric({ name: "sse_events", kind: "counter", contains: "default" });
    this.first = recorder.metric({ name: "sse_time_to_first_event", kind: "trend", contains: "time" });
    this.gap = recorder.metric({ name: "sse_event_gap", kind: "trend", contains: "time" });
  }
}

/** Reads the events of one response as its bytes come. */
export class EventReader {
  readonly #metrics: EventMetrics;
  readonly #tags: TagSet;
  readonly #parser: EventStreamParser;
  #firstAt = Number.NaN;
  #lastAt = Number.NaN;

  constructor(metrics: EventMetrics, tags: TagSet, onEvent: (event: ServerSentEvent, at: number) => void) {
    this.#metrics = metrics;
    this.#tags = tags;
    this.#parser = new EventStreamParser({
      onEvent: (event, at) => {
        metrics.events.add(1, tags);
        if (this.#lastAt === this.#lastAt) metrics.gap.add(at - this.#lastAt, tags);
        else this.#firstAt = at;
        this.#lastAt = at;
        onEvent(event, at);
      },
    });
  }

  /** Hot: once a piece of the stream. @throws Error for a line or an event beyond all limits */
  push(chunk: Uint8Array, at: number): void {
    if (!this.#parser.push(chunk, at)) throw new Error(`event stream: ${this.#parser.problem}`);
  }

  /** When the response has ended. @param startedAt - of the request */
  finish(startedAt: number): void {
    if (this.#firstAt === this.#firstAt) this.#metrics.first.add(this.#firstAt - startedAt, this.#tags);
  }
}
