import type { Signal } from "../signals/signal.ts";
import { type TimerWheel, WheelTimer } from "../timers/timer-wheel.ts";
import type { BusContext } from "./context.ts";
import type { DeadSignal } from "./dead-signal.ts";
import { busErrors } from "./errors.ts";
import { type DispatchHooks, dispatchWithin, isThenable, type SubscriptionInfo } from "./middleware.ts";
import { backoffOf, type ResolvedPersistentOptions } from "./persistent-options.ts";
import { Ring } from "../queues/ring.ts";
import type { Work } from "./work-queue.ts";

/** One attempt at a signal. The first of `ack` and `nack` counts; later ones return false. */
export interface Delivery {
  readonly signal: Signal;
  /** Position in the bus's log. */
  readonly sequence: number;
  /** From 1. */
  readonly attempt: number;
  /** It was handled and will not come again. */
  ack(): boolean;
  /** It failed: comes again after the backoff, or goes to the dead letters. */
  nack(error?: unknown): boolean;
}

export type DeliveryHandler = (signal: Signal, delivery: Delivery) => unknown;

/** A subscriber's hold on a persistent subscription. */
export interface Attachment extends Disposable {
  /**
   * Ends the deliveries. What was in flight is delivered again, in order, to whoever attaches next.
   *
   * `crashed` tells that the subscriber died. A signal that was alone in flight is then to blame and has failed once more;
   * of several nobody can tell, so they come again one at a time until each was acknowledged: a poison message reveals
   * itself and no innocent one goes to the dead letters.
   */
  detach(how?: "crashed"): void;
}

/** A signal of one subscription, from publish to acknowledgement. Its timer is the deadline, then the backoff. */
class Entry extends WheelTimer {
  readonly owner: PersistentSubscription;
  readonly signal: Signal;
  readonly sequence: number;
  /** Place in the subscription's order. */
  readonly order: number;
  failures = 0;
  suspect = false;
  /** The attempt in flight; `undefined` while it waits. */
  delivery: OneDelivery | undefined = undefined;
  error: unknown = undefined;

  constructor(owner: PersistentSubscription, signal: Signal, sequence: number, order: number) {
    super();
    this.owner = owner;
    this.signal = signal;
    this.sequence = sequence;
    this.order = order;
  }

  override expire(): void {
    this.owner.expired(this);
  }
}

class OneDelivery implements Delivery {
  readonly attempt: number;
  readonly #entry: Entry;

  constructor(entry: Entry) {
    this.#entry = entry;
    this.attempt = entry.failures + 1;
  }

  get signal(): Signal {
    return this.#entry.signal;
  }

  get sequence(): number {
    return this.#entry.sequence;
  }

  ack(): boolean {
    return this.#entry.owner.settle(this.#entry, this);
  }

  nack(error: unknown = busErrors.create("DELIVERY_UNACKNOWLEDGED", "The subscriber refused the delivery.")): boolean {
    return this.#entry.owner.fail(this.#entry, this, error);
  }
}

/** What a persistent subscription needs of its bus. */
export interface PersistentHost {
  readonly context: BusContext;
  readonly wheel: TimerWheel;
  wallTime(): number;
  bury(letter: Omit<DeadSignal, "id">): void;
}

/**
 * A subscription that outlives its subscriber: signals wait until somebody attaches, and each is delivered until it is
 * acknowledged (at least once), at most `attempts` times.
 *
 * An entry is in exactly one place: `pending` → in flight → gone, or → backing off → `due` → in flight again. All but the
 * first and the last hold a slot of `maxInFlight`.
 */
export class PersistentSubscription implements SubscriptionInfo, Work {
  readonly pattern: string;
  readonly name: string;
  readonly options: ResolvedPersistentOptions;
  queued = false;
  acknowledged = 0;
  failed = 0;
  dead = 0;
  readonly #host: PersistentHost;
  readonly #pending = new Ring<Entry>();
  readonly #due = new Ring<Entry>();
  readonly #slots = new Set<Entry>();
  #suspects = 0;
  #orders = 0;
  #limit: number;
  #handler: DeliveryHandler | undefined = undefined;
  #surplus: Error | undefined = undefined;

  constructor(info: { pattern: string; name: string }, options: ResolvedPersistentOptions, host: PersistentHost) {
    this.pattern = info.pattern;
    this.name = info.name;
    this.options = options;
    this.#limit = options.maxPending;
    this.#host = host;
  }

