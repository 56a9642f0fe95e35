/**
 * What a protocol needs of whatever carries its messages. The network names the sender truthfully; it may lose, delay,
 * reorder and repeat messages. Members are numbered from 0.
 */
export interface Network<Message> {
  send(from: number, to: number, message: Message): void;
}

/** Takes what is addressed to one member. */
export type Receive<Message> = (from: number, message: Message) => void;

/** A network that members can join. */
export interface JoinableNetwork<Message> extends Network<Message> {
  /** Delivers to `receive` what is addressed to `member` from now on. */
  attach(member: number, receive: Receive<Message>): void;
}

/** Messages delivered before the event loop gets its turn. */
const SLICE = 4096;

/**
 * Delivers within the process, in the order of sending and never inside `send`, so that a protocol's step is finished
 * before the next begins. Yields to the event loop every 4 096 messages.
 */
export class LocalNetwork<Message> implements JoinableNetwork<Message> {
  readonly #receivers: (Receive<Message> | undefined)[] = [];
  #queue: (number | Message)[] = [];
  #scheduled = false;

  attach(member: number, receive: Receive<Message>): void {
    this.#receivers[member] = receive;
  }

  /** Hot. */
  send(from: number, to: number, message: Message): void {
    this.#queue.push(from, to, message);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(this.#drain);
  }

  readonly #drain = (): void => {
    let budget = SLICE;
    while (this.#queue.length > 0) {
      const queue = this.#queue;
      this.#queue = [];
      let i = 0;
      try {
        for (; i < queue.length && budget > 0; i += 3, budget--) {
          this.#receivers[queue[i + 1] as number]?.(queue[i] as number, queue[i + 2] as Message);
        }
      } catch (error) {
        // One receiver's fault is not the others': it surfaces, and what is left is delivered in the next turn.
        this.#resume(queue, i + 3);
        throw error;
      }
      if (i < queue.length) {
        this.#resume(queue, i);
        return;
      }
    }
    this.#scheduled = false;
  };

  /** What is left of `queue` comes before what was sent meanwhile. */
  #resume(queue: (number | Message)[], from: number): void {
    this.#queue = queue.slice(from).concat(this.#queue);
    setImmediate(this.#drain);
  }
}
