import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "@mettle/core";
import { loadErrors } from "../engine/errors.ts";
import { noteFileRead } from "../engine/file-reads.ts";

/** One row of a table, by the names in its first line. */
export type DataRow = Readonly<Record<string, string>>;

const loaded = new Map<string, readonly unknown[]>();

/**
 * Rows of a CSV file (RFC 4180: quotes, commas and line ends within them), the first line as names. Read once in each
 * thread, whoever asks; the rows are frozen, as all users share them.
 *
 * @param file - a path, or `new URL("users.csv", import.meta.url)` for one beside the script
 * @throws MettleError `LOAD_DATA_INVALID` with the line
 */
export function csvRows(file: string | URL): readonly DataRow[] {
  return once(file, (text, name) => parseCsv(text, name)) as readonly DataRow[];
}

/**
 * The list in a JSON file, read once in each thread; frozen.
 *
 * @throws MettleError `LOAD_DATA_INVALID`
 */
// The caller names the shape of the rows that it expects.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function jsonRows<Row>(file: string | URL): readonly Row[] {
  return once(file, (text, name) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw invalid(name, `is no JSON: ${messageOf(cause)}`, cause);
    }
    if (!Array.isArray(value)) throw invalid(name, "holds no list");
    return value as readonly unknown[];
  }) as readonly Row[];
}

function once(file: string | URL, parse: (text: string, name: string) => readonly unknown[]): readonly unknown[] {
  const name = String(file);
  const known = loaded.get(name);
  if (known) return known;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
    noteFileRead(resolve(name.startsWith("file:") ? fileURLToPath(name) : name));
  } catch (cause) {
    throw invalid(name, `cannot be read: ${messageOf(cause)}`, cause);
  }
  const rows = parse(text, name);
  if (rows.length === 0) throw invalid(name, "holds no rows");
  for (const row of rows) Object.freeze(row);
  loaded.set(name, Object.freeze(rows));
  return rows;
}

const invalid = (file: string, problem: string, cause?: unknown): Error =>
  loadErrors.create("LOAD_DATA_INVALID", `${file} ${problem}.`, { details: { file, problem }, cause });

/** @throws MettleError `LOAD_DATA_INVALID` for a row with more or fewer cells than names, and quotes left open */
export function parseCsv(text: string, name: string): readonly DataRow[] {
  const rows = [...csvCells(text.replace(/^\ufeff/, ""), name)];
  const header = rows.shift()?.cells ?? [];
  const twice = header.find((column, index) => header.indexOf(column) !== index);
  if (twice !== undefined) throw invalid(name, `names the column ${JSON.stringify(twice)} twice`);
  return rows.map(({ cells, line }) => {
    if (cells.length !== header.length) {
      throw invalid(name, `has ${cells.length} cells in line ${line}, for ${header.length} columns`);
    }
    return Object.fromEntries(header.map((column, index) => [column, cells[index] ?? ""]));
  });
}

/** Rows as their cells; empty lines are none. */
function* csvCells(text: string, name: string): Generator<{ cells: string[]; line: number }> {
  let cells: string[] = [];
  let line = 1;
  let start = 1;
  let at = 0;
  while (at < text.length) {
    const cell = text[at] === '"' ? quotedCell(text, at, name, line) : plainCell(text, at);
    cells.push(cell.value);
    line += cell.value.split("\n").length - 1;
    at = cell.end;
    if (text[at] === ",") {
      at += 1;
      // A comma at the very end is followed by an empty cell.
      if (at === text.length) cells.push("");
      continue;
    }
    if (text[at] === "\r" && text[at + 1] === "\n") at += 1;
    at += 1;
    if (cells.length > 1 || cells[0] !== "") yield { cells, line: start };
    cells = [];
    line += 1;
    start = line;
  }
  if (cells.length > 1 || (cells.length === 1 && cells[0] !== "")) yield { cells, line: start };
}

function plainCell(text: string, at: number): { value: string; end: number } {
  let end = at;
  while (end < text.length && text[end] !== "," && text[end] !== "\n" && text[end] !== "\r") end += 1;
  return { value: text.slice(at, end), end };
}

function quotedCell(text: string, at: number, name: string, line: number): { value: string; end: number } {
  let value = "";
  for (let from = at + 1; ; ) {
    const quote = text.indexOf('"', from);
    if (quote < 0) throw invalid(name, `leaves quotes open in line ${line}`);
    value += text.slice(from, quote);
    if (text[quote + 1] !== '"') {
      const after = text[quote + 1];
      if (after !== undefined && !",\r\n".includes(after))
        throw invalid(name, `has text behind a quote in line ${line}`);
      return { value, end: quote + 1 };
    }
    value += '"';
    from = quote + 2;
  }
}
