import type { MetricUnit } from "@mettle/core";
import type { Direction, Measurement } from "@mettle/results";
import { requestMetrics, taskMetrics } from "./metric-names.ts";
import { passPower } from "./pass-power.ts";

/** The k of pass^k that are reported where every task was tried that often. */
const POWERS = [1, 2, 4, 8];

/** Figures of a whole run that follow from what was recorded, and that no single sample has. */
export const runFigures = {
  /** `Σ output tokens ÷ (last response − first request)`. */
  outputTokensPerSecond: "llm_output_tokens_per_second",
  /** Requests that succeeded within every objective, per second of the same span. */
  goodput: "llm_goodput",
  /** `Σ cost of all tasks, the failed ones too ÷ tasks passed`. */
  costPerPassedTask: "agent_cost_per_passed_task",
  /** Tagged with `k`: the chance that k tries of one task all pass, over tasks. */
  passPower: "agent_pass_power",
} as const;

/**
 * The measurements of a load test with the figures that agents' are compared by. They follow from totals that merge over
 * workers, so that they are the same however many there were. What a part is missing of, is absent.
 */
export function withAgentFigures(measured: readonly Measurement[]): readonly Measurement[] {
  const span = total(measured, requestMetrics.activeAt.name);
  if (!span && !total(measured, taskMetrics.tasks.name)) return measured;
  // Moments of the wall clock are nothing that one run could be compared with another by.
  const kept = measured.filter(({ metric }) => metric !== requestMetrics.activeAt.name);
  return [...kept, ...rates(measured, span), ...costOf(measured), ...powersOf(measured)];
}

const isTotal = ({ tags }: Measurement): boolean => Object.keys(tags).length === 0;

const total = (measured: readonly Measurement[], name: string): Measurement["summary"] | undefined =>
  measured.find((each) => each.metric === name && isTotal(each))?.summary;

function rates(measured: readonly Measurement[], span: Measurement["summary"] | undefined): Measurement[] {
  const seconds = span?.max === undefined || span.min === undefined ? 0 : (span.max - span.min) / 1000;
  if (!(seconds > 0)) return [];
  const requests = total(measured, requestMetrics.requests.name)?.sum ?? 0;
  const tokens = total(measured, requestMetrics.outputTokens.name)?.sum;
  const good = total(measured, requestMetrics.good.name);
  return [
    ...(tokens === undefined
      ? []
      : [figure(runFigures.outputTokensPerSecond, "1/s", "higher", requests, tokens / seconds)]),
    ...(good?.rate === undefined
      ? []
      : [figure(runFigures.goodput, "1/s", "higher", good.count, (good.rate * good.count) / seconds)]),
  ];
}

function costOf(measured: readonly Measurement[]): Measurement[] {
  const tasks = total(measured, taskMetrics.tasks.name)?.sum ?? 0;
  const cost = total(measured, taskMetrics.cost.name);
  const passed = total(measured, taskMetrics.passed.name);
  if (cost?.mean === undefined || passed?.rate === undefined) return [];
  const successes = Math.round(passed.rate * passed.count);
  // A task without price or judgement would make the others' figure look like that of all.
  if (cost.count !== tasks || passed.count !== tasks || successes === 0) return [];
  return [figure(runFigures.costPerPassedTask, "1", "lower", successes, (cost.mean * cost.count) / successes)];
}

function powersOf(measured: readonly Measurement[]): Measurement[] {
  const tasks = measured.filter(({ metric, tags }) => metric === taskMetrics.passed.name && "task" in tags);
  // Tasks beyond the cap on series are one part named `other`, which is no task.
  if (tasks.length === 0 || tasks.some(({ tags }) => tags["task"] === "other")) return [];
  return POWERS.flatMap((k) => {
    const values = tasks.flatMap(
      ({ summary: { rate = 0, count } }) => passPower(count, Math.round(rate * count), k) ?? [],
    );
    if (values.length < tasks.length) return [];
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return [figure(runFigures.passPower, "1", "higher", values.length, mean, { k: String(k) })];
  });
}

function figure(
  metric: string,
  unit: MetricUnit,
  direction: Direction,
  count: number,
  last: number,
  tags: Readonly<Record<string, string>> = {},
): Measurement {
  return { metric, unit, direction, tags, summary: { count, last } };
}
