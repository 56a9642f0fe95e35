/**
 * A cap on new connections per second, shared by all clients of a worker: without one, a server that hiccups for a second
 * is met by thousands of connections at once, and a refusing one by as many attempts as the CPU allows.
 */
export class ConnectLimiter {
  readonly #intervalMs: number;
  readonly #burstMs: number;
  readonly #now: () => number;
  /** When the next connection would be due if all came evenly spaced (the generic cell rate algorithm). */
  #dueAt = 0;
  readonly #queue: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param burst - connections that may be made at once after a rest; at least 1 */
  constructor(perSecond: number, burst: number, now: () => number) {
    this.#intervalMs = 1000 / perSecond;
    this.#burstMs = (Math.max(1, burst) - 1) * this.#intervalMs;
    this.#now = now;
  }

  /** Calls back when a connection may be made: at once, or in turn. */
  acquire(proceed: () => void): void {
    if (this.#queue.length === 0 && this.#take()) proceed();
    else {
      this.#queue.push(proceed);
      this.#arm();
    }
  }

  /** Gives up a place in the queue; nothing where `proceed` was called already. */
  cancel(proceed: () => void): void {
    const at = this.#queue.indexOf(proceed);
    if (at >= 0) this.#queue.splice(at, 1);
    if (this.#queue.length > 0 || !this.#timer) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #take(): boolean {
    const now = this.#now();
    if (this.#dueAt - now > this.#burstMs) return false;
    this.#dueAt = Math.max(this.#dueAt, now) + this.#intervalMs;
    return true;
  }

  #arm(): void {
    if (this.#timer) return;
    const waitMs = Math.max(0, this.#dueAt - this.#burstMs - this.#now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      while (this.#queue.length > 0 && this.#take()) this.#queue.shift()!();
      if (this.#queue.length > 0) this.#arm();
    }, Math.ceil(waitMs));
  }
}
