import type { Message } from "../agent/message.ts";
import { agentErrors } from "../runtime/errors.ts";
import { PendingAsk } from "../runtime/pending-ask.ts";
import { notCloneable } from "../switches/prepare.ts";
import type { TimerWheel } from "../timers/timer-wheel.ts";
import { cloneProblem } from "./cloneable.ts";
import {
  ACKNOWLEDGE,
  ASK,
  type AskPayload,
  type Batch,
  BROADCAST,
  type BroadcastPayload,
  CONTROL,
  type ControlPayload,
  DEAD_LETTER,
  type DeadLetterPayload,
  FAILURE,
  ITEMS,
  PUBLISH,
  REPLY,
  SEND,
  type Target,
} from "./protocol.ts";
import { fromWire, toWire, type WireError } from "./wire-errors.ts";

/** What is counted until the other thread has taken it. */
const counts = (kind: number): boolean => kind === SEND || kind === ASK || kind === PUBLISH || kind === BROADCAST;

export interface LinkOptions {
  readonly wheel: TimerWheel;
  /** Everything of a turn in one transfer; otherwise one each. */
  readonly batching: boolean;
  readonly maxInFlight: number;
  post(batch: Batch): void;
  /** A message that was sent, but could not be cloned or was lost with the other thread. */
  undelivered(to: Target, message: Message, reason: "not-cloneable" | "shard-lost", error: unknown): void;
  /** Everything that is not an answer. */
  receive(kind: number, to: Target, request: number, payload: unknown): void;
}

