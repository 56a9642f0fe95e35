import { formatChange, formatQuantity, type MetricUnit } from "@mettle/core";
import type { Comparison, Measurement } from "@mettle/results";
import { type BenchCase, caseLabels, subjectText } from "../../cases.ts";
import { typical } from "../../text/case-columns.ts";
import { formatHalfWidth } from "../../text/quantities.ts";
import { distributionChart } from "../charts/distribution.ts";
import { forestBar, forestReach, forestText } from "../charts/forest.ts";
import { outcomeWord } from "../../text/words.ts";
import { pairsChart, processesChart } from "../charts/pairs.ts";
import { percentileChart } from "../charts/percentiles.ts";
import { valuesOf } from "../charts/samples.ts";
import { info } from "../glossary.ts";
import { type Content, html, type Markup } from "../html.ts";
import type { PageModel } from "../page-model.ts";
import { absentSection, figureCell, name, type Section, scrollable, section } from "./section.ts";

/** Cases whose charts are in the page; the figures of the others are in the table. */
const DRAWN = 60;

/** Slower ones first, then those that cannot be told, then by how much. */
const outcomeOrder: readonly (string | undefined)[] = ["worse", "undecided", "better", "same", undefined];

interface Row {
  readonly entry: BenchCase;
  readonly label: string;
  /** Place in the run, which ids in the page are made of. */
  readonly index: number;
}

function rowsOf({ cases: { cases } }: PageModel): readonly Row[] {
  const labels = caseLabels(cases);
  return cases
    .map((entry, index): Row => ({ entry, index, label: labels[index] ?? entry.name }))
    .toSorted(
      (a, b) => outcomeOrder.indexOf(a.entry.comparison?.outcome) - outcomeOrder.indexOf(b.entry.comparison?.outcome),
    );
}

/** The table of cases: times, rates, memory, garbage collection, and the change as a forest plot in words. */
export function casesSection(model: PageModel): Section {
  const title = "Benchmarks";
  const rows = rowsOf(model);
  if (rows.length === 0) return absentSection("benchmarks", title, "This run timed no benchmark. `mettle bench` does.");
  const shared = subjectText("", model.cases.sharedTags).trim();
  return section(
    "benchmarks",
    title,
    html`${shared !== "" && html`<p class="dim">All with ${name(shared)}.</p>`}${casesTable(rows)}`,
  );
}

const forestRow = ({ ratio, interval, outcome, margin }: Comparison) => ({
  ratio,
  low: interval.low,
  high: interval.high,
  outcome,
  margin,
});

interface CaseColumn {
  readonly title: Content;
  readonly unit: MetricUnit;
  readonly value: (entry: BenchCase) => number | undefined;
}

const columns: readonly CaseColumn[] = [
  { title: html`median ${info("median")}`, unit: "ns", value: ({ measurements }) => measurements.time?.summary.p50 },
  { title: html`p99 ${info("p99")}`, unit: "ns", value: ({ measurements }) => measurements.time?.summary.p99 },
  { title: "per s", unit: "1/s", value: rateOf },
  { title: "bytes/op", unit: "bytes", value: ({ measurements }) => typical(measurements.allocated) },
  { title: "off-heap/op", unit: "bytes", value: ({ measurements }) => typical(measurements.offHeap) },
  { title: html`GC/op ${info("gc")}`, unit: "count", value: ({ measurements }) => total(measurements.gcCount) },
  { title: "GC time/op", unit: "ns", value: ({ measurements }) => total(measurements.gcTime) },
];

const total = (measurement: Measurement | undefined): number | undefined =>
  measurement?.summary.sum ?? typical(measurement);

/** As measured, else what one caller does in a second at the median. */
function rateOf({ measurements: { rate, time } }: BenchCase): number | undefined {
  const median = time?.summary.p50;
  return typical(rate) ?? time?.summary.perSecond ?? (median !== undefined && median > 0 ? 1e9 / median : undefined);
}

function casesTable(rows: readonly Row[]): Markup {
  const shown = columns.filter(({ value }) => rows.some(({ entry }) => value(entry) !== undefined));
  const comparisons = rows.flatMap(({ entry }) => (entry.comparison ? [entry.comparison] : []));
  const reach = forestReach(comparisons.map(forestRow));
  const labels = new Set(comparisons.map(({ baseline }) => baseline.label));
  const [only] = labels;
  const against = labels.size === 1 && only !== undefined ? html` vs ${name(only)}` : "";
  const table = html`<table class="cases sortable" data-filter><thead><tr><th scope="col">case</th>${shown.map(({ title }, i) => html`<th scope="col" class="n">${title}</th>${i === 0 && html`<th scope="col" class="n">± ${info("ci")}</th>`}`)}${comparisons.length > 0 && html`<th scope="col">change${against} ${info("change")}</th>`}</tr></thead><tbody>
${rows.map((row) => caseRow(row, shown, comparisons.length > 0, reach, labels.size > 1))}</tbody></table>`;
  return scrollable("Benchmarks", table);
}

