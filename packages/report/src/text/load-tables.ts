import { formatQuantity } from "@mettle/core";
import type { Measurement, Run } from "@mettle/results";
import { subjectText } from "../cases.ts";
import { agentFacts, agentTables, isAgentMeasurement } from "./agent-tables.ts";
import { alignQuantities, formatShare } from "./quantities.ts";
import { sparkline } from "./sparkline.ts";
import type { Cell, Column } from "./table.ts";
import { visibleText } from "./visible.ts";

/** Whether a run holds what load tests record, so that their tables are the ones to show. */
export const isLoadRun = ({ kind, measurements }: Run): boolean =>
  (kind === "load" || kind === "soak") && measurements.some(({ metric }) => metric === "iterations");

/** What the times of operations are kept under, the most telling first. */
export const operationMetrics: readonly string[] = [
  "http_req_response_time",
  "http_req_duration",
  "iteration_response_time",
  "iteration_duration",
];
/** Shown in tables and sentences of their own, or only of use to thresholds. */
const elsewhere = new Set([
  ...operationMetrics,
  "http_reqs",
  "http_req_failed",
  "checks",
  "iterations",
  "iteration_failed",
  "http_req_blocked",
  "http_req_connecting",
  "http_req_tls_handshaking",
  "http_req_sending",
  "http_req_waiting",
  "http_req_receiving",
  "data_sent",
  "data_received",
  "vus",
  "vus_max",
]);
const phases = ["blocked", "connecting", "tls_handshaking", "sending", "waiting", "receiving"] as const;
const SPARK_CELLS = 12;

/** The tables of a load test: operations, checks, metrics of its own; then sentences on the whole. */
export function loadTables(
  run: Run,
  all: boolean,
): { readonly tables: readonly Column[][]; readonly facts: readonly string[] } {
  const checks = run.measurements.filter(({ metric, tags }) => metric === "checks" && tags["check"] !== undefined);
  const own = run.measurements.filter((measurement) => isOwn(measurement, all));
  return {
    tables: [
      operationColumns(run),
      ...agentTables(run),
      ...(checks.length > 0 ? [checkColumns(checks)] : []),
      ...(own.length > 0 ? [ownColumns(own)] : []),
    ],
    facts: [...agentFacts(run), ...factsOf(run)],
  };
}

export const isTotal = ({ tags }: Measurement): boolean => Object.keys(tags).length === 0;

/** A metric of the script's own, or a counter of trouble that is not zero; everything with `--all`. */
function isOwn(measurement: Measurement, all: boolean): boolean {
  const { metric, tags, summary } = measurement;
  if (all) return !operationMetrics.includes(metric) && tags["check"] === undefined;
  if (elsewhere.has(metric) || isAgentMeasurement(measurement)) return false;
  if (metric === "generator_dispatch_delay" || metric === "iteration_start_delay") return false;
  const isTrouble = metric.endsWith("_iterations");
  return isTotal(measurement) ? !isTrouble || (summary.sum ?? 0) > 0 : metric === "group_duration";
}

/** One row for each operation, the total first; times from the scheduled moment where they were taken. */
function operationColumns(run: Run): Column[] {
  const of = (metric: string): readonly Measurement[] => run.measurements.filter((each) => each.metric === metric);
  const metric = operationMetrics.find((name) => of(name).length > 0) ?? "iteration_duration";
  const rows = of(metric).toSorted(
    (a, b) => Number(isTotal(b)) - Number(isTotal(a)) || b.summary.count - a.summary.count,
  );
  const sibling = (row: Measurement, other: string): Measurement | undefined =>
    of(other).find(({ tags }) => JSON.stringify(tags) === JSON.stringify(row.tags));
  const isHttp = metric.startsWith("http_");
  const rates = rows.map((row) => sibling(row, isHttp ? "http_reqs" : "iterations")?.summary.perSecond);
  const failed = rows.map((row) => sibling(row, isHttp ? "http_req_failed" : "iteration_failed")?.summary.rate);
  const time = (statistic: "p50" | "p90" | "p95" | "p99" | "max"): Cell[] =>
    rows.map(({ summary }) => ({
      text: summary[statistic] === undefined ? "" : formatQuantity(summary[statistic], "ns"),
    }));
  return [
    {
      title: `operation (${metric})`,
      align: "left",
      cells: rows.map((row) => ({ text: nameOf(row, run) })),
      shrinkTo: 20,
    },
    {
      title: isHttp ? "req/s" : "iter/s",
      align: "right",
      cells: rates.map((rate) => ({ text: rate === undefined ? "" : formatQuantity(rate, "1/s").replace("/s", "") })),
    },
    {
      title: "err%",
      align: "right",
      cells: failed.map((rate) => ({
        text: rate === undefined ? "" : (rate * 100).toFixed(2),
        tone: rate !== undefined && rate > 0 ? "warn" : "plain",
      })),
    },
    { title: "p50", align: "right", cells: time("p50") },
    { title: "p90", align: "right", cells: time("p90"), dropOrder: 2 },
    { title: "p95", align: "right", cells: time("p95") },
    { title: "p99", align: "right", cells: time("p99") },
    { title: "max", align: "right", cells: time("max"), dropOrder: 1 },
    { title: "p95 over time", align: "left", cells: rows.map((row) => ({ text: overTime(row) })), dropOrder: 3 },
  ];
}

