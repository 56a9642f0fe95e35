import { changeWord } from "./forest.ts";
import { formatQuantity } from "@mettle/core";
import { formatTime } from "../../provenance.ts";
import type { MetricHistory } from "../../text/history.ts";
import { type Content, html, type Markup, round, pathData } from "../html.ts";
import { downsample } from "./downsample.ts";
import { linearScale } from "./scale.ts";

const WIDTH = 440;
const HEIGHT = 120;
const PLOT = { x: 52, y: 10, width: WIDTH - 64, height: HEIGHT - 34 };

/** A metric over past runs, one step to the right for each, with the points where its level moved. */
export function historyChart({ points, unit, changePoints = [] }: MetricHistory, title: string): Markup {
  const values = points.map(({ value }) => value ?? null);
  const known = values.filter((value) => value !== null);
  const [first, last] = [points[0], points.at(-1)];
  if (known.length === 0 || !first || !last) return html`<p class="absent">${title}: no values.</p>`;
  const greatest = known.reduce((a, b) => Math.max(a, b));
  const least = known.reduce((a, b) => Math.min(a, b));
  const scale = linearScale(greatest * 1.05, unit, 3);
  const x = (index: number): number => round(PLOT.x + (PLOT.width * index) / Math.max(1, points.length - 1));
  const y = (value: number): number => round(PLOT.y + PLOT.height * (1 - scale.position(value)));
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
  return html`<figure class="chart"><figcaption>${title}</figcaption><div class="scroll"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${summary}">
${scale.ticks.map(({ at, label }) => html`<path class="grid" d="M${PLOT.x} ${round(PLOT.y + PLOT.height * (1 - at))}h${PLOT.width}"/><text class="tick" x="${PLOT.x - 5}" y="${round(PLOT.y + PLOT.height * (1 - at) + 3.5)}" text-anchor="end">${label}</text>`)}
<path class="line high" d="${pathData(path)}"/>${dots}
${changePoints.map(({ index, outcome, ratio }) => html`<g class="step ${outcome}"><path d="M${x(index - 0.5)} ${PLOT.y}v${PLOT.height}"/><text x="${x(index - 0.5)}" y="${PLOT.y + 8}" text-anchor="${index > points.length * 0.8 ? "end" : "start"}" dx="${index > points.length * 0.8 ? -3 : 3}">${changeWord(outcome, unit)} ×${Number(ratio.toPrecision(3))}</text></g>`)}
<text class="tick" x="${PLOT.x}" y="${HEIGHT - 8}">${formatTime(first.at)}</text><text class="tick" x="${WIDTH - 12}" y="${HEIGHT - 8}" text-anchor="end">${formatTime(last.at)}</text>
</svg></div></figure>`;
}
