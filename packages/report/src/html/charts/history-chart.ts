import { outcomeWord } from "../../text/words.ts";
import { formatQuantity } from "@mettle/core";
import { formatTime } from "../../provenance.ts";
import type { MetricHistory } from "../../text/history.ts";
import { type Content, html, type Markup, round, pathData } from "../html.ts";
import { downsample } from "./downsample.ts";
import { linearScale } from "./scale.ts";

/** Beside others, or alone on a page. */
export type HistoryChartSize = "small" | "wide";
const sizes: Readonly<Record<HistoryChartSize, { readonly width: number; readonly height: number }>> = {
  small: { width: 440, height: 120 },
  wide: { width: 900, height: 220 },
};

/** A metric over past runs, one step to the right for each, with the points where its level moved. */
export function historyChart(
  { points, unit, changePoints = [] }: MetricHistory,
  title: string,
  size: HistoryChartSize = "small",
): Markup {
  const { width, height } = sizes[size];
  const plot = { x: 52, y: 10, width: width - 64, height: height - 34 };
  const values = points.map(({ value }) => value ?? null);
  const known = values.filter((value) => value !== null);
  const [first, last] = [points[0], points.at(-1)];
  if (known.length === 0 || !first || !last) return html`<p class="absent">${title}: no values.</p>`;
  const greatest = known.reduce((a, b) => Math.max(a, b));
  const least = known.reduce((a, b) => Math.min(a, b));
  const scale = linearScale(greatest * 1.05, unit, 3);
  const x = (index: number): number => round(plot.x + (plot.width * index) / Math.max(1, points.length - 1));
  const y = (value: number): number => round(plot.y + plot.height * (1 - scale.position(value)));
  const runs = downsample(
    values.map((_, i) => i),
    values,
    240,
  );
  const path = runs.map((run) => `M${run.map((point) => `${x(point.x)} ${y(point.y)}`).join("L")}`).join("");
  const dots: Content =
    known.length <= 60 &&
    runs.flat().map((point) => html`<circle class="middle" cx="${x(point.x)}" cy="${y(point.y)}" r="2"/>`);
  const summary = `${title}: ${known.length} runs, from ${formatQuantity(least, unit)} to ${formatQuantity(greatest, unit)}, ${changePoints.length} changes found.`;
  return html`<figure class="chart"><figcaption>${title}</figcaption><div class="scroll"><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${summary}">
${scale.ticks.map(({ at, label }) => html`<path class="grid" d="M${plot.x} ${round(plot.y + plot.height * (1 - at))}h${plot.width}"/><text class="tick" x="${plot.x - 5}" y="${round(plot.y + plot.height * (1 - at) + 3.5)}" text-anchor="end">${label}</text>`)}
<path class="line high" d="${pathData(path)}"/>${dots}
${changePoints.map(({ index, outcome, ratio }) => html`<g class="step ${outcome}"><path d="M${x(index - 0.5)} ${plot.y}v${plot.height}"/><text x="${x(index - 0.5)}" y="${plot.y + 8}" text-anchor="${index > points.length * 0.8 ? "end" : "start"}" dx="${index > points.length * 0.8 ? -3 : 3}">${outcomeWord(outcome, unit)} ×${Number(ratio.toPrecision(3))}</text></g>`)}
<text class="tick" x="${plot.x}" y="${height - 8}">${formatTime(first.at)}</text><text class="tick" x="${width - 12}" y="${height - 8}" text-anchor="end">${formatTime(last.at)}</text>
</svg></div></figure>`;
}
