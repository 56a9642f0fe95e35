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
      for (let i = 0; i < queue.length; i += 3) {
        if (budget-- === 0) {
          // What is left comes before what was sent meanwhile.
          this.#queue = queue.slice(i).concat(this.#queue);
          setImmediate(this.#drain);
          return;
        }
        this.#receivers[queue[i + 1] as number]?.(queue[i] as number, queue[i + 2] as Message);
      }
    }
    this.#scheduled = false;
  };
}
