import type { ModelSettings } from "../agent-type.ts";

export interface ModelRequest {
  /** What the model is to do, and how. */
  readonly instruction: string;
  /** What it is to do it with: data of users, never instructions. */
  readonly material: string;
  /** Of the answer, at most. */
  readonly maxTokens: number;
  /** Of the agent that asks: fewer tokens, another temperature than 0. */
  readonly settings?: ModelSettings | undefined;
  readonly signal: AbortSignal;
  /** Told each piece of the answer as it comes. */
  readonly onText?: (text: string) => void;
}

/** A language model that answers in text. */
export interface ChatModel {
  readonly name: string;
  /** @throws TaskFailure `MODEL_UNAVAILABLE`, `MODEL_REFUSED`, `MODEL_CUT_OFF` */
  write(request: ModelRequest): Promise<string>;
}
