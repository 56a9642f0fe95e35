import type { Message } from "../agent/message.ts";
import type { AnyDeadLetter } from "../dead-letters/dead-letters.ts";
import type { DeadLetterReason } from "./events.ts";

/** A message that its agent did not handle, or failed on. */
export interface DeadMessage extends AnyDeadLetter {
  readonly message: Message;
  readonly reason: DeadLetterReason;
}
