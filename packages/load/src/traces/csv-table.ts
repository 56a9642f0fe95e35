import { linesOf, type TextSource } from "@mettle/results";
import { invalidTrace, traceErrors } from "./errors.ts";

export interface CsvRow {
  readonly line: number;
  /** In the order of the columns asked for. */
  readonly values: readonly string[];
}

/**
 * Rows of a CSV file with a header, one at a time. The formats read have plain numbers and times only, so a quote is a
 * mistake, named as one. A last line without its newline is taken as it is if it has all columns.
 *
 * @throws MettleError `TRACE_INVALID` with the line
 */
export async function* csvRows(text: TextSource, columns: readonly string[], source: string): AsyncGenerator<CsvRow> {
  let positions: readonly number[] | undefined;
  let width = 0;
  for await (const { number, text: line } of linesOf(text, (at) => tooLong(source, at))) {
    const fields = line.split(",").map((field) => field.trim());
    if (!positions) {
      positions = columns.map((column) => fields.indexOf(column));
      const missing = columns.filter((_, index) => positions?.[index] === -1);
      if (missing.length > 0) throw invalidTrace(source, `line ${number}`, `there is no column ${missing.join(", ")}`);
      width = fields.length;
      continue;
    }
    if (fields.length !== width) {
      throw invalidTrace(source, `line ${number}`, `it has ${fields.length} fields, the header ${width}`);
    }
    yield { line: number, values: positions.map((position) => fields[position] ?? "") };
  }
}

export const tooLong = (source: string, line: number): Error =>
  traceErrors.create("TRACE_TOO_LARGE", `${source}, line ${line}: it is too long to be part of a trace.`, {
    details: { source, line },
  });

/** A count ≥ 0, written as a plain number. @throws MettleError `TRACE_INVALID` */
export function wholeNumber(value: unknown, name: string, source: string, place: string): number {
  const number = typeof value === "string" && /^\d+(?:\.0*)?$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isSafeInteger(number) && number >= 0) return number;
  throw invalidTrace(source, place, `${name} is ${JSON.stringify(value) ?? "absent"}, not a whole number ≥ 0`);
}
