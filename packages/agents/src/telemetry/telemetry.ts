import { type Clock, messageOf, systemClock } from "@mettle/core";
import { defaultMemo, PatternIndex } from "../signals/pattern-index.ts";
import { checkSignalType } from "../signals/signal-type.ts";
import { telemetryErrors } from "./errors.ts";
import {
  type Attributes,
  Counter,
  Gauge,
  HistogramInstrument,
  type Instrument,
  type InstrumentKind,
  type InstrumentOptions,
  type MeasurementHandler,
} from "./instruments.ts";
import {
  type FinishedSpan,
  formatTraceparent,
  parseTraceparent,
  type Span,
  type SpanHandler,
  type SpanStatus,
  type TraceContext,
} from "./spans.ts";

/** Listens to measurements, spans, or both. */
export type TelemetryHandler = Partial<MeasurementHandler & SpanHandler>;

export interface SpanOptions {
  /** W3C trace context of what caused it, such as a signal's. */
  readonly parent?: string | undefined;
  readonly attributes?: Attributes;
}

interface AttachedHandler {
  readonly handler: TelemetryHandler;
  readonly matches: (name: string) => boolean;
}

const silent: Span = Object.freeze({ traceparent: undefined, end: () => undefined });
const noAttributes: Attributes = Object.freeze({});

/**
 * Measurements and spans of a runtime. Nothing is collected here: handlers are attached and detached while it runs, and
 * without one a measurement costs the reading of one field.
 *
 * @example
 * const requests = telemetry.counter("agent.requests");
 * const collector = new MetricsCollector();
 * const detach = telemetry.attach(collector, "agent.**");
 * requests.add(1, { outcome: "ok" });
 */
export class Telemetry {
  readonly #clock: Clock;
  readonly #random32: () => number;
  readonly #instruments = new Map<string, Instrument>();
  #attached: readonly AttachedHandler[] = [];
  /** Handlers of spans; `undefined` while there is none. */
  #spanHandlers: readonly AttachedHandler[] | undefined = undefined;
  readonly #whileAttached = new Map<() => () => void, (() => void) | undefined>();

  /** @param random32 - uniform unsigned 32-bit integers, for trace ids */
  constructor(clock: Clock = systemClock, random32: () => number = systemRandom32) {
    this.#clock = clock;
    this.#random32 = random32;
  }

  /** True while any handler is attached. */
  get listened(): boolean {
    return this.#attached.length > 0;
  }

  /** The same counter for the same name. @throws MettleError `INSTRUMENT_CONFLICT`, `SIGNAL_TYPE_INVALID` */
  counter(name: string, options: InstrumentOptions = {}): Counter {
    return this.#instrument("counter", Counter, name, options);
  }

  /** The same gauge for the same name. @throws MettleError `INSTRUMENT_CONFLICT`, `SIGNAL_TYPE_INVALID` */
  gauge(name: string, options: InstrumentOptions = {}): Gauge {
    return this.#instrument("gauge", Gauge, name, options);
  }

  /** The same histogram for the same name. @throws MettleError `INSTRUMENT_CONFLICT`, `SIGNAL_TYPE_INVALID` */
  histogram(name: string, options: InstrumentOptions = {}): HistogramInstrument {
    return this.#instrument("histogram", HistogramInstrument, name, options);
  }

  /**
   * Gives measurements and spans whose name matches to a handler, in the call that measures.
   *
   * @returns detaches it again
   * @throws MettleError `PATTERN_INVALID`
   */
  attach(handler: TelemetryHandler, pattern = "**"): () => void {
    const index = new PatternIndex<true, boolean>({ plan: (items) => items.length > 0, memo: defaultMemo });
    index.add(pattern, true);
    const attached: AttachedHandler = { handler, matches: (name) => index.find(name) };
    this.#setAttached([...this.#attached, attached]);
    return () => this.#setAttached(this.#attached.filter((other) => other !== attached));
  }

  /** Runs `start` while any handler is attached and what it returned when none is: for what costs even to observe. */
  whileAttached(start: () => () => void): () => void {
    this.#whileAttached.set(start, this.listened ? start() : undefined);
    return () => {
      this.#whileAttached.get(start)?.();
      this.#whileAttached.delete(start);
    };
  }

  /** Hot where it is used: without a handler of spans it returns one shared span that does nothing. */
  startSpan(name: string, options?: SpanOptions): Span {
    return this.#spanHandlers === undefined ? silent : this.#startSpan(name, options ?? {});
  }

