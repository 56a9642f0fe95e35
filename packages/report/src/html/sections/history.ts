import { formatChange, formatQuantity } from "@mettle/core";
import type { Finding } from "@mettle/judge";
import { metricKey, subjectText } from "../../cases.ts";
import { formatTime } from "../../provenance.ts";
import type { HistoryChange, MetricHistory } from "../../text/history.ts";
import { formatRatioInterval } from "../../text/quantities.ts";
import { forestBar, forestReach, forestText } from "../charts/forest.ts";
import { outcomeWord } from "../../text/words.ts";
import { historyChart, type HistoryChartSize } from "../charts/history-chart.ts";
import { info } from "../glossary.ts";
import { type Content, html, type Markup } from "../html.ts";
import type { PageModel } from "../page-model.ts";
import { absentSection, name, type Section, scrollable, section } from "./section.ts";

/** Metrics whose history is drawn: those that moved or are judged first. */
const DRAWN = 24;

/** What became slower or faster against another build or baseline, as a forest plot with words. */
export function regressionsSection(model: PageModel): Section {
  const title = "Regressions";
  const { findings } = model;
  const compared = findings.filter(({ kind, change }) => kind === "regression" && change);
  const open = findings.filter(({ kind, change }) => kind === "regression" && !change);
  if (compared.length + open.length === 0)
    return absentSection(
      "regressions",
      title,
      "Nothing to compare with: name a baseline with `--compare`, or measure `--against` another revision.",
    );
  const reach = forestReach(compared.flatMap(({ change }) => (change ? [change] : [])));
  const table = html`<table class="sortable" data-filter><thead><tr><th scope="col">metric</th><th scope="col">change ${info("regression")}</th><th scope="col">against</th><th scope="col" class="plain">what was found</th></tr></thead><tbody>${compared.map((finding) => comparedRow(finding, reach))}${open.map(({ metric, tags, message, rule }) => html`<tr><th scope="row">${name(subjectText(metric ?? rule, tags))}</th><td class="none" data-v="">no ratio</td><td>–</td><td>${name(message)}</td></tr>`)}</tbody></table>`;
  return section("regressions", title, scrollable("Regressions", table));
}

function comparedRow({ metric, tags, rule, change, unit, message }: Finding, reach: number): Content {
  if (!change) return false;
  return html`<tr><th scope="row">${name(subjectText(metric ?? rule, tags))}</th><td class="forest" data-v="${Number(change.ratio.toPrecision(6))}">${forestBar(change, reach)} <span class="outcome ${change.outcome}">${forestText(change)} ${outcomeWord(change.outcome, unit)}</span></td><td>${name(change.against)}</td><td>${name(message)}</td></tr>`;
}

/** The metrics of this run over past runs, with the points where their level moved. */
export function historySection(model: PageModel): Section {
  const { history, findings } = model;
  const title = "History";
  const moved = findings.filter(({ kind }) => kind === "change-point");
  if (!history || history.length === 0)
    return moved.length === 0
      ? absentSection(
          "history",
          title,
          "No past runs were looked at. Runs are kept unless `--no-history` says otherwise.",
        )
      : section("history", title, findingList(moved));
  const judged = new Set(findings.map(({ metric, tags }) => metricKey(metric ?? "", tags ?? {})));
  const rank = ({ metric, tags, changePoints = [] }: MetricHistory): number =>
    (changePoints.some(({ outcome }) => outcome === "worse") ? 0 : changePoints.length > 0 ? 1 : 2) +
    (judged.has(metricKey(metric, tags)) ? 0 : 0.5);
  const sorted = history.filter(({ points }) => points.length > 1).toSorted((a, b) => rank(a) - rank(b));
  if (sorted.length === 0) return absentSection("history", title, "This is the first run of its kind in the history.");
  const rest = sorted.length - DRAWN;
  return section(
    "history",
    title,
    html`${moved.length > 0 && findingList(moved)}<div class="grid-charts">${sorted.slice(0, DRAWN).map((each) => historyItem(each))}</div>${rest > 0 && html`<p class="dim">${rest} more metrics have a history; <code>mettle history show</code> has them all.</p>`}`,
  );
}

const findingList = (findings: readonly Finding[]): Markup =>
  html`<ul>${findings.map(({ message }) => html`<li>${name(message)}</li>`)}</ul>`;

/** One metric: its chart, its last value, and what moved. */
export function historyItem(history: MetricHistory, size: HistoryChartSize = "small"): Markup {
  const { metric, tags, changePoints, unit, points } = history;
  const last = points.findLast(({ value }) => value !== undefined)?.value;
  const said =
    changePoints === undefined
      ? html`<p class="dim">Not searched for changes: too few runs.</p>`
      : changePoints.length === 0
        ? html`<p class="dim">No change of level found.</p>`
        : html`<ul class="steps">${changePoints.map((change) => changeItem(change, history))}</ul>`;
  return html`<div>${historyChart(history, subjectText(metric, tags), size)}<p class="dim">${points.length} runs${last !== undefined && `, last ${formatQuantity(last, unit)}`} ${info("step")}</p>${said}</div>`;
}

function changeItem(change: HistoryChange, history: MetricHistory): Markup {
  const { ratio, low, high, outcome } = change;
  const interval = low === undefined || high === undefined ? "" : ` ${formatRatioInterval(low, high)}`;
  return html`<li><span class="outcome ${outcome}">${formatChange(ratio - 1)}${interval} ${outcomeWord(outcome, history.unit)}</span> since ${changeFact(change, history)}</li>`;
}

/** When, and at which commit. */
export function changeFact({ index }: HistoryChange, { points }: MetricHistory): Markup {
  const point = points[index];
  if (!point) return html`a run that is not shown`;
  return html`${formatTime(point.at)}${point.commit !== undefined && html`, <code>${point.commit.slice(0, 7)}</code>`}`;
}
