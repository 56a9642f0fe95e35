import { formatQuantity, type MetricUnit } from "@mettle/core";
import type { Series } from "@mettle/results";
import { type Content, html, type Markup, round, pathData } from "../html.ts";
import { downsample, type Point } from "./downsample.ts";
import { linearScale, type Scale, tickLabel, timeTicks } from "./scale.ts";

/** One figure over time. */
export interface ChartLine {
  readonly name: string;
  readonly atMs: readonly number[];
  readonly values: readonly (number | null)[];
  /** Which of the line styles: told apart by dash and label, not by colour alone. */
  readonly style: "typical" | "high" | "extreme" | "plan" | "fill" | "trouble";
}

export interface LimitLine {
  readonly value: number;
  readonly label: string;
}

/** A part of the run, as a band behind the lines. */
export interface PhaseBand {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A stretch of which nothing is known, such as while a viewer was cut off: not the same as nothing happening. */
export interface TimeGap {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface TimeChart {
  readonly title: string;
  readonly unit: MetricUnit;
  readonly lines: readonly ChartLine[];
  readonly limits?: readonly LimitLine[];
  readonly phases?: readonly PhaseBand[];
  readonly gaps?: readonly TimeGap[];
  /** Shared by all charts of a run, so that one moment stands at one place. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly size?: "wide" | "small";
  /** Whether the table of values has its rows: a page that is drawn every second fills it when it is opened. @defaultValue true */
  readonly hasRows?: boolean;
}

/** Points of a line in the page at most: two for each pixel of a wide chart. */
const MOST_POINTS = 600;
/** The inner drawing's own units: whole numbers that say more than a screen shows. */
const UNITS = 10_000;
const LEFT = 46;
const RIGHT = 76;
/** A limit so many times above all values would press the lines flat: it is named above the plot instead. */
const FAR_LIMIT = 3;
const TABLE_ROWS = 12;

/** The chart as a figure with its values as a table, complete without scripts. A line without values is left out. */
export function timeChart(chart: TimeChart): Markup {
  const lines = chart.lines.filter(({ values }) => values.some((value) => value !== null));
  if (lines.length === 0) return html`<p class="absent">${chart.title}: not measured over time.</p>`;
  const { width, height } = chart.size === "small" ? { width: 440, height: 132 } : { width: 600, height: 158 };
  const highest = (all: readonly (number | null)[]): number =>
    all.reduce<number>((most, value) => (value !== null && Number.isFinite(value) && value > most ? value : most), 0);
  const measured = highest(lines.flatMap(({ values }) => values));
  const limits = chart.limits ?? [];
  const near = limits.filter(({ value }) => value <= measured * FAR_LIMIT);
  const far = limits.filter(({ value }) => value > measured * FAR_LIMIT);
  const greatest = Math.max(measured, highest(near.map(({ value }) => value)));
  const scale = linearScale(greatest * 1.02, chart.unit, chart.size === "small" ? 3 : 4);
  const plot = { x: LEFT, y: 8, width: width - LEFT - RIGHT, height: height - 8 - 30 };
  const y = (value: number): number => plot.y + plot.height * (1 - scale.position(value));
  return html`<figure class="chart">
<figcaption>${chart.title}${far.map(({ label }) => html` <span class="far">${label}, far above</span>`)}</figcaption>
<div class="scroll"><svg class="time" viewBox="0 0 ${width} ${height}" role="img" aria-label="${described(chart, lines)}" data-from="${chart.fromMs}" data-to="${chart.toMs}" data-top="${scale.high}" data-unit="${chart.unit}">
${scale.ticks.map(({ at, label }) => {
  const tickY = round(plot.y + plot.height * (1 - at));
  return html`<line class="grid" x1="${plot.x}" x2="${plot.x + plot.width}" y1="${tickY}" y2="${tickY}"/><text class="tick" x="${plot.x - 6}" y="${round(tickY + 3.5)}" text-anchor="end">${label}</text>`;
})}
<svg class="plot" x="${plot.x}" y="${plot.y}" width="${plot.width}" height="${plot.height}" viewBox="0 0 ${UNITS} ${UNITS}" preserveAspectRatio="none">
${bands(chart)}${gapBands(chart)}${lines.map((line) => linePath(line, chart, scale))}${near.map(({ value }) => {
  const at = Math.round(UNITS * (1 - scale.position(value)));
  return html`<path class="limit" d="M0 ${at}h${UNITS}"/>`;
})}</svg>
<g class="times">${timeTicks(chart.fromMs, chart.toMs).map(
    ({ at, label }) =>
      html`<text class="tick" x="${round(plot.x + at * plot.width)}" y="${height - 17}" text-anchor="middle">${label}</text>`,
  )}</g>
${phaseLabels(chart, plot, height)}${gapLabels(chart, plot)}
${endLabels(lines, near, y, plot)}
</svg></div>
${valueTable(chart, lines)}
</figure>`;
}

interface Plot {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const share = (atMs: number, { fromMs, toMs }: TimeChart): number =>
  Math.min(1, Math.max(0, (atMs - fromMs) / Math.max(1, toMs - fromMs)));

function bands(chart: TimeChart): Content {
  return (chart.phases ?? []).map(({ fromMs, toMs }, i) => {
    const from = Math.round(UNITS * share(fromMs, chart));
    const to = Math.round(UNITS * share(toMs, chart));
    return i % 2 === 1 && html`<path class="band" d="M${from} 0h${to - from}v${UNITS}h${from - to}z"/>`;
  });
}

const visibleGaps = ({ gaps = [], fromMs, toMs }: TimeChart): readonly TimeGap[] =>
  gaps.filter((gap) => gap.toMs > fromMs && gap.fromMs < toMs);

function gapBands(chart: TimeChart): Content {
  return visibleGaps(chart).map(({ fromMs, toMs }) => {
    const from = Math.round(UNITS * share(fromMs, chart));
    const to = Math.round(UNITS * share(toMs, chart));
    return html`<path class="gap" d="M${from} 0h${to - from}v${UNITS}h${from - to}z"/>`;
  });
}

function gapLabels(chart: TimeChart, plot: Plot): Content {
  return visibleGaps(chart).map(({ fromMs, toMs }) => {
    const middle = (share(fromMs, chart) + share(toMs, chart)) / 2;
    return html`<text class="gap" x="${round(plot.x + middle * plot.width)}" y="${plot.y + 10}" text-anchor="middle">not seen</text>`;
  });
}

function phaseLabels(chart: TimeChart, plot: Plot, height: number): Content {
  const labels = (chart.phases ?? []).flatMap(({ name, fromMs, toMs }) => {
    const from = share(fromMs, chart);
    const room = (share(toMs, chart) - from) * plot.width;
    const cells = Math.floor(room / 5.6);
    if (cells < 4) return [];
    const text = name.length <= cells ? name : `${name.slice(0, cells - 1)}…`;
    return [
      html`<text class="phase" x="${round(plot.x + from * plot.width + room / 2)}" y="${height - 4}" text-anchor="middle">${text}</text>`,
    ];
  });
  return labels.length > 0 && html`<g class="phases">${labels}</g>`;
}

function linePath(line: ChartLine, chart: TimeChart, scale: Scale): Markup {
  const x = (atMs: number): number => Math.round(UNITS * share(atMs, chart));
  const y = (value: number): number => Math.round(UNITS * (1 - scale.position(value)));
  const runs = downsample(line.atMs, line.values, MOST_POINTS);
  const path = runs.map((run) => relativePath(run, x, y, line.style === "fill")).join("");
  return html`<path class="line ${line.style}" data-name="${line.name}" d="${pathData(path)}"/>`;
}

/** Relative whole numbers: half the bytes of absolute ones. A single point is a line to itself, drawn as a dot. */
function relativePath(
  run: readonly Point[],
  x: (value: number) => number,
  y: (value: number) => number,
  closed: boolean,
): string {
  const first = run[0];
  const last = run.at(-1);
  if (!first || !last) return "";
  let path = `M${x(first.x)} ${y(first.y)}`;
  let at = [x(first.x), y(first.y)] as const;
  for (const point of run.slice(1)) {
    const next = [x(point.x), y(point.y)] as const;
    const dy = next[1] - at[1];
    path += `l${next[0] - at[0]}${dy < 0 ? "" : " "}${dy}`;
    at = next;
  }
  if (run.length === 1) path += "h1";
  return closed ? `${path}V${UNITS}H${x(first.x)}z` : path;
}

/** Names at the right end of the lines and limits, moved apart where they would cover each other. */
function endLabels(
  lines: readonly ChartLine[],
  limits: readonly LimitLine[],
  y: (value: number) => number,
  plot: Plot,
): Content {
  const labels = [
    ...lines.map((line) => ({
      text: line.name,
      at: y(line.values.findLast((value) => value !== null) ?? 0),
      class: `end ${line.style}`,
    })),
    ...limits.map(({ value, label }) => ({ text: label, at: y(value), class: "end limit" })),
  ].toSorted((a, b) => a.at - b.at);
  const step = 12;
  const placed = labels.map(({ at }) => at);
  for (let i = 1; i < placed.length; i++) placed[i] = Math.max(placed[i] ?? 0, (placed[i - 1] ?? 0) + step);
  // What was pushed below the plot goes up again, from the bottom.
  let floor = plot.y + plot.height - 5;
  for (let i = placed.length - 1; i >= 0; i--) {
    placed[i] = Math.min(placed[i] ?? 0, floor);
    floor = (placed[i] ?? 0) - step;
  }
  return labels.map(
    ({ text, class: name }, i) =>
      html`<text class="${name}" x="${plot.x + plot.width + 5}" y="${round((placed[i] ?? 0) + 3.5)}">${text}</text>`,
  );
}

function described({ title, unit, limits = [] }: TimeChart, lines: readonly ChartLine[]): string {
  const facts = lines.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    const least = known.reduce((a, b) => Math.min(a, b));
    const greatest = known.reduce((a, b) => Math.max(a, b));
    return `${name} from ${formatQuantity(least, unit)} to ${formatQuantity(greatest, unit)}`;
  });
  const bounds = limits.map(({ label }) => label);
  return `${title}: ${[...facts, ...bounds].join("; ")}. The values are in the table below.`;
}

/** The greatest value of each line in each twelfth of the time. */
function valueTable(chart: TimeChart, lines: readonly ChartLine[]): Markup {
  if (chart.hasRows === false) return html`<details class="values"><summary>Values as a table</summary></details>`;
  const span = chart.toMs - chart.fromMs;
  const moments = Math.max(...lines.map(({ atMs }) => atMs.length));
  const count = Math.min(TABLE_ROWS, moments);
  const rows = Array.from({ length: count }, (_, i) => {
    const from = chart.fromMs + (span * i) / count;
    const to = chart.fromMs + (span * (i + 1)) / count;
    const cells = lines.map(({ atMs, values }) => {
      let greatest: number | undefined;
      atMs.forEach((at, k) => {
        const value = values[k];
        const inside = at >= from && (at < to || i === count - 1);
        if (inside && value !== null && value !== undefined && !(value <= (greatest ?? -Infinity))) greatest = value;
      });
      return html`<td>${greatest === undefined ? "–" : formatQuantity(greatest, chart.unit)}</td>`;
    });
    return html`<tr><th scope="row">${seconds(from)}–${seconds(to)}</th>${cells}</tr>`;
  });
  return html`<details class="values"><summary>Values as a table</summary><table><caption>Greatest value in each stretch of time</caption><thead><tr><th scope="col">seconds</th>${lines.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${rows}</tbody></table></details>`;
}

const seconds = (atMs: number): string => String(Math.round(atMs / 1000));

/** A column of a series as a line; undefined where the series does not have it. */
export function lineOf(
  series: Series | undefined,
  column: string,
  name: string,
  style: ChartLine["style"],
): ChartLine | undefined {
  const values = series?.values[column];
  return series && values && { name, atMs: series.atMs, values, style };
}

/** A limit as its line says it. */
export const limitLine = (value: number, unit: MetricUnit): LimitLine => ({
  value,
  label: `limit ${tickLabel(value, unit)}`,
});

/** A line without axes, as high as text: the shape, for a row of a table. The figures stand beside it. */
export function sparkChart(values: readonly (number | null)[], label: string): Markup {
  const xs = values.map((_, i) => i);
  const greatest = values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  const runs = downsample(xs, values, 96);
  if (runs.length === 0 || values.length < 2) return html``;
  const x = (value: number): number => Math.round((value / (values.length - 1)) * 960);
  const y = (value: number): number => Math.round(180 - (greatest === 0 ? 0 : (value / greatest) * 160));
  return html`<svg class="spark" viewBox="0 0 960 200" preserveAspectRatio="none" role="img" aria-label="${label}"><path class="line high" d="${pathData(runs.map((run) => relativePath(run, x, y, false)).join(""))}"/></svg>`;
}
