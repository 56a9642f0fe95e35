import { formatQuantity, type MetricUnit } from "@mettle/core";
import type { SlowestSample } from "@mettle/results";
import { formatClock } from "../../text/quantities.ts";
import { html, type Markup, round } from "../html.ts";
import { name } from "../sections/section.ts";
import { linearScale } from "./scale.ts";

const WIDTH = 440;
const ROW = 22;
const PLOT = { x: 52, y: 6, width: WIDTH - 52 - 62 };

/** In the order in which they come, with what they mean for whoever reads the table. */
const meanings: ReadonlyMap<string, string> = new Map([
  ["late", "began after it was due"],
  ["lookup", "looking up the name"],
  ["connect", "connecting"],
  ["tls", "agreeing on TLS"],
  ["queue", "waiting for a free connection"],
  ["send", "sending"],
  ["wait", "waiting for the first byte"],
  ["receive", "receiving"],
]);
const phaseOrder = [...meanings.keys()];

/**
 * The slowest samples one above the other, each from the moment it was due, in the parts that its time went into. The same
 * as a table below it.
 */
export function waterfallChart(samples: readonly SlowestSample[], unit: MetricUnit): Markup {
  const slowest = samples.reduce((most, { value }) => Math.max(most, value), 0);
  const scale = linearScale(slowest * 1.001, unit, 3);
  const height = PLOT.y + samples.length * ROW + 22;
  const used = phaseOrder.filter((phase) => samples.some(({ phases }) => phases.some(([own]) => own === phase)));
  const others = samples.flatMap(({ phases }) => phases.map(([own]) => own)).filter((own) => !phaseOrder.includes(own));
  const columns = [...used, ...new Set(others)];
  const facts = samples
    .map(
      ({ atMs, value, phases }) => `${formatClock(atMs)}: ${formatQuantity(value, unit)}, mostly ${mainPhase(phases)}`,
    )
    .join("; ");
  return html`<figure class="chart waterfall"><figcaption>Slowest requests ${columns.map((phase) => html`<span class="key phase-${phaseClass(phase)}">${phase}</span>`)}</figcaption>
<div class="scroll"><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${`The slowest: ${facts}. The parts are in the table below.`}">
${scale.ticks.map(({ at, label }) => html`<path class="grid" d="M${round(PLOT.x + at * PLOT.width)} ${PLOT.y}v${samples.length * ROW}"/><text class="tick" x="${round(PLOT.x + at * PLOT.width)}" y="${height - 6}" text-anchor="middle">${label}</text>`)}
${samples.map((sample, i) => waterfallRow(sample, PLOT.y + i * ROW, scale.position, unit))}
</svg></div>
<div class="scroll" role="region" tabindex="0" aria-label="Parts of the slowest requests"><table><caption>Where the time of the slowest went</caption><thead><tr><th scope="col">due at</th><th scope="col">request</th><th scope="col" class="n">in all</th>${columns.map((phase) => html`<th scope="col" class="n"><abbr title="${meanings.get(phase) ?? phase}">${phase}</abbr></th>`)}</tr></thead><tbody>${samples.map((sample) => tableRow(sample, columns, unit))}</tbody></table></div></figure>`;
}

const phaseClass = (phase: string): string => (phaseOrder.includes(phase) ? phase : "other");

function mainPhase(phases: SlowestSample["phases"]): string {
  const [most] = phases.toSorted(([, a], [, b]) => b - a);
  return most === undefined ? "unknown" : (meanings.get(most[0]) ?? most[0]);
}

function waterfallRow(
  { atMs, value, phases }: SlowestSample,
  y: number,
  position: (value: number) => number,
  unit: MetricUnit,
): Markup {
  let before = 0;
  const parts = phases.map(([phase, length]) => {
    const x = round(PLOT.x + position(before) * PLOT.width);
    before += length;
    const width = Math.max(0.5, round(position(length) * PLOT.width));
    return html`<rect class="phase-${phaseClass(phase)}" x="${x}" y="${y + 4}" width="${width}" height="${ROW - 8}"/>`;
  });
  return html`<text class="tick" x="${PLOT.x - 6}" y="${y + ROW / 2 + 3.5}" text-anchor="end">${formatClock(atMs)}</text>${parts}<text class="end" x="${round(PLOT.x + position(value) * PLOT.width + 5)}" y="${y + ROW / 2 + 3.5}">${formatQuantity(value, unit)}</text>`;
}

function tableRow({ atMs, value, phases, label }: SlowestSample, columns: readonly string[], unit: MetricUnit): Markup {
  const cells = columns.map((column) => {
    const length = phases.find(([phase]) => phase === column)?.[1];
    return html`<td class="n">${length === undefined ? "–" : formatQuantity(length, unit)}</td>`;
  });
  return html`<tr><th scope="row">${formatClock(atMs)}</th><td>${name(label)}</td><td class="n">${formatQuantity(value, unit)}</td>${cells}</tr>`;
}