  /** Calls `work` within a span that ends when it returns, throws or settles; passes on what it returns or throws. */
  track<Result>(name: string, work: (span: Span) => Result, options?: SpanOptions): Result {
    if (this.#spanHandlers === undefined) return work(silent);
    const span = this.#startSpan(name, options ?? {});
    let result: Result;
    try {
      result = work(span);
    } catch (error) {
      span.end({ state: "error", error });
      throw error;
    }
    if (!(result instanceof Promise)) {
      span.end();
      return result;
    }
    const followed = (result as Promise<unknown>).then(
      (value) => {
        span.end();
        return value;
      },
      (error: unknown) => {
        span.end({ state: "error", error });
        throw error;
      },
    );
    return followed as Result;
  }

  #startSpan(name: string, { parent, attributes = noAttributes }: SpanOptions): Span {
    const from = parent === undefined ? undefined : parseTraceparent(parent);
    const context: TraceContext = {
      traceId: from?.traceId ?? this.#hex(4),
      spanId: this.#hex(2),
      sampled: from?.sampled ?? true,
    };
    const startNs = this.#clock.wallTime() * 1e6;
    const start = this.#clock.now();
    let ended = false;
    const end = (status: SpanStatus = { state: "ok" }): void => {
      if (ended) return;
      ended = true;
      const durationNs = this.#clock.now() - start;
      const { traceId, spanId } = context;
      this.#tellSpan({ name, traceId, spanId, parentSpanId: from?.spanId, startNs, durationNs, attributes, status });
    };
    return { traceparent: formatTraceparent(context), end };
  }

  #tellSpan(span: FinishedSpan): void {
    for (const { handler, matches } of this.#spanHandlers ?? []) {
      try {
        if (matches(span.name)) handler.ended?.(span);
      } catch (error) {
        this.#failed(handler, error);
      }
    }
  }

  /** Never all zero, which trace context forbids. */
  #hex(words: number): string {
    const text = Array.from({ length: words }, () => this.#random32().toString(16).padStart(8, "0")).join("");
    return /^0+$/.test(text) ? text.replace(/0$/, "1") : text;
  }

  #instrument<Made extends Instrument>(
    kind: InstrumentKind,
    make: new (
      kind: InstrumentKind,
      name: string,
      options: InstrumentOptions,
      failed: (handler: MeasurementHandler, error: unknown) => void,
    ) => Made,
    name: string,
    options: InstrumentOptions,
  ): Made {
    const existing = this.#instruments.get(name);
    if (existing !== undefined) {
      if (existing instanceof make && existing.unit === (options.unit ?? "1")) return existing;
      throw telemetryErrors.create("INSTRUMENT_CONFLICT", `${name} is a ${existing.kind} in ${existing.unit}.`, {
        details: { name, kind: existing.kind, unit: existing.unit },
      });
    }
    checkSignalType(name);
    const instrument = new make(kind, name, options, (handler, error) => this.#failed(handler, error));
    instrument.handlers = this.#handlersOf(name);
    this.#instruments.set(name, instrument);
    return instrument;
  }

  #handlersOf(name: string): readonly MeasurementHandler[] | undefined {
    const handlers = this.#attached
      .filter(({ handler, matches }) => handler.measured !== undefined && matches(name))
      .map(({ handler }) => handler as MeasurementHandler);
    return handlers.length === 0 ? undefined : handlers;
  }

  #setAttached(attached: readonly AttachedHandler[]): void {
    this.#attached = attached;
    const spans = attached.filter(({ handler }) => handler.ended !== undefined);
    this.#spanHandlers = spans.length === 0 ? undefined : spans;
    for (const instrument of this.#instruments.values()) instrument.handlers = this.#handlersOf(instrument.name);
    for (const [start, stop] of this.#whileAttached) {
      if (this.listened === (stop !== undefined)) continue;
      stop?.();
      this.#whileAttached.set(start, this.listened ? start() : undefined);
    }
  }

  #failed(handler: TelemetryHandler, error: unknown): void {
    this.#setAttached(this.#attached.filter((other) => other.handler !== handler));
    process.emitWarning(`A telemetry handler threw and was detached: ${messageOf(error)}`, "MettleTelemetryWarning");
  }
}

function systemRandom32(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}
