import { formatChange } from "@mettle/core";
import type { ComparisonOutcome } from "@mettle/results";
import { formatRatioInterval } from "../../text/quantities.ts";
import { type Content, html, type Markup, round } from "../html.ts";

/** A change as a row of a forest plot shows it; ratios are new / old. */
export interface ForestRow {
  readonly ratio: number;
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  readonly outcome: ComparisonOutcome;
  /** Smallest effect that matters, as a fraction; a band around no change. */
  readonly margin?: number | undefined;
}

const WIDTH = 140;
const HEIGHT = 18;
const MIDDLE = WIDTH / 2;
const EDGE = 6;

/**
 * How far the axis reaches, as a logarithm of the ratio, for rows that share it: nine rows in ten fit with their
 * intervals, and what does not ends in an arrow. At least three margins, so that noise does not look like news.
 */
export function forestReach(rows: readonly ForestRow[]): number {
  const ends = rows
    .map(({ ratio, low, high }) =>
      Math.max(...[ratio, low ?? ratio, high ?? ratio].map((each) => Math.abs(Math.log(each)))),
    )
    .filter(Number.isFinite)
    .toSorted((a, b) => a - b);
  const most = ends[Math.min(ends.length - 1, Math.floor(ends.length * 0.9))] ?? 0;
  const margin = Math.max(0.005, ...rows.map((row) => row.margin ?? 0));
  return Math.max(most * 1.1, 3 * margin);
}

/** The interval as a bar around the ratio; left of the line is less, right is more. */
export function forestBar(row: ForestRow, reach: number): Markup {
  const { ratio, low = ratio, high = ratio, outcome, margin } = row;
  const place = (value: number): number => MIDDLE + (Math.log(value) / reach) * (MIDDLE - EDGE);
  const clip = (x: number): number => round(Math.min(WIDTH - EDGE, Math.max(EDGE, x)));
  const [from, to, at] = [low, high, ratio].map(place) as [number, number, number];
  const arrows: Content = [
    from < EDGE && html`<path class="arrow" d="M0 9l6 -4v8z"/>`,
    to > WIDTH - EDGE && html`<path class="arrow" d="M${WIDTH} 9l-6 -4v8z"/>`,
  ];
  const band =
    margin !== undefined &&
    margin > 0 &&
    html`<path class="band" d="M${clip(place(1 / (1 + margin)))} 1H${clip(place(1 + margin))}V${HEIGHT - 1}H${clip(place(1 / (1 + margin)))}z"/>`;
  return html`<svg class="forest ${outcome}" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${forestText(row)}">${band}<path class="axis" d="M${MIDDLE} 0v${HEIGHT}"/><path class="interval" d="M${clip(from)} 9H${clip(to)}"/>${arrows}<circle cx="${clip(at)}" cy="9" r="3.5"/></svg>`;
}

/** `+3.1 % [+2.2, +4.0]`; from tenfold on as a factor, where percentages stop to say anything: `÷82 [÷135, ÷50]`. */
export function forestText({ ratio, low, high }: ForestRow): string {
  if (ratio >= 10 || ratio <= 0.1) {
    const bounds = low === undefined || high === undefined ? "" : ` [${factorText(low)}, ${factorText(high)}]`;
    return `${factorText(ratio)}${bounds}`;
  }
  const interval = low === undefined || high === undefined ? "" : ` ${formatRatioInterval(low, high)}`;
  return `${formatChange(ratio - 1)}${interval}`;
}

const factorText = (ratio: number): string =>
  ratio >= 1 ? `×${Number(ratio.toPrecision(3))}` : `÷${Number((1 / ratio).toPrecision(3))}`;