export function nameOf({ tags }: Measurement, run: Run): string {
  if (Object.keys(tags).length === 0) return "all";
  const { name, scenario, ...rest } = tags;
  const scenarios = new Set(run.measurements.map((each) => each.tags["scenario"]).filter(Boolean));
  const of = scenario !== undefined && (scenarios.size > 1 || name === undefined) ? [scenario] : [];
  const others = Object.entries(rest).map(([tag, value]) => `${tag}=${value}`);
  return visibleText([...of, ...(name === undefined ? [] : [name]), ...others].join(" "));
}

function overTime({ series }: Measurement): string {
  const values = series?.values["p95"] ?? [];
  return values.length < 2
    ? ""
    : sparkline(
        values.map((value) => value ?? undefined),
        SPARK_CELLS,
      );
}

function checkColumns(checks: readonly Measurement[]): Column[] {
  const passed = checks.map(({ summary }) => Math.round((summary.rate ?? 0) * summary.count));
  return [
    {
      title: "check",
      align: "left",
      cells: checks.map(({ tags }) => ({ text: visibleText(tags["check"] ?? "") })),
      shrinkTo: 20,
    },
    {
      title: "held",
      align: "right",
      cells: checks.map(({ summary: { rate = 0 } }) => ({
        text: `${(rate * 100).toFixed(2)} %`,
        tone: rate < 1 ? "warn" : "good",
      })),
    },
    {
      title: "of",
      align: "right",
      cells: checks.map(({ summary }, i) => ({ text: `${passed[i]} / ${summary.count}` })),
    },
  ];
}

function ownColumns(own: readonly Measurement[]): Column[] {
  const statistic = (of: (measurement: Measurement) => number | undefined): Cell[] =>
    own.map((measurement) => {
      const value = of(measurement);
      return { text: value === undefined ? "" : (alignQuantities([value], measurement.unit)[0] ?? "") };
    });
  return [
    {
      title: "metric",
      align: "left",
      cells: own.map(({ metric, tags }) => ({ text: visibleText(subjectText(metric, tags)) })),
      shrinkTo: 20,
    },
    { title: "value", align: "right", cells: own.map((measurement) => ({ text: valueOf(measurement) })) },
    { title: "p95", align: "right", cells: statistic(({ summary }) => summary.p95), dropOrder: 3 },
    { title: "p99", align: "right", cells: statistic(({ summary }) => summary.p99), dropOrder: 2 },
    { title: "max", align: "right", cells: statistic(({ summary }) => summary.max), dropOrder: 4 },
  ];
}

/** A counter's total, a rate's share, a gauge's last value, a trend's median. */
function valueOf({ summary, unit }: Measurement): string {
  if (summary.rate !== undefined) return `${(summary.rate * 100).toFixed(2)} %`;
  const value = summary.sum ?? summary.last ?? summary.p50 ?? summary.mean;
  return value === undefined ? "" : (alignQuantities([value], unit)[0] ?? "");
}

function factsOf(run: Run): readonly string[] {
  const total = (metric: string): Measurement["summary"] | undefined =>
    run.measurements.find((each) => each.metric === metric && isTotal(each))?.summary;
  const iterations = total("iterations");
  const users = total("vus");
  const sent = total("data_sent");
  const received = total("data_received");
  const late = total("iteration_start_delay");
  const failed = total("iteration_failed")?.rate;
  const median = phases.flatMap((phase) => {
    const p50 = total(`http_req_${phase}`)?.p50;
    return p50 === undefined || p50 === 0 ? [] : [`${phase.replace("_", " ")} ${formatQuantity(p50, "ns")}`];
  });
  return [
    [
      ...(iterations ? [`${iterations.sum ?? 0} iterations, ${formatQuantity(iterations.perSecond ?? 0, "1/s")}`] : []),
      ...(failed ? [`${formatShare(failed)} failed`] : []),
      ...(users?.max === undefined ? [] : [`${users.max} users at most`]),
      ...(sent?.sum === undefined ? [] : [`sent ${formatQuantity(sent.sum, "bytes")}`]),
      ...(received?.sum === undefined ? [] : [`received ${formatQuantity(received.sum, "bytes")}`]),
    ].join(" · "),
    ...(median.length > 0 ? [`a median request: ${median.join(", ")}`] : []),
    ...(late?.p99 === undefined
      ? []
      : [`iterations began ${formatQuantity(late.p99, "ns")} late or less (percentile 99)`]),
  ].filter((line) => line !== "");
}