  /** Signals not delivered yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Signals delivered, or about to be again, and not acknowledged. */
  get inFlight(): number {
    return this.#slots.size;
  }

  get attached(): boolean {
    return this.#handler !== undefined;
  }

  get full(): boolean {
    return this.#pending.size >= this.#limit;
  }

  /** One subscriber at a time. @throws MettleError `SUBSCRIPTION_ATTACHED` */
  attach(handler: DeliveryHandler): Attachment {
    if (this.#handler !== undefined) {
      throw busErrors.create("SUBSCRIPTION_ATTACHED", `${this.name} has a subscriber.`, {
        details: { name: this.name },
      });
    }
    // A function of its own for each attachment, so that a late detach cannot end the next subscriber's.
    const own: DeliveryHandler = (signal, delivery) => handler(signal, delivery);
    this.#handler = own;
    this.#wake();
    const detach = (how?: "crashed"): void => {
      if (this.#handler === own) this.#detach(how === "crashed");
    };
    return { detach, [Symbol.dispose]: detach };
  }

  /** The bus's: whether the subscription wants the signal. A filter that throws is reported and lets it through. */
  wants(signal: Signal): boolean {
    const { filter } = this.options;
    if (filter === undefined) return true;
    try {
      return filter(signal);
    } catch (error) {
      this.#host.context.report({ kind: "failed", subscription: this, signal, error });
      return true;
    }
  }

  /** The bus's: hot, once per signal and subscription. */
  offer(signal: Signal, sequence: number): void {
    if (!this.wants(signal)) return;
    if (this.full) {
      this.#bury(signal, sequence, "surplus", 0, undefined);
      return;
    }
    this.#pending.push(new Entry(this, signal, sequence, ++this.#orders));
    this.#wake();
  }

  /** The bus's: signals of the log, whose number does not count against `maxPending` while they wait. */
  replay(signal: Signal, sequence: number): void {
    if (!this.wants(signal)) return;
    this.#limit += 1;
    this.#pending.push(new Entry(this, signal, sequence, ++this.#orders));
  }

  /** The bus's: a dead letter comes back, its attempts forgotten; false when there is no room. */
  revive(letter: DeadSignal): boolean {
    if (this.full) return false;
    this.#pending.push(new Entry(this, letter.signal, letter.sequence, ++this.#orders));
    this.#wake();
    return true;
  }

  /** Work: delivers what there is room for. */
  run(budget: number): number {
    let done = 0;
    while (done < budget && this.#handler !== undefined) {
      const entry = this.#next();
      if (entry === undefined) return done;
      done += 1;
      this.#deliver(entry, this.#handler);
    }
    if (this.#handler !== undefined && this.#hasNext()) this.#host.context.work.add(this);
    return done;
  }

  /** Lets go of everything, timers included. Returns the signals that were not acknowledged. */
  discard(): Signal[] {
    this.#detach(false);
    const signals: Signal[] = [];
    for (let entry = this.#pending.shift(); entry !== undefined; entry = this.#pending.shift()) {
      signals.push(entry.signal);
    }
    return signals;
  }

  /** An entry's: it was acknowledged; false when that came too late. */
  settle(entry: Entry, delivery: OneDelivery): boolean {
    if (entry.delivery !== delivery) return false;
    this.#host.wheel.remove(entry);
    this.#release(entry);
    this.acknowledged += 1;
    this.#wake();
    return true;
  }

  /** An entry's: the attempt failed; false when that came too late. */
  fail(entry: Entry, delivery: OneDelivery, error: unknown): boolean {
    if (entry.delivery !== delivery) return false;
    this.#host.wheel.remove(entry);
    this.failed += 1;
    entry.delivery = undefined;
    entry.failures += 1;
    entry.error = error;
    if (entry.failures >= this.options.attempts) {
      this.#release(entry);
      this.#bury(entry.signal, entry.sequence, "attempts", entry.failures, error);
      this.#wake();
    } else {
      this.#host.context.report({ kind: "failed", subscription: this, signal: entry.signal, error });
      this.#host.wheel.add(entry, backoffOf(this.options, entry.failures));
    }
    return true;
  }

  /** An entry's timer: its acknowledgement is overdue, or its backoff is over. */
  expired(entry: Entry): void {
    if (entry.delivery === undefined) {
      this.#due.push(entry);
      this.#wake();
      return;
    }
    const waited = `${this.options.ackTimeout} ms`;
    this.fail(
      entry,
      entry.delivery,
      busErrors.create("DELIVERY_UNACKNOWLEDGED", `A delivery was not acknowledged in ${waited}.`),
    );
  }

  /** While there are suspects, one at a time. */
  #hasNext(): boolean {
    if (this.#due.size > 0) return true;
    const room = this.#suspects > 0 ? 1 : this.options.maxInFlight;
    return this.#pending.size > 0 && this.#slots.size < room;
  }

  #next(): Entry | undefined {
    const due = this.#due.shift();
    if (due !== undefined) return due;
    if (!this.#hasNext()) return undefined;
    const entry = this.#pending.shift();
    if (entry === undefined) return undefined;
    if (this.#limit > this.options.maxPending) this.#limit -= 1;
    this.#slots.add(entry);
    return entry;
  }

  /** Hot: once per delivery. */
  #deliver(entry: Entry, handler: DeliveryHandler): void {
    const delivery = new OneDelivery(entry);
    entry.delivery = delivery;
    this.#host.wheel.addCoarse(entry, this.options.ackTimeout);
    const { hooks } = this.#host.context;
    try {
      const result =
        hooks === undefined ? handler(entry.signal, delivery) : this.#deliverWithin(hooks, delivery, handler);
      if (isThenable(result)) this.#follow(result, delivery);
      else if (this.options.acknowledge === "auto") delivery.ack();
    } catch (error) {
      delivery.nack(error);
    }
  }

  /** A signal that a hook kept from the subscriber is done with: nobody else would acknowledge it. */
  #deliverWithin(hooks: DispatchHooks, delivery: OneDelivery, handler: DeliveryHandler): unknown {
    let reached = false;
    const result = dispatchWithin(hooks, this, delivery.signal, (signal) => {
      reached = true;
      return handler(signal, delivery);
    });
    if (!reached) delivery.ack();
    return result;
  }

  #follow(result: PromiseLike<unknown>, delivery: OneDelivery): void {
    result.then(
      () => {
        if (this.options.acknowledge === "auto") delivery.ack();
      },
      (error: unknown) => {
        delivery.nack(error);
      },
    );
  }

