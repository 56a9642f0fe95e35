import type { TSchema } from "typebox";

/** Who calls, and until when. */
export interface ToolContext {
  readonly tenantId: string;
  /** Aborts when the call has taken too long or nobody waits for it. */
  readonly signal: AbortSignal;
}

/** Something that agents and callers can have done. Its input was written by anybody, perhaps by a model that was talked into it. */
export interface Tool {
  readonly name: string;
  readonly summary: string;
  /** What it does with the world: nothing but think, or reach beyond the process. */
  readonly kind: "light" | "heavy";
  /** Of an object. Checked before `run`. */
  readonly input: TSchema;
  /** Or a promise of it. @throws ToolFailure where the input asks for what cannot be */
  run(input: never, context: ToolContext): unknown;
}

/** A call that cannot be done as asked: the message is for the caller. */
export class ToolFailure extends Error {
  override readonly name = "ToolFailure";
  /** `TOOL_FAILED` unless it is one that callers tell apart. */
  readonly code: string;

  constructor(message: string, code = "TOOL_FAILED", options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
