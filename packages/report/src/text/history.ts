import { formatChange, formatQuantity, type MetricUnit } from "@mettle/core";
import type { ComparisonOutcome, Direction } from "@mettle/results";
import { subjectText } from "../cases.ts";
import { formatTime } from "../provenance.ts";
import { formatRatioInterval } from "./quantities.ts";
import { sparkline, sparklineCell } from "./sparkline.ts";
import { type TextContext, type TextOptions, textContext } from "./summary.ts";
import { guardLines, visibleText } from "./visible.ts";
import { textWidth, truncateEnd, truncateMiddle } from "./width.ts";
import { counted, outcomeTones, outcomeWord } from "./words.ts";

/** One metric over the runs kept of it. Structural: what the history store and the change-point finder know. */
export interface MetricHistory {
  readonly metric: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly unit: MetricUnit;
  readonly direction: Direction;
  /** Oldest first. `value` absent: that run has no such measurement. */
  readonly points: readonly HistoryPoint[];
  /** Ascending by index. Absent: no search was made, which is not the same as none found. */
  readonly changePoints?: readonly HistoryChange[];
}

export interface HistoryPoint {
  /** ISO 8601. */
  readonly at: string;
  readonly value?: number;
  readonly commit?: string;
  readonly runId?: string;
}

export interface HistoryChange {
  /** Of the first point after the change. */
  readonly index: number;
  readonly ratio: number;
  readonly low?: number;
  readonly high?: number;
  readonly outcome: ComparisonOutcome;
}

/**
 * Each metric as a sparkline over time with its range, the last value, and the changes found in it: when, at which
 * commit, by how much.
 */
export function renderHistory(histories: readonly MetricHistory[], options: TextOptions = {}): string {
  const context = textContext(options);
  if (histories.length === 0) return "   No history matches.\n";
  return guardLines(`${histories.map((history) => historyLines(history, context).join("\n")).join("\n\n")}\n`);
}

function historyLines(history: MetricHistory, context: TextContext): string[] {
  const { paint, width } = context;
  const { points, unit, changePoints } = history;
  const values = points.flatMap(({ value }) => (value !== undefined && Number.isFinite(value) ? [value] : []));
  const name = visibleText(subjectText(history.metric, history.tags));
  const last = values.at(-1);
  const first = points[0];
  const latest = points.at(-1);
  const facts = last === undefined ? "no values" : `last ${formatQuantity(last, unit)}`;
  const title = ` ${paint("strong", truncateMiddle(name, width - 4 - textWidth(facts)))}  ${facts}`;
  if (values.length === 0 || !first || !latest) return [title];
  const room = width - 6;
  const range = `${formatQuantity(Math.min(...values), unit)} … ${formatQuantity(Math.max(...values), unit)}`;
  const span = `${counted(points.length, "run")}, ${formatTime(first.at)} to ${formatTime(latest.at)}, ${range}`;
  const chart = sparkline(
    points.map(({ value }) => value),
    room,
  );
  return [
    title,
    `   ${chart}`,
    ...markLine(history, room, context),
    `   ${paint("dim", truncateEnd(span, width - 3))}`,
    ...(changePoints === undefined
      ? []
      : changePoints.length === 0
        ? [`   ${paint("dim", "no change found")}`]
        : changePoints.map((change) => changeLine(change, history, context))),
  ];
}

/** Arrows under the sparkline, where the level changed. */
function markLine({ points, changePoints = [] }: MetricHistory, room: number, { paint }: TextContext): string[] {
  if (changePoints.length === 0) return [];
  const marks = new Map(changePoints.map((change) => [sparklineCell(change.index, points.length, room), change]));
  let line = "";
  for (let cell = 0; cell <= Math.max(...marks.keys()); cell++) {
    const change = marks.get(cell);
    line += change ? paint(outcomeTones[change.outcome], "▲") : " ";
  }
  return [`   ${line}`];
}

function changeLine(change: HistoryChange, history: MetricHistory, { paint, width }: TextContext): string {
  const point = history.points[change.index];
  const where = point
    ? `${formatTime(point.at)}${point.commit === undefined ? "" : `  ${point.commit.slice(0, 7)}`}`
    : "";
  const interval =
    change.low === undefined || change.high === undefined ? "" : ` ${formatRatioInterval(change.low, change.high)}`;
  const word = outcomeWord(change.outcome, history.unit);
  const text = `${visibleText(where)}  ${formatChange(change.ratio - 1)}${interval}  ${word}`;
  return `   ${paint(outcomeTones[change.outcome], "▲")} ${truncateEnd(text, width - 5)}`;
}
