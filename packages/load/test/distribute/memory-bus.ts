import { type Clock, ms } from "@mettle/core";
import type { Answer, Listener, Transport } from "../../src/distribute/transport.ts";

/** What may go wrong between two connections of a bus. */
export interface Faults {
  /** Whether the next message, or the next answer, gets lost. */
  readonly loses?: () => boolean;
  /** Whether the next message arrives twice. */
  readonly doubles?: () => boolean;
  /** How long the next one takes. */
  readonly delayMs?: () => number;
}

interface Subscription {
  readonly owner: BusConnection;
  readonly subject: string;
  readonly listener: Listener;
}

/** A message server in memory with what can happen to messages, on a clock of the test's. */
export class MemoryBus {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly subscriptions = new Set<Subscription>();
  /** Every message that was published or asked, for a look at what is said. */
  readonly traffic: { readonly subject: string; readonly bytes: number }[] = [];

  constructor(clock: Clock, faults: Faults = {}) {
    this.clock = clock;
    this.faults = faults;
  }

  connect(maxPayload: number = 1024 * 1024): BusConnection {
    return new BusConnection(this, maxPayload);
  }
}

export class BusConnection implements Transport {
  readonly maxPayload: number;
  readonly #bus: MemoryBus;
  /** Cut off: nothing gets in or out, and the server may not have noticed. */
  frozen = false;
  closed = false;

  constructor(bus: MemoryBus, maxPayload: number) {
    this.#bus = bus;
    this.maxPayload = maxPayload;
  }

  publish(subject: string, data: Uint8Array): void {
    this.#record(subject, data);
    for (const { listener, owner } of this.#listening(subject)) {
      this.#carry(() => {
        if (!owner.frozen) listener(data.slice(), () => {});
      });
    }
  }

  async request(subject: string, data: Uint8Array, timeoutMs: number): Promise<Answer> {
    if (this.closed) return { state: "failed", reason: "closed" };
    this.#record(subject, data);
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const [found] = this.frozen ? [] : this.#listening(subject);
    if (!found && !this.frozen) return { state: "nobody" };
    this.#carry(() => {
      if (!found || found.owner.frozen || found.owner.closed || this.frozen) return;
      found.listener(data.slice(), (answer) => {
        const copy = answer.slice();
        this.#carry(() => {
          if (!this.frozen) resolve({ state: "answered", data: copy });
        });
      });
    });
    const timer = new AbortController();
    const late = this.#bus.clock.sleep(ms(timeoutMs), timer.signal).then(
      (): Answer => ({ state: "silent" }),
      (): Answer => ({ state: "silent" }),
    );
    const answer = await Promise.race([promise, late]);
    timer.abort();
    return answer;
  }

  subscribe(subject: string, listener: Listener): Disposable {
    const subscription = { owner: this, subject, listener };
    this.#bus.subscriptions.add(subscription);
    return { [Symbol.dispose]: () => void this.#bus.subscriptions.delete(subscription) };
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  /** As a killed process: the server notices at once. */
  kill(): void {
    this.closed = true;
    for (const subscription of this.#bus.subscriptions) {
      if (subscription.owner === this) this.#bus.subscriptions.delete(subscription);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    return Promise.resolve();
  }

  #record(subject: string, data: Uint8Array): void {
    if (data.length > this.maxPayload) throw new Error(`${data.length} bytes are more than the server takes`);
    this.#bus.traffic.push({ subject, bytes: data.length });
  }

  #listening(subject: string): Subscription[] {
    if (this.frozen || this.closed) return [];
    return [...this.#bus.subscriptions].filter((each) => each.subject === subject);
  }

  /** Brings something to the other side: late, twice, or never. */
  #carry(deliver: () => void): void {
    const { loses, doubles, delayMs } = this.#bus.faults;
    const times = doubles?.() ? 2 : 1;
    for (let time = 0; time < times; time++) {
      if (loses?.()) continue;
      const delay = delayMs?.() ?? 0;
      if (delay > 0) void this.#bus.clock.sleep(ms(delay)).then(deliver);
      else queueMicrotask(deliver);
    }
  }
}
