import type { FromWorker, SampleBatch, ToldError, ToWorker } from "../engine/protocol.ts";
import type { LoadPlan } from "../engine/resolve-plan.ts";
import type { Tags } from "../metrics/recorder.ts";
import type { Submetric } from "../metrics/worker-recorder.ts";
import type { FileEntry } from "./bundle.ts";
import type { RemoteFlush } from "./cell-transfer.ts";
import type { PortableSource } from "./portable-source.ts";

/** Raised whenever a message below changes its meaning. */
export const PROTOCOL = 2;

/** Who can talk to whom: both must be the same. */
interface Speaker {
  readonly protocol: number;
  /** Of Mettle. */
  readonly version: string;
}

/** A coordinator that wants workers says so twice a second. */
export interface Announcement extends Speaker {
  /** Time-ordered: of two runs that lack workers, the older is served first. */
  readonly run: string;
  readonly name: string;
}

/** A worker that wants to take part. */
export interface Hello extends Speaker {
  /** Of this worker for this run: another one the next time. */
  readonly instance: string;
  readonly name: string;
  readonly process: number;
  readonly threads: number;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  /** On every sample of this worker, such as where it is. */
  readonly tags: Tags;
}

export type Reception =
  | { readonly state: "welcome" }
  | { readonly state: "refused"; readonly code: string; readonly message: string };

/** What a worker's clocks say when it is asked. */
export interface ClockReading {
  /** ms of `process.hrtime`. */
  readonly monotonicMs: number;
  /** ms since 1970. */
  readonly wallMs: number;
}

/** What a thread is told, from afar: what every thread of a worker gets alike is in the assignment. */
export type ToThread = { readonly kind: "begin"; readonly stream: boolean } | Exclude<ToWorker, { kind: "begin" }>;

export type FromThread =
  | Exclude<FromWorker, { kind: "flushed" } | { kind: "samples" }>
  | ({ readonly kind: "flushed" } & RemoteFlush)
  | ({ readonly kind: "samples" } & SampleBatch);

export interface Assignment {
  readonly plan: LoadPlan;
  readonly submetrics: readonly Submetric[];
  readonly source: PortableSource;
  /** Numbers of this worker's threads among all. */
  readonly threads: readonly number[];
  /** Threads of all workers. */
  readonly workers: number;
}

export type ToHost =
  | { readonly kind: "offer"; readonly files: readonly FileEntry[] }
  | { readonly kind: "file"; readonly sha256: string; readonly content: Uint8Array }
  | ({ readonly kind: "assignment" } & Assignment)
  | { readonly kind: "thread"; readonly thread: number; readonly message: ToThread }
  | { readonly kind: "terminate"; readonly thread: number }
  | { readonly kind: "end" };

export type FromHost =
  /** Files that it does not have, by their hash. */
  | { readonly kind: "need"; readonly files: readonly string[] }
  | { readonly kind: "settled" }
  | { readonly kind: "refused"; readonly error: ToldError }
  | { readonly kind: "thread"; readonly thread: number; readonly message: FromThread }
  | { readonly kind: "thread-lost"; readonly thread: number; readonly reason: string }
  | { readonly kind: "leaving"; readonly reason: string };

/** The subjects of a run, all below one prefix, so that a server's permissions can speak of them. */
export function subjectsOf(prefix: string): {
  readonly announce: string;
  readonly join: (run: string) => string;
  readonly clock: (run: string, instance: string) => string;
  readonly toHost: (run: string, instance: string) => string;
  readonly toCoordinator: (run: string, instance: string) => string;
} {
  const of = (run: string, instance: string): string => `${prefix}.run.${run}.${instance}`;
  return {
    announce: `${prefix}.announce`,
    join: (run) => `${prefix}.run.${run}.join`,
    clock: (run, instance) => `${of(run, instance)}.clock`,
    toHost: (run, instance) => `${of(run, instance)}.worker`,
    toCoordinator: (run, instance) => `${of(run, instance)}.coordinator`,
  };
}
