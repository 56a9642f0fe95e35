import type { Tags } from "../metrics/recorder.ts";
import type { LoadPlan } from "../engine/resolve-plan.ts";
import { mostUsers, plannedEndMs, type OpenPlan, type ScenarioPlan } from "../engine/scenario-plan.ts";
import { shareOf } from "../engine/user-profile.ts";

/**
 * Numbers of all threads: the first thread of every worker, then the second of those that have one, and so on. A load
 * test with fewer users than threads is so spread over machines before it is spread over the cores of one.
 *
 * @param threads - of each worker
 * @returns for each worker, the numbers of its threads
 */
export function numberThreads(threads: readonly number[]): readonly (readonly number[])[] {
  const numbers = threads.map((): number[] => []);
  let next = 0;
  for (let round = 0; round < Math.max(0, ...threads); round++) {
    threads.forEach((count, worker) => {
      if (round < count) numbers[worker]?.push(next++);
    });
  }
  return numbers;
}

/**
 * The plan as one worker gets it. Arrivals and users are divided by the numbers of threads, which needs no word between
 * machines; a count of iterations that users share is kept in memory, and so is divided beforehand, by users.
 *
 * @param all - the numbers of every worker's threads
 * @param tags - of that worker; a load test's own of the same name go before
 */
export function planOf(plan: LoadPlan, worker: number, all: readonly (readonly number[])[], tags: Tags = {}): LoadPlan {
  const scenarios = plan.scenarios.map((scenario): ScenarioPlan => {
    if (scenario.model !== "closed" || !scenario.iterations?.shared) return scenario;
    const users = all.map((threads) => usersOf(scenario, threads, all.flat().length));
    const count = apportion(scenario.iterations.count, users)[worker] ?? 0;
    return { ...scenario, iterations: { count, shared: true } };
  });
  return { ...plan, scenarios, tags: { ...tags, ...plan.tags } };
}

const usersOf = (scenario: ScenarioPlan, threads: readonly number[], workers: number): number =>
  threads.reduce((sum, thread) => sum + shareOf(mostUsers(scenario), thread, workers), 0);

/** A whole number in whole parts as near as can be to the weights: the largest remainders are rounded up. */
export function apportion(count: number, weights: readonly number[]): readonly number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return weights.map(() => 0);
  const exact = weights.map((weight) => (count * weight) / total);
  const parts = exact.map(Math.floor);
  const left = count - parts.reduce((sum, part) => sum + part, 0);
  const byRemainder = exact
    .map((value, index) => [value - Math.floor(value), index] as const)
    .toSorted(([a, i], [b, j]) => b - a || i - j);
  for (const [, index] of byRemainder.slice(0, left)) parts[index]! += 1;
  return parts;
}

/** What a run lacks when some of its threads are gone from a moment on. */
export interface Missing {
  /** Of all threads, the share that is gone. */
  readonly share: number;
  /** Arrivals that were still to come due in them, over all open scenarios; not whole in general. Absent without any. */
  readonly arrivals?: number;
  /** Users that were theirs, of all, at the most; absent without closed scenarios. */
  readonly users?: readonly [theirs: number, all: number];
}

/** @param fromMs - from the start of the run */
export function missingFrom(plan: LoadPlan, threads: readonly number[], workers: number, fromMs: number): Missing {
  const share = threads.length / workers;
  const running = plan.scenarios.filter((scenario) => plannedEndMs(scenario) > fromMs);
  const open = running.filter((scenario) => scenario.model === "open");
  const closed = running.filter((scenario) => scenario.model === "closed");
  const sum = (of: (scenario: ScenarioPlan) => number, among: readonly ScenarioPlan[]): number =>
    among.reduce((total, scenario) => total + of(scenario), 0);
  return {
    share,
    ...(open.length > 0 && {
      arrivals:
        share * open.reduce((total, scenario) => total + arrivalsAfter(scenario, fromMs - scenario.startTimeMs), 0),
    }),
    ...(closed.length > 0 && {
      users: [sum((scenario) => usersOf(scenario, threads, workers), closed), sum(mostUsers, closed)] as const,
    }),
  };
}

/** Arrivals of the whole schedule after a moment of the scenario. */
function arrivalsAfter({ arrivals }: OpenPlan, afterMs: number): number {
  if (arrivals.kind === "trace") return arrivals.timesMs.filter((at) => at / arrivals.speed >= afterMs).length;
  let startMs = 0;
  let total = 0;
  for (const { durationMs, from, to } of arrivals.stages) {
    const begun = Math.min(durationMs, Math.max(0, afterMs - startMs));
    const rate = durationMs === 0 ? to : from + ((to - from) * begun) / durationMs;
    total += ((rate + to) / 2) * ((durationMs - begun) / 1000);
    startMs += durationMs;
  }
  return total;
}
