import { messageOf } from "@mettle/core";
import { parseMeasurementKey } from "../measurement-key.ts";
import type { Measurement, Run, Summary } from "../run.ts";
import { type ImportOptions, importError, importedRun, requireDistinct } from "./foreign.ts";
import { k6BuiltIn, k6Contents, type K6Metric, k6Meaning, type K6Type, k6Types } from "./k6-metrics.ts";

type Item = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Item =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Reads the JSON of `k6 run --summary-export`, or of a `handleSummary` that writes its data out.
 * Lost: distributions (only the percentiles that k6 was told to compute are there), checks by name, thresholds, and how
 * many samples a figure is of: taken from k6's counters where they tell (requests, iterations), else given as 1 with a
 * note.
 *
 * @throws MettleError `IMPORT_INVALID`; `RUN_INCONSISTENT`
 */
export function importK6Summary(text: string, options: ImportOptions): Run {
  const data = parse(text, options);
  const metrics = data["metrics"];
  if (!isObject(metrics)) throw importError(options, "metrics", "it is missing: this is no summary of k6");
  const measurements = Object.entries(metrics).map(([name, entry]) => {
    if (!isObject(entry)) throw importError(options, `metrics.${name}`, "not an object");
    return measurementOf(name, entry, metrics, options);
  });
  const state = data["state"];
  const stated = isObject(state) ? state["testRunDurationMs"] : undefined;
  const durationMs = typeof stated === "number" ? stated : durationFrom(metrics);
  return importedRun(
    {
      format: "k6-summary",
      kind: "load",
      measurements: requireDistinct(measurements, options),
      lost: [
        "distributions",
        "how many samples a figure is of, where the notes say so",
        "when the test ran",
        "checks by name",
        "thresholds",
      ],
      ...(durationMs === undefined ? {} : { durationMs }),
    },
    options,
  );
}

function parse(text: string, options: ImportOptions): Item {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw importError(options, "the text", `not JSON (${messageOf(cause)})`, cause);
  }
  if (!isObject(value)) throw importError(options, "the text", "not a JSON object");
  return value;
}

/** `handleSummary` puts the figures under `values`, `--summary-export` beside the thresholds. */
const valuesOf = (entry: Item): Item => (isObject(entry["values"]) ? entry["values"] : entry);
const numberIn = (entry: unknown, field: string): number | undefined => {
  const value = isObject(entry) ? valuesOf(entry)[field] : undefined;
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
};

/** A counter's total over its rate is how long the test ran. */
function durationFrom(metrics: Item): number | undefined {
  for (const name of ["iterations", "http_reqs", "data_received"]) {
    const [count, rate] = [numberIn(metrics[name], "count"), numberIn(metrics[name], "rate")];
    if (count !== undefined && rate !== undefined && rate > 0) return (count / rate) * 1000;
  }
  return undefined;
}

/** How many samples a metric had, where a counter of k6's tells; submetrics are told by none. */
function sampleCount(key: string, type: K6Type, entry: Item, metrics: Item): number | undefined {
  if (type === "rate") {
    const [passes, fails] = [numberIn(entry, "passes"), numberIn(entry, "fails")];
    return passes === undefined || fails === undefined ? undefined : passes + fails;
  }
  if (type === "trend" && numberIn(entry, "count") !== undefined) return numberIn(entry, "count");
  if (key.startsWith("http_req") && !key.includes("{")) return numberIn(metrics["http_reqs"], "count");
  if (key === "iterations" || key === "iteration_duration") return numberIn(metrics["iterations"], "count");
  return undefined;
}

function measurementOf(key: string, entry: Item, metrics: Item, options: ImportOptions): Measurement {
  const name = parseMeasurementKey(key);
  const values = valuesOf(entry);
  const metric: K6Metric = {
    type: k6Types.find((known) => known === entry["type"]) ?? k6BuiltIn.get(name.metric)?.type ?? typeOf(values),
    contains:
      k6Contents.find((known) => known === entry["contains"]) ?? k6BuiltIn.get(name.metric)?.contains ?? "default",
  };
  const { unit, direction, factor } = k6Meaning(name.metric, metric);
  const figure = (field: string): number | undefined => {
    const value = values[field];
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isFinite(value)) return value * factor;
    throw importError(options, `metrics.${key}.${field}`, `${JSON.stringify(value)} is no number`);
  };
  const count = sampleCount(key, metric.type, entry, metrics);
  const figures = Object.entries(figuresOf(metric.type, figure)).filter(([, value]) => value !== undefined);
  return {
    ...name,
    unit,
    direction,
    // k6 shows zeros for a trend that has no samples.
    summary: { count: count ?? 1, ...(count === 0 ? {} : (Object.fromEntries(figures) as Partial<Summary>)) },
    ...(count === undefined
      ? { notes: ["k6's summary does not say how many samples this is of; count 1 stands in"] }
      : {}),
  };
}

function typeOf(values: Item): K6Type {
  if ("passes" in values) return "rate";
  if ("avg" in values || "med" in values) return "trend";
  return "count" in values ? "counter" : "gauge";
}

type Figure = (field: string) => number | undefined;

function figuresOf(type: K6Type, figure: Figure): Readonly<Record<string, number | undefined>> {
  if (type === "rate") return { rate: figure("rate") ?? figure("value") };
  if (type === "counter") {
    // A counter's "count" is its total.
    return { sum: figure("count"), perSecond: figure("rate") };
  }
  if (type === "gauge") return { min: figure("min"), max: figure("max"), last: figure("value") };
  return {
    mean: figure("avg"),
    min: figure("min"),
    p50: figure("med") ?? figure("p(50)"),
    p75: figure("p(75)"),
    p90: figure("p(90)"),
    p95: figure("p(95)"),
    p99: figure("p(99)"),
    p999: figure("p(99.9)"),
    max: figure("max"),
  };
}
