import { messageOf } from "@mettle/core";
import type { Message } from "../agent/message.ts";
import { agentErrors } from "../runtime/errors.ts";
import type { Switches } from "./switches.ts";

/** What becomes of a message on its way when `zeroCopy` or `monomorphic` is off. */
export function preparer({ zeroCopy, monomorphic }: Switches): (message: Message) => Message {
  const copy = zeroCopy ? (message: Message) => message : cloned;
  return monomorphic ? copy : (message) => enveloped(copy(message));
}

/** @throws AGENT_NOT_CLONEABLE */
export function cloned(message: Message): Message {
  try {
    return structuredClone(message);
  } catch (cause) {
    throw notCloneable(message, cause);
  }
}

export function notCloneable(message: Message, cause: unknown): Error {
  return agentErrors.create(
    "AGENT_NOT_CLONEABLE",
    `The message "${message.type}" cannot be cloned: ${messageOf(cause)}`,
    {
      details: { action: message.type },
      cause,
    },
  );
}

let sent = 0;

/**
 * The message in an envelope as code without an eye on object shapes makes it: fields in the order they came to hand,
 * some only at times. Eight shapes, which is past what an inline cache remembers.
 */
function enveloped({ type, data }: Message): Message {
  sent = (sent + 1) & 7;
  const envelope: Record<string, unknown> = sent & 1 ? { type } : { data };
  if (sent & 2) envelope["hop"] = 1;
  if (sent & 4) envelope["number"] = sent;
  envelope["type"] = type;
  envelope["data"] = data;
  return envelope as unknown as Message;
}
