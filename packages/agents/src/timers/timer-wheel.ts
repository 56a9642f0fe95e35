import { type Clock, type Milliseconds, ms } from "@mettle/core";
import type { Timer, Timers } from "./timers.ts";

const SLOTS = 256;
const LEVELS = 4;
const SPANS = [1, 256, 65_536, 16_777_216] as const;
const FARTHEST_TICKS = 2 ** 32 - 1;
/** An entry in the list of those that wait for the next reading of the clock. */
const INCOMING = LEVELS * SLOTS;
const ABSENT = -1;
/** Below this a timer is stamped at once; at or above it a stamp one window late is at most a tenth of its duration. */
const COARSE_WINDOW_MS = 10;
const COARSE_FROM_MS = COARSE_WINDOW_MS * 10;
/** The longest sleep: a process whose last timer was removed is held no longer than this. */
const LONGEST_SLEEP_MS = 1000;

/**
 * One timer of a wheel. Made to be extended by what waits (a pending reply, a scheduled message), so that a deadline
 * costs no object of its own. An entry is in at most one wheel at a time and can be added again after it expired.
 */
export abstract class WheelTimer {
  /** The wheel's own. */
  wheelNext: WheelTimer | undefined = undefined;
  /** The wheel's own. */
  wheelPrevious: WheelTimer | undefined = undefined;
  /** The wheel's own: which list holds it, −1 for none. */
  wheelSlot: number = ABSENT;
  /** The wheel's own: the tick it is due; for a coarse timer not yet placed, its duration in ms. */
  wheelDue = 0;

  /** Called once when due, outside every list. What it throws is thrown again when the others of its tick have run. */
  abstract expire(): void;
}

/** A timer that calls a function; for paths where a closure does not matter. */
export class CallbackTimer extends WheelTimer {
  readonly #callback: () => void;

  constructor(callback: () => void) {
    super();
    this.#callback = callback;
  }

  expire(): void {
    this.#callback();
  }
}

/**
 * All deadlines of one thread on one sleep of the clock: add and remove are O(1) and allocate nothing. Hierarchical
 * (Varghese & Lauck 1987), ticks of 1 ms, four levels of 256 slots (49 days; farther timers are placed again).
 * A timer never fires early; it fires up to one tick late, a coarse one up to 10 ms more, plus whatever the event loop
 * is late. Sleeps only while a timer is pending.
 */
