import type { StepMeasures } from "./step-measures.ts";
import { PassTable } from "./pass-power.ts";

/** Sums over a run that no histogram holds. Constant memory, mergeable over workers. */
export class AgentTotals {
  requests = 0;
  succeeded = 0;
  good = 0;
  goodOutputTokens = 0;
  outputTokens = 0;
  inputTokens = 0;
  cost = 0;
  requestsWithoutCost = 0;
  tasks = 0;
  tasksJudged = 0;
  tasksPassed = 0;
  taskCost = 0;
  tasksWithoutCost = 0;
  /** First sending and last response over all requests, ms of the monotonic clock; infinite while there is none. */
  firstStart: number = Infinity;
  lastEnd: number = -Infinity;
  /** Of one worker; absent once workers were merged, because their peaks need not have been at the same time. */
  peakConcurrency: number | undefined = 0;
  readonly passes: PassTable = new PassTable();

  /** Hot: once a request. */
  addRequest(measures: StepMeasures, good: boolean, cost: number | undefined): void {
    this.requests++;
    const output = measures.outputTokens ?? 0;
    if (measures.ok) this.succeeded++;
    if (good) {
      this.good++;
      this.goodOutputTokens += output;
    }
    this.outputTokens += output;
    this.inputTokens += measures.inputTokens ?? 0;
    if (cost === undefined) this.requestsWithoutCost++;
    else this.cost += cost;
    if (measures.startedAt < this.firstStart) this.firstStart = measures.startedAt;
    if (measures.endedAt > this.lastEnd) this.lastEnd = measures.endedAt;
  }

  addTask(name: string, passed: boolean | undefined, cost: number | undefined): void {
    this.tasks++;
    if (cost === undefined) this.tasksWithoutCost++;
    else this.taskCost += cost;
    if (passed === undefined) return;
    this.tasksJudged++;
    if (passed) this.tasksPassed++;
    this.passes.record(name, passed);
  }

  merge(other: AgentTotals): this {
    for (const key of summed) this[key] += other[key];
    this.firstStart = Math.min(this.firstStart, other.firstStart);
    this.lastEnd = Math.max(this.lastEnd, other.lastEnd);
    this.peakConcurrency = undefined;
    this.passes.merge(other.passes);
    return this;
  }
}

const summed = [
  "requests",
  "succeeded",
  "good",
  "goodOutputTokens",
  "outputTokens",
  "inputTokens",
  "cost",
  "requestsWithoutCost",
  "tasks",
  "tasksJudged",
  "tasksPassed",
  "taskCost",
  "tasksWithoutCost",
] as const;

/** Figures of a whole run. What was not measured, or has nothing to divide by, is absent. */
export interface AgentSummary {
  /** `Σ output tokens / (last response − first request)`. */
  readonly outputTokensPerSecond?: number;
  readonly inputTokensPerSecond?: number;
  readonly requestsPerSecond?: number;
  /** Requests within every objective, per second; and their share of all requests, and their output tokens. */
  readonly goodput?: {
    readonly requestsPerSecond: number;
    readonly share: number;
    readonly outputTokensPerSecond: number;
  };
  readonly peakConcurrency?: number;
  readonly successRate?: number;
  /** In the price list's currency; absent when any request or task lacks a price. */
  readonly costPerRequest?: number;
  /** What all tasks cost, the failed ones too, divided by those that passed. */
  readonly costPerSuccessfulTask?: number;
  readonly passPower: readonly { readonly k: number; readonly value: number; readonly tasks: number }[];
}

/** @param options - `objectives`: whether the run has any; `powers`: the k of pass^k */
export function summarizeTotals(
  totals: AgentTotals,
  options: { readonly objectives: boolean; readonly powers?: readonly number[] },
): AgentSummary {
  const seconds = (totals.lastEnd - totals.firstStart) / 1000;
  const timed = totals.requests > 0 && seconds > 0;
  const { requests, tasksJudged, tasksPassed } = totals;
  return {
    ...(timed && {
      outputTokensPerSecond: totals.outputTokens / seconds,
      inputTokensPerSecond: totals.inputTokens / seconds,
      requestsPerSecond: requests / seconds,
    }),
    ...(timed &&
      options.objectives && {
        goodput: {
          requestsPerSecond: totals.good / seconds,
          share: totals.good / requests,
          outputTokensPerSecond: totals.goodOutputTokens / seconds,
        },
      }),
    ...(requests > 0 && totals.peakConcurrency !== undefined && { peakConcurrency: totals.peakConcurrency }),
    ...(tasksJudged > 0 && { successRate: tasksPassed / tasksJudged }),
    ...(requests > 0 && totals.requestsWithoutCost === 0 && { costPerRequest: totals.cost / requests }),
    ...(tasksPassed > 0 &&
      totals.tasksWithoutCost === 0 &&
      tasksJudged === totals.tasks && { costPerSuccessfulTask: totals.taskCost / tasksPassed }),
    passPower: (options.powers ?? [1, 2, 4, 8]).flatMap((k) => {
      const power = totals.passes.power(k);
      return power ? [{ k, ...power }] : [];
    }),
  };
}
