import { messageOf } from "@mettle/core";
import { measurementKey } from "../measurement-key.ts";
import type { Direction, Measurement, Run } from "../run.ts";
import { headlineStatistic } from "../statistic.ts";
import {
  type Exported,
  foreignName,
  type ImportOptions,
  importError,
  importedRun,
  requireDistinct,
} from "./foreign.ts";

type Unit = Measurement["unit"];
/** Bencher's built-in measures fix a unit: latency ns, throughput operations a second. The others are ours. */
const measures: Readonly<Record<Unit, string>> = {
  ns: "latency",
  "1/s": "throughput",
  bytes: "memory",
  "1": "ratio",
  count: "count",
  "bytes/s": "bytes-per-second",
  "bytes/h": "bytes-per-hour",
  instructions: "instructions",
};
const unitOf: Readonly<Record<string, readonly [Unit, Direction]>> = {
  ...Object.fromEntries(Object.entries(measures).map(([unit, measure]) => [measure, [unit as Unit, "none"] as const])),
  latency: ["ns", "lower"],
  throughput: ["1/s", "higher"],
  memory: ["bytes", "lower"],
  instructions: ["instructions", "lower"],
  "file-size": ["bytes", "lower"],
};

interface Metric {
  readonly value: number;
  readonly lower_value?: number;
  readonly upper_value?: number;
}

/**
 * Writes Bencher Metric Format: `{"benchmark": {"measure": {"value", "lower_value", "upper_value"}}}`. The value is the
 * one an interval is of, with its bounds; else the median, else what there is.
 */
export function exportBencher(run: Run): Exported {
  const lost: string[] = ["all statistics but one of each measurement, environment, revision, comparisons, directions"];
  const benchmarks: [string, Readonly<Record<string, Metric>>][] = [];
  for (const measurement of run.measurements) {
    const metric = metricOf(measurement);
    const key = measurementKey(measurement);
    if (metric) benchmarks.push([key, metric]);
    else lost.push(`${key}: it has no value`);
  }
  return { text: `${JSON.stringify(Object.fromEntries(benchmarks), undefined, 2)}\n`, lost };
}

function metricOf(measurement: Measurement): Readonly<Record<string, Metric>> | undefined {
  const { summary, interval, unit } = measurement;
  const estimate = interval?.of === "mean" ? summary.mean : interval?.of === "median" ? summary.p50 : undefined;
  if (interval && estimate !== undefined) {
    return { [measures[unit]]: { value: estimate, lower_value: interval.low, upper_value: interval.high } };
  }
  if (summary.p50 !== undefined) return { [measures[unit]]: { value: summary.p50 } };
  const headline = headlineStatistic(measurement);
  return headline && { [measures[headline.unit]]: { value: headline.value } };
}

/**
 * Reads Bencher Metric Format. Each benchmark and measure becomes a measurement of one sample with the value as its mean;
 * where a benchmark has several measures, the tag `measure` tells them apart. Lost: the bounds, whose meaning
 * the format leaves open, are kept as a note.
 *
 * @throws MettleError `IMPORT_INVALID`
 */
export function importBencher(text: string, options: ImportOptions): Run {
  const benchmarks = objectOf(parse(text, options), "the text", options);
  const measurements = Object.entries(benchmarks).flatMap(([benchmark, entry]) => {
    const all = Object.entries(objectOf(entry, benchmark, options));
    return all.map(([measure, metric]) => measurementOf(benchmark, measure, metric, all.length > 1, options));
  });
  const lost = ["what lower_value and upper_value mean: kept as notes", "samples, times, units of custom measures"];
  return importedRun(
    { format: "bencher", kind: "bench", measurements: requireDistinct(measurements, options), lost },
    options,
  );
}

function parse(text: string, options: ImportOptions): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw importError(options, "the text", `not JSON (${messageOf(cause)})`, cause);
  }
}

function objectOf(value: unknown, place: string, options: ImportOptions): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw importError(options, place, "not a JSON object");
}

function measurementOf(
  benchmark: string,
  measure: string,
  entry: unknown,
  tagged: boolean,
  options: ImportOptions,
): Measurement {
  const place = `${benchmark}, ${measure}`;
  const fields = objectOf(entry, place, options);
  const read = (field: string): number | undefined => {
    const value = fields[field];
    if (value === undefined || value === null) return undefined;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw importError(options, `${place}, ${field}`, `${JSON.stringify(value)} is no number`);
  };
  const value = read("value");
  if (value === undefined) throw importError(options, place, "it has no value");
  const [unit, direction] = (Object.hasOwn(unitOf, measure) ? unitOf[measure] : undefined) ?? ["1", "none"];
  const { metric, tags } = foreignName(benchmark);
  const notes = ["lower_value", "upper_value"]
    .map((field) => [field, read(field)] as const)
    .filter(([, bound]) => bound !== undefined)
    .map(([field, bound]) => `${field} ${bound}`);
  return {
    metric,
    unit,
    direction,
    tags: tagged ? { ...tags, measure } : tags,
    summary: { count: 1, mean: value },
    ...(notes.length > 0 ? { notes } : {}),
  };
}
