import type { VirtualUser } from "../engine/virtual-user.ts";

/** What happened within a step, in order; `at` is ms of the monotonic clock. */
export type StepEvent =
  | { readonly type: "firstByte"; readonly at: number }
  /** The first token that is not empty; role-only chunks do not count. `kind` tells content from reasoning and tool calls. */
  | { readonly type: "firstToken"; readonly at: number; readonly kind: TokenKind }
  | { readonly type: "token"; readonly at: number; readonly kind: TokenKind; readonly text: string }
  | {
      readonly type: "toolCall";
      readonly at: number;
      readonly name: string;
      readonly callId: string;
      readonly input: string;
    }
  | { readonly type: "toolResult"; readonly at: number; readonly callId: string; readonly failed: boolean }
  | { readonly type: "usage"; readonly at: number; readonly usage: TokenUsage }
  | { readonly type: "error"; readonly at: number; readonly code: string; readonly message: string }
  | { readonly type: "done"; readonly at: number; readonly reason: string };

export type TokenKind = "content" | "reasoning" | "tool";

/** As the model's server counts; a count that it does not give is absent. */
export interface TokenUsage {
  readonly input?: number;
  readonly cachedInput?: number;
  readonly output?: number;
  readonly reasoning?: number;
}

/**
 * One way to talk to an agent system: OpenAI chat, OpenAI responses, MCP, A2A, NATS, a function in this process.
 * `Step` is what the driver sends; every driver emits the same events, so that the metrics above them are the same.
 */
export interface Driver<Step> {
  readonly name: string;
  open(user: VirtualUser): Promise<DriverSession<Step>>;
}

export interface DriverSession<Step> {
  /** Resolves with the outcome when the step ended, well or not; rejects only for a mistake of the caller. */
  send(step: Step, onEvent: (event: StepEvent) => void): Promise<StepOutcome>;
  close(): Promise<void>;
}

export interface StepOutcome {
  readonly ok: boolean;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly text: string;
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly input: string }[];
  readonly usage?: TokenUsage;
  readonly error?: { readonly code: string; readonly message: string };
}
