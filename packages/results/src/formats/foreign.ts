import { type Clock, type MetricUnit, systemClock, timeOrderedId } from "@mettle/core";
import { resultsErrors } from "../errors.ts";
import { type MeasurementName, measurementKey, parseMeasurementKey } from "../measurement-key.ts";
import {
  type Environment,
  type Measurement,
  type Profile,
  type Revision,
  type Run,
  type RunKind,
  runSchema,
} from "../run.ts";
import { metricPattern } from "../schema.ts";
import { checkRun } from "../validate.ts";

/** What a file of another tool does not say and an import needs. */
export interface ImportOptions {
  /** Where the figures were measured, as far as the caller knows: foreign files do not say. */
  readonly environment: Environment;
  /** @defaultValue the format's name */
  readonly name?: string;
  readonly kind?: RunKind;
  readonly profile?: Profile;
  readonly revision?: Revision;
  /** Names the file in messages. @defaultValue "the file" */
  readonly source?: string;
  /** For the run's id, and its start where the file has no times. */
  readonly clock?: Clock;
}

/** A run in another tool's format. */
export interface Exported {
  readonly text: string;
  /** What the format cannot carry, in words; empty when nothing was lost. */
  readonly lost: readonly string[];
}

/** What an importer read. */
export interface ForeignRun {
  readonly format: string;
  readonly kind: RunKind;
  readonly measurements: readonly Measurement[];
  readonly lost: readonly string[];
  /** Absent where the format has no times: the import's own time then stands in. */
  readonly startedAtMs?: number;
  readonly durationMs?: number;
  /** Why not all of it can be believed: "the file ends inside line 7". */
  readonly doubts?: readonly string[];
}

/** Makes a run of what was read. @throws MettleError `RUN_INCONSISTENT` when the file's figures contradict each other */
export function importedRun(read: ForeignRun, options: ImportOptions): Run {
  const clock = options.clock ?? systemClock;
  const { profile, revision } = options;
  const doubts = read.doubts ?? [];
  const run: Run = {
    schema: runSchema,
    id: timeOrderedId(clock),
    startedAt: new Date(read.startedAtMs ?? clock.wallTime()).toISOString(),
    durationMs: read.durationMs ?? 0,
    name: options.name ?? read.format,
    kind: options.kind ?? read.kind,
    ...(profile ? { profile } : {}),
    ...(revision ? { revision } : {}),
    environment: options.environment,
    validity: doubts.length > 0 ? { state: "degraded", reasons: doubts } : { state: "valid", reasons: [] },
    measurements: read.measurements,
    imported: { format: read.format, lost: read.lost },
  };
  return checkRun(run, { source: options.source ?? "the file" });
}

const sourceOf = (options: ImportOptions): string => options.source ?? "the file";

/** `place` says where in the file, such as "line 7". */
export function importError(options: ImportOptions, place: string, problem: string, cause?: unknown): Error {
  const source = sourceOf(options);
  return resultsErrors.create("IMPORT_INVALID", `${source}, ${place}: ${problem}.`, {
    details: { source, place },
    cause,
  });
}

const validMetric = new RegExp(metricPattern);

/**
 * Reads a foreign name as ours: our own canonical keys come back as they were, other text becomes a metric with what a
 * metric cannot contain replaced by `_`, and the text itself in the tag `name` where that changed it.
 */
export function foreignName(text: string): MeasurementName {
  const own = ownKey(text);
  if (own) return own;
  const metric = text.trim().replace(/[\s{}",=]+/g, "_") || "_";
  return { metric, tags: metric === text ? {} : { name: text } };
}

/** A canonical key written by `measurementKey`, and nothing that merely resembles one. */
function ownKey(text: string): MeasurementName | undefined {
  if (validMetric.test(text)) return { metric: text, tags: {} };
  if (!/^[^\s{}",=]+\{.*\}$/s.test(text)) return undefined;
  try {
    const name = parseMeasurementKey(text);
    return measurementKey(name) === text ? name : undefined;
  } catch (refused) {
    // A name of another tool that has braces of its own.
    if (refused instanceof Error && "code" in refused && refused.code === "SELECTOR_INVALID") return undefined;
    throw refused;
  }
}

/** Units as other tools write them: stored unit and factor. */
const units: Readonly<Record<string, readonly [MetricUnit, number]>> = {
  ns: ["ns", 1],
  "ns/op": ["ns", 1],
  "ns/iter": ["ns", 1],
  us: ["ns", 1e3],
  µs: ["ns", 1e3],
  "us/op": ["ns", 1e3],
  "us/iter": ["ns", 1e3],
  ms: ["ns", 1e6],
  "ms/op": ["ns", 1e6],
  s: ["ns", 1e9],
  sec: ["ns", 1e9],
  seconds: ["ns", 1e9],
  "ops/s": ["1/s", 1],
  "ops/sec": ["1/s", 1],
  "op/s": ["1/s", 1],
  "req/s": ["1/s", 1],
  "iter/sec": ["1/s", 1],
  "1/s": ["1/s", 1],
  B: ["bytes", 1],
  bytes: ["bytes", 1],
  "B/op": ["bytes", 1],
  kB: ["bytes", 1e3],
  KB: ["bytes", 1e3],
  KiB: ["bytes", 1024],
  MB: ["bytes", 1e6],
  MiB: ["bytes", 1024 ** 2],
  GB: ["bytes", 1e9],
  GiB: ["bytes", 1024 ** 3],
  "bytes/s": ["bytes/s", 1],
  "bytes/h": ["bytes/h", 1],
  "%": ["1", 0.01],
  percent: ["1", 0.01],
  "1": ["1", 1],
  ratio: ["1", 1],
  count: ["count", 1],
  instructions: ["instructions", 1],
};

/** The stored unit of a foreign one and the factor to it; undefined for a unit that has none. */
export function foreignUnit(text: string): readonly [MetricUnit, number] | undefined {
  const trimmed = text.trim();
  return Object.hasOwn(units, trimmed) ? units[trimmed] : undefined;
}

/** Refuses two of one name, which a run cannot hold. */
export function requireDistinct(measurements: readonly Measurement[], options: ImportOptions): readonly Measurement[] {
  const seen = new Set<string>();
  for (const measurement of measurements) {
    const key = measurementKey(measurement);
    if (seen.has(key)) throw importError(options, key, "it is there twice");
    seen.add(key);
  }
  return measurements;
}
