import type { Milliseconds } from "@mettle/core";
import { refuseProblems, within, wholeAtLeast } from "./check-options.ts";
import type { Timer, Timers } from "../timers/timers.ts";

/** What one member thinks in one round. */
export interface Position<Value> {
  readonly value: Value;
  /** How good the member finds the leading value of the round before, 0 … 1; absent when it cannot say. */
  readonly quality?: number;
}

/** What members see before they answer. */
export interface Round<Value> {
  /** From 1. */
  readonly number: number;
  /** What led the round before; nothing in the first. */
  readonly leading: Value | undefined;
  readonly agreement: number | undefined;
}

export interface Agreement<Value> {
  readonly leading: Value;
  /** How many of the positions agree with it. */
  readonly supporters: number;
}

export interface IterativeOptions<Value> {
  readonly members: number;
  /** Asks one member; it answers at once or later. An answer after its round's end is ignored. */
  readonly ask: (member: number, round: Round<Value>, answer: (position: Position<Value>) => void) => void;
  /** What the positions have in common. See `agreeByKey` and `agreeWithin`. */
  readonly agree: (positions: readonly Value[]) => Agreement<Value>;
  /** Share of all members who agree that ends it. @defaultValue 0.9 */
  readonly convergence?: number;
  /** Mean quality of the leading value that ends it. @defaultValue 0.8 */
  readonly quality?: number;
  /** @defaultValue 10 */
  readonly maxRounds?: number;
  /** Ends a round; who was silent keeps its last position. */
  readonly roundDeadline: Milliseconds;
  readonly timers: Timers;
}

export interface IterativeOutcome<Value> {
  /** `rounds`: neither converged nor good enough. `silence`: nobody ever answered. */
  readonly state: "converged" | "goodEnough" | "rounds" | "silence";
  readonly leading: Value | undefined;
  /** Share of all members, silent ones included. */
  readonly agreement: number;
  /** Mean of the qualities given in the last round; absent when nobody gave one. */
  readonly quality: number | undefined;
  readonly rounds: number;
}

/** A mean that is the threshold on paper must not miss it by a unit in the last place. */
const ROUNDING = 1e-9;

/** Agreement of equal values: the most frequent one leads, the first met among equals. */
export function agreeByKey<Value>(
  keyOf: (value: Value) => string | number,
): (values: readonly Value[]) => Agreement<Value> {
  return (values) => {
    const counts = new Map<string | number, { value: Value; count: number }>();
    for (const value of values) {
      const key = keyOf(value);
      const entry = counts.get(key);
      if (entry === undefined) counts.set(key, { value, count: 1 });
      else entry.count += 1;
    }
    let lead: { value: Value; count: number } | undefined;
    for (const entry of counts.values()) if (lead === undefined || entry.count > lead.count) lead = entry;
    return { leading: lead!.value, supporters: lead!.count };
  };
}

/** Agreement of numbers: the lower median leads; who is within `tolerance` of it agrees. */
export function agreeWithin(tolerance: number): (values: readonly number[]) => Agreement<number> {
  refuseProblems("Agreement", within("tolerance", tolerance, 0, Infinity));
  return (values) => {
    const leading = [...values].sort((a, b) => a - b)[(values.length - 1) >> 1]!;
    return { leading, supporters: values.filter((value) => Math.abs(value - leading) <= tolerance).length };
  };
}

/**
 * Consensus by rounds: members see what led and may move towards it, until enough of them agree, the result is good
 * enough, or the rounds are used up. Resolves always; rejects only when `ask` or `agree` throws.
 *
 * @throws MettleError `OPTIONS_INVALID`
 */
export async function iterativeConsensus<Value>(options: IterativeOptions<Value>): Promise<IterativeOutcome<Value>> {
  const { members, agree, convergence = 0.9, quality: wanted = 0.8, maxRounds = 10 } = options;
  refuseProblems("Iterative consensus", [
    ...wholeAtLeast("members", members, 1),
    ...wholeAtLeast("maxRounds", maxRounds, 1),
    ...within("convergence", convergence, 0, 1),
    ...within("quality", wanted, 0, 1),
    ...(options.roundDeadline > 0 ? [] : [`roundDeadline must be over 0 ms, got ${options.roundDeadline}`]),
  ]);
  const positions: (Position<Value> | undefined)[] = Array.from({ length: members });
  let leading: Value | undefined;
  let agreement: number | undefined;
  let quality: number | undefined;
  for (let number = 1; number <= maxRounds; number++) {
    const answered = await gather(options, { number, leading, agreement }, positions);
    const held = positions.filter((position) => position !== undefined);
    if (held.length === 0) continue;
    const common = agree(held.map(({ value }) => value));
    leading = common.leading;
    agreement = common.supporters / members;
    const qualities = answered.flatMap((member) => positions[member]?.quality ?? []);
    quality = qualities.length === 0 ? undefined : qualities.reduce((sum, value) => sum + value, 0) / qualities.length;
    const state =
      agreement >= convergence - ROUNDING
        ? "converged"
        : (quality ?? -1) >= wanted - ROUNDING
          ? "goodEnough"
          : undefined;
    if (state !== undefined) return { state, leading, agreement, quality, rounds: number };
  }
  const state = agreement === undefined ? "silence" : "rounds";
  return { state, leading, agreement: agreement ?? 0, quality, rounds: maxRounds };
}

/** One round: fills `positions` with the answers and returns who gave one. */
function gather<Value>(
  { members, ask, roundDeadline, timers }: IterativeOptions<Value>,
  round: Round<Value>,
  positions: (Position<Value> | undefined)[],
): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const answered = new Set<number>();
    let open = true;
    const end = (): void => {
      if (!open) return;
      open = false;
      timer.cancel();
      resolve([...answered]);
    };
    const timer: Timer = timers.after(roundDeadline, end);
    try {
      for (let member = 0; member < members; member++) {
        ask(member, round, (position) => {
          if (!open || answered.has(member)) return;
          answered.add(member);
          positions[member] = position;
          if (answered.size === members) end();
        });
      }
    } catch (error) {
      open = false;
      timer.cancel();
      reject(error);
    }
  });
}
