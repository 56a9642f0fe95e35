import type { MetricUnit } from "@mettle/core";
import type { LoadProgress } from "@mettle/report";

/** What a viewer is told once of a load test. */
export interface LiveAbout {
  readonly name: string;
  /** What is loaded: a URL or a script. */
  readonly target: string;
  /** ISO 8601 with zone. */
  readonly startedAt: string;
  /** Scenarios, as bands behind the charts; one without an end ends with the run. */
  readonly phases: readonly { readonly name: string; readonly fromMs: number; readonly toMs?: number }[];
}

/** One rule as it stands. */
export interface LiveRule {
  /** As written: `http_req_duration: p(95) < 200ms`. */
  readonly text: string;
  readonly state: "held" | "missed" | "no-data";
  readonly actual?: number;
  readonly limit?: number;
  readonly unit?: MetricUnit;
  /** Share of what is allowed that is used, above 1 when missed. */
  readonly consumed?: number;
  /** Since when it has been missed without a break, of the run's time; absent while it is not. */
  readonly missedSinceMs?: number;
  /** Whether its limit is one of the times that the page draws, over all operations. @defaultValue false */
  readonly isOfTimesShown?: boolean;
}

/** Over all operations, of the last second. Times in ns; what is not known is absent. */
export interface LiveSecond {
  /** Requests ended. */
  readonly perSecond?: number;
  readonly failedPerSecond?: number;
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
  /** Alternating slot and count of response times: see `slotsPerDoubling`. */
  readonly slots: readonly number[];
}

/** What the last second spent of what a rule lets go wrong: `p(95) < 200ms` allows 5 % to be slower. */
export interface LiveSpending {
  /** Its place among the moment's rules, which is the same in every moment: two may have one text. */
  readonly rule: number;
  /** Share of all that may go wrong, above 0. */
  readonly allowed: number;
  readonly bad: number;
  readonly total: number;
}

/** Where models, tools and tasks are measured: how they stand. Times in ns; what is not known is absent. */
export interface LiveAgents {
  readonly tasksPerSecond?: number;
  /** Share of all tasks so far, 0 … 1. */
  readonly passedShare?: number;
  readonly stepsPerTask?: number;
  /** Requests to models. */
  readonly inFlight?: number;
  readonly outputTokensPerSecond?: number;
  readonly timeToFirstTokenP95?: number;
  /** Of the last second: share of requests within every objective, 0 … 1. */
  readonly goodShare?: number;
  /** Of the last second, in the unit that prices are given in. */
  readonly costPerSecond?: number;
  /** By their calls, most first. */
  readonly tools: readonly { readonly name: string; readonly p95?: number; readonly failedShare?: number }[];
}

/** A load test at one moment, once a second. */
export interface LiveMoment {
  readonly progress: LoadProgress;
  readonly second: LiveSecond;
  readonly rules: readonly LiveRule[];
  /** Of the rules that allow a share. */
  readonly spending?: readonly LiveSpending[];
  readonly agents?: LiveAgents;
}

/**
 * Slot s of response times holds those from `2^(s / 8)` ns to the next. A value is known to 9 %, which is what a percentile
 * over several seconds is computed with; those of single seconds come as measured.
 */
export const slotsPerDoubling = 8;
export const slotOf = (ns: number): number => (ns <= 1 ? 0 : Math.floor(Math.log2(ns) * slotsPerDoubling));
/** The middle of a slot, in the sense of ratios. */
export const slotValue = (slot: number): number => 2 ** ((slot + 0.5) / slotsPerDoubling);

/** The value at nearest rank over counted slots; undefined without values. */
export function slotQuantile(slots: ReadonlyMap<number, number>, q: number): number | undefined {
  const sorted = [...slots].toSorted(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return undefined;
  const rank = Math.max(1, Math.ceil(q * total));
  let seen = 0;
  for (const [slot, count] of sorted) {
    seen += count;
    if (seen >= rank) return slotValue(slot);
  }
  return undefined;
}
