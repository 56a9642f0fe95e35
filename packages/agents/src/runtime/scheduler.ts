import type { Clock } from "@mettle/core";
import type { CellBase } from "./cell-base.ts";
import { Ring } from "../queues/ring.ts";

/** Messages handled before the event loop gets its turn. */
const MESSAGES_PER_SLICE = 4096;
/** A turn this long makes its agent take fewer messages the next time. */
const LONG_TURN_NS = 1e6;
/** Turns between two looks at the clock. */
const GLANCE_TURNS = 16;
/** If that many turns took longer than this, one of their agents is slow: each of them is timed for a while. */
const GLANCE_NS = 2e6;
/** Quick turns after which an agent is timed no more. */
const SUSPECT_TURNS = 4;
/** Messages of a turn after which it is looked at, when there are more. */
const FIRST_MESSAGES = 4;
/** So many agents of high priority in a row, then one of the others. */
const HIGH_IN_A_ROW = 8;

/** Its reactions run as microtasks. Cheaper than queueMicrotask, which makes an async resource for each call. */
const microtask = Promise.resolve();

export interface SchedulerOptions {
  readonly clock: Clock;
  /** Most messages a turn. */
  readonly batch: number;
  /** A handler that computes longer is reported to `onLongTurn`, with the CPU time it took. */
  readonly handlerBudgetNs: number;
  /** CPU nanoseconds of this thread; see cpu-time.ts. */
  readonly cpuTime: () => number;
  readonly onLongTurn: (cell: CellBase, computedNs: number) => void;
  /** Where a watchdog in another thread reads which agent has its turn. */
  readonly current: Int32Array | undefined;
}

