import { type Milliseconds, ms } from "@mettle/core";
import { refuseProblems, wholeAtLeast } from "../coordination/check-options.ts";
import type { Timer, Timers } from "../timers/timers.ts";
import { poolErrors } from "./errors.ts";

export interface ConnectionPoolOptions<Connection> {
  readonly open: () => Promise<Connection>;
  readonly close: (connection: Connection) => void | Promise<void>;
  /** Whether an idle connection can still be used; one that cannot is closed. @defaultValue always */
  readonly usable?: (connection: Connection) => boolean;
  /** Connections kept open. @defaultValue 10 */
  readonly size?: number;
  /** Further ones while all are in use, closed when returned. @defaultValue 5 */
  readonly overflow?: number;
  /** @defaultValue 5 s */
  readonly acquireTimeout?: Milliseconds;
  /** Callers that may wait. @defaultValue 10 000 */
  readonly maxWaiting?: number;
  readonly timers: Timers;
}

export interface ConnectionPoolStatistics {
  readonly idle: number;
  readonly inUse: number;
  readonly opening: number;
  readonly waiting: number;
  /** Connections opened beyond the size, ever. */
  readonly overflowed: number;
  readonly acquired: number;
  readonly timedOut: number;
  readonly failed: number;
}

/** A connection on loan. Return it once: `release()`, or `discard()` when it is broken. `using` releases it. */
export interface Lease<Connection> extends Disposable {
  readonly connection: Connection;
  release(): void;
  discard(): void;
}

interface Waiter<Connection> {
  readonly resolve: (lease: Lease<Connection>) => void;
  readonly reject: (error: Error) => void;
  timer: Timer | undefined;
  abort: (() => void) | undefined;
}

/**
 * Connections that are dear to open. Who asks gets an idle one, else a new one up to size + overflow, else waits its turn: waiters
 * are served in order, whatever becomes free first (T-07).
 */
export class ConnectionPool<Connection> implements AsyncDisposable {
  readonly #options: Required<ConnectionPoolOptions<Connection>>;
  readonly #idle: Connection[] = [];
  /** In the order of asking. */
  readonly #waiting = new Set<Waiter<Connection>>();
  readonly #closing = new Set<Promise<void>>();
  readonly #drained = Promise.withResolvers<void>();
  #inUse = 0;
  #opening = 0;
  #overflowed = 0;
  #acquired = 0;
  #timedOut = 0;
  #failed = 0;
  #closed = false;

