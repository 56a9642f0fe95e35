import type { Timing } from "../agent/directive.ts";
import type { Message } from "../agent/message.ts";
import { Cron } from "../timers/cron.ts";
import { WheelTimer } from "../timers/timer-wheel.ts";
import type { CellBase } from "./cell-base.ts";
import { agentErrors } from "./errors.ts";

/** The shortest time between two ticks of a calendar. */
const A_LITTLE_MS = 60_000;

interface Receiver extends CellBase {
  send(message: Message): void;
}

/** A message that an agent sends itself later: once, every so often, or by a calendar. */
class Schedule extends WheelTimer {
  readonly #cell: Receiver;
  readonly #name: string;
  readonly #message: Message;
  readonly #timing: Timing;
  readonly #cron: Cron | undefined;
  #dueMs: number;
  /** Of a calendar's last tick, by the wall clock. */
  #calendarDue = 0;

  constructor(cell: Receiver, name: string, timing: Timing, message: Message) {
    super();
    this.#cell = cell;
    this.#name = name;
    this.#message = message;
    this.#timing = timing;
    this.#cron = "cron" in timing ? new Cron(timing.cron) : undefined;
    this.#dueMs = cell.host.clock.now() / 1e6;
  }

  /** Puts the next occurrence on the wheel; false when there is none. */
  arm(): boolean {
    const { clock, wheel } = this.#cell.host;
    if (this.#cron !== undefined) {
      const now = clock.wallTime();
      // The wall clock may have been slowed or set back a little meanwhile: it is not due again then.
      const early = this.#calendarDue - now;
      const next = this.#cron.next(early > 0 && early < A_LITTLE_MS ? this.#calendarDue : now);
      if (next === undefined) return false;
      this.#calendarDue = next;
      wheel.add(this, next - now);
      return true;
    }
    const { afterMs, everyMs } = this.#timing as { afterMs?: number; everyMs?: number };
    if (everyMs === undefined) {
      wheel.add(this, afterMs ?? 0);
      return true;
    }
    // From when it was due, not from when it came, so that a late tick does not shift all later ones; ticks that a
    // stalled loop missed altogether are left out.
    const now = clock.now() / 1e6;
    this.#dueMs += everyMs;
    if (this.#dueMs <= now) this.#dueMs += Math.ceil((now - this.#dueMs + 1) / everyMs) * everyMs;
    wheel.add(this, this.#dueMs - now);
    return true;
  }

  expire(): void {
    const again = !("afterMs" in this.#timing) && this.arm();
    if (!again) this.#cell.extras?.schedules?.delete(this.#name);
    // A full mailbox loses this tick, not the schedule: the next one comes in its time.
    if (!this.#deliver()) this.#cell.host.deadLetter(this.#cell.address, this.#message, "mailbox-full", undefined);
  }

  #deliver(): boolean {
    const { waiting, host } = this.#cell;
    if (waiting >= host.mailboxLimit) return false;
    this.#cell.send(this.#message);
    return true;
  }
}

/** @throws AGENT_OPTIONS_INVALID for a period that is not more than 0, or a cron expression that is none */
export function schedule(cell: Receiver, name: string, timing: Timing, message: Message): void {
  const period = "everyMs" in timing ? timing.everyMs : "afterMs" in timing ? timing.afterMs : 1;
  if (!(period >= 0) || ("everyMs" in timing && period === 0)) {
    throw agentErrors.create(
      "AGENT_OPTIONS_INVALID",
      `The schedule "${name}" of ${cell.label} has no period: ${period} ms.`,
    );
  }
  cancel(cell, name);
  const made = new Schedule(cell, name, timing, message);
  if (!made.arm()) return;
  const extras = cell.cold();
  extras.schedules ??= new Map();
  extras.schedules.set(name, made);
}

export function cancel(cell: CellBase, name: string): void {
  const known = cell.extras?.schedules?.get(name);
  if (known === undefined) return;
  cell.host.wheel.remove(known);
  cell.extras?.schedules?.delete(name);
}
