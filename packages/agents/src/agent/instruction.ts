import type { Message } from "./message.ts";

/** How an instruction is carried out. */
export interface InstructionOptions {
  /** Instead of the action's own `timeoutMs`. */
  readonly timeoutMs?: number;
  /**
   * How often it is tried. Until the last attempt a failure, or a time-out, changes nothing: the agent goes on with the
   * state that it had. The last one is dealt with as that of a message. @defaultValue 1
   */
  readonly attempts?: number;
  /** The wait before the second attempt, in ms; doubled for each one after it. @defaultValue 100 */
  readonly backoffMs?: number;
}

/** An action with its input, context and options, as something that can be queued. */
export interface Instruction {
  readonly action: string;
  readonly data?: unknown;
  /** What the action may want to know about why it runs: `context.instruction.context`. */
  readonly context?: Readonly<Record<string, unknown>>;
  readonly options?: InstructionOptions;
}

/** What an action knows of the instruction that it runs for. */
export interface InstructionInfo {
  /** As it was given; empty when none was. */
  readonly context: Readonly<Record<string, unknown>>;
  /** From 1. */
  readonly attempt: number;
  readonly attempts: number;
}

/** An instruction on its way, with the number of the attempt. */
export interface QueuedInstruction extends Instruction {
  readonly attempt: number;
}

/**
 * The type of a message that carries an instruction. No action has this name, so that messages, which are many, need not
 * be asked whether they are instructions.
 */
export const INSTRUCTION = "$instruction";

/** The instruction as a message. One without context and options is the message of its action and nothing more. */
export function messageOfInstruction(instruction: Instruction): Message {
  const { action, data, context, options } = instruction;
  if (context === undefined && options === undefined) return { type: action, data };
  return { type: INSTRUCTION, data: { ...instruction, attempt: 1 } satisfies QueuedInstruction };
}

/** The action that a message is for. */
export const actionOf = ({ type, data }: Message): string =>
  type === INSTRUCTION && isQueued(data) ? data.action : type;

/** Whether this is what `messageOfInstruction` made: a message of that type may come from anywhere. */
export const isQueued = (data: unknown): data is QueuedInstruction =>
  typeof data === "object" && data !== null && "action" in data && typeof data.action === "string";

/** What is wrong with the options of an instruction. */
export function problemsOfInstruction({ options = {} }: Instruction): string[] {
  const { timeoutMs = 1, attempts = 1, backoffMs = 0 } = options;
  const problems: string[] = [];
  if (!(timeoutMs > 0)) problems.push(`timeoutMs must be more than 0, got ${timeoutMs}`);
  if (!Number.isInteger(attempts) || attempts < 1)
    problems.push(`attempts must be a whole number from 1, got ${attempts}`);
  if (!(backoffMs >= 0)) problems.push(`backoffMs must be 0 or more, got ${backoffMs}`);
  return problems;
}
