import type { Arm, Workload } from "./workloads.ts";

export const harnesses = ["mitata", "tinybench", "bench-node", "mettle"] as const;
export type HarnessName = (typeof harnesses)[number];

/** `aa`: base against its twin, nothing to find. `1%` and `2%`: base against the arm that does so much more work. */
export const pairs = ["aa", "1%", "2%"] as const;
export type Pair = (typeof pairs)[number];
export const candidateOf: Readonly<Record<Pair, Arm>> = { aa: "twin", "1%": "plus1", "2%": "plus2" };

/** `together`: both functions in one process. `apart`: each in its own, as when a commit is compared with main. */
export const modes = ["together", "apart"] as const;
export type Mode = (typeof modes)[number];

/** `default`: times and counts as the harness ships. `budget`: the measuring time stretched to fill the time allowed. */
export const settings = ["default", "budget"] as const;
export type Settings = (typeof settings)[number];

/** One cell of the experiment: what is repeated. */
export interface Cell {
  readonly harness: HarnessName;
  readonly workload: Workload;
  readonly pair: Pair;
  readonly mode: Mode;
  readonly settings: Settings;
}

/** What a harness is asked for: one comparison. */
export interface TrialRequest extends Cell {
  /** Wall seconds allowed for the whole comparison, processes included. */
  readonly seconds: number;
  /** Smallest change that mettle is to call one, as a share; its own default otherwise. The others have no such thing. */
  readonly margin?: number;
  /** True when the candidate is measured first. Drawn for each trial, so that order favours neither side. */
  readonly candidateFirst: boolean;
  readonly seed: number;
}

/** The tests at the 1 % level that a trial is decided by; `own` is the harness's own. */
export const tests = ["welch", "rank", "own"] as const;
export type TestName = (typeof tests)[number];

/** What one test says of one trial. */
export interface Decision {
  readonly test: TestName;
  /** Time of the candidate over time of base, in the statistic that the test is about (mean or median). */
  readonly ratio: number;
  /** Two-sided. Absent where the harness decides by an interval only. */
  readonly p?: number;
  /** A difference is claimed. */
  readonly flagged: boolean;
  /** A difference is claimed and is above 1 % in size. */
  readonly flaggedBeyondMargin: boolean;
}

/** One comparison that was made, with one decision or more. */
export interface Trial extends Cell {
  readonly candidateFirst: boolean;
  /** Wall seconds that the comparison took, from the first process's start to the last one's end. */
  readonly seconds: number;
  /** When it ended, ISO 8601. */
  readonly at: string;
  /** Load average over the last minute at its end. */
  readonly load: number;
  readonly decisions: readonly [Decision, ...Decision[]];
}

/** A line of the results file: a trial under one of its decisions. */
export type TrialLine = Omit<Trial, "decisions"> & Decision;

export function linesOf(trial: Trial): TrialLine[] {
  const { decisions, ...rest } = trial;
  return decisions.map((decision) => ({ ...rest, ...decision }));
}

export function cellKey({ harness, workload, pair, mode, settings }: Cell): string {
  return [harness, workload, pair, mode, settings].join(" ");
}

/**
 * Reads a results file. A trial cut short while it was written (no newline at the end) was not made.
 *
 * @throws SyntaxError for a line that is not JSON
 */
export function parseLines(text: string): TrialLine[] {
  const complete = text.slice(0, text.lastIndexOf("\n") + 1);
  return complete
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as TrialLine);
}
