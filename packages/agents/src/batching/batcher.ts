import { type Milliseconds, ms } from "@mettle/core";
import { refuseProblems, wholeAtLeast } from "../coordination/check-options.ts";
import type { Timer, Timers } from "../timers/timers.ts";
import { poolErrors } from "../pools/errors.ts";

/** What became of one item: its result, or an `Error` for this item alone. */
export type ItemResult<Result> = Result | Error;

export interface BatcherOptions<Item, Result> {
  /** Does the work for items of one type; returns a result for each, in their order. */
  readonly handle: (
    type: string,
    items: readonly Item[],
  ) => readonly ItemResult<Result>[] | Promise<readonly ItemResult<Result>[]>;
  readonly timers: Timers;
  /** Items of a full batch. @defaultValue 100 */
  readonly size?: number;
  /** How long the first item waits for others at most. @defaultValue 10 ms */
  readonly interval?: Milliseconds;
  /**
   * Sizes follow the queue instead: over 1 000 items 200, over 100 50, over 10 10, else 1; nothing waits for time, only
   * for the batch before it. @defaultValue false
   */
  readonly adaptive?: boolean;
  /** Items waiting, of all types. @defaultValue 100 000 */
  readonly maxQueued?: number;
}

export interface BatcherStatistics {
  readonly queued: number;
  readonly batches: number;
  readonly items: number;
  /** Items that failed, alone or with their batch. */
  readonly failed: number;
  readonly largest: number;
}

interface Lane<Item, Result> {
  readonly type: string;
  items: Item[];
  waiting: PromiseWithResolvers<Result>[];
  timer: Timer | undefined;
  busy: boolean;
}

/** The size of the next batch for a queue of this length. */
export function adaptiveBatchSize(queued: number): number {
  if (queued > 1000) return 200;
  if (queued > 100) return 50;
  return queued > 10 ? 10 : 1;
}

/**
 * Collects items by type and handles them together. Batches of one type run one after the other, in the order of
 * submitting; types do not wait for one another. A failure is reported to its item only, unless the whole batch failed.
 */
export class Batcher<Item, Result> implements AsyncDisposable {
  readonly #options: Required<BatcherOptions<Item, Result>>;
  readonly #lanes = new Map<string, Lane<Item, Result>>();
  readonly #idle: (() => void)[] = [];
  #queued = 0;
  #running = 0;
  #batches = 0;
  #items = 0;
  #failed = 0;
  #largest = 0;
  #closed = false;

  /** @throws MettleError `OPTIONS_INVALID` */
  constructor(options: BatcherOptions<Item, Result>) {
    this.#options = { size: 100, interval: ms(10), adaptive: false, maxQueued: 100_000, ...options };
    const { size, interval, maxQueued } = this.#options;
    refuseProblems("Batcher", [
      ...wholeAtLeast("size", size, 1),
      ...wholeAtLeast("maxQueued", maxQueued, 1),
      ...(interval > 0 ? [] : [`interval must be over 0 ms, got ${interval}`]),
    ]);
  }

  get statistics(): BatcherStatistics {
    return {
      queued: this.#queued,
      batches: this.#batches,
      items: this.#items,
      failed: this.#failed,
      largest: this.#largest,
    };
  }

  /** Hot. Rejects with the item's own error, `BATCH_FAILED`, `BATCH_RESULT_MISSING`, `BATCH_QUEUE_FULL` or `POOL_CLOSED`. */
  submit(type: string, item: Item): Promise<Result> {
    if (this.#closed) return Promise.reject(poolErrors.create("POOL_CLOSED", "The batcher is closed."));
    if (this.#queued >= this.#options.maxQueued) {
      const error = poolErrors.create("BATCH_QUEUE_FULL", `${this.#queued} items wait (maxQueued).`, {
        details: { queued: this.#queued },
      });
      return Promise.reject(error);
    }
    let lane = this.#lanes.get(type);
    if (lane === undefined) {
      lane = { type, items: [], waiting: [], timer: undefined, busy: false };
      this.#lanes.set(type, lane);
    }
    const waiting = Promise.withResolvers<Result>();
    lane.items.push(item);
    lane.waiting.push(waiting);
    this.#queued += 1;
    this.#consider(lane);
    return waiting.promise;
  }

  /** Handles everything that waits, without waiting for full batches or time. Resolves when nothing is left. */
  async flush(): Promise<void> {
    for (const lane of this.#lanes.values()) if (!lane.busy && lane.items.length > 0) this.#run(lane);
    while (this.#running > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
      for (const lane of this.#lanes.values()) if (!lane.busy && lane.items.length > 0) this.#run(lane);
    }
  }

  /** Takes no more items and handles those it has. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Runs a batch if one is due, or sees to it that one will be. */
  #consider(lane: Lane<Item, Result>): void {
    if (lane.busy || lane.items.length === 0) return;
    const { adaptive, size, interval, timers } = this.#options;
    if (adaptive || this.#closed || lane.items.length >= size) {
      this.#run(lane);
      return;
    }
    lane.timer ??= timers.after(interval, () => {
      lane.timer = undefined;
      if (!lane.busy) this.#run(lane);
    });
  }

  #run(lane: Lane<Item, Result>): void {
    const size = this.#options.adaptive ? adaptiveBatchSize(lane.items.length) : this.#options.size;
    const items = take(lane, "items", size) as Item[];
    const waiting = take(lane, "waiting", size) as PromiseWithResolvers<Result>[];
    lane.timer?.cancel();
    lane.timer = undefined;
    lane.busy = true;
    this.#running += 1;
    this.#queued -= items.length;
    this.#batches += 1;
    this.#items += items.length;
    this.#largest = Math.max(this.#largest, items.length);
    this.#handle(lane.type, items)
      .then(
        (results) => this.#settle(waiting, results),
        (cause: unknown) => {
          const details = { items: items.length };
          const error = poolErrors.create("BATCH_FAILED", `A batch of ${items.length} failed.`, { cause, details });
          this.#settle(
            waiting,
            waiting.map(() => error),
          );
        },
      )
      .finally(() => {
        lane.busy = false;
        this.#running -= 1;
        // An empty lane is forgotten: types may be many.
        if (lane.items.length === 0) this.#lanes.delete(lane.type);
        else this.#consider(lane);
        for (const idle of this.#idle.splice(0)) idle();
      });
  }

  /** A handler that throws at once fails as one that rejects. */
  async #handle(type: string, items: readonly Item[]): Promise<readonly ItemResult<Result>[]> {
    return this.#options.handle(type, items);
  }

  #settle(waiting: readonly PromiseWithResolvers<Result>[], results: readonly ItemResult<Result>[]): void {
    const count = Array.isArray(results) ? results.length : 0; // of a handler whose types do not hold
    if (count !== waiting.length) {
      const details = { results: count, items: waiting.length };
      const message = `${count} results came for ${waiting.length} items.`;
      this.#failed += waiting.length;
      for (const { reject } of waiting) reject(poolErrors.create("BATCH_RESULT_MISSING", message, { details }));
      return;
    }
    for (const [i, { resolve, reject }] of waiting.entries()) {
      const result = results[i]!;
      if (result instanceof Error) {
        this.#failed += 1;
        reject(result);
      } else resolve(result);
    }
  }
}

/** The first `count`; the whole array when that is all, without copying. */
function take<Item, Result>(lane: Lane<Item, Result>, what: "items" | "waiting", count: number): unknown[] {
  const all: unknown[] = lane[what];
  if (all.length <= count) {
    lane[what] = [];
    return all;
  }
  return all.splice(0, count);
}
