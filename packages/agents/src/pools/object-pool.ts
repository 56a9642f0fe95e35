import { refuseProblems, wholeAtLeast } from "../coordination/check-options.ts";
import { poolErrors } from "./errors.ts";

/** What can be pooled: an object that carries whether it is in the pool, as a field of its own shape. */
export interface Poolable {
  inPool: boolean;
}

export interface ObjectPoolOptions<Item extends Poolable> {
  /** Makes a new one, with all of its fields: every object of a pool must have one shape. */
  readonly create: () => Item;
  /** Drops what the object refers to, so that the pool keeps nothing alive. */
  readonly reset: (item: Item) => void;
  /** Objects kept at most. */
  readonly capacity: number;
  /** Objects made at once. @defaultValue 0 */
  readonly warm?: number;
}

export interface ObjectPoolStatistics {
  readonly capacity: number;
  readonly available: number;
  /** Checked out and not checked in. */
  readonly inUse: number;
  readonly created: number;
  readonly reused: number;
  /** Checked in while the pool was full, left to the collector. */
  readonly dropped: number;
}

/** Capacities for the objects that the runtime makes most (S1-018). */
export const poolCapacities = { instruction: 1000, signal: 5000, error: 500, task: 500 } as const;

/**
 * Objects used again instead of made anew. Pays only where an object is large or lives long enough to leave the young
 * generation; small short-lived ones are cheaper to make: measure before pooling.
 */
export class ObjectPool<Item extends Poolable> {
  readonly #create: () => Item;
  readonly #reset: (item: Item) => void;
  readonly #free: Item[] = [];
  #capacity: number;
  #created = 0;
  #reused = 0;
  #dropped = 0;

  /** @throws MettleError `OPTIONS_INVALID` */
  constructor({ create, reset, capacity, warm = 0 }: ObjectPoolOptions<Item>) {
    refuseProblems("Object pool", [...wholeAtLeast("capacity", capacity, 0), ...wholeAtLeast("warm", warm, 0)]);
    this.#create = create;
    this.#reset = reset;
    this.#capacity = capacity;
    this.expand(warm);
  }

  get statistics(): ObjectPoolStatistics {
    return {
      capacity: this.#capacity,
      available: this.#free.length,
      inUse: this.#created - this.#free.length - this.#dropped,
      created: this.#created,
      reused: this.#reused,
      dropped: this.#dropped,
    };
  }

  /** Hot. */
  checkout(): Item {
    const item = this.#free.pop();
    if (item === undefined) {
      this.#created += 1;
      return this.#create();
    }
    this.#reused += 1;
    item.inPool = false;
    return item;
  }

  /** Hot. @throws MettleError `POOL_RETURN_INVALID` when it is in the pool already */
  checkin(item: Item): void {
    if (item.inPool) throw poolErrors.create("POOL_RETURN_INVALID", "The object was checked in before.");
    this.#reset(item);
    if (this.#free.length >= this.#capacity) {
      this.#dropped += 1;
      return;
    }
    item.inPool = true;
    this.#free.push(item);
  }

  /** Makes `count` more at once, raising the capacity if they would not fit. */
  expand(count: number): void {
    refuseProblems("Object pool", wholeAtLeast("count", count, 0));
    this.#capacity = Math.max(this.#capacity, this.#free.length + count);
    for (let i = 0; i < count; i++) {
      const item = this.#create();
      item.inPool = true;
      this.#created += 1;
      this.#free.push(item);
    }
  }

  /** Lowers the capacity and lets go of what is over it. @returns how many were let go */
  shrink(capacity: number): number {
    refuseProblems("Object pool", wholeAtLeast("capacity", capacity, 0));
    this.#capacity = capacity;
    const over = Math.max(0, this.#free.length - capacity);
    for (const item of this.#free.splice(capacity)) item.inPool = false;
    this.#dropped += over;
    return over;
  }
}
