import type { ActionContext } from "../agent/action.ts";
import {
  INSTRUCTION,
  type InstructionInfo,
  type Instruction,
  messageOfInstruction,
  problemsOfInstruction,
  type QueuedInstruction,
} from "../agent/instruction.ts";
import type { Message } from "../agent/message.ts";
import type { AnyRef } from "../agent/ref.ts";
import { CallbackTimer } from "../timers/timer-wheel.ts";
import { type CellBase, type MailboxItem, STOPPING } from "./cell-base.ts";
import { agentErrors } from "./errors.ts";
import { PendingAsk } from "./pending-ask.ts";

const DEFAULT_BACKOFF_MS = 100;

/** What an agent's server offers to what runs in it. */
interface Server extends CellBase, ActionContext {
  accept(item: MailboxItem): boolean;
}

/** The context of an action that runs for an instruction. */
export class InstructionContext implements ActionContext {
  readonly #server: ActionContext;
  readonly instruction: InstructionInfo;

  constructor(server: ActionContext, { context = {}, options, attempt }: QueuedInstruction) {
    this.#server = server;
    this.instruction = { context, attempt, attempts: options?.attempts ?? 1 };
  }

  get self(): AnyRef {
    return this.#server.self;
  }

  get signal(): AbortSignal {
    return this.#server.signal;
  }

  now(): number {
    return this.#server.now();
  }
}

/**
 * An instruction as a message to the agent itself.
 * @throws AGENT_OPTIONS_INVALID naming every problem
 */
export function queued(cell: CellBase, instruction: Instruction): Message {
  const problems = problemsOfInstruction(instruction);
  if (problems.length === 0) return messageOfInstruction(instruction);
  throw agentErrors.create(
    "AGENT_OPTIONS_INVALID",
    `The instruction "${instruction.action}" of ${cell.label}: ${problems.join("; ")}.`,
    { details: { problems } },
  );
}

/**
 * Puts an instruction that failed back into the mailbox after its backoff, when it has attempts left. False for everything
 * else, and for an agent that is about to end.
 */
export function retryLater(cell: Server, item: MailboxItem): boolean {
  if (item instanceof PendingAsk || item.type !== INSTRUCTION || cell.phase >= STOPPING) return false;
  const instruction = item.data as QueuedInstruction;
  const { attempts = 1, backoffMs = DEFAULT_BACKOFF_MS } = instruction.options ?? {};
  const { attempt } = instruction;
  if (attempt >= attempts) return false;
  const again: Message = {
    type: INSTRUCTION,
    data: { ...instruction, attempt: attempt + 1 } satisfies QueuedInstruction,
  };
  const extras = cell.cold();
  extras.retries ??= new Map();
  const timer = new CallbackTimer(() => {
    extras.retries?.delete(timer);
    if (!cell.accept(again)) cell.host.deadLetter(cell.address, again, "mailbox-full", undefined);
  });
  extras.retries.set(timer, again);
  cell.host.wheel.add(timer, backoffMs * 2 ** (attempt - 1));
  return true;
}
