import type { Run } from "../run.ts";
import { type CsvRow, csvRows, quoted } from "./csv.ts";
import { type ImportOptions, importError } from "./foreign.ts";
import { K6Aggregate } from "./k6-aggregate.ts";
import {
  definedAggregateOptions,
  finishK6Import,
  type K6ImportOptions,
  k6ImportDefaults,
  sampleTimeMs,
} from "./k6-json.ts";
import { k6BuiltIn, type K6Metric } from "./k6-metrics.ts";
import { type K6Export, type K6ExportOptions, k6Series } from "./k6-samples.ts";
import type { TextSource } from "./text-lines.ts";

export interface K6CsvImportOptions extends K6ImportOptions {
  /** What the script's own metrics are: the CSV does not say. One not named here is read as a trend of numbers. */
  readonly metrics?: Readonly<Record<string, K6Metric>>;
}

const FORMAT = "k6-csv";
const notTags = new Set(["metric_name", "timestamp", "metric_value", "extra_tags", "metadata"]);
const tagColumns = [
  "check",
  "error",
  "error_code",
  "expected_response",
  "group",
  "method",
  "name",
  "proto",
  "scenario",
  "service",
  "status",
  "subproto",
  "tls_version",
  "url",
];

/**
 * Reads what `k6 run --out csv` writes, in one pass. Times may be in any of k6's time formats. Lost, beyond what k6's JSON
 * loses: types and contents of the script's own metrics (give them in `metrics`), and submetrics.
 *
 * @throws MettleError `IMPORT_INVALID` with the line; `RUN_INCONSISTENT`
 */
export async function importK6Csv(source: TextSource, options: K6CsvImportOptions): Promise<Run> {
  const aggregate = new K6Aggregate({ ...k6ImportDefaults, ...definedAggregateOptions(options) });
  const guessed = new Set<string>();
  const doubts: string[] = [];
  let header: readonly string[] | undefined;
  for await (const row of csvRows(source)) {
    if (!header) {
      header = headerOf(row, options);
    } else if (!row.ended && row.cells.length < header.length) {
      doubts.push(`the file ends inside line ${row.line}: later samples are missing`);
    } else {
      readRow(row, header, aggregate, guessed, options);
    }
  }
  const lost = ["samples one by one, and their tags unless split by", "results of k6's thresholds"];
  for (const name of guessed) lost.push(`what ${name} is: read as a trend of numbers`);
  return finishK6Import(FORMAT, aggregate, doubts, lost, options);
}

function headerOf({ line, cells }: CsvRow, options: ImportOptions): readonly string[] {
  for (const column of ["metric_name", "timestamp", "metric_value"]) {
    if (!cells.includes(column)) throw importError(options, `line ${line}`, `the header has no column ${column}`);
  }
  return cells;
}

function readRow(
  { line, cells }: CsvRow,
  header: readonly string[],
  aggregate: K6Aggregate,
  guessed: Set<string>,
  options: K6CsvImportOptions,
): void {
  const fail = (problem: string): Error => importError(options, `line ${line}`, problem);
  if (cells.length !== header.length) throw fail(`it has ${cells.length} cells for ${header.length} columns`);
  const cell = (column: string): string => cells[header.indexOf(column)] ?? "";
  const metric = cell("metric_name");
  if (/[\s{}",=]/.test(metric) || metric === "") throw fail(`${JSON.stringify(metric)} is no metric name`);
  const value = cell("metric_value").trim() === "" ? Number.NaN : Number(cell("metric_value"));
  if (!Number.isFinite(value)) throw fail(`${JSON.stringify(cell("metric_value"))} is no value`);
  const atMs = timeMs(cell("timestamp"));
  if (atMs === undefined) throw fail(`${JSON.stringify(cell("timestamp"))} is no time`);
  if (!aggregate.isDefined(metric)) {
    const stated = options.metrics && Object.hasOwn(options.metrics, metric) ? options.metrics[metric] : undefined;
    const known = stated ?? k6BuiltIn.get(metric);
    if (!known) guessed.add(metric);
    aggregate.define(metric, known ?? { type: "trend", contains: "default" });
  }
  aggregate.add(metric, atMs, value, tagsOf(header, cells, cell("extra_tags")));
}

function tagsOf(header: readonly string[], cells: readonly string[], extra: string): Record<string, string> {
  const tags = header
    .map((column, index): [string, string] => [column, cells[index] ?? ""])
    .filter(([column, value]) => !notTags.has(column) && value !== "");
  return { ...Object.fromEntries(tags), ...Object.fromEntries(new URLSearchParams(extra)) };
}

/** k6 writes seconds by default; its other formats differ by powers of a thousand, or are RFC 3339. */
function timeMs(text: string): number | undefined {
  if (!/^\d+$/.test(text)) {
    const parsed = Date.parse(text);
    return Number.isNaN(parsed) ? undefined : parsed;
  }
  const value = Number(text);
  if (text.length <= 11) return value * 1e3;
  if (text.length <= 14) return value;
  return text.length <= 17 ? value / 1e3 : value / 1e6;
}

/** Writes a run as `k6 run --out csv` would, times in whole seconds. See `k6Series` for the samples. */
export function exportK6Csv(run: Run, options: K6ExportOptions = {}): K6Export {
  const { series, lost } = k6Series(run, options);
  const own = series.filter(({ name }) => !k6BuiltIn.has(name)).map(({ name }) => name);
  return {
    lost: [...lost, "parts of a second in times", ...(own.length > 0 ? [`types and units of ${own.join(", ")}`] : [])],
    lines: {
      *[Symbol.iterator]() {
        yield ["metric_name", "timestamp", "metric_value", ...tagColumns, "extra_tags", "metadata"].join(",");
        for (const { name, tags, values, count } of series) {
          const known = tagColumns.map((tag) => quoted(tags[tag] ?? ""));
          const extra = new URLSearchParams(
            Object.entries(tags).filter(([tag]) => !tagColumns.includes(tag)),
          ).toString();
          let index = 0;
          for (const value of values) {
            const seconds = Math.floor(sampleTimeMs(run, index++, count) / 1000);
            yield [quoted(name), seconds, value, ...known, quoted(extra), ""].join(",");
          }
        }
      },
    },
  };
}