function caseRow(
  { entry, label, index }: Row,
  shown: readonly CaseColumn[],
  compared: boolean,
  reach: number,
  several: boolean,
): Markup {
  const { comparison, measurements } = entry;
  const cells = shown.map(({ value, unit }, i) => {
    const figure = value(entry);
    return html`${figureCell(figure, figure === undefined ? "" : formatQuantity(figure, unit))}${i === 0 && halfWidthCell(measurements.time)}`;
  });
  return html`<tr data-row="case-${index}"><th scope="row">${index < DRAWN ? html`<a class="open" href="#case-${index}">${name(label)}</a>` : name(label)}</th>${cells}${compared && changeCell(comparison, reach, several)}</tr>`;
}

function halfWidthCell(time: Measurement | undefined): Markup {
  const { interval, summary } = time ?? {};
  const center = interval?.of === "median" ? summary?.p50 : interval?.of === "mean" ? summary?.mean : undefined;
  if (!interval || center === undefined || center === 0) return figureCell(undefined, "");
  const width = Math.max(interval.high - center, center - interval.low) / Math.abs(center);
  return figureCell(width, formatHalfWidth(center, interval.low, interval.high, "ns"), "dim");
}

function changeCell(comparison: Comparison | undefined, reach: number, several: boolean): Markup {
  if (!comparison) return html`<td class="none" data-v="">–</td>`;
  const { outcome, unit, ratio, baseline } = comparison;
  return html`<td class="forest" data-v="${Number(ratio.toPrecision(6))}">${forestBar(forestRow(comparison), reach)} <span class="outcome ${outcome}">${forestText(forestRow(comparison))} ${outcomeWord(outcome, unit)}${several && html` vs ${name(baseline.label)}`}</span></td>`;
}

/** What stands behind each row: the distribution, how far processes agree, each pair's ratio, and the notes. */
export function caseDetails(model: PageModel): Section | undefined {
  const rows = rowsOf(model);
  if (rows.length === 0) return undefined;
  const drawn = rows.filter(({ index }) => index < DRAWN);
  const rest = rows.length - drawn.length;
  return section(
    "benchmark-details",
    "Benchmarks in detail",
    html`${drawn.map((row) => caseDetail(row, model))}${rest > 0 && html`<p class="dim">${rest} more cases have their figures in the table above, and their samples in the run's own file.</p>`}`,
  );
}

function caseDetail({ entry, label, index }: Row, model: PageModel): Markup {
  const { measurements, comparison } = entry;
  const main = measurements.time ?? measurements.rate;
  const values = main && valuesOf(main);
  const earlier = main && model.before(main);
  const before = earlier && valuesOf(earlier);
  const chart = main &&
    values && {
      unit: main.unit,
      values,
      ...(before && { baseline: { values: before, label: model.baseline?.name ?? "baseline" } }),
    };
  return html`<details class="detail" id="case-${index}"><summary><h3>${name(label)}</h3> <span class="dim">${main?.metric ?? ""}</span></summary>
<div class="grid-charts">${chart ? html`${distributionChart(chart)}${percentileChart(chart)}` : html`<p class="absent">Distribution: only its summary is in the run.</p>`}${main?.raw && processesChart(main.raw, main.unit)}${comparison && pairsChart(comparison)}${caseFacts(entry)}</div></details>`;
}

function caseFacts({ measurements, comparison }: BenchCase): Markup {
  const facts = Object.values(measurements).flatMap(({ metric, unit, summary, interval, outliers, notes }) => {
    const figure = (value: number): string => formatQuantity(value, unit);
    const value = summary.p50 ?? summary.mean ?? summary.sum;
    const severe = (outliers?.lowSevere ?? 0) + (outliers?.highSevere ?? 0);
    return [
      html`<div><dt>${metric}</dt><dd>${value === undefined ? "not measured" : figure(value)}${interval && html` <span class="dim">[${figure(interval.low)}, ${figure(interval.high)}] at ${Number((interval.confidence * 100).toFixed(2))} %, ${interval.method}</span>`} <span class="dim">${summary.count} samples${severe > 0 && `, ${severe} severe outliers`}</span>${(notes ?? []).map((note) => html`<br>! ${name(note)}`)}</dd></div>`,
    ];
  });
  const paired =
    comparison &&
    html`<div><dt>compared</dt><dd>${formatChange(comparison.ratio - 1)} vs ${name(comparison.baseline.label)}, ${comparison.pairs} pairs${comparison.pValue !== undefined && `, p = ${Number(comparison.pValue.toPrecision(2))} by sign flips`}, margin ${formatChange(comparison.margin).replace("+", "±")}${(comparison.notes ?? []).map((note) => html`<br>! ${name(note)}`)}</dd></div>`;
  return html`<div class="facts-box"><h4>Figures</h4><dl>${facts}${paired}</dl></div>`;
}