/**
 * Gives agents with messages their turns: in the order they became ready, up to `batch` messages each. Hot: `schedule`
 * and `#drain`, once a turn.
 *
 * Work starts in a microtask, so a reply needs no trip through the event loop; after 4096 messages, or turns that were
 * long, the rest waits for setImmediate, because microtasks alone would starve timers and sockets. The count runs on over drains: two
 * agents that keep answering each other yield as well.
 *
 * The clock is read once in 16 turns, because reading it costs as much as several messages. When these took more than
 * 2 ms together, their agents are suspects, and only they are timed until they were quick four times. An agent whose turn
 * takes more than 1 ms gets fewer messages a turn, down to one, and more again when it is quick.
 *
 * A suspect's turns are measured in CPU time as well, and only that counts as a strike: on a busy machine a handler of
 * microseconds takes milliseconds whenever the thread has to wait for its core.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #clock: Clock;
  readonly #normal = new Ring<CellBase>(64);
  readonly #high = new Ring<CellBase>(8);
  readonly #drainBound: () => void = () => this.#drain(MESSAGES_PER_SLICE - this.#spent);
  readonly #drainAfterYield: () => void = () => {
    this.#spent = 0;
    this.#drain(MESSAGES_PER_SLICE);
  };
  #scheduled = false;
  /** True while an agent has its turn, here or by `enterNow`. */
  #inTurn = false;
  /** Messages handled since the event loop had its turn. */
  #spent = 0;
  #turns = 0;
  #glancedAt = 0;
  /** Agents of the last turns: the suspects if these were long. */
  readonly #recent: (CellBase | undefined)[] = Array.from({ length: GLANCE_TURNS }, () => undefined);
  #highInARow = 0;
  /** The event loop is to have its turn before the next agent has. */
  #yieldDue = false;
  #closed = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /** Agents that wait for their turn. */
  get ready(): number {
    return this.#normal.size + this.#high.size;
  }

  /** The cell must not be in the queue. */
  schedule(cell: CellBase): void {
    (cell.high ? this.#high : this.#normal).push(cell);
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    if (this.#spent < MESSAGES_PER_SLICE) void microtask.then(this.#drainBound);
    else setImmediate(this.#drainAfterYield);
  }

  /**
   * Hot: asks for a turn without the queue, for a request to an agent that is idle. Refused within a turn, so that no
   * handler runs inside another; refused when the event loop is due, and to suspects. `leaveNow` must follow.
   */
  enterNow(cell: CellBase): boolean {
    if (this.#inTurn || cell.suspicion > 0 || this.#spent >= MESSAGES_PER_SLICE || this.#closed) return false;
    this.#spent++;
    this.#inTurn = true;
    this.#recent[this.#turns & (GLANCE_TURNS - 1)] = cell;
    if (this.#options.current !== undefined) this.#options.current[0] = cell.id;
    return true;
  }

  leaveNow(): void {
    this.#inTurn = false;
    if (this.#options.current !== undefined) this.#options.current[0] = 0;
    if ((++this.#turns & (GLANCE_TURNS - 1)) === 0) this.#glance();
  }

  /** Accounts such a turn that was timed; true when it was long, and the next ones go through the queue. */
  timeNow(cell: CellBase, tookNs: number): boolean {
    if (tookNs <= LONG_TURN_NS) return false;
    this.#account(cell, 1, tookNs);
    return true;
  }

  close(): void {
    this.#closed = true;
  }

  #drain(budget: number): void {
    let left = budget;
    const { current } = this.#options;
    this.#inTurn = true;
    this.#yieldDue = false;
    try {
      while (left > 0 && !this.#yieldDue && !this.#closed) {
        const cell = this.#next();
        if (cell === undefined) break;
        if (current !== undefined) current[0] = cell.id;
        left -= 1 + (cell.suspicion > 0 ? this.#timedTurn(cell) : this.#turn(cell));
        if (cell.queued) (cell.high ? this.#high : this.#normal).push(cell);
      }
    } finally {
      this.#inTurn = false;
      this.#spent += Math.max(budget - left, 0);
      if (current !== undefined) current[0] = 0;
      this.#scheduled = false;
      if (this.ready > 0) this.#again();
    }
  }

  #turn(cell: CellBase): number {
    this.#recent[this.#turns & (GLANCE_TURNS - 1)] = cell;
    let done = cell.turn(cell.batch < FIRST_MESSAGES ? cell.batch : FIRST_MESSAGES);
    // A turn of several messages is looked at after the first few, so that 64 slow ones are not done in a row.
    if (done === FIRST_MESSAGES && cell.queued) {
      if (this.#glance()) return done;
      if (cell.batch > done) done += cell.turn(cell.batch - done);
    }
    if ((++this.#turns & (GLANCE_TURNS - 1)) === 0) this.#glance();
    return done;
  }

  /** One message, and the rest of the batch if that was quick. */
  #timedTurn(cell: CellBase): number {
    const computedAt = this.#options.cpuTime();
    const startedAt = this.#clock.now();
    let done = cell.turn(1);
    let now = this.#clock.now();
    if (cell.queued && cell.batch > 1 && now - startedAt < LONG_TURN_NS) {
      done += cell.turn(cell.batch - 1);
      now = this.#clock.now();
    }
    this.#account(cell, done, now - startedAt);
    const budgetNs = this.#options.handlerBudgetNs * Math.max(done, 1);
    if (now - startedAt > budgetNs) {
      const computedNs = this.#options.cpuTime() - computedAt;
      if (computedNs > budgetNs) this.#options.onLongTurn(cell, computedNs);
    }
    this.#glancedAt = now;
    return done;
  }

  #next(): CellBase | undefined {
    if (
      this.#high.head !== this.#high.tail &&
      (this.#highInARow < HIGH_IN_A_ROW || this.#normal.head === this.#normal.tail)
    ) {
      this.#highInARow++;
      return this.#high.shift();
    }
    this.#highInARow = 0;
    return this.#normal.shift();
  }

  #again(): void {
    if (this.#closed) return;
    this.#scheduled = true;
    if (this.#spent < MESSAGES_PER_SLICE && !this.#yieldDue) void microtask.then(this.#drainBound);
    else setImmediate(this.#drainAfterYield);
  }

  /** True when the last turns took long, together with what was between them: their agents are timed from now on. */
  #glance(): boolean {
    const now = this.#clock.now();
    const long = now - this.#glancedAt > GLANCE_NS;
    this.#glancedAt = now;
    if (!long) return false;
    for (const cell of this.#recent) if (cell !== undefined) cell.suspicion = SUSPECT_TURNS;
    this.#yieldDue = true;
    return true;
  }

  #account(cell: CellBase, done: number, tookNs: number): void {
    if (tookNs > LONG_TURN_NS) {
      this.#yieldDue = true;
      cell.suspicion = SUSPECT_TURNS;
      if (done > 1) cell.batch = Math.max(1, Math.floor((done * LONG_TURN_NS) / tookNs));
      return;
    }
    if (cell.batch >= this.#options.batch) cell.suspicion--;
    else if (tookNs < LONG_TURN_NS / 2) cell.batch = Math.min(cell.batch * 2, this.#options.batch);
  }
}
