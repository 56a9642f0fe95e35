import { metricUnits } from "@mettle/core";
import { measurementKey } from "../measurement-key.ts";
import { directions, type Measurement, type Revision, type Run, runKinds } from "../run.ts";
import { summaryStatistics } from "../statistic.ts";
import { type CsvRow, csvRows, fromCell, numberCell, textCell } from "./csv.ts";
import { type Exported, type ImportOptions, importError, importedRun } from "./foreign.ts";
import type { TextSource } from "./text-lines.ts";

const columns = [
  "run_id",
  "run_name",
  "kind",
  "started_at",
  "duration_ms",
  "commit",
  "branch",
  "dirty",
  "metric",
  "tags",
  "unit",
  "direction",
  "statistic",
  "value",
] as const;
type Column = (typeof columns)[number];
const CONTROL_RATIO = "controlRatio";

/**
 * Writes a run as CSV in long form, a row a statistic, for spreadsheets and data frames. Text that a spreadsheet would run
 * as a formula is made harmless. Rows of several runs may be joined: each names its run.
 */
export function exportCsv(run: Run): Exported {
  const { revision } = run;
  const head = [
    textCell(run.id),
    textCell(run.name),
    textCell(run.kind),
    textCell(run.startedAt),
    numberCell(run.durationMs),
    textCell(revision?.commit ?? ""),
    textCell(revision?.branch ?? ""),
    textCell(revision ? String(revision.dirty) : ""),
  ];
  const rows = run.measurements.flatMap((measurement) => {
    const { metric, tags, unit, direction } = measurement;
    const sorted = JSON.stringify(Object.fromEntries(Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1))));
    const name = [textCell(metric), textCell(sorted), textCell(unit), textCell(direction)];
    return figuresOf(measurement).map(([statistic, value]) =>
      [...head, ...name, statistic, numberCell(value)].join(","),
    );
  });
  return {
    text: `${[columns.join(","), ...rows].join("\r\n")}\r\n`,
    lost: [
      "environment, validity, histograms, series, raw blocks, intervals, comparisons, errors, notes, requirement ids",
    ],
  };
}

function figuresOf({ summary, controlRatio }: Measurement): [string, number][] {
  const figures = summaryStatistics.map((name): [string, number | undefined] => [name, summary[name]]);
  return [...figures, [CONTROL_RATIO, controlRatio]].filter(
    (figure): figure is [string, number] => figure[1] !== undefined,
  );
}

interface Draft {
  readonly metric: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly unit: Measurement["unit"];
  readonly direction: Measurement["direction"];
  readonly figures: Map<string, number>;
}

/**
 * Reads what `exportCsv` writes: the rows of one run. The run gets a new id; its environment is the one given.
 *
 * @throws MettleError `IMPORT_INVALID` with the line, also for rows of a second run
 */
export async function importCsv(source: TextSource, options: ImportOptions): Promise<Run> {
  const drafts = new Map<string, Draft>();
  let header: readonly string[] | undefined;
  let first: ((column: Column) => string) | undefined;
  for await (const row of csvRows(source)) {
    if (!header) {
      header = headerOf(row, options);
      continue;
    }
    const read = cellReader(row, header, options);
    first ??= read;
    if (read("run_id") !== first("run_id")) {
      throw importError(options, `line ${row.line}`, `a second run, ${read("run_id")}: import one at a time`);
    }
    readFigure(row, read, drafts, options);
  }
  if (!first) throw importError(options, "the end", "there is no figure in it");
  const startedAtMs = Date.parse(first("started_at"));
  if (Number.isNaN(startedAtMs)) throw importError(options, "started_at", `${first("started_at")} is no time`);
  const revision = revisionOf(first);
  const kind = runKinds.find((known) => known === first?.("kind"));
  if (!kind) throw importError(options, "kind", `${JSON.stringify(first("kind"))} is no kind of run`);
  return importedRun(
    {
      format: "csv",
      kind,
      measurements: [...drafts.values()].map(measurementOf),
      lost: ["validity of the run", "everything but summaries"],
      startedAtMs,
      durationMs: finite(first("duration_ms"), options, "duration_ms"),
    },
    { name: first("run_name"), ...(revision ? { revision } : {}), ...options },
  );
}

function revisionOf(read: (column: Column) => string): Revision | undefined {
  const [commit, branch] = [read("commit"), read("branch")];
  return commit === "" ? undefined : { commit, dirty: read("dirty") === "true", ...(branch === "" ? {} : { branch }) };
}

function headerOf({ line, cells }: CsvRow, options: ImportOptions): readonly string[] {
  const missing = columns.filter((column) => !cells.includes(column));
  if (missing.length > 0) throw importError(options, `line ${line}`, `the header lacks ${missing.join(", ")}`);
  return cells;
}

function cellReader(
  { line, cells, ended }: CsvRow,
  header: readonly string[],
  options: ImportOptions,
): (column: Column) => string {
  if (!ended) throw importError(options, `line ${line}`, "the file ends inside it");
  if (cells.length !== header.length) {
    throw importError(options, `line ${line}`, `it has ${cells.length} cells for ${header.length} columns`);
  }
  return (column) => fromCell(cells[header.indexOf(column)] ?? "");
}

function readFigure(
  { line }: CsvRow,
  read: (column: Column) => string,
  drafts: Map<string, Draft>,
  options: ImportOptions,
): void {
  const fail = (problem: string): Error => importError(options, `line ${line}`, problem);
  const metric = read("metric");
  const unit = metricUnits.find((known) => known === read("unit"));
  const direction = directions.find((known) => known === read("direction"));
  const statistic = [...summaryStatistics, CONTROL_RATIO].find((known) => known === read("statistic"));
  if (metric === "" || /[\s{}",=]/.test(metric)) throw fail(`${JSON.stringify(metric)} is no metric name`);
  if (!unit) throw fail(`${JSON.stringify(read("unit"))} is no unit`);
  if (!direction) throw fail(`${JSON.stringify(read("direction"))} is no direction`);
  if (!statistic) throw fail(`${JSON.stringify(read("statistic"))} is no statistic`);
  const tags = tagsOf(read("tags"), fail);
  const key = measurementKey({ metric, tags });
  const draft = drafts.get(key) ?? { metric, tags, unit, direction, figures: new Map<string, number>() };
  if (draft.unit !== unit || draft.direction !== direction) throw fail(`${key} has another unit or direction above`);
  if (draft.figures.has(statistic)) throw fail(`${statistic} of ${key} is there twice`);
  draft.figures.set(statistic, finite(read("value"), options, `line ${line}`));
  drafts.set(key, draft);
}

function finite(text: string, options: ImportOptions, place: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw importError(options, place, `${JSON.stringify(text)} is no number`);
}

function tagsOf(text: string, fail: (problem: string) => Error): Record<string, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw fail(`tags are not a JSON object: ${text}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw fail(`tags are not a JSON object: ${text}`);
  const entries = Object.entries(parsed);
  if (entries.some(([, value]) => typeof value !== "string")) throw fail(`tags have a value that is no text: ${text}`);
  return Object.fromEntries(entries) as Record<string, string>;
}

function measurementOf({ figures, ...name }: Draft): Measurement {
  const controlRatio = figures.get(CONTROL_RATIO);
  const summary = Object.fromEntries([...figures].filter(([statistic]) => statistic !== CONTROL_RATIO));
  return {
    ...name,
    summary: { ...summary, count: figures.get("count") ?? 0 },
    ...(controlRatio === undefined ? {} : { controlRatio }),
  };
}
