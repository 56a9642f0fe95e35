import type { ModelSettings } from "../agents/agent-type.ts";

/** `queued` and `running` may change still; the others are for good. */
export const executionStates = ["queued", "running", "succeeded", "failed", "cancelled"] as const;
export type ExecutionState = (typeof executionStates)[number];

export interface Task {
  readonly type: string;
  readonly input: unknown;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The agent that was asked, as it was set up then; undefined where only a type was asked for. */
  readonly agent?: { readonly id: string; readonly modelSettings: ModelSettings } | undefined;
}

export interface ExecutionError {
  readonly code: string;
  readonly message: string;
}

/** An execution as its tenant sees it. */
export interface Execution {
  readonly id: string;
  readonly agentType: string;
  readonly task: Task;
  readonly state: ExecutionState;
  readonly attempts: number;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly deadlineAt: Date;
  readonly result: unknown;
  readonly error: ExecutionError | null;
}

/** How far an execution is, without what it was given and what came of it, which may be large. */
export interface Standing {
  readonly state: ExecutionState;
  readonly attempts: number;
}

/** One that this instance holds the lease of. */
export interface Leased {
  readonly id: string;
  readonly tenantId: string;
  readonly userId: string;
  readonly agentType: string;
  readonly task: Task;
  readonly attempts: number;
  /** Proves the lease: it rises with each. */
  readonly fence: string;
  readonly createdAt: Date;
  readonly deadlineAt: Date;
  /** What an earlier attempt saved; undefined when there is none. */
  readonly checkpoint: unknown;
  /** Its end was asked for while somebody ran it who is gone. */
  readonly cancelRequested: boolean;
}

/** What an execution tells while it runs. */
export type ExecutionEvent =
  | { readonly type: "progress"; readonly share: number; readonly note: string }
  | { readonly type: "token"; readonly text: string };

/** A place among what an execution told: in the attempt that the fence names, from 1 on. */
export interface EventPlace {
  readonly fence: string;
  readonly number: number;
}

export interface ToldEvent extends EventPlace {
  readonly event: ExecutionEvent;
}

/** What an execution told and nobody has written yet. */
export interface UnwrittenEvents {
  /** The number of the first. */
  readonly first: number;
  readonly events: readonly ExecutionEvent[];
}

export type Ending =
  | { readonly state: "succeeded"; readonly result: unknown }
  | { readonly state: "failed" | "cancelled"; readonly error: ExecutionError };

export const isEnded = (state: ExecutionState): boolean => state !== "queued" && state !== "running";
