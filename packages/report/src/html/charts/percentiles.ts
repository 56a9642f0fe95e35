import { formatQuantity } from "@mettle/core";
import { html, type Markup, round, pathData } from "../html.ts";
import type { DistributionChart } from "./distribution.ts";
import type { Values } from "./samples.ts";
import { logScale, type Scale } from "./scale.ts";

const WIDTH = 440;
const HEIGHT = 132;
const PLOT = { x: 52, y: 10, width: WIDTH - 62, height: HEIGHT - 36 };
const POINTS = 64;
const named = [0.5, 0.9, 0.99, 0.999, 0.9999] as const;

/** Nines: 0.9 is 1, 0.99 is 2. */
const nines = (q: number): number => -Math.log10(1 - q);

/** What share of all was at most so slow: the axis gives each further nine the same room, as far as there are values. */
export function percentileChart({ unit, values, baseline, limits = [] }: DistributionChart): Markup {
  const all = [values, ...(baseline ? [baseline.values] : [])];
  // A percentile beyond the last value would be the greatest value again, under a name that it does not deserve.
  const most = Math.min(4, Math.log10(Math.max(...all.map(({ count }) => count))));
  if (most < 1) return html`<p class="absent">Percentile curve: too few values for one.</p>`;
  const low = Math.min(...all.map((each) => each.quantile(0.01)));
  const high = Math.max(...all.map((each) => each.quantile(1 - 10 ** -most)), ...limits.map(({ value }) => value));
  const scale = logScale(Math.max(low, high * 1e-6) || 1, (high || 1) * 1.05, unit, 4);
  const shown = named.filter((q) => nines(q) <= most + 1e-9);
  const facts = shown.map((q) => `p${Number((q * 100).toFixed(2))} ${formatQuantity(values.quantile(q), unit)}`);
  return html`<figure class="chart"><figcaption>Percentile curve</figcaption>
<div class="scroll"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${`Percentiles: ${facts.join(", ")}.`}">
${scale.ticks.map(({ at, label }) => html`<path class="grid" d="M${PLOT.x} ${round(PLOT.y + PLOT.height * (1 - at))}h${PLOT.width}"/><text class="tick" x="${PLOT.x - 5}" y="${round(PLOT.y + PLOT.height * (1 - at) + 3.5)}" text-anchor="end">${label}</text>`)}
${shown.map((q) => {
  const x = round(PLOT.x + (nines(q) / most) * PLOT.width);
  return html`<path class="mark" d="M${x} ${PLOT.y}v${PLOT.height}"/><text class="tick" x="${x}" y="${HEIGHT - 10}" text-anchor="${x > WIDTH - 30 ? "end" : "middle"}">p${Number((q * 100).toFixed(2))}</text>`;
})}
${baseline && html`<path class="outline" d="${pathData(curve(baseline.values, scale, most))}"/>`}<path class="line high" d="${pathData(curve(values, scale, most))}"/>
${limits.map(({ value }) => html`<path class="limit" d="M${PLOT.x} ${round(PLOT.y + PLOT.height * (1 - scale.position(value)))}h${PLOT.width}"/>`)}
</svg></div></figure>`;
}

function curve(values: Values, scale: Scale, most: number): string {
  const own = Math.min(most, Math.log10(values.count));
  const points = Array.from({ length: POINTS + 1 }, (_, i) => {
    const at = (own * i) / POINTS;
    const y = PLOT.y + PLOT.height * (1 - Math.min(1, scale.position(values.quantile(1 - 10 ** -at))));
    return `${round(PLOT.x + (at / most) * PLOT.width)} ${round(y)}`;
  });
  return `M${points.join("L")}`;
}
