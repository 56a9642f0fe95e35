import type { Painter, Tone } from "./color.ts";
import { type Alignment, pad, textWidth, truncateMiddle, truncateStart } from "./width.ts";

/** Text for one cell, without escape sequences: colour is put on after padding. */
export interface Cell {
  readonly text: string;
  readonly tone?: Tone;
}

export interface Column {
  readonly title: string;
  readonly align: Alignment;
  readonly cells: readonly Cell[];
  /** The columns with the highest number go first when the table is too wide. Absent: never dropped. */
  readonly dropOrder?: number;
  /** May be cut down to this many cells when the table is too wide: in the middle, or where it keeps texts apart. */
  readonly shrinkTo?: number;
  /** Spaces to the next column. @defaultValue 2 */
  readonly gap?: number;
}

export interface TableOptions {
  readonly width: number;
  readonly paint: Painter;
  /** Spaces before each line. */
  readonly indent: number;
}

export interface TableText {
  readonly lines: readonly string[];
  /** Titles of the columns that found no room, and the least width at which all do. */
  readonly hidden: readonly string[];
  readonly fullWidth: number;
}

const GAP = 2;

/**
 * A table in at most `width` cells: columns without any text are left out, then flexible columns are shortened, then
 * columns dropped in their order. One line per row, never wrapped.
 */
export function layoutTable(columns: readonly Column[], options: TableOptions): TableText {
  const filled = columns.filter((column) => column.cells.some((cell) => cell.text !== ""));
  const fullWidth = options.indent + totalWidth(filled, filled.map(smallestWidth));
  let shown = filled;
  let widths = fit(shown, options.width - options.indent);
  while (widths === undefined) {
    const victim = shown
      .filter((column) => column.dropOrder !== undefined)
      .toSorted((a, b) => (b.dropOrder ?? 0) - (a.dropOrder ?? 0))[0];
    if (!victim) break;
    shown = shown.filter((column) => column !== victim);
    widths = fit(shown, options.width - options.indent);
  }
  const lines = formatRows(shown, widths ?? squeeze(shown, options.width - options.indent), options);
  return { lines, hidden: filled.filter((column) => !shown.includes(column)).map(({ title }) => title), fullWidth };
}

const gapAfter = (column: Column): number => column.gap ?? GAP;

function totalWidth(columns: readonly Column[], widths: readonly number[]): number {
  const gaps = columns.slice(0, -1).reduce((sum, column) => sum + gapAfter(column), 0);
  return widths.reduce((sum, width) => sum + width, gaps);
}

function naturalWidth(column: Column): number {
  return column.cells.reduce((widest, { text }) => Math.max(widest, textWidth(text)), textWidth(column.title));
}

function smallestWidth(column: Column): number {
  const natural = naturalWidth(column);
  return column.shrinkTo === undefined
    ? natural
    : Math.min(natural, Math.max(column.shrinkTo, textWidth(column.title)));
}

/** Widths that fit `room`, flexible columns shortened as little as needed; undefined when even the smallest do not. */
function fit(columns: readonly Column[], room: number): number[] | undefined {
  const widths = columns.map(naturalWidth);
  let excess = totalWidth(columns, widths) - room;
  for (const [i, column] of columns.entries()) {
    if (excess <= 0) break;
    const natural = widths[i] ?? 0;
    const taken = Math.min(excess, natural - smallestWidth(column));
    widths[i] = natural - taken;
    excess -= taken;
  }
  return excess > 0 ? undefined : widths;
}

/** The last resort: cells are taken from the widest column until the rest fits, so a line never wraps. */
function squeeze(columns: readonly Column[], room: number): number[] {
  const widths = columns.map(smallestWidth);
  while (totalWidth(columns, widths) > room) {
    const widest = widths.reduce((a, b) => Math.max(a, b), 0);
    if (widest <= 1) break;
    widths[widths.indexOf(widest)] = widest - 1;
  }
  return widths;
}

function formatRows(columns: readonly Column[], widths: readonly number[], options: TableOptions): string[] {
  const margin = " ".repeat(options.indent);
  const rows = columns[0]?.cells.length ?? 0;
  const cut = columns.map((column, i) => cutting(column, widths[i] ?? 0));
  const line = (cellOf: (column: Column) => Cell): string =>
    margin +
    columns
      .map((column, i) => {
        const { text, tone = "plain" } = cellOf(column);
        const width = widths[i] ?? 0;
        const fitted = (cut[i] ?? truncateMiddle)(text, width);
        const padded = i === columns.length - 1 && column.align === "left" ? fitted : pad(fitted, width, column.align);
        return paintText(options.paint, tone, padded) + " ".repeat(gapAfter(column));
      })
      .join("")
      .trimEnd();
  if (rows === 0) return [];
  const hasHeading = columns.some(({ title }) => title !== "");
  const body = Array.from({ length: rows }, (_, row) => line((column) => column.cells[row] ?? { text: "" }));
  return hasHeading ? [line(({ title }) => ({ text: title, tone: "dim" })), ...body] : body;
}

/** How a column's texts are shortened: so that as many as can be are still told apart. */
function cutting({ cells }: Column, width: number): (text: string, width: number) => string {
  const texts = [...new Set(cells.map(({ text }) => text))];
  const distinct = (cut: (text: string, width: number) => string): number =>
    new Set(texts.map((text) => cut(text, width))).size;
  return distinct(truncateStart) > distinct(truncateMiddle) ? truncateStart : truncateMiddle;
}

/** Paints the text but not the spaces around it, so that no style shows on padding. */
function paintText(paint: Painter, tone: Tone, padded: string): string {
  const text = padded.trim();
  if (text === "") return padded;
  const start = padded.indexOf(text);
  return padded.slice(0, start) + paint(tone, text) + padded.slice(start + text.length);
}
