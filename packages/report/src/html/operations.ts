import { type Condition, type Finding, parseThreshold } from "@mettle/judge";
import { MettleError } from "@mettle/core";
import type { Measurement, Run, Series } from "@mettle/results";
import { isTotal, nameOf, operationMetrics } from "../text/load-tables.ts";
import type { PhaseBand } from "./charts/time-chart.ts";

/** One operation of a load run: a request by its name, or a whole iteration, with what was measured and judged of it. */
export interface Operation {
  readonly name: string;
  readonly isTotal: boolean;
  readonly times: Measurement;
  readonly requests?: Measurement;
  readonly failed?: Measurement;
  /** Of any of its metrics, worst first. */
  readonly findings: readonly Finding[];
}

const stateOrder: readonly Finding["state"][] = ["failed", "no-data", "warning", "undecided", "info", "passed"];

/** The operations of a load run, the worst first and the total of all last. */
export function operationsOf(run: Run, findings: readonly Finding[]): readonly Operation[] {
  const of = (metric: string): readonly Measurement[] => run.measurements.filter((each) => each.metric === metric);
  const metric = operationMetrics.find((name) => of(name).length > 0);
  if (metric === undefined) return [];
  const isHttp = metric.startsWith("http_");
  const requests = of(isHttp ? "http_reqs" : "iterations");
  const failures = of(isHttp ? "http_req_failed" : "iteration_failed");
  const rows = withoutAliases(of(metric)).map((times): Operation => {
    const total = isTotal(times);
    const own = (all: readonly Measurement[]): Measurement | undefined =>
      all.find(({ tags }) => sameTags(tags, times.tags)) ??
      all.find(({ tags }) => !total && isWithin(tags, times.tags));
    const [reqs, failed] = [own(requests), own(failures)];
    return {
      name: label(times, run),
      isTotal: total,
      times,
      ...(reqs && { requests: reqs }),
      ...(failed && { failed }),
      findings: findings.filter((finding) => speaksOf(finding, times)),
    };
  });
  return rows.toSorted(byBadness);
}

/** The request's own name where no other scenario has one like it. */
function label(times: Measurement, run: Run): string {
  const { name: own, scenario: _, ...rest } = times.tags;
  const scenarios = new Set(
    run.measurements.flatMap(({ metric, tags }) =>
      metric === times.metric && tags["name"] === own ? [tags["scenario"]] : [],
    ),
  );
  scenarios.delete(undefined);
  return own !== undefined && Object.keys(rest).length === 0 && scenarios.size <= 1 ? own : nameOf(times, run);
}

const sameTags = (a: Measurement["tags"], b: Measurement["tags"]): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([tag, value]) => b[tag] === value);

/** Some tags, all of which the others have too. */
const isWithin = (some: Measurement["tags"], all: Measurement["tags"]): boolean =>
  Object.keys(some).length > 0 && Object.entries(some).every(([tag, value]) => all[tag] === value);

/** A submetric of a threshold repeats the samples of an operation under fewer tags: one row is enough. */
function withoutAliases(rows: readonly Measurement[]): readonly Measurement[] {
  return rows.filter(
    (row) =>
      isTotal(row) ||
      !rows.some(
        (other) =>
          other !== row &&
          isWithin(row.tags, other.tags) &&
          !sameTags(row.tags, other.tags) &&
          other.summary.count === row.summary.count,
      ),
  );
}

/** A rule on the same operation, whichever of its metrics it names. */
function speaksOf({ metric, tags = {} }: Finding, times: Measurement): boolean {
  if (metric === undefined || !/^(?:http_req|iteration)/.test(metric)) return false;
  return isTotal(times) ? Object.keys(tags).length === 0 : isWithin(tags, times.tags);
}

function byBadness(a: Operation, b: Operation): number {
  const rank = ({ findings }: Operation): number =>
    Math.min(stateOrder.length, ...findings.map(({ state }) => stateOrder.indexOf(state)));
  const used = ({ findings }: Operation): number => Math.max(0, ...findings.map(({ consumed }) => consumed ?? 0));
  return (
    Number(a.isTotal) - Number(b.isTotal) ||
    rank(a) - rank(b) ||
    used(b) - used(a) ||
    (b.failed?.summary.rate ?? 0) - (a.failed?.summary.rate ?? 0) ||
    (b.times.summary.p95 ?? 0) - (a.times.summary.p95 ?? 0)
  );
}

