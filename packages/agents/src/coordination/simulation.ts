import { type Clock, type Milliseconds, ms, type Nanoseconds, ns, type Random } from "@mettle/core";
import { refuseProblems, within } from "./check-options.ts";
import type { JoinableNetwork, Receive } from "./network.ts";
import type { Timer, Timers } from "../timers/timers.ts";

interface Event {
  readonly due: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** Virtual time: events run in the order of their due time, and time jumps from one to the next. */
export class SimulatedTime implements Timers {
  #nowMs = 0;
  #order = 0;
  /** A binary heap by due time, then by order of making. */
  readonly #heap: Event[] = [];

  nowMs(): Milliseconds {
    return ms(this.#nowMs);
  }

  /** The same time as a Clock; its `sleep` is an event like the others. */
  readonly clock: Clock = {
    now: (): Nanoseconds => ns(this.#nowMs * 1e6),
    wallTime: () => ms(Math.floor(this.#nowMs)),
    sleep: (duration, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason as Error);
          return;
        }
        const onAbort = (): void => {
          timer.cancel();
          reject(signal?.reason as Error);
        };
        const timer = this.after(duration, () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        });
        signal?.addEventListener("abort", onAbort, { once: true });
      }),
  };

  after(delay: Milliseconds, run: () => void): Timer {
    const event: Event = { due: this.#nowMs + Math.max(0, delay), order: this.#order++, run };
    this.#push(event);
    return {
      cancel: () => {
        event.run = undefined;
      },
    };
  }

  /**
   * Runs events until none is left, `until` has come, or `enough` says so.
   *
   * @returns how many ran
   */
  run({ until = ms(Infinity), enough }: { until?: Milliseconds; enough?: () => boolean } = {}): number {
    let ran = 0;
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.due > until || enough?.()) break;
      this.#pop();
      if (next.run === undefined) continue;
      this.#nowMs = next.due;
      next.run();
      ran += 1;
    }
    if (until !== Infinity && !enough?.()) this.#nowMs = Math.max(this.#nowMs, until);
    return ran;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

const before = (a: Event, b: Event): boolean => a.due < b.due || (a.due === b.due && a.order < b.order);

export interface LinkOptions {
  /** Delay of a message, uniform in this range, in milliseconds: what reorders messages. @defaultValue 1 … 10 */
  readonly delay?: { readonly min: Milliseconds; readonly max: Milliseconds };
  /** Share of the messages that never arrive, 0 … 1. @defaultValue 0 */
  readonly loss?: number;
  /** Share of the messages that arrive twice, 0 … 1. @defaultValue 0 */
  readonly duplication?: number;
}

export const linkDefaults: Required<LinkOptions> = { delay: { min: ms(1), max: ms(10) }, loss: 0, duplication: 0 };

export interface NetworkCounts {
  readonly sent: number;
  readonly delivered: number;
  readonly lost: number;
  readonly duplicated: number;
}

/**
 * A network with faults, drawn from a seeded generator: delays, loss, duplication, partitions and crashed members. On
 * `SimulatedTime` a run repeats exactly; on `new TimerWheel(systemClock)` its delays are real ones.
 */
export class SimulatedNetwork<Message> implements JoinableNetwork<Message> {
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #links: Required<LinkOptions>;
  readonly #receivers: (Receive<Message> | undefined)[] = [];
  readonly #crashed = new Set<number>();
  #side: readonly number[] | undefined;
  #counts = { sent: 0, delivered: 0, lost: 0, duplicated: 0 };

  /** @throws MettleError `OPTIONS_INVALID` */
  constructor(timers: Timers, random: Random, options: LinkOptions = {}) {
    const links = { ...linkDefaults, ...options };
    refuseProblems("Simulated network", [
      ...within("loss", links.loss, 0, 1),
      ...within("duplication", links.duplication, 0, 1),
      ...within("delay.min", links.delay.min, 0, Infinity),
      ...within("delay.max", links.delay.max, links.delay.min, Number.MAX_SAFE_INTEGER),
    ]);
    this.#timers = timers;
    this.#random = random;
    this.#links = links;
  }

  get counts(): NetworkCounts {
    return { ...this.#counts };
  }

  attach(member: number, receive: Receive<Message>): void {
    this.#receivers[member] = receive;
  }

  /** The member neither sends nor receives until it recovers; what is under way to it is lost. */
  crash(member: number): void {
    this.#crashed.add(member);
  }

  recover(member: number): void {
    this.#crashed.delete(member);
  }

  /** @param side - the side that each member is on; messages between sides are lost */
  partition(side: readonly number[]): void {
    this.#side = side;
  }

  heal(): void {
    this.#side = undefined;
  }

  send(from: number, to: number, message: Message): void {
    this.#counts.sent += 1;
    const { loss, duplication } = this.#links;
    if (!this.#connected(from, to) || this.#random.uniform() < loss) {
      this.#counts.lost += 1;
      return;
    }
    this.#deliverLater(from, to, message);
    if (this.#random.uniform() < duplication) {
      this.#counts.duplicated += 1;
      this.#deliverLater(from, to, message);
    }
  }

  #connected(from: number, to: number): boolean {
    if (this.#crashed.has(from) || this.#crashed.has(to)) return false;
    return this.#side === undefined || this.#side[from] === this.#side[to];
  }

  #deliverLater(from: number, to: number, message: Message): void {
    const { min, max } = this.#links.delay;
    this.#timers.after(ms(min + (max - min) * this.#random.uniform()), () => {
      const receive = this.#receivers[to];
      if (receive === undefined || !this.#connected(from, to)) {
        this.#counts.lost += 1;
        return;
      }
      this.#counts.delivered += 1;
      receive(from, message);
    });
  }
}
