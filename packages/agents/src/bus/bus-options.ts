import type { Clock } from "@mettle/core";
import type { Signal } from "../signals/signal.ts";
import type { SignalFactory } from "../signals/signal-factory.ts";
import type { TimerWheel } from "../timers/timer-wheel.ts";
import { busErrors } from "./errors.ts";
import type { BusProblem } from "./problems.ts";
import type { LogRetention, LogStart } from "./signal-log.ts";
import type { Turns } from "./work-queue.ts";

export interface BusOptions {
  readonly clock?: Clock;
  /** Deadlines of persistent subscriptions; the runtime's own, or one that the bus makes and closes. */
  readonly wheel?: TimerWheel;
  /** Makes the signals of `emit`; share the runtime's, so that ids stay unique. */
  readonly signals?: SignalFactory;
  /** What the log keeps, or `false` for no log. @defaultValue 10 000 signals, one hour */
  readonly log?: Partial<LogRetention> | false;
  /** Signals published and not dispatched yet, before `publish` refuses (`BUS_FULL`). @defaultValue 65 536 */
  readonly maxQueued?: number;
  /** Dead letters kept. @defaultValue 10 000 */
  readonly maxDeadLetters?: number;
  /** Types whose subscribers are remembered; 0 for none. @defaultValue 4 096 */
  readonly memo?: number;
  /** Told what went wrong after `publish` had returned. @defaultValue a process warning, once per subscription and kind */
  readonly onProblem?: (problem: BusProblem) => void;
  readonly turns?: Turns;
}

export interface SubscribeOptions {
  /** Shown in reports. */
  readonly name?: string;
  /** Only signals for which it returns true. */
  readonly filter?: (signal: Signal) => boolean;
  /** Signals kept while the handler is busy; beyond it, new ones are dropped and reported. @defaultValue 10 000 */
  readonly maxBacklog?: number;
  /** Begins with signals of the log, without gap or repetition before the live ones. */
  readonly from?: LogStart;
}

export interface BusStatistics {
  readonly published: number;
  /** Signals refused with `BUS_FULL` or `BUS_BACKPRESSURE`. */
  readonly refused: number;
  readonly queued: number;
  readonly subscriptions: number;
  readonly problems: Readonly<Record<BusProblem["kind"], number>>;
  readonly deadLetters: number;
  readonly logged: number;
}

/** @throws MettleError `SUBSCRIPTION_INVALID` for a limit that is given and not a whole number from 1 */
export function checkLimits(limits: Readonly<Record<string, number | undefined>>): void {
  const problems = Object.entries(limits)
    .filter(([, value]) => value !== undefined && !(Number.isInteger(value) && value >= 1))
    .map(([name, value]) => `${name} must be a whole number from 1, got ${value}`);
  if (problems.length > 0) {
    throw busErrors.create("SUBSCRIPTION_INVALID", `Bus: ${problems.join("; ")}.`, { details: { problems } });
  }
}

/** A count that is no whole number is never reached, and the log would grow for ever. @throws MettleError `SUBSCRIPTION_INVALID` */
export function checkRetention({ count, age }: Partial<LogRetention>): void {
  checkLimits({ "log.count": count });
  if (age === undefined || age > 0) return;
  const problems = [`log.age must be more than 0 ms, got ${age}`];
  throw busErrors.create("SUBSCRIPTION_INVALID", `Bus: ${problems.join("; ")}.`, { details: { problems } });
}
