import { type TextSource, textOf } from "./text-lines.ts";

/** What a spreadsheet would take for a formula, and the sign that protects from it (which then needs protection itself). */
const formulaStart = /^[=+\-@\t\r']/;

/**
 * A cell of text by RFC 4180. Text that a spreadsheet would run as a formula gets an apostrophe in front
 * (OWASP, CSV injection); `fromCell` takes it off again.
 */
export function textCell(text: string): string {
  return quoted(formulaStart.test(text) ? `'${text}` : text);
}

/** A number's cell: never a formula, so a negative number stays one. */
export const numberCell = (value: number): string => String(value);

/** The text that `textCell` was given. */
export function fromCell(cell: string): string {
  return cell.startsWith("'") && formulaStart.test(cell.slice(1)) ? cell.slice(1) : cell;
}

/** Quotes a cell where RFC 4180 asks for it, with no protection from formulas: for formats that programs read. */
export function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export interface CsvRow {
  /** Where the row begins, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
  /** False when the file ends inside quotes, or without the last newline. */
  readonly ended: boolean;
}

/**
 * Rows of a CSV stream (RFC 4180), one at a time: quoted cells may hold commas, quotes and newlines. Empty lines are left
 * out.
 */
export async function* csvRows(source: TextSource): AsyncGenerator<CsvRow, void, void> {
  const reader = new RowReader();
  for await (const text of textOf(source)) yield* reader.feed(text);
  const last = reader.end();
  if (last) yield last;
}

class RowReader {
  #line = 1;
  #rowLine = 1;
  #cells: string[] = [];
  #cell = "";
  #quoted = false;
  /** A quote inside quotes: the end of the cell, or the first of two. */
  #pendingQuote = false;

  /** Hot: per character of the file. */
  *feed(text: string): Generator<CsvRow, void, void> {
    for (let at = 0; at < text.length; at++) {
      const character = text[at] ?? "";
      if (character === "\n") this.#line++;
      if (this.#quoted && !this.#pendingQuote) {
        if (character === '"') this.#pendingQuote = true;
        else this.#cell += character;
        continue;
      }
      if (this.#pendingQuote) {
        this.#pendingQuote = false;
        if (character === '"') {
          this.#cell += '"';
          continue;
        }
        this.#quoted = false;
      }
      if (character === '"' && this.#cell === "") this.#quoted = true;
      else if (character === ",") this.#endCell();
      else if (character === "\n") yield* this.#endRow(true);
      else if (character !== "\r") this.#cell += character;
    }
  }

  end(): CsvRow | undefined {
    const inside = this.#quoted && !this.#pendingQuote;
    if (this.#cell === "" && this.#cells.length === 0 && !inside) return undefined;
    this.#endCell();
    return { line: this.#rowLine, cells: this.#cells, ended: false };
  }

  #endCell(): void {
    this.#cells.push(this.#cell);
    this.#cell = "";
  }

  *#endRow(ended: boolean): Generator<CsvRow, void, void> {
    if (this.#cell !== "" || this.#cells.length > 0) {
      this.#endCell();
      yield { line: this.#rowLine, cells: this.#cells, ended };
    }
    this.#cells = [];
    this.#rowLine = this.#line;
  }
}