/**
 * One end of the way between two threads. Hot: `send`, `ask` and `arrive`. What comes up in one turn goes over in one
 * postMessage at the end of it.
 *
 * Every request is settled: by the answer, its deadline, or by `fail` when the other thread dies. What is under way is
 * bounded: beyond `maxInFlight` messages that the other side has not taken, the sender gets AGENT_MAILBOX_FULL.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #pending = new Map<number, PendingAsk>();
  readonly #flushBound: () => void = () => this.#flush();
  readonly #giveUp: (ask: PendingAsk) => void = (ask) => this.#pending.delete(ask.rareParts().request);
  #outbox: Batch = [];
  #flushing = false;
  /** True while there is no thread at the other end yet. */
  #held: boolean;
  #requests = 0;
  #unacknowledged = 0;
  #broken: Error | undefined = undefined;

  constructor(options: LinkOptions, held = false) {
    this.#options = options;
    this.#held = held;
  }

  /** Messages sent that the other thread has not taken yet. */
  get inFlight(): number {
    return this.#unacknowledged;
  }

  /** True when no more may be sent before the other thread has taken some. */
  get full(): boolean {
    return this.#unacknowledged >= this.#options.maxInFlight;
  }

  /**
   * A signal, for the bus at the other end or for one subscription of it.
   * @throws AGENT_MAILBOX_FULL
   */
  publish(subscription: number, payload: unknown): void {
    if (this.#broken !== undefined) return;
    this.#admitOne();
    this.put(PUBLISH, 0, subscription, payload);
  }

  /** @throws AGENT_MAILBOX_FULL, AGENT_NOT_CLONEABLE */
  send(to: Target, message: Message): void {
    if (this.#broken !== undefined) {
      this.#options.undelivered(to, message, "shard-lost", this.#broken);
      return;
    }
    this.#admit(message);
    this.put(SEND, to, 0, message);
  }

  /**
   * One message for several agents of the other thread: cloned and sent once, handed out there.
   * @throws AGENT_MAILBOX_FULL, AGENT_NOT_CLONEABLE
   */
  broadcast(targets: readonly Target[], message: Message): void {
    if (this.#broken !== undefined) {
      for (const to of targets) this.#options.undelivered(to, message, "shard-lost", this.#broken);
      return;
    }
    this.#admit(message);
    this.put(BROADCAST, 0, 0, { targets, message } satisfies BroadcastPayload);
  }

  ask(
    to: Target,
    address: { readonly address: string },
    message: Message,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<unknown> {
    const ask = new PendingAsk(message, address);
    try {
      if (this.#broken !== undefined) throw this.#broken;
      this.#admit(message);
    } catch (error) {
      ask.fail(error);
      return ask.promise;
    }
    ask.began = true; // as far as anybody here can tell: its deadline may come after the action has begun there
    this.#request(ask, ASK, to, { message, timeoutMs } satisfies AskPayload);
    if (timeoutMs !== Number.POSITIVE_INFINITY) ask.within(timeoutMs, this.#options.wheel);
    if (signal !== undefined) ask.until(signal);
    return ask.promise;
  }

  /** Passes on a request that somebody waits for already. */
  forward(to: Target, ask: PendingAsk): void {
    if (ask.settled) return;
    ask.began = true;
    const left = ask.timeoutMs === 0 ? Number.POSITIVE_INFINITY : ask.timeoutMs;
    this.ask(to, ask.to, ask.message, left, ask.rare?.signal).then(
      (value) => ask.reply(value),
      (error: unknown) => ask.fail(error),
    );
  }

  async control(
    to: Target,
    address: { readonly address: string },
    order: ControlPayload["order"],
    reason: string,
  ): Promise<void> {
    const ask = new PendingAsk({ type: order }, address);
    if (this.#broken !== undefined) ask.fail(this.#broken);
    this.#request(ask, CONTROL, to, { order, reason } satisfies ControlPayload);
    await ask.promise;
  }

  /** Puts something on the way. */
  put(kind: number, to: Target, request: number, payload: unknown): void {
    if (this.#broken !== undefined) return;
    this.#outbox.push(kind, to, request, payload);
    if (!this.#options.batching) this.#flush();
    else if (!this.#flushing) {
      this.#flushing = true;
      queueMicrotask(this.#flushBound);
    }
  }

  answer(request: number, value: unknown): void {
    this.put(REPLY, 0, request, value);
  }

  refuse(request: number, error: unknown): void {
    this.put(FAILURE, 0, request, toWire(error));
  }

  /** Takes what the other thread sent. */
  arrive(batch: Batch): void {
    let taken = 0;
    for (let i = 0; i < batch.length; i += ITEMS) {
      const kind = batch[i] as number;
      const request = batch[i + 2] as number;
      if (kind === REPLY) this.#settle(request)?.reply(batch[i + 3]);
      else if (kind === FAILURE) this.#settle(request)?.fail(fromWire(batch[i + 3] as WireError));
      else if (kind === ACKNOWLEDGE) this.#unacknowledged -= request;
      else {
        if (counts(kind)) taken++;
        this.#options.receive(kind, batch[i + 1] as Target, request, batch[i + 3]);
      }
    }
    if (taken > 0) this.put(ACKNOWLEDGE, 0, taken, undefined);
  }

  /** The other thread is gone: every request ends with `error`, and so does what is sent from now on. */
  fail(error: Error): void {
    this.#broken = error;
    const outbox = this.#outbox;
    this.#outbox = [];
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const ask of pending) {
      ask.fail(error);
    }
    for (let i = 0; i < outbox.length; i += ITEMS) {
      if (outbox[i] === SEND)
        this.#options.undelivered(outbox[i + 1] as Target, outbox[i + 3] as Message, "shard-lost", error);
      else if (outbox[i] === BROADCAST) {
        const { targets, message } = outbox[i + 3] as BroadcastPayload;
        for (const to of targets) this.#options.undelivered(to, message, "shard-lost", error);
      }
    }
  }

  /** There is a thread now: `first` goes to it before all that has come up meanwhile. */
  release(first: Batch): void {
    this.#held = false;
    this.#outbox = [...first, ...this.#outbox];
    this.#flush();
  }

  #request(ask: PendingAsk, kind: number, to: Target, payload: unknown): void {
    const request = ++this.#requests;
    const rare = ask.rareParts();
    rare.request = request;
    rare.onGivenUp = this.#giveUp;
    this.#pending.set(request, ask);
    this.put(kind, to, request, payload);
  }

  #settle(request: number): PendingAsk | undefined {
    const ask = this.#pending.get(request);
    this.#pending.delete(request);
    return ask;
  }

  #admit(message: Message): void {
    const problem = cloneProblem(message.data);
    if (problem !== undefined) throw notCloneable(message, new TypeError(problem));
    this.#admitOne();
  }

  #admitOne(): void {
    if (this.full) {
      throw agentErrors.create(
        "AGENT_MAILBOX_FULL",
        `${this.#unacknowledged} messages are under way to the other thread.`,
        { details: { inFlight: this.#unacknowledged } },
      );
    }
    this.#unacknowledged++;
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#held) return;
    const batch = this.#outbox;
    if (batch.length === 0 || this.#broken !== undefined) return;
    this.#outbox = [];
    try {
      this.#options.post(batch);
    } catch (error) {
      if (batch.length > ITEMS) this.#postOneByOne(batch);
      else this.#unposted(batch, error);
    }
  }

  /** One of the batch cannot be cloned: the others must not suffer for it. */
  #postOneByOne(batch: Batch): void {
    for (let i = 0; i < batch.length; i += ITEMS) {
      const one = batch.slice(i, i + ITEMS);
      try {
        this.#options.post(one);
      } catch (error) {
        this.#unposted(one, error);
      }
    }
  }

  #unposted([kind, to, request, payload]: Batch, error: unknown): void {
    if (counts(kind as number)) this.#unacknowledged--;
    if (kind === PUBLISH) {
      const message = { type: "signal", data: payload };
      this.#options.undelivered(to as Target, message, "not-cloneable", notCloneable(message, error));
    } else if (kind === BROADCAST) {
      const { targets, message } = payload as BroadcastPayload;
      for (const one of targets) this.#options.undelivered(one, message, "not-cloneable", notCloneable(message, error));
    } else if (kind === SEND) {
      const message = payload as Message;
      this.#options.undelivered(to as Target, message, "not-cloneable", notCloneable(message, error));
    } else if (kind === REPLY) {
      this.refuse(request as number, notCloneable({ type: "reply" }, error));
    } else if (kind === DEAD_LETTER) {
      const letter = payload as DeadLetterPayload;
      // Counted and seen without what it carried, rather than not at all.
      this.put(DEAD_LETTER, to as Target, 0, { ...letter, message: { type: letter.message.type } });
    } else {
      this.#settle(request as number)?.fail(notCloneable({ type: "request" }, error));
    }
  }
}
