import { messageOf } from "@mettle/core";
import { measurementKey } from "../measurement-key.ts";
import type { Measurement, Run } from "../run.ts";
import { headlineStatistic } from "../statistic.ts";
import {
  type Exported,
  foreignName,
  foreignUnit,
  type ImportOptions,
  importError,
  importedRun,
  requireDistinct,
} from "./foreign.ts";

/** The `tool` setting of the action: one file holds only figures of one direction. */
export type GithubActionBenchmarkTool = "customSmallerIsBetter" | "customBiggerIsBetter";

interface Entry {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly range?: string;
  readonly extra?: string;
}

/**
 * Writes `[{name, unit, value, range, extra}]` for github-action-benchmark: the measurements of the tool's direction, the
 * median or what stands for it as value, the half width of the interval (else the standard deviation) as range.
 */
export function exportGithubActionBenchmark(run: Run, tool: GithubActionBenchmarkTool): Exported {
  const direction = tool === "customSmallerIsBetter" ? "lower" : "higher";
  const lost = ["all statistics but one of each measurement, environment, revision, comparisons"];
  const entries: Entry[] = [];
  for (const measurement of run.measurements) {
    const key = measurementKey(measurement);
    const { p50 } = measurement.summary;
    const chosen = p50 === undefined ? headlineStatistic(measurement) : { value: p50, unit: measurement.unit };
    if (measurement.direction !== direction) lost.push(`${key}: its better direction is ${measurement.direction}`);
    else if (!chosen) lost.push(`${key}: it has no value`);
    else entries.push({ name: key, unit: chosen.unit, value: chosen.value, ...describe(measurement) });
  }
  return { text: `${JSON.stringify(entries, undefined, 2)}\n`, lost };
}

function describe({ summary, interval }: Measurement): Pick<Entry, "range" | "extra"> {
  const half = interval ? (interval.high - interval.low) / 2 : summary.stddev;
  const extra = [`samples ${summary.count}`];
  for (const name of ["p95", "p99"] as const) if (summary[name] !== undefined) extra.push(`${name} ${summary[name]}`);
  return { ...(half === undefined ? {} : { range: `± ${half}` }), extra: extra.join(", ") };
}

/**
 * Reads `[{name, unit, value, range?, extra?}]`: each entry becomes a measurement of one sample with the value as its
 * mean. A unit that is none of ours is read as a plain number and kept as a note, as are range and extra.
 *
 * @throws MettleError `IMPORT_INVALID`
 */
export function importGithubActionBenchmark(
  text: string,
  tool: GithubActionBenchmarkTool,
  options: ImportOptions,
): Run {
  const measurements = parse(text, options).map((entry, index) => measurementOf(entry, index, tool, options));
  const lost = ["what range means: kept as a note", "samples and times"];
  return importedRun(
    {
      format: `github-action-benchmark/${tool}`,
      kind: "bench",
      measurements: requireDistinct(measurements, options),
      lost,
    },
    options,
  );
}

function parse(text: string, options: ImportOptions): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw importError(options, "the text", `not JSON (${messageOf(cause)})`, cause);
  }
  if (!Array.isArray(value)) throw importError(options, "the text", "not a JSON list");
  return value as readonly unknown[];
}

function measurementOf(
  entry: unknown,
  index: number,
  tool: GithubActionBenchmarkTool,
  options: ImportOptions,
): Measurement {
  const place = `entry ${index}`;
  if (typeof entry !== "object" || entry === null) throw importError(options, place, "not a JSON object");
  const { name, unit, value, range, extra } = entry as Partial<Record<keyof Entry, unknown>>;
  if (typeof name !== "string" || typeof unit !== "string") throw importError(options, place, "needs name and unit");
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw importError(options, place, `value ${JSON.stringify(value)} is no number`);
  }
  const known = foreignUnit(unit);
  const notes = [
    ...(known ? [] : [`unit ${unit}`]),
    ...(typeof range === "string" ? [`range ${range}${known ? ` ${unit}` : ""}`] : []),
    ...(typeof extra === "string" ? [extra] : []),
  ];
  return {
    ...foreignName(name),
    unit: known?.[0] ?? "1",
    direction: tool === "customSmallerIsBetter" ? "lower" : "higher",
    summary: { count: 1, mean: value * (known?.[1] ?? 1) },
    ...(notes.length > 0 ? { notes } : {}),
  };
}
