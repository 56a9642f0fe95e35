import { formatQuantity } from "@mettle/core";
import type { Finding } from "@mettle/judge";
import type { Measurement, Run } from "@mettle/results";
import { isTotal } from "../../text/load-tables.ts";
import { formatClock, formatShare } from "../../text/quantities.ts";
import { grouped, outcomeWord } from "../../text/words.ts";
import { distributionChart } from "../charts/distribution.ts";
import { forestBar, forestReach, forestText } from "../charts/forest.ts";
import { percentileChart } from "../charts/percentiles.ts";
import { valuesOf } from "../charts/samples.ts";
import { type LimitLine, limitLine, lineOf, type PhaseBand, sparkChart, timeChart } from "../charts/time-chart.ts";
import { waterfallChart } from "../charts/waterfall.ts";
import { info } from "../glossary.ts";
import { type Content, html, type Markup, nothing } from "../html.ts";
import { conditionsOf, type Operation, phasesOf, worstOperation } from "../operations.ts";
import type { PageModel } from "../page-model.ts";
import { stateMark } from "./overview.ts";
import { absentSection, figureCell, name, type Section, scrollable, section } from "./section.ts";

/** Operations whose charts are in the page; the figures of the others are in the table. */
const DRAWN = 40;

/** The stretch of time that charts show, and its parts. */
export interface Times {
  readonly fromMs: number;
  readonly toMs: number;
  readonly phases: readonly PhaseBand[];
}

export const timesOf = (run: Run): Times => ({ fromMs: 0, toMs: Math.max(1, run.durationMs), phases: phasesOf(run) });

/** Response times of the operation that is worst off, and how much of what was due was done. */
export function loadCharts({ operations, run }: PageModel): Markup {
  const worst = worstOperation(operations);
  if (!worst) return nothing;
  const times = timesOf(run);
  return html`<div class="charts">${latencyChart(worst, times, "wide")}${throughputChart(run, times)}</div>`;
}

export function latencyChart(
  { name: operation, times: measurement, findings }: Operation,
  times: Times,
  size: "wide" | "small",
): Markup {
  const { series, unit, metric } = measurement;
  const lines = [
    lineOf(series, "p99", "p99", "extreme"),
    lineOf(series, "p95", "p95", "high"),
    lineOf(series, "p50", "p50", "typical"),
  ].filter((line) => line !== undefined);
  const what = metric.endsWith("response_time") ? "response time" : "duration";
  return timeChart({
    title: `${operation}: ${what} over the run`,
    unit,
    lines,
    limits: limitsOf(findings, measurement),
    ...times,
    size,
  });
}

/** The limits that rules set to times of this metric, each once. */
function limitsOf(findings: readonly Finding[], { metric, unit }: Measurement): LimitLine[] {
  const values = findings.flatMap((finding) => {
    const isTime = finding.metric === metric && finding.unit === unit && finding.limit !== undefined;
    const isAtMost = conditionsOf(finding).some(({ operator }) => operator.startsWith("<"));
    return isTime && isAtMost ? [finding.limit ?? 0] : [];
  });
  // A limit far above all that was measured would press the lines flat.
  return [...new Set(values)].map((value) => limitLine(value, unit));
}

/** What was begun each second, what of it failed, and what could not be begun. */
function throughputChart(run: Run, times: Times): Markup {
  const total = (metric: string): Measurement | undefined =>
    run.measurements.find((each) => each.metric === metric && isTotal(each));
  const [requests, failed, dropped] = [
    total("http_reqs") ?? total("iterations"),
    total("http_req_failed") ?? total("iteration_failed"),
    total("dropped_iterations"),
  ];
  const done = lineOf(requests?.series, "perSecond", "done", "fill");
  const shares = failed?.series?.values["rate"];
  const errors = done &&
    shares &&
    (failed?.summary.rate ?? 0) > 0 && {
      name: "failed",
      atMs: done.atMs,
      values: done.values.map((rate, i) => {
        const share = shares[i];
        return rate === null || share === null || share === undefined ? null : rate * share;
      }),
      style: "trouble" as const,
    };
  const lost = (dropped?.summary.sum ?? 0) > 0 && lineOf(dropped?.series, "perSecond", "dropped", "plan");
  return timeChart({
    title: requests?.metric === "iterations" ? "Iterations per second" : "Requests per second",
    unit: "1/s",
    lines: [...(done ? [done] : []), ...(errors ? [errors] : []), ...(lost ? [lost] : [])],
    ...times,
    size: "wide",
  });
}

