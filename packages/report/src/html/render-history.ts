import { formatQuantity } from "@mettle/core";
import { subjectText } from "../cases.ts";
import type { RunEntry } from "@mettle/results";
import { reportErrors } from "../errors.ts";
import { sorted } from "../json.ts";
import { formatTime } from "../provenance.ts";
import type { HistoryChange, MetricHistory } from "../text/history.ts";
import { counted, outcomeWord } from "../text/words.ts";
import { forestText } from "./charts/forest.ts";
import { sparkChart } from "./charts/time-chart.ts";
import { html, type Markup } from "./html.ts";
import { pageMarkup } from "./page.ts";
import { type HistoryLinks, rank } from "./history-links.ts";
import { changeFact, historyItem } from "./sections/history.ts";
import { runsSection } from "./sections/runs.ts";
import { absentSection, figureCell, name, scrollable, section } from "./sections/section.ts";

/** Metrics whose charts are in the page; the others have their row, their shape and their last change. */
const DRAWN = 120;
/** Where each metric has a page of its own, only those that moved last are drawn beside the table. */
const DRAWN_WITH_PAGES = 12;
const MOST_POINTS = 2_000_000;

export interface HistoryPageOptions {
  /** Of a site; a page alone has none. */
  readonly links?: HistoryLinks;
  /** Newest first. */
  readonly runs?: readonly RunEntry[];
}

/**
 * The history of metrics over past runs as one page, fit to be served by any host of files: what moved last and for the
 * worse comes first, each with when, at which commit and by how much.
 *
 * @throws MettleError `REPORT_TOO_LARGE`, `REPORT_NUMBER_INVALID`, `REPORT_TIME_INVALID`
 */
export function renderHistoryHtml(
  title: string,
  histories: readonly MetricHistory[],
  { links, runs }: HistoryPageOptions = {},
): string {
  const points = histories.reduce((sum, each) => sum + each.points.length, 0);
  if (points > MOST_POINTS) {
    throw reportErrors.create(
      "REPORT_TOO_LARGE",
      `The history has ${points} points; a page shows ${MOST_POINTS} at most.`,
      {
        details: { what: "points", count: points, most: MOST_POINTS },
        next: "Show fewer runs with --limit, or one metric by its name.",
      },
    );
  }
  const all = histories.toSorted((a, b) => rank(a) - rank(b) || newest(b) - newest(a));
  const status = all.some((each) => rank(each) === 0) ? "warning" : "measured";
  const sentence = sentenceOf(all);
  return pageMarkup({
    title: `${sentence} · ${title}`,
    status,
    head: html`<header class="head ${status}"><h1><span class="verdict">HISTORY</span> <span class="sentence">${sentence}</span></h1><p class="facts">${facts(title, all)}</p></header>`,
    opening: html``,
    sections: [
      ...(all.length === 0
        ? [absentSection("metrics", "Metrics", "The history holds no metric that was asked for.", "Nothing here.")]
        : [section("metrics", "Metrics", scrollable("Metrics over past runs", table(all, links)))]),
      ...(runs ? [runsSection(runs, links)] : []),
      ...(all.length === 0 ? [] : [section("charts", "Charts", charts(all, links))]),
    ],
    data: { schema: "mettle.series/1", metrics: sorted(all, "metrics") },
  });
}

const newest = ({ changePoints, points }: MetricHistory): number => {
  const at = points[changePoints?.at(-1)?.index ?? -1]?.at;
  return at === undefined ? 0 : Date.parse(at);
};

function sentenceOf(all: readonly MetricHistory[]): string {
  const count = (wanted: number): number => all.filter((each) => rank(each) === wanted).length;
  const parts = [
    `${count(0)} moved for the worse`,
    `${count(1)} for the better`,
    `${count(2)} stayed`,
    ...(count(3) > 0 ? [`${count(3)} with too few runs to tell`] : []),
  ];
  return `${counted(all.length, "metric")}: ${parts.join(", ")}`;
}

function facts(title: string, all: readonly MetricHistory[]): Markup {
  const times = all
    .flatMap(({ points }) => [points[0]?.at, points.at(-1)?.at].filter((at) => at !== undefined))
    .toSorted();
  const [first, last] = [times[0], times.at(-1)];
  const most = all.reduce((longest, { points }) => Math.max(longest, points.length), 0);
  return html`<strong>${name(title)}</strong>${first !== undefined && last !== undefined && html` <span class="dot">·</span> up to ${counted(most, "run")}, ${formatTime(first)} to ${formatTime(last)}`}`;
}

function table(all: readonly MetricHistory[], links: HistoryLinks | undefined): Markup {
  return html`<table class="sortable" data-filter><thead><tr><th scope="col">metric</th><th scope="col" class="n">runs</th><th scope="col" class="n">last</th><th scope="col" class="plain">over runs</th><th scope="col">last change</th><th scope="col" class="plain">since</th></tr></thead><tbody>${all.map((history, index) => row(history, index, links))}</tbody></table>`;
}

function row(history: MetricHistory, index: number, links: HistoryLinks | undefined): Markup {
  const { metric, tags, unit, points, changePoints } = history;
  const last = points.findLast(({ value }) => value !== undefined)?.value;
  const change = changePoints?.at(-1);
  const label = name(subjectText(metric, tags));
  const target = links ? links.metric(history) : index < DRAWN ? `#metric-${index}` : undefined;
  return html`<tr data-row="metric-${index}"><th scope="row">${target === undefined ? label : html`<a href="${target}">${label}</a>`}</th>${figureCell(points.length, String(points.length))}${figureCell(last, last === undefined ? "" : formatQuantity(last, unit))}<td class="shape">${sparkChart(
    points.map(({ value }) => value ?? null),
    "over past runs",
  )}</td>${changeCells(change, history)}</tr>`;
}

function changeCells(change: HistoryChange | undefined, history: MetricHistory): Markup {
  if (!change)
    return html`<td class="none" data-v="">${history.changePoints ? "no change" : "too few runs"}</td><td>–</td>`;
  const { ratio, outcome } = change;
  return html`<td data-v="${Number(ratio.toPrecision(6))}"><span class="outcome ${outcome}">${forestText(change)} ${outcomeWord(outcome, history.unit)}</span></td><td>${changeFact(change, history)}</td>`;
}

function charts(all: readonly MetricHistory[], links: HistoryLinks | undefined): Markup {
  const drawn = links ? DRAWN_WITH_PAGES : DRAWN;
  const rest = all.length - drawn;
  if (links && rest > 0)
    return html`<p class="dim">Those that moved last; every metric has its chart on its own page.</p><div class="grid-charts">${all.slice(0, drawn).map((each) => historyItem(each))}</div>`;
  return html`<div class="grid-charts">${all.slice(0, drawn).map((history, i) => html`<div id="metric-${i}">${historyItem(history)}</div>`)}</div>${rest > 0 && html`<p class="dim">${rest} more metrics have no chart here; name one to see it.</p>`}`;
}
