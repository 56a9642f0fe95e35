import { formatChange, formatQuantity, type MetricUnit } from "@mettle/core";
import type { Comparison, RawBlocks } from "@mettle/results";
import { html, type Markup, round, pathData } from "../html.ts";
import { forestReach } from "./forest.ts";
import { blockOf } from "./samples.ts";
import { logScale } from "./scale.ts";

const WIDTH = 440;
const PLOT = { x: 10, width: WIDTH - 20 };

/** The ratio of each pair of processes, in the order measured, over the interval that they give together. */
export function pairsChart({ logRatios, ratio, interval, margin, outcome }: Comparison): Markup {
  if (logRatios.length === 0) return html`<p class="absent">Single pairs: not in the run document.</p>`;
  const rows = logRatios.map((each) => ({ ratio: Math.exp(each), outcome }));
  const reach = forestReach([...rows, { ratio, low: interval.low, high: interval.high, outcome, margin }]) * 1.05;
  const height = 96;
  const x = (value: number): number =>
    round(PLOT.x + (PLOT.width / 2) * (1 + Math.max(-1, Math.min(1, Math.log(value) / reach))));
  const y = (i: number): number => round(14 + ((height - 40) * (i + 0.5)) / rows.length);
  const ends = [Math.exp(-reach), 1, Math.exp(reach)];
  const worse = rows.filter((row) => row.ratio > 1).length;
  return html`<figure class="chart"><figcaption>Ratio of each pair</figcaption><div class="scroll"><svg class="forest ${outcome}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${`${rows.length} pairs: ${worse} above 1, ${rows.length - worse} at or below.`}">
<path class="band" d="M${x(interval.low)} 8H${x(interval.high)}V${height - 20}H${x(interval.low)}z"/><path class="axis" d="M${x(1)} 4V${height - 18}"/>
${rows.map((row, i) => html`<circle cx="${x(row.ratio)}" cy="${y(i)}" r="2.6"/>`)}
${ends.map((value, i) => html`<text class="tick" x="${x(value)}" y="${height - 5}" text-anchor="${["start", "middle", "end"][i] ?? "middle"}">${i === 1 ? "no change" : formatChange(value - 1)}</text>`)}
</svg></div></figure>`;
}

/** The blocks of each process in a row of its own: whether processes agree, and how each wanders. */
export function processesChart({ processes }: RawBlocks, unit: MetricUnit): Markup {
  const blocks = processes.map((process) => [...blockOf(process)].filter((value) => value > 0));
  const all = blocks.flat();
  if (all.length === 0) return html`<p class="absent">Single processes: no block above zero.</p>`;
  const least = all.reduce((a, b) => Math.min(a, b));
  const greatest = all.reduce((a, b) => Math.max(a, b));
  const scale = logScale(least, greatest, unit, 5);
  const step = Math.max(4, Math.min(12, 96 / blocks.length));
  const height = round(10 + step * blocks.length + 22);
  const x = (value: number): number => round(PLOT.x + scale.position(value) * PLOT.width);
  const rows = blocks.map((values, i) => {
    const y = round(8 + step * (i + 0.5));
    const sorted = values.toSorted((a, b) => a - b);
    const middle = sorted[Math.floor((sorted.length - 1) / 2)];
    return html`<path class="blocks" d="${pathData(values.map((value) => `M${x(value)} ${y}h1.5`).join(""))}"/>${middle !== undefined && html`<circle class="middle" cx="${x(middle)}" cy="${y}" r="${round(Math.min(3.5, step / 2.4))}"/>`}`;
  });
  return html`<figure class="chart"><figcaption>Processes: their blocks and medians</figcaption><div class="scroll"><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${`${blocks.length} processes, blocks from ${formatQuantity(least, unit)} to ${formatQuantity(greatest, unit)}.`}">${rows}<path class="axis" d="M${PLOT.x} ${height - 20}h${PLOT.width}"/>${scale.ticks.map(({ at, label }) => html`<text class="tick" x="${round(PLOT.x + at * PLOT.width)}" y="${height - 6}" text-anchor="${at < 0.05 ? "start" : at > 0.95 ? "end" : "middle"}">${label}</text>`)}</svg></div></figure>`;
}
