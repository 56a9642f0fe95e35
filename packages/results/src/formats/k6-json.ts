import { messageOf } from "@mettle/core";
import { jsonExtent } from "../json-end.ts";
import type { Run } from "../run.ts";
import { type ImportOptions, importError, importedRun } from "./foreign.ts";
import { type AggregateOptions, K6Aggregate } from "./k6-aggregate.ts";
import { k6Contents, type K6Metric, k6Types } from "./k6-metrics.ts";
import { type K6Export, type K6ExportOptions, k6Series } from "./k6-samples.ts";
import { type Line, LONGEST_LINE, linesOf, type TextSource } from "./text-lines.ts";

export interface K6ImportOptions extends ImportOptions, Partial<AggregateOptions> {}
export const k6ImportDefaults: AggregateOptions = { splitBy: [], maxSeries: 500 };

const FORMAT = "k6-json";
const lost: readonly string[] = [
  "samples one by one, and their tags other than submetrics'",
  "results of k6's thresholds",
];

/**
 * Reads what `k6 run --out json` writes (one JSON object a line). One pass in memory bounded by metrics and tag sets.
 * Lost: single samples (kept as histograms), tags that are neither in a submetric nor in `splitBy`, thresholds' results.
 * A last line that was cut off makes the run `degraded`, as the samples after it are missing.
 *
 * @throws MettleError `IMPORT_INVALID` with the line; `RUN_INCONSISTENT`
 */
export async function importK6Json(source: TextSource, options: K6ImportOptions): Promise<Run> {
  const aggregate = new K6Aggregate({ ...k6ImportDefaults, ...definedAggregateOptions(options) });
  const doubts: string[] = [];
  const tooLong = (line: number): Error =>
    importError(options, `line ${line}`, `it is longer than ${LONGEST_LINE} characters`);
  for await (const line of linesOf(source, tooLong)) {
    const item = parseLine(line, options);
    if (item === "cut off") doubts.push(`the file ends inside line ${line.number}: later samples are missing`);
    else readItem(item, line, aggregate, options);
  }
  return finishK6Import(FORMAT, aggregate, doubts, lost, options);
}

/** Without the keys that are undefined, which would hide the defaults. */
export function definedAggregateOptions(options: K6ImportOptions): Partial<AggregateOptions> {
  const { splitBy, maxSeries } = options;
  return { ...(splitBy ? { splitBy } : {}), ...(maxSeries === undefined ? {} : { maxSeries }) };
}

/** The run of what an aggregate took in; shared by k6's JSON and CSV. */
export function finishK6Import(
  format: string,
  aggregate: K6Aggregate,
  doubts: readonly string[],
  lostAlways: readonly string[],
  options: ImportOptions,
): Run {
  if (aggregate.samples === 0) throw importError(options, "the end", "there is no sample in it");
  const { overflowed, startedAtMs, durationMs } = aggregate;
  const overflow = overflowed > 0 ? [`tags of ${overflowed} samples beyond the limit of tag sets`] : [];
  return importedRun(
    {
      format,
      kind: "load",
      measurements: aggregate.measurements(),
      lost: [...lostAlways, ...overflow],
      ...(startedAtMs === undefined ? {} : { startedAtMs }),
      durationMs,
      doubts,
    },
    options,
  );
}

type Item = Record<string, unknown>;

function parseLine(line: Line, options: ImportOptions): Item | "cut off" {
  try {
    const value: unknown = JSON.parse(line.text);
    if (isObject(value)) return value;
  } catch (cause) {
    if (!line.ended && jsonExtent(line.text).state === "truncated") return "cut off";
    throw importError(options, `line ${line.number}`, `not JSON (${messageOf(cause)})`, cause);
  }
  throw importError(options, `line ${line.number}`, "not a JSON object");
}

const isObject = (value: unknown): value is Item =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function readItem(item: Item, line: Line, aggregate: K6Aggregate, options: ImportOptions): void {
  const { type, metric, data } = item as { type?: unknown; metric?: unknown; data?: unknown };
  const fail = (problem: string): Error => importError(options, `line ${line.number}`, problem);
  if (typeof metric !== "string" || !isObject(data)) throw fail("needs type, metric and data");
  if (/[\s{}",=]/.test(metric) || metric === "") throw fail(`${JSON.stringify(metric)} is no metric name`);
  if (type === "Metric") {
    aggregate.define(metric, definitionOf(data, fail), submetricsOf(data["submetrics"]));
  } else if (type === "Point") {
    if (!aggregate.isDefined(metric)) throw fail(`${metric} is not declared by an earlier Metric line`);
    const { time, value } = data;
    const atMs = typeof time === "string" ? Date.parse(time) : Number.NaN;
    if (Number.isNaN(atMs)) throw fail(`${JSON.stringify(time)} is no time`);
    if (typeof value !== "number" || !Number.isFinite(value)) throw fail(`${JSON.stringify(value)} is no value`);
    aggregate.add(metric, atMs, value, tagsOf(data["tags"]));
  } else {
    throw fail(`type is ${JSON.stringify(type)}, neither Metric nor Point`);
  }
}

function definitionOf(data: Item, fail: (problem: string) => Error): K6Metric {
  const type = k6Types.find((known) => known === data["type"]);
  const contains = k6Contents.find((known) => known === (data["contains"] ?? "default"));
  if (!type) throw fail(`${JSON.stringify(data["type"])} is no type of metric`);
  if (!contains) throw fail(`${JSON.stringify(data["contains"])} is no content of a metric`);
  return { type, contains };
}

function submetricsOf(list: unknown): Record<string, string>[] {
  if (!Array.isArray(list)) return [];
  return list
    .filter(isObject)
    .map(({ tags }: { tags?: unknown }) => tagsOf(tags))
    .filter((tags) => Object.keys(tags).length > 0);
}

function tagsOf(tags: unknown): Record<string, string> {
  if (!isObject(tags)) return {};
  return Object.fromEntries(
    Object.entries(tags).map(([tag, value]) => [tag, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

/**
 * Writes a run as `k6 run --out json` would. See `k6Series` for which samples stand for a measurement; times are in
 * milliseconds there, as k6's are.
 */
export function exportK6Json(run: Run, options: K6ExportOptions = {}): K6Export {
  const { series, lost: missing } = k6Series(run, options);
  return {
    lost: missing,
    lines: {
      *[Symbol.iterator]() {
        const declared = new Set<string>();
        for (const { name, metric } of series) {
          if (declared.has(name)) continue;
          declared.add(name);
          const submetrics = series
            .filter((other) => other.name === name && Object.keys(other.tags).length > 0)
            .map(({ tags }) => {
              const suffix = Object.entries(tags)
                .map(([tag, value]) => `${tag}:${value}`)
                .join(",");
              return { name: `${name}{${suffix}}`, suffix, tags };
            });
          const data = {
            name,
            ...metric,
            tainted: null,
            thresholds: [],
            submetrics: submetrics.length > 0 ? submetrics : null,
          };
          yield JSON.stringify({ type: "Metric", data, metric: name });
        }
        for (const { name, tags, values, count } of series) {
          let index = 0;
          for (const value of values) {
            const time = new Date(sampleTimeMs(run, index++, count)).toISOString();
            yield JSON.stringify({ metric: name, type: "Point", data: { time, value, tags } });
          }
        }
      },
    },
  };
}

/** Evenly over the run, the first at its start and the last at its end. */
export function sampleTimeMs(run: Run, index: number, count: number): number {
  return Date.parse(run.startedAt) + (count > 1 ? (index / (count - 1)) * run.durationMs : run.durationMs);
}
