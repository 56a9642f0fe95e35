import { Random } from "@mettle/core";
import { type Cell, cellKey, type TrialLine, type TrialRequest } from "./trial.ts";

export interface Plan {
  readonly cells: readonly Cell[];
  readonly trials: number;
  /** Wall seconds allowed for one comparison. */
  readonly seconds: number;
  /** For mettle, in place of its own. */
  readonly margin?: number;
  /** No trial begins after so many minutes. */
  readonly minutes: number;
  readonly seed: number;
  readonly out: string;
}

/** Trials made of each cell: a trial has one line for each test, and the first test's lines are counted. */
export function countTrials(lines: readonly TrialLine[]): Map<string, number> {
  const seen = new Map<string, Set<string>>();
  for (const line of lines) {
    const key = cellKey(line);
    seen.set(key, (seen.get(key) ?? new Set()).add(line.at));
  }
  return new Map([...seen].map(([key, moments]) => [key, moments.size]));
}

/** The trials still to make, round by round: every cell once in each round, in an order of its own. */
export function schedule(plan: Plan, made: ReadonlyMap<string, number>): TrialRequest[] {
  const requests: TrialRequest[] = [];
  for (let round = 0; round < plan.trials; round++) {
    const random = new Random(plan.seed * 1_000_003 + round);
    const due = plan.cells.map((cell) => ({
      ...cell,
      seconds: plan.seconds,
      ...(plan.margin !== undefined && { margin: plan.margin }),
      candidateFirst: random.below(2) === 1,
      seed: random.uint32(),
    }));
    requests.push(...random.shuffle(due).filter((request) => (made.get(cellKey(request)) ?? 0) <= round));
  }
  return requests;
}
