import type { AgentStatus, AskOptions, Message, StopOptions } from "./message.ts";

/**
 * What the types of a reference know of an agent's actions: by name, its input and its reply. A type parameter of this
 * kind has no such constraint, as an index signature would let every name through.
 */
export type Protocol = Readonly<Record<string, { readonly input: unknown; readonly reply: unknown }>>;

type MessageTo<Name, Types> = Types extends { readonly input: infer Input }
  ? [Input] extends [void]
    ? { readonly type: Name; readonly data?: undefined }
    : { readonly type: Name; readonly data: Input }
  : never;

/** The messages that a protocol allows. An action without input takes none. */
export type MessageOf<P> = { [Name in keyof P & string]: MessageTo<Name, P[Name]> }[keyof P & string];

/** The reply to a message of this type. */
export type ReplyOf<P, Type> = Type extends keyof P
  ? P[Type] extends { readonly reply: infer Reply }
    ? Reply
    : never
  : never;

/** An agent as others see it: the only way to it, wherever it runs. Stays valid over restarts. */
export interface AgentRef<P> {
  /** Unique in the runtime, printable, and good for `runtime.find` in any of its threads. */
  readonly address: string;
  readonly name: string | undefined;
  readonly status: AgentStatus;
  /**
   * Puts the message at the end of the agent's mailbox.
   *
   * To an agent that has stopped it is a dead letter, counted. Of an agent in another thread some errors are only known
   * there: these make dead letters too.
   * @throws AGENT_MAILBOX_FULL, AGENT_NOT_CLONEABLE (to another thread)
   */
  send(message: MessageOf<P>): void;
  /**
   * Sends a request. Settles always: with the action's reply, or rejected with a coded error: AGENT_ASK_TIMEOUT,
   * AGENT_ASK_ABORTED, AGENT_ACTION_FAILED (with the cause), AGENT_INPUT_INVALID, AGENT_STOPPED and others.
   */
  ask<M extends MessageOf<P>>(message: M, options?: AskOptions): Promise<ReplyOf<P, (M & Message)["type"]>>;
  /** Ends the agent and its children. Resolves when it has stopped. May be called twice. */
  stop(options?: StopOptions): Promise<void>;
  /** Keeps messages in the mailbox until `resume`. */
  pause(): void;
  resume(): void;
}

/** A reference whose types know nothing of the agent. Every reference is one. */
export interface AnyRef {
  readonly address: string;
  readonly name: string | undefined;
  readonly status: AgentStatus;
  send(message: Message): void;
  ask(message: Message, options?: AskOptions): Promise<unknown>;
  stop(options?: StopOptions): Promise<void>;
  pause(): void;
  resume(): void;
}
