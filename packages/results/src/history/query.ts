import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { MetricUnit } from "@mettle/core";
import { resultsErrors } from "../errors.ts";
import { type MeasurementName, measurementKey } from "../measurement-key.ts";
import type { Direction, Profile, Run, RunKind, Validity } from "../run.ts";
import { parseStatistic } from "../statistic.ts";
import { pointStatistics } from "./schema.ts";

/** Selects runs; what is left out does not restrict. */
export interface RunFilter {
  readonly name?: string;
  readonly kind?: RunKind;
  readonly profile?: Profile;
  readonly branch?: string;
  /** A commit id or the first digits of one. */
  readonly commit?: string;
  readonly environmentFingerprint?: string;
  readonly validity?: Validity["state"];
}

/** A stored run without its measurements. */
export interface RunEntry extends Pick<Run, "id" | "name" | "kind" | "startedAt" | "durationMs"> {
  /** Order of arrival in this history. */
  readonly ordinal: number;
  readonly profile?: Profile;
  readonly commit?: string;
  readonly branch?: string;
  readonly dirty?: boolean;
  readonly environmentFingerprint: string;
  readonly validity: Validity["state"];
}

export interface SeriesQuery {
  readonly metric: string;
  /** All tags of the measurement. @defaultValue none */
  readonly tags?: Readonly<Record<string, string>>;
  /**
   * A statistic of the summary (`p95`, `mean`, `avg` …), `controlRatio` (to the control workload of the same run) or
   * `ratio` (candidate / baseline of the paired comparison).
   */
  readonly statistic: string;
  readonly name?: string;
  readonly profile?: Profile;
  readonly branch?: string;
  readonly environmentFingerprint?: string;
  /** The newest so many. @defaultValue all */
  readonly limit?: number;
  /** Runs whose measurement was invalid too. @defaultValue false */
  readonly includeInvalid?: boolean;
}

export interface SeriesPoint {
  /** Of the run: `History.entry` says more. */
  readonly ordinal: number;
  /** When the run started, ms since 1970. */
  readonly atMs: number;
  readonly value: number;
  /** Value over the control workload's in the same run, where it had one. */
  readonly controlRatio?: number;
  /** candidate / baseline of the paired comparison, where the run made one. */
  readonly ratio?: number;
}

/** A metric that the history holds, with unit and direction as last stored. */
export interface MetricEntry extends MeasurementName {
  readonly key: string;
  readonly unit: MetricUnit;
  readonly direction: Direction;
}

type Row = Record<string, unknown>;
type Condition = readonly [sql: string, value: SQLInputValue];

const given = (sql: string, value: SQLInputValue | undefined): Condition[] =>
  value === undefined ? [] : [[sql, value]];
const where = (conditions: readonly Condition[]): string =>
  conditions.length === 0 ? "" : `WHERE ${conditions.map(([sql]) => sql).join(" AND ")}`;
const values = (conditions: readonly Condition[]): SQLInputValue[] => conditions.map(([, value]) => value);

function filterConditions(filter: RunFilter): Condition[] {
  return [
    ...given("name = ?", filter.name),
    ...given("kind = ?", filter.kind),
    ...given("profile = ?", filter.profile),
    ...given("branch = ?", filter.branch),
    // Commit ids are hexadecimal: "g" sorts after everything that begins with the digits given.
    ...given("commit_id >= ?", filter.commit),
    ...given("commit_id < ?", filter.commit === undefined ? undefined : `${filter.commit}g`),
    ...given("fingerprint = ?", filter.environmentFingerprint),
    ...given("validity = ?", filter.validity),
  ];
}

/** Newest first; of two that started in the same millisecond, the later arrival first. */
export function selectRuns(database: DatabaseSync, filter: RunFilter, limit: number): readonly RunEntry[] {
  const conditions = filterConditions(filter);
  const rows = database
    .prepare(`SELECT * FROM runs ${where(conditions)} ORDER BY at_ms DESC, ordinal DESC LIMIT ?`)
    .all(...values(conditions), limit);
  return rows.map(entryOf);
}

export function selectRun(database: DatabaseSync, by: "id" | "ordinal", value: string | number): RunEntry | undefined {
  const row = database.prepare(`SELECT * FROM runs WHERE ${by} = ?`).get(value);
  return row && entryOf(row);
}

