import type { RawColumn } from "./table.ts";

interface ColumnBase {
  readonly name: string;
  readonly missing: number;
}

export interface NumberColumn extends ColumnBase {
  readonly type: "number";
  /** By row; NaN where there is none. */
  readonly numbers: Float64Array;
  /** What stands in the column and is no number. */
  readonly unreadable: number;
}

export interface TimeColumn extends ColumnBase {
  readonly type: "time";
  /** Unix ms by row; NaN where there is none. */
  readonly times: Float64Array;
}

export interface TextColumn extends ColumnBase {
  readonly type: "text" | "boolean";
  readonly texts: readonly (string | undefined)[];
}

/** A column whose values all have one meaning. */
export type Column = NumberColumn | TimeColumn | TextColumn;

const numberForm = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?$/i;
/** ISO 8601, the calendar form; without an offset it is UTC. */
const timeForm = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/;
const booleans = new Set(["true", "false", "yes", "no"]);
/** A column with so few words among its numbers is one of numbers with slips. */
const slipsAllowed = 0.05;

/** What a column holds: numbers, times, yes and no, or else text. */
export function columnOf({ name, values }: RawColumn): Column {
  const present = values.filter((value) => value !== undefined);
  const missing = values.length - present.length;
  const numbers = Float64Array.from(values, (value) => numberOf(value));
  const readable = numbers.reduce((count, value) => count + (Number.isNaN(value) ? 0 : 1), 0);
  const unreadable = present.length - readable;
  if (readable > 0 && unreadable <= slipsAllowed * present.length) {
    return { type: "number", name, missing, numbers, unreadable };
  }
  const times = Float64Array.from(values, (value) => timeOf(value));
  if (present.length > 0 && values.every((value, i) => value === undefined || !Number.isNaN(times[i]))) {
    return { type: "time", name, missing, times };
  }
  const texts = values.map((value) => (value === undefined ? undefined : String(value)));
  const boolean = present.length > 0 && texts.every((text) => text === undefined || booleans.has(text.toLowerCase()));
  return { type: boolean ? "boolean" : "text", name, missing, texts };
}

function numberOf(value: RawColumn["values"][number]): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && numberForm.test(value) && Number.isFinite(Number(value))
    ? Number(value)
    : Number.NaN;
}

function timeOf(value: RawColumn["values"][number]): number {
  if (typeof value !== "string") return Number.NaN;
  const [, day, time = "00:00", offset = "Z"] = timeForm.exec(value) ?? [];
  return day === undefined ? Number.NaN : Date.parse(`${day}T${time}${offset}`);
}
