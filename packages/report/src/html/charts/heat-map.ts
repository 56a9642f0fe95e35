import { formatQuantity, type MetricUnit } from "@mettle/core";
import { type Content, html, type Markup, pathData, round } from "../html.ts";
import { logScale, timeTicks } from "./scale.ts";

/** How many values of a stretch of time fell into which slot. */
export interface HeatColumn {
  readonly atMs: number;
  /** Alternating slot and count. Slot s holds values from `2^(s / slotsPerDoubling)` to the next. */
  readonly slots: readonly number[];
}

export interface HeatMap {
  readonly title: string;
  readonly unit: MetricUnit;
  readonly slotsPerDoubling: number;
  readonly columns: readonly HeatColumn[];
  readonly fromMs: number;
  readonly toMs: number;
  /** As of a chart over time. @defaultValue true */
  readonly hasRows?: boolean;
}

const WIDTH = 600;
const HEIGHT = 158;
const PLOT = { x: 46, y: 8, width: WIDTH - 46 - 76, height: HEIGHT - 8 - 30 };
/** Cells side by side at most, each a second or longer, and one above the other for each doubling. */
const MOST_COLUMNS = 60;
const ROWS_PER_DOUBLING = 2;
const LEVELS = 5;

/**
 * Time to the right, values upwards on a logarithmic axis, darker where there were more: shows what percentiles hide, such
 * as two modes or a rare band of slow ones. Shades are square roots of counts.
 */
export function heatMap(map: HeatMap): Markup {
  const { title, unit, columns, fromMs, toMs } = map;
  const cells = cellsOf(map);
  const rows = [...cells.values()].flatMap((column) => [...column.keys()]);
  if (rows.length === 0) return html`<p class="absent">${title}: nothing measured yet.</p>`;
  const [low, high] = [rows.reduce((a, b) => Math.min(a, b)), rows.reduce((a, b) => Math.max(a, b)) + 1];
  const value = (row: number): number => 2 ** (row / ROWS_PER_DOUBLING);
  const scale = logScale(value(low), value(high), unit, 5);
  const total = columns.reduce(
    (sum, { slots }) => sum + slots.reduce((all, n, i) => all + (i % 2 === 1 ? n : 0), 0),
    0,
  );
  const facts = `${title}: ${total} values between ${formatQuantity(value(low), unit)} and ${formatQuantity(value(high), unit)}.`;
  return html`<figure class="chart heat"><figcaption>${title}</figcaption>
<div class="scroll"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${facts}">
<svg class="plot" x="${PLOT.x}" y="${PLOT.y}" width="${PLOT.width}" height="${PLOT.height}" viewBox="0 0 ${columnCount(map)} ${high - low}" preserveAspectRatio="none">${levelPaths(cells, high)}</svg>
${scale.ticks.map(({ at, label }) => html`<text class="tick" x="${PLOT.x - 6}" y="${round(PLOT.y + PLOT.height * (1 - at) + 3.5)}" text-anchor="end">${label}</text>`)}
<g class="times">${timeTicks(fromMs, toMs).map(
    ({ at, label }) =>
      html`<text class="tick" x="${round(PLOT.x + at * PLOT.width)}" y="${HEIGHT - 17}" text-anchor="middle">${label}</text>`,
  )}</g>
</svg></div>
<details class="values"><summary>Values as a table</summary>${map.hasRows !== false && countTable(cells, low, high, value, unit)}</details></figure>`;
}

const columnCount = ({ fromMs, toMs }: HeatMap): number =>
  Math.max(1, Math.min(MOST_COLUMNS, Math.round((toMs - fromMs) / 1000)));

/** By column of the picture, then by row: how many. */
function cellsOf(map: HeatMap): ReadonlyMap<number, Map<number, number>> {
  const { columns, slotsPerDoubling, fromMs, toMs } = map;
  const count = columnCount(map);
  const cells = new Map<number, Map<number, number>>();
  const span = Math.max(1, toMs - fromMs);
  for (const { atMs, slots } of columns) {
    if (atMs < fromMs || atMs > toMs) continue;
    // A moment is the end of its second, early or late by some milliseconds: the middle of the second has the place.
    const at = Math.max(0, Math.min(count - 1, Math.floor(((atMs - 500 - fromMs) / span) * count)));
    const column = cells.get(at) ?? new Map<number, number>();
    cells.set(at, column);
    for (let i = 0; i + 1 < slots.length; i += 2) {
      const row = Math.floor(((slots[i] ?? 0) * ROWS_PER_DOUBLING) / slotsPerDoubling);
      column.set(row, (column.get(row) ?? 0) + (slots[i + 1] ?? 0));
    }
  }
  return cells;
}

/** One path for each shade: a few dozen elements would be a thousand otherwise. */
function levelPaths(cells: ReadonlyMap<number, Map<number, number>>, high: number): Content {
  let most = 0;
  for (const column of cells.values()) for (const count of column.values()) most = Math.max(most, count);
  const paths = Array.from({ length: LEVELS }, () => "");
  for (const [x, column] of cells) {
    for (const [row, count] of column) {
      const level = Math.min(LEVELS - 1, Math.floor(Math.sqrt(count / most) * LEVELS));
      paths[level] += `M${x} ${high - row - 1}h1v1h-1z`;
    }
  }
  return paths.map((path, level) => html`<path class="heat-${level}" d="${pathData(path)}"/>`);
}

/** How many values there were in each range: the picture without its time. */
function countTable(
  cells: ReadonlyMap<number, Map<number, number>>,
  low: number,
  high: number,
  value: (row: number) => number,
  unit: MetricUnit,
): Markup {
  const counts = new Map<number, number>();
  for (const column of cells.values())
    for (const [row, count] of column) counts.set(row, (counts.get(row) ?? 0) + count);
  const rows = Array.from({ length: high - low }, (_, i) => {
    const row = high - 1 - i;
    return html`<tr><th scope="row">${formatQuantity(value(row), unit)} – ${formatQuantity(value(row + 1), unit)}</th><td>${counts.get(row) ?? 0}</td></tr>`;
  });
  return html`<table><caption>How many in each range</caption><thead><tr><th scope="col">from – to</th><th scope="col">count</th></tr></thead><tbody>${rows}</tbody></table>`;
}