function entryOf(row: Row): RunEntry {
  const optional = (name: string, column: string, convert = (value: unknown): unknown => value): Row =>
    row[column] === null ? {} : { [name]: convert(row[column]) };
  return {
    ordinal: row["ordinal"],
    id: row["id"],
    name: row["name"],
    kind: row["kind"],
    startedAt: row["started_at"],
    durationMs: row["duration_ms"],
    environmentFingerprint: row["fingerprint"],
    validity: row["validity"],
    ...optional("profile", "profile"),
    ...optional("commit", "commit_id"),
    ...optional("branch", "branch"),
    ...optional("dirty", "dirty", (dirty) => dirty === 1),
  } as unknown as RunEntry;
}

/** The column that holds a statistic. */
function columnOf(statistic: string): string {
  if (statistic === "controlRatio") return "control_ratio";
  if (statistic === "ratio") return "ratio";
  const parsed = parseStatistic(statistic);
  if ("field" in parsed && (parsed.field === "count" || pointStatistics.includes(parsed.field)))
    return `"${parsed.field}"`;
  throw resultsErrors.create("STATISTIC_INVALID", `The history keeps no ${statistic}: only what a summary holds.`, {
    details: { statistic },
  });
}

/** Oldest first. One range scan over `points`. */
export function selectSeries(database: DatabaseSync, query: SeriesQuery): readonly SeriesPoint[] {
  const key = measurementKey({ metric: query.metric, tags: query.tags ?? {} });
  const metric = database.prepare("SELECT metric_id FROM metrics WHERE key = ?").get(key)?.["metric_id"];
  const column = columnOf(query.statistic);
  if (metric === undefined) return [];
  const label = (text: string | undefined): number | undefined =>
    text === undefined
      ? undefined
      : // No label has number -1: what was never stored selects nothing.
        Number(database.prepare("SELECT label_id FROM labels WHERE text = ?").get(text)?.["label_id"] ?? -1);
  const conditions: Condition[] = [
    ["metric_id = ?", Number(metric)],
    ...given("name_label = ?", label(query.name)),
    ...given("machine_label = ?", label(query.environmentFingerprint)),
    ...given("branch_label = ?", label(query.branch)),
    ...given("profile_label = ?", label(query.profile)),
    ...(query.includeInvalid ? [] : given("invalid = ?", 0)),
  ];
  const statement = database.prepare(
    `SELECT ordinal, at_ms, ${column}, control_ratio, ratio FROM points
     ${where(conditions)} AND ${column} IS NOT NULL ORDER BY at_ms DESC, ordinal DESC LIMIT ?`,
  );
  // Rows as arrays: half the time of rows as objects, over 100 000 of them.
  statement.setReturnArrays(true);
  const rows = statement.all(...values(conditions), query.limit ?? -1) as unknown as PointRow[];
  // The newest were asked for, the oldest come first.
  // oxlint-disable-next-line unicorn/no-new-array -- sized once: a series may have 100 000 points
  const points = new Array<SeriesPoint>(rows.length);
  for (let i = 0; i < rows.length; i++) points[rows.length - 1 - i] = pointOf(rows[i] as PointRow);
  return points;
}

type PointRow = readonly [
  ordinal: number,
  atMs: number,
  value: number,
  controlRatio: number | null,
  ratio: number | null,
];

/** Hot: once per row, of up to 100 000; spreading and destructuring made it several times slower. */
function pointOf(row: PointRow): SeriesPoint {
  const point: { -readonly [K in keyof SeriesPoint]: SeriesPoint[K] } = {
    ordinal: row[0],
    atMs: row[1],
    value: row[2],
  };
  const controlRatio = row[3];
  const ratio = row[4];
  if (controlRatio !== null) point.controlRatio = controlRatio;
  if (ratio !== null) point.ratio = ratio;
  return point;
}

export function selectMetrics(database: DatabaseSync): readonly MetricEntry[] {
  return database
    .prepare("SELECT key, metric, tags, unit, direction FROM metrics ORDER BY key")
    .all()
    .map((row) => ({ ...row, tags: JSON.parse(String(row["tags"])) as unknown }) as unknown as MetricEntry);
}
