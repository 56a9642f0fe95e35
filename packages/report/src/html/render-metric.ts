import { formatQuantity } from "@mettle/core";
import { subjectText } from "../cases.ts";
import { sorted } from "../json.ts";
import { formatTime } from "../provenance.ts";
import type { HistoryPoint, MetricHistory } from "../text/history.ts";
import { counted, outcomeWord } from "../text/words.ts";
import { forestText } from "./charts/forest.ts";
import { html, type Markup } from "./html.ts";
import { pageMarkup } from "./page.ts";
import { type HistoryLinks, rank } from "./history-links.ts";
import { historyItem } from "./sections/history.ts";
import { figureCell, name, scrollable, section } from "./sections/section.ts";

/** Points in the table, the newest; the chart has all. */
const LISTED = 500;

/**
 * One metric over past runs as a page of a site: its chart, where its level moved, and every point with a link to its run.
 *
 * @throws MettleError `REPORT_NUMBER_INVALID`, `REPORT_TIME_INVALID`
 */
export function renderMetricHtml(title: string, history: MetricHistory, links: HistoryLinks): string {
  const subject = subjectText(history.metric, history.tags);
  const status = rank(history) === 0 ? "warning" : "measured";
  const sentence = sentenceOf(history);
  return pageMarkup({
    title: `${subject}: ${sentence} · ${title}`,
    status,
    head: html`<header class="head ${status}"><h1><span class="verdict">${name(subject)}</span> <span class="sentence">${sentence}</span></h1><p class="facts"><a href="${links.index}">${name(title)}, all metrics and runs</a></p></header>`,
    opening: html``,
    sections: [
      section("chart", "Over past runs", html`<div class="grid-charts wide">${historyItem(history, "wide")}</div>`),
      section("points", "Values", pointsTable(history, links)),
    ],
    data: { schema: "mettle.series/1", metrics: sorted([history], "metrics") },
  });
}

function sentenceOf(history: MetricHistory): string {
  const { changePoints, points, unit } = history;
  const runs = counted(points.length, "run");
  if (changePoints === undefined) return `${runs}, too few to search for changes`;
  const last = changePoints.at(-1);
  if (!last) return `${runs} at one level`;
  const at = points[last.index]?.at;
  return `${forestText(last)} ${outcomeWord(last.outcome, unit)}${at === undefined ? "" : ` since ${formatTime(at)}`}, ${runs}`;
}

function pointsTable({ points, unit, changePoints = [] }: MetricHistory, links: HistoryLinks): Markup {
  const moved = new Map(changePoints.map((change) => [change.index, change]));
  const rows = points
    .map((point, index) => ({ point, change: moved.get(index) }))
    .toReversed()
    .slice(0, LISTED)
    .map(({ point, change }) => {
      const { value, commit, at } = point;
      return html`<tr><th scope="row" data-v="${Date.parse(at)}">${runLink(point, links)}</th><td>${commit === undefined ? "–" : html`<code>${commit.slice(0, 7)}</code>`}</td>${figureCell(value, value === undefined ? "" : formatQuantity(value, unit))}<td>${change ? html`<span class="outcome ${change.outcome}">${forestText(change)} ${outcomeWord(change.outcome, unit)}</span> from here on` : ""}</td></tr>`;
    });
  const rest = points.length - rows.length;
  const table = html`<table class="sortable" data-filter><thead><tr><th scope="col">run</th><th scope="col">commit</th><th scope="col" class="n">value</th><th scope="col" class="plain">change</th></tr></thead><tbody>${rows}</tbody></table>`;
  return html`${scrollable("Values, newest first", table)}${rest > 0 && html`<p class="dim">${counted(rest, "older value")} only in the chart.</p>`}`;
}

function runLink({ runId, at }: HistoryPoint, links: HistoryLinks): Markup {
  const target = runId === undefined ? undefined : links.run(runId);
  return target === undefined ? html`${formatTime(at)}` : html`<a href="${target}">${formatTime(at)}</a>`;
}
