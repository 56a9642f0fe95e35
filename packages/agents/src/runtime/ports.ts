import type { Message } from "../agent/message.ts";

/** What agents need of a signal bus: publish what they emit, and get what their patterns match. */
export interface SignalPort {
  publish(type: string, data: unknown, source: string, subject: string | undefined): void;
  /** @returns the end of the subscription */
  subscribe(pattern: string, receive: (signal: unknown) => void): () => void;
}

/**
 * What the runtime tells a telemetry. It looks at `enabled` before it measures anything, so that nothing is paid for
 * what nobody reads.
 */
export interface TelemetryPort {
  readonly enabled: boolean;
  count(name: string, by: number): void;
  /** A duration in ns, or a size. */
  record(name: string, value: number): void;
}

/** How a message or request gets to an agent that does not live in this thread: another thread, or another node. */
export interface Transport {
  /** @throws AGENT_NOT_CLONEABLE, AGENT_MAILBOX_FULL */
  send(id: number, message: Message): void;
  /** Settles always: with the reply, or rejected with a coded error. */
  ask(id: number, message: Message, timeoutMs: number, signal: AbortSignal | undefined): Promise<unknown>;
  control(id: number, order: "stop" | "drain" | "pause" | "resume", reason: string): Promise<void>;
}
