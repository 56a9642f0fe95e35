import type { Clock } from "@mettle/core";
import type { TSchema } from "typebox";

/** How an agent that somebody set up is to use a model. */
export interface ModelSettings {
  /** Of one answer, at most. */
  readonly maxTokens: number;
  readonly temperature: number;
}

/** What a task may use and tell while it runs. */
export interface TaskContext {
  readonly tenantId: string;
  readonly clock: Clock;
  /** Of the agent that was asked, where it is one that somebody set up. */
  readonly modelSettings?: ModelSettings | undefined;
  /** Aborts when the execution is cancelled, late, or no longer this instance's. */
  readonly signal: AbortSignal;
  /** @param share - done so far, 0…1 */
  readonly progress: (share: number, note: string) => void;
  /** A piece of the result's text, as it comes. */
  readonly token: (text: string) => void;
  /** Lets the event loop turn, and throws when the task is to end: call it in long loops. */
  readonly breathe: () => Promise<void>;
  /** What an attempt that was cut off had saved last; undefined in the first. */
  readonly saved: unknown;
  /** Keeps a JSON value for the next attempt, should this one be cut off. @throws when the execution is no longer held here */
  readonly save: (state: unknown) => Promise<void>;
}

/** One kind of work that an agent type does. */
export interface AgentTask {
  readonly type: string;
  readonly summary: string;
  /** Checked before the execution is queued. */
  readonly input: TSchema;
  readonly parameters: TSchema;
  /** What schemas cannot say. @throws TaskFailure before the execution is queued */
  check?(input: never, parameters: never): void;
  run(input: never, parameters: never, context: TaskContext): Promise<unknown>;
}

export interface AgentType {
  readonly name: string;
  readonly summary: string;
  readonly tasks: readonly AgentTask[];
}

/** Thrown by a task that cannot be done as asked: its message is for the caller. */
export class TaskFailure extends Error {
  override readonly name = "TaskFailure";
  readonly code: string;
  /** Whether the same task may succeed a little later. */
  readonly retryable: boolean;

  constructor(code: string, message: string, retryable = false) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }
}
