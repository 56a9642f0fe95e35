import { messageOf } from "@mettle/core";
import { parse } from "csv-parse/sync";
import { TaskFailure } from "../agent-type.ts";

/** What a table is given as: rows of values by column, or CSV whose first line names the columns. */
export interface GivenTable {
  readonly name?: string;
  readonly rows?: readonly Readonly<Record<string, unknown>>[];
  readonly csv?: string;
}

/** A column's values by row; undefined where there is none. */
export interface RawColumn {
  readonly name: string;
  readonly values: readonly (string | number | boolean | undefined)[];
}

export interface Table {
  readonly name: string;
  readonly rows: number;
  readonly columns: readonly RawColumn[];
}

const columnsAtMost = 200;
const rowsAtMost = 200_000;
/** How programs write that there is no value. */
const missing = new Set(["", "na", "n/a", "nan", "null"]);

/** @throws TaskFailure `TABLE_UNREADABLE`, `TABLE_TOO_LARGE` */
export function readTable({ name = "table", rows, csv }: GivenTable): Table {
  const records = rows ?? readCsv(name, csv ?? "");
  const names = new Set<string>();
  for (const record of records) for (const key of Object.keys(record)) names.add(key);
  if (names.size > columnsAtMost || records.length > rowsAtMost) {
    throw new TaskFailure(
      "TABLE_TOO_LARGE",
      `${name} has ${names.size} columns and ${records.length} rows; at most ${columnsAtMost} and ${rowsAtMost} are taken.`,
    );
  }
  const columns = [...names].map((column) => ({
    name: column,
    // A row's own property only: "constructor" is a column's name like any other.
    values: records.map((record) => (Object.hasOwn(record, column) ? cellOf(record[column]) : undefined)),
  }));
  return { name, rows: records.length, columns };
}

function readCsv(name: string, csv: string): readonly Readonly<Record<string, unknown>>[] {
  try {
    const [header, ...lines] = parse(csv, {
      bom: true,
      delimiter: delimiterOf(csv),
      skip_empty_lines: true,
      relax_column_count_less: true,
    });
    const names = uniqueNames(header ?? []);
    return lines.map((line) => Object.fromEntries(line.map((value, i) => [names[i] ?? `column ${i + 1}`, value])));
  } catch (error) {
    throw new TaskFailure("TABLE_UNREADABLE", `${name} is no CSV: ${messageOf(error)}.`);
  }
}

/** The one of the usual delimiters that the first line has most of. */
function delimiterOf(csv: string): string {
  const [first = ""] = csv.split("\n", 1);
  const count = (delimiter: string): number => first.split(delimiter).length;
  return [",", ";", "\t"].reduce((best, one) => (count(one) > count(best) ? one : best));
}

function uniqueNames(header: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return header.map((given, i) => {
    const plain = given.trim() === "" ? `column ${i + 1}` : given.trim();
    let name = plain;
    for (let n = 2; seen.has(name); n++) name = `${plain} (${n})`;
    seen.add(name);
    return name;
  });
}

function cellOf(value: unknown): string | number | boolean | undefined {
  if (value === null || value === undefined || (typeof value === "number" && !Number.isFinite(value))) return undefined;
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value !== "string") return JSON.stringify(value);
  const text = value.trim();
  return missing.has(text.toLowerCase()) ? undefined : text;
}
