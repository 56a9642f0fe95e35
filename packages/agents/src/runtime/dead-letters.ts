import type { Message } from "../agent/message.ts";
import type { DeadLetterReason } from "./events.ts";
import { Ring } from "../queues/ring.ts";

export interface AgentDeadLetter {
  /** Address of the agent that it was for. */
  readonly to: string;
  readonly message: Message;
  readonly reason: DeadLetterReason;
  /** What was thrown, when an action failed on it. */
  readonly error: unknown;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Messages that nobody handled: all of them counted by reason, the newest kept. Memory is bounded by the capacity. */
export class AgentDeadLetters {
  readonly #kept = new Ring<AgentDeadLetter>();
  readonly #counts = new Map<DeadLetterReason, number>();
  readonly #capacity: number;
  #total = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(letter: AgentDeadLetter): void {
    this.#total++;
    this.#counts.set(letter.reason, (this.#counts.get(letter.reason) ?? 0) + 1);
    if (this.#capacity === 0) return;
    if (this.#kept.size === this.#capacity) this.#kept.shift();
    this.#kept.push(letter);
  }

  /** How many there ever were, kept or not. */
  get total(): number {
    return this.#total;
  }

  /** How many are kept. */
  get size(): number {
    return this.#kept.size;
  }

  count(reason: DeadLetterReason): number {
    return this.#counts.get(reason) ?? 0;
  }

  /** Takes out what is kept, oldest first, for example to send it again. */
  drain(): AgentDeadLetter[] {
    const letters: AgentDeadLetter[] = [];
    for (let letter = this.#kept.shift(); letter !== undefined; letter = this.#kept.shift()) letters.push(letter);
    return letters;
  }
}