  /** @throws MettleError `OPTIONS_INVALID` */
  constructor(options: ConnectionPoolOptions<Connection>) {
    this.#options = {
      usable: () => true,
      size: 10,
      overflow: 5,
      acquireTimeout: ms(5000),
      maxWaiting: 10_000,
      ...options,
    };
    const { size, overflow, acquireTimeout, maxWaiting } = this.#options;
    refuseProblems("Connection pool", [
      ...wholeAtLeast("size", size, 1),
      ...wholeAtLeast("overflow", overflow, 0),
      ...wholeAtLeast("maxWaiting", maxWaiting, 0),
      ...(acquireTimeout > 0 ? [] : [`acquireTimeout must be over 0 ms, got ${acquireTimeout}`]),
    ]);
  }

  get statistics(): ConnectionPoolStatistics {
    return {
      idle: this.#idle.length,
      inUse: this.#inUse,
      opening: this.#opening,
      waiting: this.#waiting.size,
      overflowed: this.#overflowed,
      acquired: this.#acquired,
      timedOut: this.#timedOut,
      failed: this.#failed,
    };
  }

  /**
   * Rejects with `POOL_ACQUIRE_TIMEOUT`, `POOL_OPEN_FAILED`, `POOL_EXHAUSTED` when too many wait, `POOL_CLOSED`, or the
   * signal's reason.
   */
  acquire(signal?: AbortSignal): Promise<Lease<Connection>> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw signal.reason as Error;
      if (this.#closed) throw poolErrors.create("POOL_CLOSED", "The connection pool is closed.");
      const idle = this.#takeIdle();
      if (idle !== undefined) {
        resolve(this.#lend(idle.connection));
        return;
      }
      this.#wait({ resolve, reject, timer: undefined, abort: undefined }, signal);
    });
  }

  /** Lends a connection to `use` and takes it back, broken or not: discards it when `use` throws. */
  async with<Result>(use: (connection: Connection) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    const lease = await this.acquire(signal);
    try {
      const result = await use(lease.connection);
      lease.release();
      return result;
    } catch (error) {
      lease.discard();
      throw error;
    }
  }

  /** Rejects who waits, closes idle connections, and waits until those on loan are returned and all are closed. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      for (const waiter of this.#waiting) {
        this.#leave(waiter);
        waiter.reject(poolErrors.create("POOL_CLOSED", "The connection pool was closed while waiting."));
      }
      for (const connection of this.#idle.splice(0)) this.#closeConnection(connection);
      this.#settleDrain();
    }
    await this.#drained.promise;
    await Promise.all(this.#closing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** A check that throws has found something: the connection is closed rather than lost. */
  #usable(connection: Connection): boolean {
    try {
      return this.#options.usable(connection);
    } catch {
      this.#failed += 1;
      return false;
    }
  }

  #takeIdle(): { readonly connection: Connection } | undefined {
    // The one returned last: it is the likeliest to be warm, and those never needed age until they are not usable.
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (this.#usable(connection)) return { connection };
      this.#closeConnection(connection);
    }
    return undefined;
  }

  #wait(waiter: Waiter<Connection>, signal: AbortSignal | undefined): void {
    const { acquireTimeout, maxWaiting, size, overflow, timers } = this.#options;
    const room = this.#inUse + this.#opening < size + overflow;
    if (!room && this.#waiting.size >= maxWaiting) {
      throw poolErrors.create("POOL_EXHAUSTED", `${this.#waiting.size} callers wait for a connection already.`, {
        details: { waiting: this.#waiting.size },
      });
    }
    waiter.timer = timers.after(acquireTimeout, () => {
      this.#leave(waiter);
      this.#timedOut += 1;
      const held = this.#inUse;
      waiter.reject(
        poolErrors.create("POOL_ACQUIRE_TIMEOUT", `No connection within ${acquireTimeout} ms; ${held} are in use.`, {
          details: { acquireTimeoutMs: acquireTimeout, inUse: held },
        }),
      );
    });
    if (signal !== undefined) {
      const onAbort = (): void => {
        this.#leave(waiter);
        waiter.reject(signal.reason as Error);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      waiter.abort = () => signal.removeEventListener("abort", onAbort);
    }
    this.#waiting.add(waiter);
    this.#grow();
  }

  #leave(waiter: Waiter<Connection>): void {
    this.#waiting.delete(waiter);
    waiter.timer?.cancel();
    waiter.abort?.();
  }

  /** Opens as many as wait, within the limit. What opens goes to whoever is first then, not to who caused it. */
  #grow(): void {
    const { size, overflow } = this.#options;
    while (this.#opening < this.#waiting.size && this.#inUse + this.#idle.length + this.#opening < size + overflow) {
      if (this.#inUse + this.#idle.length + this.#opening >= size) this.#overflowed += 1;
      this.#opening += 1;
      this.#open().then(
        (connection) => {
          this.#opening -= 1;
          this.#serve(connection);
        },
        (cause: unknown) => this.#openFailed(cause),
      );
    }
  }

  /** An `open` that throws at once fails as one that rejects. */
  async #open(): Promise<Connection> {
    return this.#options.open();
  }

  #openFailed(cause: unknown): void {
    this.#opening -= 1;
    this.#failed += 1;
    const [first] = this.#waiting;
    if (first !== undefined) {
      this.#leave(first);
      first.reject(poolErrors.create("POOL_OPEN_FAILED", "A connection could not be opened.", { cause }));
    }
    this.#grow();
    this.#settleDrain();
  }

  /** A connection is free: for who waits longest, or to be kept, or too many. */
  #serve(connection: Connection): void {
    const [first] = this.#waiting;
    if (first !== undefined) {
      this.#leave(first);
      first.resolve(this.#lend(connection));
      return;
    }
    const kept = this.#inUse + this.#idle.length + this.#opening < this.#options.size;
    if (kept && !this.#closed) this.#idle.push(connection);
    else this.#closeConnection(connection);
    this.#settleDrain();
  }

  #lend(connection: Connection): Lease<Connection> {
    this.#inUse += 1;
    this.#acquired += 1;
    let out = true;
    const giveBack = (broken: boolean): void => {
      if (!out) throw poolErrors.create("POOL_RETURN_INVALID", "The connection was returned before.");
      out = false;
      this.#inUse -= 1;
      if (!broken && this.#usable(connection)) {
        this.#serve(connection);
        return;
      }
      this.#closeConnection(connection);
      this.#grow();
      this.#settleDrain();
    };
    return {
      connection,
      release: () => giveBack(false),
      discard: () => giveBack(true),
      [Symbol.dispose]: () => {
        if (out) giveBack(false);
      },
    };
  }

  #closeConnection(connection: Connection): void {
    const closing = (async () => this.#options.close(connection))().then(
      () => undefined,
      () => void (this.#failed += 1), // it is given up either way; statistics tell that it happened
    );
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
  }

  #settleDrain(): void {
    if (this.#closed && this.#inUse + this.#opening === 0) this.#drained.resolve();
  }
}
