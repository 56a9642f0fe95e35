import type { Clock } from "@mettle/core";
import type { CellBase } from "./cell-base.ts";
import { Ring } from "./ring.ts";

/** Messages handled before the event loop gets its turn. */
const MESSAGES_PER_SLICE = 4096;
/** Time after which the event loop gets its turn, looked at while turns are timed. */
const SLICE_NS = 4e6;
/** A turn this long makes its agent take fewer messages the next time. */
const LONG_TURN_NS = 1e6;
/** Turns between two looks at the clock while all are short. */
const GLANCE_TURNS = 16;
/** If that many turns took longer than this, each of the next ones is timed. */
const GLANCE_NS = 2e6;
const TIMED_TURNS = 256;
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
  /** A turn of one handler that takes longer is reported to `onLongTurn`. */
  readonly handlerBudgetNs: number;
  readonly onLongTurn: (cell: CellBase, tookNs: number) => void;
  /** Where a watchdog in another thread reads which agent has its turn. */
  readonly current: Int32Array | undefined;
}

/**
 * Gives agents with messages their turns: in the order they became ready, up to `batch` messages each. Hot: `schedule`
 * and `#drain`, once a turn.
 *
 * Work starts in a microtask, so a reply needs no trip through the event loop; after 4096 messages, or 4 ms, the rest
 * waits for setImmediate, because microtasks alone would starve timers and sockets. The count runs on over drains: two
 * agents that keep answering each other yield as well.
 *
 * The clock is read once in 16 turns until these took more than 2 ms together; then every turn is timed for a while. An
 * agent whose turn takes more than 1 ms gets fewer messages a turn, down to one, and more again when it is quick.
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
  #timedTurns = 0;
  #highInARow = 0;
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
   * handler runs inside another; refused when the event loop is due, and while turns are timed. `leaveNow` must follow.
   */
  enterNow(): boolean {
    if (this.#inTurn || this.#timedTurns > 0 || this.#spent >= MESSAGES_PER_SLICE || this.#closed) return false;
    this.#spent++;
    this.#inTurn = true;
    return true;
  }

  leaveNow(): void {
    this.#inTurn = false;
    if (++this.#turns % GLANCE_TURNS === 0) this.#glance();
  }

  close(): void {
    this.#closed = true;
  }

  #drain(budget: number): void {
    let left = budget;
    const timed = this.#timedTurns > 0;
    const startedAt = timed ? this.#clock.now() : 0;
    let turnAt = startedAt;
    const { current } = this.#options;
    this.#inTurn = true;
    try {
      while (left > 0 && !this.#closed) {
        const cell = this.#next();
        if (cell === undefined) break;
        if (current !== undefined) current[0] = cell.id;
        if (timed) {
          const now = this.#timedTurn(cell, turnAt);
          left -= cell.batch + 1;
          turnAt = now;
          if (now - startedAt > SLICE_NS) left = 0;
          continue;
        }
        const first = cell.batch < FIRST_MESSAGES ? cell.batch : FIRST_MESSAGES;
        let done = cell.turn(first);
        // A turn of several messages is looked at after the first few, so that 64 slow ones are not done in a row.
        let long = false;
        if (done === FIRST_MESSAGES && cell.queued) {
          long = this.#glance();
          if (!long && cell.batch > done) done += cell.turn(cell.batch - done);
        }
        if (cell.queued) (cell.high ? this.#high : this.#normal).push(cell);
        left -= done + 1;
        if (!long && ++this.#turns % GLANCE_TURNS === 0) long = this.#glance();
        if (long) break; // goes on with timed turns
      }
    } finally {
      this.#inTurn = false;
      this.#spent += Math.max(budget - left, 0);
      if (current !== undefined) current[0] = 0;
      this.#scheduled = false;
      if (this.ready > 0) this.#again();
    }
  }

  /** One message, and the rest of the batch if that was quick. Returns when it ended. */
  #timedTurn(cell: CellBase, startedAt: number): number {
    let done = cell.turn(1);
    let now = this.#clock.now();
    if (cell.queued && cell.batch > 1 && now - startedAt < LONG_TURN_NS) {
      const rest = cell.turn(cell.batch - 1);
      const end = this.#clock.now();
      this.#account(cell, done + rest, end - startedAt);
      done += rest;
      now = end;
    } else this.#account(cell, done, now - startedAt);
    if (cell.queued) (cell.high ? this.#high : this.#normal).push(cell);
    return now;
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
    if (this.#spent < MESSAGES_PER_SLICE && this.#timedTurns === 0) void microtask.then(this.#drainBound);
    else setImmediate(this.#drainAfterYield);
  }

  /** True when the last turns took long, together with what was between them: from now on turns are timed. */
  #glance(): boolean {
    const now = this.#clock.now();
    const long = now - this.#glancedAt > GLANCE_NS;
    this.#glancedAt = now;
    if (long) this.#timedTurns = TIMED_TURNS;
    return long;
  }

  #account(cell: CellBase, done: number, tookNs: number): void {
    if (tookNs > LONG_TURN_NS) {
      this.#timedTurns = TIMED_TURNS;
      if (done > 1) cell.batch = Math.max(1, Math.floor((done * LONG_TURN_NS) / tookNs));
      if (tookNs > this.#options.handlerBudgetNs * Math.max(done, 1)) this.#options.onLongTurn(cell, tookNs);
      return;
    }
    this.#timedTurns--;
    if (cell.batch < this.#options.batch && tookNs < LONG_TURN_NS / 2)
      cell.batch = Math.min(cell.batch * 2, this.#options.batch);
  }
}