export class TimerWheel implements Timers {
  readonly #clock: Clock;
  readonly #startNs: number;
  /** First entry of each list; the last one is that of the incoming. */
  readonly #heads: (WheelTimer | undefined)[] = Array.from({ length: INCOMING + 1 });
  readonly #countOfLevel = [0, 0, 0, 0];
  #size = 0;
  /** Every tick up to this one has been expired. */
  #tick = 0;
  #sleep: AbortController | undefined;
  /** The tick that the current sleep ends at; Infinity without one. */
  #wakeTick = Number.POSITIVE_INFINITY;
  /** True while the current sleep ends within the coarse window, so that incoming timers need nothing more. */
  #coarseArmed = false;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startNs = clock.now();
  }

  /** Pending timers. */
  get size(): number {
    return this.#size;
  }

  /** Fires `timer` after `durationMs` (0 or more, not NaN; fractions round up). One that is pending is moved. */
  add(timer: WheelTimer, durationMs: number): void {
    if (timer.wheelSlot !== ABSENT) this.remove(timer);
    if (this.#closed) return;
    const now = (this.#clock.now() - this.#startNs) / 1e6;
    if (this.#size === 0) this.#tick = Math.floor(now);
    this.#place(timer, Math.ceil(now + durationMs));
    if (timer.wheelDue < this.#wakeTick) this.#arm(timer.wheelDue);
  }

  /**
   * Hot: once per request. As `add`, for deadlines that rarely fire: the clock is not read now but at the next tick of
   * the wheel, so that the timer may fire 10 ms late, never early. Short ones, under 100 ms, are stamped at once.
   */
  addCoarse(timer: WheelTimer, durationMs: number): void {
    if (durationMs < COARSE_FROM_MS) {
      this.add(timer, durationMs);
      return;
    }
    if (timer.wheelSlot !== ABSENT) this.remove(timer);
    if (this.#closed) return;
    timer.wheelDue = durationMs;
    this.#link(timer, INCOMING);
    if (!this.#coarseArmed) this.#armCoarse();
  }

  /** As `add`, for a function. */
  after(delay: Milliseconds, run: () => void): Timer {
    const timer = new CallbackTimer(run);
    this.add(timer, delay);
    return { cancel: () => this.remove(timer) };
  }

  /** Hot. Takes a timer out; one that is not pending is left alone. */
  remove(timer: WheelTimer): void {
    const slot = timer.wheelSlot;
    if (slot === ABSENT) return;
    const { wheelNext: next, wheelPrevious: previous } = timer;
    if (previous === undefined) this.#heads[slot] = next;
    else previous.wheelNext = next;
    if (next !== undefined) next.wheelPrevious = previous;
    timer.wheelNext = undefined;
    timer.wheelPrevious = undefined;
    timer.wheelSlot = ABSENT;
    this.#size--;
    if (slot !== INCOMING) this.#countOfLevel[slot >>> 8]!--;
  }

  /** Forgets all timers without firing them and ends the sleep. Timers added afterwards never fire. */
  close(): void {
    this.#closed = true;
    this.#disarm();
    for (let slot = 0; slot < this.#heads.length; slot++) {
      for (let head = this.#heads[slot]; head !== undefined; head = this.#heads[slot]) this.remove(head);
    }
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #link(timer: WheelTimer, slot: number): void {
    const head = this.#heads[slot];
    timer.wheelNext = head;
    timer.wheelSlot = slot;
    if (head !== undefined) head.wheelPrevious = timer;
    this.#heads[slot] = timer;
    this.#size++;
  }

  #place(timer: WheelTimer, dueTick: number): void {
    const due = Math.max(dueTick, this.#tick + 1);
    timer.wheelDue = due;
    const distance = Math.min(due - this.#tick, FARTHEST_TICKS);
    const level = distance < SPANS[1] ? 0 : distance < SPANS[2] ? 1 : distance < SPANS[3] ? 2 : 3;
    const slot = Math.floor((this.#tick + distance) / SPANS[level]) & 255;
    this.#countOfLevel[level]!++;
    this.#link(timer, level * SLOTS + slot);
  }

  #armCoarse(): void {
    const now = (this.#clock.now() - this.#startNs) / 1e6;
    if (this.#size === 1) this.#tick = Math.floor(now);
    const until = Math.ceil(now + COARSE_WINDOW_MS);
    if (until < this.#wakeTick) this.#arm(until);
    this.#coarseArmed = true;
  }

  #arm(tick: number): void {
    this.#disarm();
    const now = (this.#clock.now() - this.#startNs) / 1e6;
    this.#wakeTick = Math.min(tick, Math.ceil(now) + LONGEST_SLEEP_MS);
    const sleep = new AbortController();
    this.#sleep = sleep;
    this.#clock.sleep(ms(Math.max(this.#wakeTick - now, 0)), sleep.signal).then(
      () => this.#wake(sleep),
      (reason: unknown) => {
        if (!sleep.signal.aborted) throw reason;
      },
    );
  }

  #disarm(): void {
    this.#sleep?.abort();
    this.#sleep = undefined;
    this.#wakeTick = Number.POSITIVE_INFINITY;
    this.#coarseArmed = false;
  }

  #wake(sleep: AbortController): void {
    if (this.#sleep !== sleep) return; // ended by a later arm between the timer and this call
    this.#sleep = undefined;
    this.#wakeTick = Number.POSITIVE_INFINITY;
    this.#coarseArmed = false;
    try {
      this.#advance();
    } finally {
      if (this.#size > 0 && !this.#closed) {
        const next = this.#nextTick();
        if (next < this.#wakeTick) this.#arm(next);
      }
    }
  }

  #advance(): void {
    const now = (this.#clock.now() - this.#startNs) / 1e6;
    this.#placeIncoming(now);
    const target = Math.floor(now);
    const thrown: unknown[] = [];
    while (this.#tick < target && !this.#closed) {
      this.#tick = this.#stepTo(target);
      if ((this.#tick & 255) === 0) this.#cascade();
      this.#expireSlot(this.#tick & 255, thrown);
    }
    if (thrown.length > 0) throw thrown[0];
  }

  /** The next tick where something can happen: with a level empty, nothing does before the end of its turn. */
  #stepTo(target: number): number {
    let next = this.#tick + 1;
    for (let level = 0; level < LEVELS - 1 && this.#countOfLevel[level] === 0; level++) {
      const span = SPANS[level + 1]!;
      next = (Math.floor(this.#tick / span) + 1) * span;
    }
    return Math.min(next, target);
  }

  #placeIncoming(nowMs: number): void {
    for (let timer = this.#heads[INCOMING]; timer !== undefined; timer = this.#heads[INCOMING]) {
      const duration = timer.wheelDue;
      this.remove(timer);
      this.#place(timer, Math.ceil(nowMs + duration));
    }
  }

  #cascade(): void {
    for (let level = 1; level < LEVELS; level++) {
      const slot = Math.floor(this.#tick / SPANS[level]!) & 255;
      const list = level * SLOTS + slot;
      let timer = this.#heads[list];
      this.#heads[list] = undefined;
      while (timer !== undefined) {
        const next: WheelTimer | undefined = timer.wheelNext;
        timer.wheelNext = undefined;
        timer.wheelPrevious = undefined;
        this.#countOfLevel[level]!--;
        this.#size--;
        this.#placeCascaded(timer);
        timer = next;
      }
      if (slot !== 0) return;
    }
  }

  /** Due now goes into the slot that is expired next; later goes where `place` says. */
  #placeCascaded(timer: WheelTimer): void {
    if (timer.wheelDue > this.#tick) {
      this.#place(timer, timer.wheelDue);
      return;
    }
    this.#countOfLevel[0]!++;
    this.#link(timer, this.#tick & 255);
  }

  #expireSlot(slot: number, thrown: unknown[]): void {
    for (let timer = this.#heads[slot]; timer !== undefined; timer = this.#heads[slot]) {
      this.remove(timer);
      try {
        timer.expire();
      } catch (error) {
        thrown.push(error);
      }
    }
  }

  #nextTick(): number {
    let next = this.#heads[INCOMING] === undefined ? Number.POSITIVE_INFINITY : this.#tick + COARSE_WINDOW_MS;
    for (let level = 0; level < LEVELS; level++) {
      if (this.#countOfLevel[level] === 0) continue;
      const span = SPANS[level]!;
      const turn = Math.floor(this.#tick / span);
      for (let step = 1; step <= SLOTS; step++) {
        if (this.#heads[level * SLOTS + ((turn + step) & 255)] === undefined) continue;
        next = Math.min(next, (turn + step) * span);
        break;
      }
    }
    return next;
  }
}
