import type { MetricDefinition, Tags } from "../metrics/recorder.ts";
import type { CellAnnouncement, Submetric } from "../metrics/worker-recorder.ts";
import type { OperationSamples } from "../metrics/sample-book.ts";
import type { ErrorEntry } from "./error-book.ts";
import type { LoadSource } from "./load-test.ts";
import type { LoadPlan } from "./resolve-plan.ts";
import type { ScenarioCounts } from "./scenario-run.ts";
import type { ThreadHealth } from "./thread-health.ts";

/** What the main thread tells a worker. Moments are ms of `process.hrtime`, which all threads share. */
export type ToWorker =
  | {
      readonly kind: "begin";
      readonly worker: number;
      readonly workers: number;
      readonly plan: LoadPlan;
      readonly submetrics: readonly Submetric[];
      readonly taken: SharedArrayBuffer;
      /** Tell every single sample. */
      readonly stream: boolean;
      /** Absent for a worker in this thread, which is given the load test itself. */
      readonly source?: LoadSource;
    }
  | { readonly kind: "setup" }
  | { readonly kind: "prepare"; readonly setupData: unknown }
  | { readonly kind: "start"; readonly atMs: number }
  | { readonly kind: "flush" }
  | { readonly kind: "stop" }
  | { readonly kind: "abort" }
  | { readonly kind: "control"; readonly scenario: string; readonly users: number }
  | { readonly kind: "teardown" };

/** An error that crosses threads. */
export interface ToldError {
  readonly message: string;
  readonly stack?: string;
  /** Of a coded error, so that it can be made again. */
  readonly coded?: {
    readonly code: string;
    readonly next: string;
    readonly exitCode: number;
    readonly retryable: boolean;
    readonly details: unknown;
  };
}

/** Samples one by one, in the order recorded. */
export interface SampleBatch {
  /** Position in `metrics`. */
  readonly metric: Uint16Array;
  readonly value: Float64Array;
  /** Wall time in ms. */
  readonly at: Float64Array;
  readonly tags: Uint32Array;
  /** All metrics of the worker so far. */
  readonly metrics: readonly MetricDefinition[];
  /** Tag sets not told before: number and tags. */
  readonly newTags: readonly (readonly [number, Tags])[];
}

export interface Flush {
  /** The half of every cell that is to be read and cleared now. */
  readonly half: 0 | 1;
  readonly fresh: readonly CellAnnouncement[];
  readonly counts: Readonly<Record<string, ScenarioCounts>>;
  readonly health: ThreadHealth;
  readonly errors: readonly ErrorEntry[];
  /** The slowest samples and the kinds of failure that came since the last time; moments are ms since the start. */
  readonly samples: readonly OperationSamples[];
  /** Requests for tag sets that lost tags to the cap, in all. */
  readonly overflowed: number;
}

export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "setup-done"; readonly data: unknown }
  | { readonly kind: "prepared" }
  | ({ readonly kind: "flushed" } & Flush)
  | ({ readonly kind: "samples" } & SampleBatch)
  | { readonly kind: "ended" }
  | { readonly kind: "torn-down" }
  /** The script said that the run is to end, or that it has failed. */
  | { readonly kind: "told"; readonly ends: boolean; readonly error: ToldError }
  /** The answer to what was last asked, or at any time that the run cannot go on. */
  | {
      readonly kind: "failed";
      readonly during: "begin" | "setup" | "prepare" | "run" | "teardown";
      readonly error: ToldError;
    };
