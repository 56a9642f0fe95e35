/**
 * A CloudEvents 1.0 event as it lives in the runtime. Written for the hot path: one shape, a counter for an id, numeric
 * time; `toCloudEvent` writes the outer form (UUIDv7 id, ISO time) where a signal leaves the process.
 */
export interface Signal<Data = unknown> {
  /** Unique in this runtime. */
  readonly id: number;
  /** Dotted: `domain.entity.action`. */
  readonly type: string;
  /** The name of what sent it. */
  readonly source: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly data: Data;
  readonly subject: string | undefined;
  readonly traceparent: string | undefined;
  /** Further attributes as they came from outside; absent on almost every signal. */
  readonly extensions: Readonly<Record<string, string | number | boolean>> | undefined;
}
