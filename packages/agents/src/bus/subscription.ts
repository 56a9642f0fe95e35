import type { Signal } from "../signals/signal.ts";
import type { BusContext } from "./context.ts";
import { busErrors } from "./errors.ts";
import { dispatchWithin, isThenable, type SubscriptionInfo } from "./middleware.ts";
import { Ring } from "../queues/ring.ts";
import type { Work } from "./work-queue.ts";

/** Handles one signal. When it returns a promise, the next signal for this subscriber waits for it. */
export type SignalHandler = (signal: Signal) => unknown;

/** What a subscriber holds. */
export interface Subscription extends SubscriptionInfo, Disposable {
  readonly active: boolean;
  /** Signals given to the handler. */
  readonly delivered: number;
  /** Deliveries that threw or rejected. */
  readonly failed: number;
  /** Signals lost because the backlog was full; each was reported. */
  readonly dropped: number;
  /** Signals that wait for the handler. */
  readonly backlog: number;
  /** Nothing is delivered any more from this call on, what waits included. Safe while signals are being dispatched. */
  unsubscribe(): void;
}

/**
 * A subscriber with a function. Signals come from the bus's queue, never inside `publish`; while a handler's promise is
 * pending, they wait in a backlog of this subscriber alone, so that it slows nobody else.
 */
export class CallbackSubscription implements Subscription, Work {
  readonly pattern: string;
  readonly name: string | undefined;
  queued = false;
  delivered = 0;
  failed = 0;
  dropped = 0;
  active = true;
  readonly #handler: SignalHandler;
  readonly #filter: ((signal: Signal) => boolean) | undefined;
  readonly #context: BusContext;
  readonly #limit: number;
  #waiting = false;
  #busy = false;
  #backlog: Ring<Signal> | undefined = undefined;
  /** Backlog that came from the log and does not count against the limit. */
  #replaying = 0;
  #overflow: Error | undefined = undefined;
  readonly #leave: (subscription: CallbackSubscription) => void;

  constructor(
    info: SubscriptionInfo,
    handler: SignalHandler,
    filter: ((signal: Signal) => boolean) | undefined,
    limit: number,
    context: BusContext,
    leave: (subscription: CallbackSubscription) => void,
  ) {
    this.pattern = info.pattern;
    this.name = info.name;
    this.#handler = handler;
    this.#filter = filter;
    this.#limit = limit;
    this.#context = context;
    this.#leave = leave;
  }

  get backlog(): number {
    return this.#backlog?.size ?? 0;
  }

  /** Signals of the past come before those of the present. Called once, before the first delivery. */
  replay(signals: readonly Signal[]): void {
    if (signals.length === 0) return;
    for (const signal of signals) this.#keep(signal);
    this.#replaying = signals.length;
    this.#setBusy(true);
    this.#context.work.add(this);
  }

  /** Hot: once per signal and subscriber. Never throws. */
  deliver(signal: Signal): void {
    if (this.#busy) this.#defer(signal);
    else this.#handle(signal);
  }

  /** Works the backlog off, until the handler returns a promise again. */
  run(budget: number): number {
    let done = 0;
    while (done < budget && !this.#waiting) {
      const signal = this.#backlog?.shift();
      if (signal === undefined) {
        this.#setBusy(false);
        return done;
      }
      if (this.#replaying > 0) this.#replaying -= 1;
      done += 1;
      this.#handle(signal);
    }
    if (!this.#waiting) this.#context.work.add(this);
    return done;
  }

  unsubscribe(): void {
    if (!this.active) return;
    this.active = false;
    this.#backlog = undefined;
    this.#leave(this);
    this.#setBusy(false);
  }

  [Symbol.dispose](): void {
    this.unsubscribe();
  }

  #handle(signal: Signal): void {
    if (!this.active) return;
    try {
      if (this.#filter !== undefined && !this.#filter(signal)) return;
      this.delivered += 1;
      const hooks = this.#context.hooks;
      const result = hooks === undefined ? this.#handler(signal) : dispatchWithin(hooks, this, signal, this.#handler);
      if (result !== undefined && isThenable(result)) this.#wait(result, signal);
    } catch (error) {
      this.#fail(signal, error);
    }
  }

  #wait(result: PromiseLike<unknown>, signal: Signal): void {
    this.#waiting = true;
    this.#setBusy(true);
    const resume = (): void => {
      this.#waiting = false;
      if (!this.active || this.backlog === 0) this.#setBusy(false);
      else this.#context.work.add(this);
    };
    result.then(resume, (error: unknown) => {
      this.#fail(signal, error);
      resume();
    });
  }

  #defer(signal: Signal): void {
    if (!this.active) return;
    if (this.backlog - this.#replaying < this.#limit) {
      this.#keep(signal);
      return;
    }
    this.dropped += 1;
    // One error for all of a flood: making one costs more than everything else that happens to a signal.
    this.#overflow ??= busErrors.create("BUS_FULL", `The backlog of ${this.#limit} signals is full.`, {
      next: "Make the handler quicker, raise maxBacklog, or use a persistent subscription.",
    });
    this.#context.report({ kind: "dropped", subscription: this, signal, error: this.#overflow });
  }

  #keep(signal: Signal): void {
    this.#backlog ??= new Ring();
    this.#backlog.push(signal);
  }

  #fail(signal: Signal, error: unknown): void {
    this.failed += 1;
    this.#context.report({ kind: "failed", subscription: this, signal, error });
  }

  #setBusy(busy: boolean): void {
    if (this.#busy === busy) return;
    this.#busy = busy;
    this.#context.busy += busy ? 1 : -1;
    if (!busy) this.#context.settled();
  }
}

/** Takes signals inside `publish`, so it must be quick: a mailbox. What it throws is reported and reaches no publisher. */
export interface SignalSink {
  /** @returns false when it is full or gone; the signal is then reported as dropped */
  offer(signal: Signal): boolean;
}

/** A subscriber with a queue of its own. */
export class SinkSubscription implements Subscription {
  readonly pattern: string;
  readonly name: string | undefined;
  readonly backlog = 0;
  failed = 0;
  delivered = 0;
  dropped = 0;
  active = true;
  readonly #sink: SignalSink;
  readonly #filter: ((signal: Signal) => boolean) | undefined;
  readonly #context: BusContext;
  readonly #leave: (subscription: SinkSubscription) => void;
  #refused: Error | undefined = undefined;

  constructor(
    info: SubscriptionInfo,
    sink: SignalSink,
    filter: ((signal: Signal) => boolean) | undefined,
    context: BusContext,
    leave: (subscription: SinkSubscription) => void,
  ) {
    this.pattern = info.pattern;
    this.name = info.name;
    this.#sink = sink;
    this.#filter = filter;
    this.#context = context;
    this.#leave = leave;
  }

  /** Hot: once per signal and agent. */
  offer(signal: Signal): void {
    if (!this.active) return;
    try {
      if (this.#filter !== undefined && !this.#filter(signal)) return;
      if (this.#sink.offer(signal)) this.delivered += 1;
      else this.#drop(signal);
    } catch (error) {
      this.failed += 1;
      this.#context.report({ kind: "failed", subscription: this, signal, error });
    }
  }

  unsubscribe(): void {
    if (!this.active) return;
    this.active = false;
    this.#leave(this);
  }

  [Symbol.dispose](): void {
    this.unsubscribe();
  }

  #drop(signal: Signal): void {
    this.dropped += 1;
    this.#refused ??= busErrors.create("BUS_FULL", "The subscriber's mailbox is full or gone.");
    this.#context.report({ kind: "dropped", subscription: this, signal, error: this.#refused });
  }
}
