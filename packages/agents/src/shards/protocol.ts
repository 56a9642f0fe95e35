import type { Message } from "../agent/message.ts";
import type { SpawnOptions } from "../agent/spawn-options.ts";
import type { Down } from "../runtime/down.ts";
import type { DeadLetterReason, RuntimeEvent } from "../runtime/events.ts";
import type { Switches } from "../switches/switches.ts";
import type { WireError } from "./wire-errors.ts";

/**
 * What goes between threads: one array for all that came up in a turn, four items each: kind, whom it is for, the number
 * of the request (0 for none), and the payload. Flat, because cloning an object for each costs more than the rest.
 */
export type Batch = unknown[];
export const ITEMS = 4;

/** To a thread: start an agent. */
export const SPAWN = 1;
export const SEND = 2;
export const ASK = 3;
export const BROADCAST = 4;
export const CONTROL = 5;
export const REPLY = 6;
export const FAILURE = 7;
/** From a thread: an agent failed or ended. */
export const NEWS = 8;
export const EVENT = 9;
export const DEAD_LETTER = 10;
export const SNAPSHOT = 11;
/** So many messages have arrived. */
export const ACKNOWLEDGE = 12;
export const PUBLISH = 13;
export const SUBSCRIBE = 14;
export const CLOSE = 15;
export const CLOSED = 16;

/** An id of an agent of the receiving thread, or an address or name that the main thread looks up. */
export type Target = number | string;

export interface SpawnPayload {
  readonly module: string;
  readonly definition: string;
  readonly options: SpawnOptions;
  /** A state as another thread had it, taken over as it is. */
  readonly whole?: unknown;
}

export interface AskPayload {
  readonly message: Message;
  readonly timeoutMs: number;
}

export interface BroadcastPayload {
  readonly targets: readonly Target[];
  readonly message: Message;
}

export interface ControlPayload {
  readonly order: "stop" | "drain" | "pause" | "resume";
  readonly reason: string;
}

export interface NewsPayload extends Omit<Down, "error"> {
  readonly error: WireError | undefined;
}

export interface DeadLetterPayload {
  readonly message: Message;
  readonly reason: DeadLetterReason;
  readonly error: WireError | undefined;
}

export interface SnapshotPayload {
  readonly state: unknown;
}

export interface PublishPayload {
  readonly type: string;
  readonly data: unknown;
  readonly source: string;
  readonly subject: string | undefined;
}

export interface ClosePayload {
  readonly drain: boolean;
  readonly withinMs: number;
}

/** An event whose error has become plain data. */
export type WireEvent = Omit<RuntimeEvent, "error"> & { readonly error?: WireError };

/** What a thread is started with. */
export interface WorkerSettings {
  readonly shard: number;
  readonly switches: Switches;
  readonly numbers: Readonly<Record<string, number>>;
  readonly restarts: Readonly<Record<string, number>>;
  readonly maxInFlight: number;
  /** Beats, and the agent that has its turn. */
  readonly pulse: SharedArrayBuffer;
  /** Of the whole runtime. */
  readonly census: SharedArrayBuffer;
}

/** Places in a thread's pulse. */
export const BEAT = 0;
export const CURRENT = 1;
/** Modules being loaded: that may take long, and is no fault. */
export const LOADING = 2;
/** Agents that live there. */
export const LIVING = 3;
/** CPU milliseconds that the thread had used when it beat last. */
export const USED = 4;
export const PULSE_BYTES = 20;
/** How often a thread shows that its event loop turns. */
export const BEAT_MS = 100;
/** Ids that a worker thread gives its own agents; below are those that the main thread gave. */
export const FIRST_OWN_ID: number = 2 ** 30;
