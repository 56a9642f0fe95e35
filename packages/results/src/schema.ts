import { metricUnits } from "@mettle/core";
import {
  boolean,
  describing,
  integer,
  type JsonSchema,
  list,
  literal,
  number,
  numberOrNull,
  object,
  oneOf,
  pair,
  record,
  text,
} from "./json-schema.ts";
import { comparisonOutcomes, directions, profiles, type Run, runKinds, runSchema, validityStates } from "./run.ts";

const named = (description: string): JsonSchema => ({ minLength: 1, description });
const share = (description: string): JsonSchema => ({ minimum: 0, maximum: 1, description });
const positive = (description: string): JsonSchema => ({ exclusiveMinimum: 0, description });
const atLeastZero = (description: string): JsonSchema => ({ minimum: 0, description });

const isoTime = "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?(Z|[+-]\\d{2}:\\d{2})$";
const base64 = "^[A-Za-z0-9+/]*={0,2}$";
/** No blanks, braces, quotes, commas or equals signs: a key such as `metric{tag="v"}` can then be read back. */
export const metricPattern = '^[^\\s{}",=]+$';

const revision = object(
  {
    commit: text(named("Full commit id.")),
    dirty: boolean({ description: "The work tree differed from the commit." }),
  },
  { branch: text({ minLength: 1 }) },
);

const noise = object(
  {
    samples: integer({ minimum: 1 }),
    medianNs: number(positive("Median time of the fixed probe loop, ns.")),
    spread: number(atLeastZero("Median absolute deviation over the median.")),
    interruptedShare: number(share("Share of probe samples at least 1.5 times the median.")),
  },
  { cpuWaitShare: number(share("Time runnable but not running, over wall time.")) },
);

const environment = object(
  {
    os: object({ platform: text(), release: text(), arch: text() }),
    cpu: object({ model: text(), cores: integer({ minimum: 1 }) }, { mhz: number(positive("Nominal clock, MHz.")) }),
    memoryBytes: integer({ minimum: 1 }),
    node: object({ version: text(), v8: text(), flags: list(text()) }),
    fingerprint: text(named("Short hash over what makes two machines comparable.")),
  },
  {
    container: object({}, { cpus: number(positive("CPU limit, in cores.")), memoryBytes: integer({ minimum: 1 }) }),
    ci: text({ minLength: 1 }),
    loadAverage1m: number({ minimum: 0 }),
    governor: text({ minLength: 1 }),
    noise,
  },
);

const statistic = number();
const summary = object(
  { count: integer(atLeastZero("Number of samples.")) },
  {
    mean: statistic,
    stddev: number({ minimum: 0 }),
    min: statistic,
    p50: statistic,
    p75: statistic,
    p90: statistic,
    p95: statistic,
    p99: statistic,
    p999: statistic,
    max: statistic,
    sum: number({ description: "Counters: the total." }),
    perSecond: number({ description: "Counters: the total per second." }),
    rate: number(share("Rates: the share of samples that were true.")),
    last: number({ description: "Gauges: the last value." }),
  },
  { description: "In the measurement's unit; a statistic that was not measured is absent." },
);

const interval = object({
  of: oneOf(["median", "mean", "slope", "ratio", "value"]),
  low: number(),
  high: number(),
  confidence: number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }),
  method: text({ minLength: 1 }),
});

const histogram = object(
  {
    kind: literal("log-linear/1"),
    bits: integer({ minimum: 1, maximum: 14, description: "Sub-buckets per doubling, as a power of two." }),
    resolution: number(positive("Values are recorded in multiples of this.")),
    count: integer({ minimum: 0 }),
    min: number(),
    max: number(),
    sum: number(),
    buckets: text({ pattern: base64, description: "Alternating gap and count of the filled buckets, LEB128, base64." }),
  },
  {
    limits: list(pair(number(), integer({ minimum: 0 })), { description: "Exact counts at or under limits." }),
    rejected: integer(atLeastZero("Recordings that were no value.")),
  },
);

const series = object({
  atMs: list(number({ minimum: 0 }), { description: "Milliseconds since the start of the run, ascending." }),
  values: record(list(numberOrNull), { description: "By statistic; each as long as atMs." }),
});

const tags = record(text(), { propertyNames: { minLength: 1 } });
const metric = text({ pattern: metricPattern, description: "Dotted: registry.lookup.time." });
const unit = oneOf(metricUnits);
const direction = oneOf(directions, { description: "Which way is better." });
const count = integer({ minimum: 0 });
const notes = list(text());

const measurement = object(
  { metric, unit, direction, tags, summary },
  {
    interval,
    histogram,
    series,
    requirement: list(text({ minLength: 1 })),
    outliers: object({ lowSevere: count, lowMild: count, highMild: count, highSevere: count }),
    errors: object(
      { count, kinds: record(count) },
      {
        examples: list(object({ kind: text(), atMs: number({ minimum: 0 }), label: text() }), {
          description: "The first failed sample of each kind.",
        }),
      },
    ),
    slowest: list(
      object({
        atMs: number({ minimum: 0, description: "When it was due, ms since the start of the run." }),
        value: number({ minimum: 0 }),
        phases: list(pair(text(), number({ minimum: 0 })), { description: "What came after what." }),
        label: text(),
      }),
      { description: "The slowest samples, the slowest first, and where their time went." },
    ),
    raw: object({
      encoding: literal("f32le/base64"),
      processes: list(text({ pattern: base64 }), { description: "One entry per process." }),
    }),
    controlRatio: number(positive("Ratio to the control workload measured beside this.")),
    notes,
  },
);

const side = object({ label: text({ minLength: 1 }) }, { revision });
const comparison = object(
  {
    metric,
    unit,
    direction,
    tags,
    baseline: side,
    candidate: side,
    ratio: number(positive("candidate / baseline.")),
    interval,
    margin: number(atLeastZero("Smallest effect that matters, as a fraction.")),
    pairs: integer({ minimum: 1 }),
    outcome: oneOf(comparisonOutcomes),
    logRatios: list(number()),
  },
  {
    pValue: number({ minimum: 0, maximum: 1 }),
    selfCheck: object({
      ratio: number(positive("Ratio of two identical arms.")),
      low: number(),
      high: number(),
      detectable: number({ minimum: 0 }),
    }),
    notes,
  },
);

const run = object(
  {
    schema: literal(runSchema),
    id: text(named("Time-ordered (UUIDv7).")),
    startedAt: text({ pattern: isoTime, description: "ISO 8601 with zone." }),
    durationMs: number({ minimum: 0 }),
    name: text({ minLength: 1 }),
    kind: oneOf(runKinds),
    environment,
    validity: object({
      state: oneOf(validityStates),
      reasons: list(text({ minLength: 1 }), { description: "Most serious first; empty when valid." }),
    }),
    measurements: list(measurement),
  },
  {
    profile: oneOf(profiles),
    revision,
    comparisons: list(comparison),
    failures: list(object({ code: text({ pattern: "^[A-Z][A-Z0-9_]*$" }), message: text({ minLength: 1 }) }), {
      description: "What was asked for and could not be measured.",
    }),
    imported: object({ format: text({ minLength: 1 }), lost: list(text({ minLength: 1 })) }),
  },
);

/**
 * The run document as JSON Schema (draft 2020-12): what `schema/run.schema.json` publishes and what readers enforce.
 * The compiler checks that it describes exactly `Run`.
 */
export const runDocumentSchema: JsonSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "urn:mettle:run:1",
  title: "Mettle run document",
  ...describing<Run>()(run),
};
