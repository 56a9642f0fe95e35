import type { Attributes } from "./instruments.ts";

export type SpanStatus = { readonly state: "ok" } | { readonly state: "error"; readonly error: unknown };

/** A span that has ended. */
export interface FinishedSpan {
  readonly name: string;
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** Nanoseconds since the epoch: wall time at the start, monotonic from there on; to about 200 ns, as a number can. */
  readonly startNs: number;
  readonly durationNs: number;
  readonly attributes: Attributes;
  readonly status: SpanStatus;
}

export interface SpanHandler {
  ended(span: FinishedSpan): void;
}

/** Work that takes time. */
export interface Span {
  /** W3C trace context to hand on; `undefined` while nobody listens: hand on what you were given then. */
  readonly traceparent: string | undefined;
  /** Only the first call counts. */
  end(status?: SpanStatus): void;
}

/** The place of a span in its trace, as W3C trace context writes it (version 00). */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** `undefined` for what is no valid trace context; higher versions are read as far as they are known. */
export function parseTraceparent(text: string): TraceContext | undefined {
  const [, version = "", traceId = "", spanId = "", flags = "", rest] = form.exec(text) ?? [];
  if (version === "" || version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}
