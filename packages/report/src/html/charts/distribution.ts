import { formatQuantity, type MetricUnit } from "@mettle/core";
import { type Content, html, type Markup, round, pathData } from "../html.ts";
import type { Values } from "./samples.ts";
import { logScale, type Scale } from "./scale.ts";
import type { LimitLine } from "./time-chart.ts";

export interface DistributionChart {
  readonly unit: MetricUnit;
  readonly values: Values;
  /** Of the values, beside a baseline. @defaultValue "this run" */
  readonly label?: string;
  /** Drawn as an outline over it. */
  readonly baseline?: { readonly values: Values; readonly label: string };
  readonly limits?: readonly LimitLine[];
}

const WIDTH = 440;
const HEIGHT = 132;
const PLOT = { x: 10, y: 14, width: WIDTH - 20, height: HEIGHT - 40 };
const BARS = 56;
/** Values that are zero have no logarithm; they fall into the first bar. */
const LEAST_SHARE = 1e-6;

function range(all: readonly Values[], limits: readonly LimitLine[]): readonly [number, number] {
  const high = Math.max(...all.map(({ greatest }) => greatest), ...limits.map(({ value }) => value));
  const low = Math.min(...all.map(({ least }) => least), ...limits.map(({ value }) => value));
  return [Math.max(low, high * LEAST_SHARE) || 1, high || 1];
}

/** How often which value came, on a logarithmic axis; the baseline over it as an outline, limits as lines. */
export function distributionChart({
  unit,
  values,
  baseline,
  limits = [],
  label = "this run",
}: DistributionChart): Markup {
  const [low, high] = range([values, ...(baseline ? [baseline.values] : [])], limits);
  const scale = logScale(low / 1.02, high * 1.02, unit);
  const own = shares(values, scale);
  const other = baseline && shares(baseline.values, scale);
  const most = Math.max(...own, ...(other ?? []));
  const marks = [
    { q: 0.5, name: "p50" },
    { q: 0.95, name: "p95" },
    { q: 0.99, name: "p99" },
  ].map(({ q, name }) => ({ name, value: values.quantile(q) }));
  const facts = marks.map(({ name, value }) => `${name} ${formatQuantity(value, unit)}`).join(", ");
  return html`<figure class="chart"><figcaption>Distribution${baseline && html` <span class="key own">${label}</span> <span class="key other">${baseline.label}</span>`}</figcaption>
<div class="scroll"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${`Distribution of ${values.count} values from ${formatQuantity(values.least, unit)} to ${formatQuantity(values.greatest, unit)}: ${facts}.`}">
<path class="bars" d="${pathData(barPath(own, most))}"/>${other && html`<path class="outline" d="${pathData(outlinePath(other, most))}"/>`}
<path class="axis" d="M${PLOT.x} ${PLOT.y + PLOT.height}h${PLOT.width}"/>
${axis(scale)}${markLines(marks, scale)}${limits.map((limit) => limitMark(limit.value, limit.label, scale))}
</svg></div></figure>`;
}

/** The share of all values in each bar. */
function shares(values: Values, scale: Scale): readonly number[] {
  const edge = (i: number): number => scale.low * (scale.high / scale.low) ** (i / BARS);
  const below = Array.from({ length: BARS + 1 }, (_, i) =>
    i === 0 ? 0 : i === BARS ? 1 : values.shareAtOrBelow(edge(i)),
  );
  return Array.from({ length: BARS }, (_, i) => Math.max(0, (below[i + 1] ?? 1) - (below[i] ?? 0)));
}

const barWidth = PLOT.width / BARS;
/** Square roots: a rare mode is a hundred times lower than the common one, and is what one looks for. */
const barHeight = (share: number, most: number): number =>
  share === 0 ? 0 : Math.max(1, PLOT.height * Math.sqrt(share / most));

function barPath(all: readonly number[], most: number): string {
  return all
    .map((share, i) => {
      const height = barHeight(share, most);
      const x = round(PLOT.x + i * barWidth);
      return height === 0
        ? ""
        : `M${x} ${PLOT.y + PLOT.height}v${-round(height)}h${round(barWidth - 1)}v${round(height)}z`;
    })
    .join("");
}

function outlinePath(all: readonly number[], most: number): string {
  const base = PLOT.y + PLOT.height;
  const steps = all.map((share) => `V${round(base - barHeight(share, most))}h${round(barWidth)}`);
  return `M${PLOT.x} ${base}${steps.join("")}V${base}`;
}

const place = (scale: Scale, value: number): number => round(PLOT.x + scale.position(value) * PLOT.width);

const axis = (scale: Scale): Content =>
  scale.ticks.map(
    ({ at, label }) =>
      html`<text class="tick" x="${round(PLOT.x + at * PLOT.width)}" y="${HEIGHT - 10}" text-anchor="${at < 0.05 ? "start" : at > 0.95 ? "end" : "middle"}">${label}</text>`,
  );

function markLines(marks: readonly { readonly name: string; readonly value: number }[], scale: Scale): Content {
  let free = Number.NEGATIVE_INFINITY;
  return marks.map(({ name, value }) => {
    const x = place(scale, value);
    const labelled = x - free > 24;
    if (labelled) free = x;
    return html`<path class="mark" d="M${x} ${PLOT.y}v${PLOT.height}"/>${labelled && html`<text class="tick" x="${x}" y="${PLOT.y - 4}" text-anchor="middle">${name}</text>`}`;
  });
}

function limitMark(value: number, label: string, scale: Scale): Content {
  const x = place(scale, value);
  const anchor = x > WIDTH - 80 ? "end" : "start";
  return html`<path class="limit" d="M${x} ${PLOT.y}v${PLOT.height}"/><text class="end limit" x="${x + (anchor === "end" ? -4 : 4)}" y="${PLOT.y + 10}" text-anchor="${anchor}">${label}</text>`;
}
