import { TaskFailure } from "../agent-type.ts";
import { type Column, columnOf, type NumberColumn, type TextColumn, type TimeColumn } from "./columns.ts";
import { type ColumnProfile, profileOf } from "./describe.ts";
import { type Correlation, correlationsOf, type Grouping, groupingOf, type Trend, trendsOf } from "./relations.ts";
import type { Table } from "./table.ts";

export interface AnalysisOptions {
  /** A column whose values part the rows; without one, those with few different values are chosen. */
  readonly group_by?: string;
  /** The column of times that trends are over; without one, the first of its kind. */
  readonly time?: string;
}

export interface TableAnalysis {
  readonly table: string;
  readonly rows: number;
  readonly columns: readonly ColumnProfile[];
  readonly groups: readonly Grouping[];
  readonly trends: readonly Trend[];
  readonly correlations: readonly Correlation[];
  /** What stands out, in words. */
  readonly findings: readonly string[];
}

const groupsAtMost = 20;
const groupingsAtMost = 3;
const groupsNamedAtMost = 200;
/** More would take minutes to compare with each other. */
const comparedAtMost = 50;

/** @throws TaskFailure `COLUMN_UNKNOWN` */
export async function analyzeTable(
  table: Table,
  options: AnalysisOptions,
  breathe: () => Promise<void>,
): Promise<TableAnalysis> {
  const columns: Column[] = [];
  for (const column of table.columns) {
    await breathe();
    columns.push(columnOf(column));
  }
  const numeric = columns.filter((column): column is NumberColumn => column.type === "number");
  const time = timeColumn(columns, options.time);
  const profiles: ColumnProfile[] = [];
  for (const column of columns) {
    await breathe();
    profiles.push(profileOf(column));
  }
  const parts = {
    table: table.name,
    rows: table.rows,
    columns: profiles,
    groups: groupColumns(columns, profiles, options.group_by).map((by) => groupingOf(by, numeric)),
    trends: time ? trendsOf(numeric, time) : [],
    correlations: await correlationsOf(numeric.slice(0, comparedAtMost), breathe),
  };
  return { ...parts, findings: findingsOf(parts) };
}

function unknown(name: string, columns: readonly Column[], kind: string): TaskFailure {
  const known = columns.map((column) => column.name).join(", ");
  return new TaskFailure(
    "COLUMN_UNKNOWN",
    `There is no column ${JSON.stringify(name)} of ${kind}; there are ${known}.`,
  );
}

function timeColumn(columns: readonly Column[], named: string | undefined): TimeColumn | undefined {
  const times = columns.filter((column): column is TimeColumn => column.type === "time");
  if (named === undefined) return times[0];
  const found = times.find(({ name }) => name === named);
  if (!found) throw unknown(named, columns, "times");
  return found;
}

function groupColumns(
  columns: readonly Column[],
  profiles: readonly ColumnProfile[],
  named: string | undefined,
): readonly TextColumn[] {
  const distinct = (name: string): number => {
    const profile = profiles.find((one) => one.name === name);
    return profile && "distinct" in profile ? profile.distinct : 0;
  };
  if (named !== undefined) {
    const found = columns.find(({ name }) => name === named);
    if (!found || found.type === "time") throw unknown(named, columns, "few values");
    const by = found.type === "number" ? asText(found) : found;
    if (new Set(by.texts).size <= groupsNamedAtMost) return [by];
    throw new TaskFailure("COLUMN_UNSUITABLE", `${named} has more than ${groupsNamedAtMost} different values.`);
  }
  return columns
    .filter((column): column is TextColumn => column.type === "text" || column.type === "boolean")
    .filter(({ name, texts, missing }) => {
      const values = distinct(name);
      return values >= 2 && values <= groupsAtMost && values <= (texts.length - missing) / 2;
    })
    .slice(0, groupingsAtMost);
}

const asText = ({ name, missing, numbers }: NumberColumn): TextColumn => ({
  type: "text",
  name,
  missing,
  texts: Array.from(numbers, (value) => (Number.isNaN(value) ? undefined : String(value))),
});

const figure = (value: number): string => String(Number(value.toPrecision(4)));
const counted = (count: number, thing: string): string => `${count} ${thing}${count === 1 ? "" : "s"}`;
const percent = (share: number): string => `${figure(share * 100)} %`;

function findingsOf({ rows, columns, groups, trends, correlations }: Omit<TableAnalysis, "findings">): string[] {
  if (rows === 0) return ["The table has no rows."];
  const findings: string[] = [];
  for (const column of columns) {
    if (column.missing > 0) findings.push(`${column.name} lacks ${percent(column.missing / rows)} of its values.`);
    if (column.type !== "number") continue;
    if (column.unreadable > 0)
      findings.push(`${column.name} has ${counted(column.unreadable, "value")} that cannot be read as a number.`);
    const { outliers, quartiles } = column;
    const [far] = outliers?.farthest ?? [];
    if (outliers && far && quartiles) {
      const median = figure(quartiles[1]);
      findings.push(
        `${column.name} has ${counted(outliers.count, "outlying value")}; the farthest is ${figure(far.value)} in row ${far.row} (median ${median}).`,
      );
    }
  }
  for (const { column, over, direction, change_per_day: change } of trends) {
    if (direction === "none") continue;
    findings.push(`${column} is ${direction} over ${over}, by ${figure(Math.abs(change))} a day.`);
  }
  for (const { columns: pair, coefficient } of correlations.slice(0, 5)) {
    findings.push(`${pair[0]} and ${pair[1]} go together (correlation ${figure(coefficient)}).`);
  }
  for (const { by, explains } of groups) {
    for (const [column, share] of Object.entries(explains)) {
      if (share >= 0.25) findings.push(`${by} explains ${percent(share)} of the variance of ${column}.`);
    }
  }
  return findings;
}