/** Whose times to show where there is room for one: a missed rule on the times of all together is no less missed. */
export function worstOperation(operations: readonly Operation[]): Operation | undefined {
  const isMissed = ({ findings, times }: Operation): boolean =>
    findings.some(({ metric, state }) => metric === times.metric && state === "failed");
  return operations.find(isMissed) ?? operations[0];
}

/** The conditions of a rule in the threshold language; empty for rules written otherwise. */
export function conditionsOf({ rule, kind }: Finding): readonly Condition[] {
  if (kind !== "threshold") return [];
  try {
    return parseThreshold(rule).conditions;
  } catch (error) {
    // A rule of another language is no fault: the page then draws no line for it.
    if (error instanceof MettleError && error.code === "THRESHOLD_SYNTAX") return [];
    throw error;
  }
}

/** The column of a series that a condition on a percentile speaks of. */
function columnOf({ statistic }: Condition): string | undefined {
  if (statistic.kind === "percentile") return `p${String(statistic.percentile).replace(".", "")}`;
  return { median: "p50", mean: "mean", max: "max", rate: "rate" }[statistic.kind as "median"];
}

/** How long and when a measurement was beyond a rule's limit, read off its series. */
export interface Crossing {
  readonly firstMs: number;
  readonly lastMs: number;
  /** Of the points that have a value. */
  readonly share: number;
}

/** When the rule of a finding was broken; undefined where no series can tell, or where it never was at a single moment. */
export function crossingOf(finding: Finding, run: Run): Crossing | undefined {
  const { metric, tags = {}, limit } = finding;
  const measured = run.measurements.find((each) => each.metric === metric && sameTags(each.tags, tags));
  const condition = conditionsOf(finding)[0];
  const column = condition && columnOf(condition);
  const values = column === undefined ? undefined : measured?.series?.values[column];
  if (!measured?.series || !values || limit === undefined || !condition) return undefined;
  const isBroken = (value: number): boolean => (condition.operator.startsWith(">") ? value < limit : value > limit);
  const known = values.flatMap((value, i) => (value === null ? [] : [{ at: measured.series?.atMs[i] ?? 0, value }]));
  const broken = known.filter(({ value }) => isBroken(value));
  const [first, last] = [broken[0], broken.at(-1)];
  if (!first || !last) return undefined;
  return { firstMs: first.at, lastMs: last.at, share: broken.length / known.length };
}

/**
 * When which scenarios were at work, read off their iterations: a new part begins where one begins or ends. Empty where
 * all worked all the time.
 */
export function phasesOf(run: Run): readonly PhaseBand[] {
  const spans = run.measurements.flatMap(({ metric, tags, series }) => {
    const scenario = tags["scenario"];
    const span =
      metric === "iterations" && scenario !== undefined && Object.keys(tags).length === 1 && activeSpan(series);
    return span ? [{ scenario, ...span }] : [];
  });
  if (spans.length < 2) return [];
  const step = Math.max(...spans.map((span) => span.stepMs));
  const cuts = [...new Set(spans.flatMap(({ fromMs, toMs }) => [fromMs, toMs]))].toSorted((a, b) => a - b);
  const edges = cuts.filter((cut, i) => i === 0 || cut - (cuts[i - 1] ?? 0) > 2 * step);
  const parts = edges.slice(1).map((toMs, i) => {
    const fromMs = edges[i] ?? 0;
    const middle = (fromMs + toMs) / 2;
    const active = spans.filter((span) => span.fromMs <= middle && middle <= span.toMs).map(({ scenario }) => scenario);
    return { name: active.join(" + "), fromMs, toMs };
  });
  return parts.length < 2 ? [] : parts;
}

function activeSpan(series: Series | undefined) {
  const sums = series?.values["sum"] ?? [];
  const active = (series?.atMs ?? []).filter((_, i) => (sums[i] ?? 0) > 0);
  const [first, last] = [active[0], active.at(-1)];
  if (first === undefined || last === undefined || !series) return undefined;
  const stepMs = series.atMs.length > 1 ? (series.atMs[1] ?? 0) - (series.atMs[0] ?? 0) : 1000;
  return { fromMs: first, toMs: last, stepMs };
}