/** One row for each operation, worst first. */
export function operationsSection(model: PageModel): Section {
  const { operations } = model;
  if (operations.length === 0)
    return absentSection("operations", "Operations", "This run sent no load. `mettle load` does.");
  return section("operations", "Operations", operationsTable(model));
}

function operationsTable(model: PageModel): Markup {
  const { operations } = model;
  const changes = operations.map((operation) => changeOf(operation));
  const known = changes.filter((change) => change !== undefined);
  const reach = forestReach(known);
  const isHttp = operations[0]?.times.metric.startsWith("http_") ?? true;
  const table = html`<table class="operations sortable" data-filter><thead><tr><th scope="col">operation</th><th scope="col" class="n">${isHttp ? "requests" : "iterations"}</th><th scope="col" class="n">per s</th><th scope="col" class="n">errors ${info("errors")}</th><th scope="col" class="n">p50</th><th scope="col" class="n">p95 ${info("p95")}</th><th scope="col" class="n">p99</th><th scope="col" class="n">max</th><th scope="col" class="plain">p95 over time</th>${known.length > 0 && html`<th scope="col">change ${info("change")}</th>`}</tr></thead><tbody>
${operations.map((operation, i) => operationRow(operation, i, changes[i], reach, known.length > 0))}</tbody></table>`;
  return scrollable("Operations, worst first", table);
}

/** Of the time, when a rule compared it. */
const changeOf = ({
  findings,
  times,
}: Operation): (NonNullable<Finding["change"]> & { readonly unit: Finding["unit"] }) | undefined => {
  const found = findings.find((finding) => finding.change && finding.metric === times.metric);
  return found?.change && { ...found.change, unit: found.unit };
};

function operationRow(
  operation: Operation,
  index: number,
  change: ReturnType<typeof changeOf>,
  reach: number,
  hasChanges: boolean,
): Markup {
  const { times, requests, failed, findings } = operation;
  const { summary, unit, series } = times;
  const time = (value: number | undefined): Markup =>
    figureCell(value, value === undefined ? "" : formatQuantity(value, unit), overClass(value, findings, times));
  const count = requests?.summary.sum ?? summary.count;
  const rate = requests?.summary.perSecond;
  const errors = failed?.summary.rate;
  const worst = findings[0]?.state;
  return html`<tr${operation.isTotal && html` class="total"`} data-row="op-${index}"><th scope="row">${worst ? stateMark(worst) : html`<span class="mark"></span>`} ${index < DRAWN ? html`<a class="open" href="#op-${index}">${name(operation.name)}</a>` : name(operation.name)}</th>${figureCell(count, grouped(count))}${figureCell(rate, rate === undefined ? "" : formatQuantity(rate, "1/s").replace("/s", ""))}${figureCell(errors, errors === undefined ? "" : `${(errors * 100).toFixed(2)} %`, errors !== undefined && errors > 0 ? "some" : "")}${time(summary.p50)}${time(summary.p95)}${time(summary.p99)}${time(summary.max)}<td class="shape">${sparkChart(series?.values["p95"] ?? [], "p95 over the run")}</td>${hasChanges && (change ? html`<td class="forest" data-v="${change.ratio}">${forestBar(change, reach)} <span class="outcome ${change.outcome}">${forestText(change)} ${outcomeWord(change.outcome, change.unit)}</span></td>` : html`<td class="none" data-v="">–</td>`)}</tr>`;
}