  #release(entry: Entry): void {
    entry.delivery = undefined;
    this.#slots.delete(entry);
    if (entry.suspect) {
      entry.suspect = false;
      this.#suspects -= 1;
    }
  }

  /** Puts everything that holds a slot back before what is pending, in its order. */
  #detach(crashed: boolean): void {
    this.#handler = undefined;
    while (this.#due.shift() !== undefined) continue;
    const running = [...this.#slots].filter(({ delivery }) => delivery !== undefined);
    if (crashed && running.length === 1) this.#blame(running[0]!);
    for (const entry of [...this.#slots].sort((a, b) => b.order - a.order)) {
      this.#host.wheel.remove(entry);
      if (crashed && running.length > 1 && entry.delivery !== undefined && !entry.suspect) {
        entry.suspect = true;
        this.#suspects += 1;
      }
      entry.delivery = undefined;
      this.#pending.unshift(entry);
    }
    this.#slots.clear();
  }

  #blame(entry: Entry): void {
    const error = busErrors.create("DELIVERY_UNACKNOWLEDGED", "The subscriber died while it handled the delivery.");
    if (entry.delivery !== undefined) this.fail(entry, entry.delivery, error);
  }

  #bury(signal: Signal, sequence: number, reason: DeadSignal["reason"], attempts: number, error: unknown): void {
    this.dead += 1;
    const at = this.#host.wallTime();
    const why = error === undefined ? {} : { error };
    this.#host.bury({ to: this.name, signal, sequence, attempts, reason, at, ...why });
    // One error for all of a flood: an error of its own for each would cost more than all the rest of it.
    if (error === undefined) this.#surplus ??= surplusOf(this);
    this.#host.context.report({ kind: "dead", subscription: this, signal, error: error ?? this.#surplus });
  }

  #wake(): void {
    if (this.#handler !== undefined && this.#hasNext()) this.#host.context.work.add(this);
  }
}

const surplusOf = ({ name, options }: PersistentSubscription): Error =>
  busErrors.create("BUS_BACKPRESSURE", `${name} has ${options.maxPending} signals pending.`, {
    details: { subscription: name },
    next: "Look at bus.deadLetters.list() and redrive what can be handled now.",
  });
