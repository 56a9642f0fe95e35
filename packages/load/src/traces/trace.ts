import type { TextSource } from "@mettle/results";

/** One request of a recorded load. */
export interface TraceRequest {
  /** Milliseconds after the first request of the trace. */
  readonly atMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Input that an unlimited cache would have held already. */
  readonly cachedInputTokens?: number;
}

export interface ReadTraceOptions {
  /** Named in errors: the file. @defaultValue `trace` */
  readonly source?: string;
}

export type TraceReader = (text: TextSource, options?: ReadTraceOptions) => AsyncGenerator<TraceRequest, void, void>;