/** A figure that a missed rule names stands out. */
function overClass(value: number | undefined, findings: readonly Finding[], { metric }: Measurement): string {
  const missed = findings.some(
    (finding) => finding.metric === metric && finding.state === "failed" && finding.actual === value,
  );
  return missed ? "over" : "";
}

/** What stands behind each row: its times over the run, their distribution, how slow the slowest were, what failed. */
export function operationDetails(model: PageModel): Section | undefined {
  const { operations, run } = model;
  if (operations.length === 0) return undefined;
  const times = timesOf(run);
  const drawn = operations.slice(0, DRAWN);
  const rest = operations.length - drawn.length;
  return section(
    "operation-details",
    "Operations in detail",
    html`${drawn.map((operation, i) => operationDetail(operation, i, times, model))}${rest > 0 && html`<p class="dim">${rest} more operations have their figures in the table above, and their distributions in the run's own file.</p>`}`,
  );
}

function operationDetail(operation: Operation, index: number, times: Times, model: PageModel): Markup {
  const { times: measurement, findings } = operation;
  const { unit } = measurement;
  const values = valuesOf(measurement);
  const earlier = model.before(measurement);
  const before = earlier && valuesOf(earlier);
  const limits = limitsOf(findings, measurement);
  const baseline = before && { values: before, label: model.baseline?.name ?? "baseline" };
  const chart = values && { unit, values, limits, ...(baseline && { baseline }) };
  return html`<details class="detail" id="op-${index}"><summary><h3>${name(operation.name)}</h3> <span class="dim">${measurement.metric}</span></summary>
<div class="grid-charts">${latencyChart(operation, times, "small")}${chart ? html`${distributionChart(chart)}${percentileChart(chart)}` : html`<p class="absent">Distribution: not kept in the run.</p>`}${errorFacts(operation, measurement)}</div></details>`;
}

function errorFacts(operation: Operation, { errors, slowest }: Measurement): Content {
  const where = operation.isTotal ? "with the operations that they are of" : "not kept in the run";
  return html`${slowest && slowest.length > 0 ? waterfallChart(slowest, operation.times.unit) : html`<p class="absent">Slowest requests: ${where}.</p>`}${failureFacts(operation, errors)}`;
}

function failureFacts(
  { failed, requests, name: operation, isTotal: ofAll }: Operation,
  errors: Measurement["errors"],
): Markup {
  const rate = failed?.summary.rate;
  const count = requests?.summary.sum;
  const all = rate === undefined || count === undefined ? undefined : Math.round(rate * count);
  const kinds = Object.entries(errors?.kinds ?? {}).toSorted(([, a], [, b]) => b - a);
  const head =
    rate === undefined
      ? "Failures were not counted."
      : rate === 0
        ? "No attempt failed."
        : `${all ?? "Some"} of ${count ?? "all"} attempts failed (${formatShare(rate)}).`;
  const rows = kinds.map(([kind, times]) => {
    const example = errors?.examples?.find((each) => each.kind === kind);
    return html`<tr><th scope="row">${name(kind)}</th><td class="n">${times}×</td><td>${example ? html`first at ${formatClock(example.atMs)}: ${name(example.label)}` : "–"}</td></tr>`;
  });
  return html`<div class="facts-box"><h4>Errors</h4><p>${head}</p>${kinds.length > 0 && scrollable(`Kinds of errors of ${operation}`, html`<table><caption>By kind, the most frequent first</caption><thead><tr><th scope="col">kind</th><th scope="col" class="n">count</th><th scope="col">example</th></tr></thead><tbody>${rows}</tbody></table>`)}${(rate ?? 0) > 0 && kinds.length === 0 && html`<p class="absent">Kinds of errors: ${ofAll ? "with the operations that they are of" : "not kept in the run"}.</p>`}</div>`;
}
