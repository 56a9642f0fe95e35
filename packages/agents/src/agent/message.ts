/** What an agent receives: which action to run, and its input. */
export interface Message {
  readonly type: string;
  readonly data?: unknown;
}

/** How an action takes its turn with the others of its agent; see {@link defineAction}. */
export type ActionMode = "write" | "read" | "concurrent";

/** What an agent does about an action that throws. */
export type FailurePolicy = "restart" | "resume" | "stop";

export interface AskOptions {
  /** Milliseconds until the request ends with AGENT_ASK_TIMEOUT; Infinity waits for ever. @defaultValue 5000 */
  readonly timeout?: number;
  /** Ends the request with AGENT_ASK_ABORTED when it aborts. */
  readonly signal?: AbortSignal;
}

export type AgentStatus = "initializing" | "idle" | "running" | "paused" | "restarting" | "stopping" | "stopped";

export interface StopOptions {
  /** Why, as others will read it. @defaultValue "stopped" */
  readonly reason?: string;
  /** Handles what was accepted first, instead of ending it with AGENT_STOPPED. @defaultValue false */
  readonly drain?: boolean;
}
