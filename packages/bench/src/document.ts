import type { MetricUnit } from "@mettle/core";
import { Random } from "@mettle/core";
import type { Comparison, Direction, Interval, Measurement, RawBlocks, Side, Summary } from "@mettle/results";
import { labelOutliers, median, quantile, summarize, tInterval } from "@mettle/stats";
import { recordDefaults } from "./definition.ts";
import { baselineOf, candidatesOf, logRatiosOf, twinLogRatiosOf } from "./evidence.ts";
import { allocationDefaults } from "./memory/allocation.ts";
import { decide, leastPairs, selfCheckOf, tooFastNs } from "./paired.ts";
import type { BenchPlan } from "./plan.ts";
import { type ArmId, baselineSuffix, controlArm, type LoadedCase } from "./protocol.ts";
import { counted } from "./steady.ts";
import type { SuiteSamples } from "./suite-samples.ts";

/**
 * At or under this an iteration costs what the loop around it costs: the compiler has removed the body, or moved it out
 * of the loop. Less than one cycle of any processor; a body that only adds one to a variable was seen at 1.4 ns.
 */
export const removedNs = 0.25;

/** The counted samples of a case or of another arm, process by process; processes that have none are left out. */
function timesOf(samples: SuiteSamples, id: ArmId): Float64Array[] {
  return samples.processes
    .map(({ draws }) => Float64Array.from(draws.flatMap((draw) => [...counted(draw, id)])))
    .filter((values) => values.length > 0);
}

function typicalNs(samples: SuiteSamples, id: ArmId): number | undefined {
  const pooled = timesOf(samples, id).flatMap((values) => [...values]);
  return pooled.length === 0 ? undefined : median(pooled);
}

/** A case whose figures must not be taken for a measurement, and why. */
export interface Doubt {
  readonly id: ArmId;
  readonly reason: string;
}

/** The timed cases that measured nothing but the loop around them: their time is what subtracting it left over. */
export function removedBodies(samples: SuiteSamples): Doubt[] {
  return samples.suite.cases.flatMap(({ kind, id }) => {
    if (kind !== "time") return [];
    const pooled = timesOf(samples, id).flatMap((values) => [...values]);
    // The lower quartile, as the loop's own cost is: what interrupts only ever adds, and must not hide that nothing is left.
    const isRemoved = pooled.length > 0 && quantile(pooled, 0.25) <= removedNs;
    return isRemoved ? [{ id, reason: removedText }] : [];
  });
}

const removedText =
  "nothing was measured: the compiler has removed the body or moved it out of the loop, which takes no longer than an empty one";

/** The cases that should have been compared, and were measured, but have no ratio. */
export function missingRatios(samples: SuiteSamples): Doubt[] {
  const baseline = baselineOf(samples.suite);
  return candidatesOf(samples).flatMap(({ id }) => {
    const pairs = logRatiosOf(samples, id).length;
    const other = samples.mode === "against" ? id + baselineSuffix : (baseline?.id ?? id);
    const times = [typicalNs(samples, id), typicalNs(samples, other)];
    // Inside a suite, a case without samples has failed, and says so itself.
    if (pairs >= leastPairs || (samples.mode === "inside" && times.includes(undefined))) return [];
    const tooFast = times.some((time) => time !== undefined && time <= tooFastNs);
    const reason = tooFast
      ? `no ratio: one of the two takes no more than ${tooFastNs} ns, which is mostly the error of subtracting the loop`
      : `no ratio: ${pairs} of ${samples.processes.length} processes gave one, and an interval needs ${leastPairs}`;
    return [{ id, reason }];
  });
}

/** `JSON parse (small)` → `json-parse-small`: the part of a metric's name made of a title. */
export function slug(title: string): string {
  const plain = title
    .normalize("NFKD")
    .replaceAll(/[\u0300-\u036f]/g, "") // accents: of Latin letters only, elsewhere marks are part of the word
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, "-");
  const cut = Array.from(plain.replace(/^-/, "")).slice(0, 80).join("").replace(/-$/, "");
  return cut === "" ? "unnamed" : cut;
}

/** The metric of a case, without its last part: `registry.lookup`. */
export function metricBase(titles: readonly string[], title: string): string {
  return [...titles, title].map(slug).join(".");
}

function tagsOf(titles: readonly string[], entry: LoadedCase): Record<string, string> {
  const parameters = Object.entries(entry.parameters).map(([name, value]) => [name, String(value)] as const);
  return {
    ...(titles.length > 0 && { suite: titles.join(" > ") }),
    case: entry.title,
    ...Object.fromEntries(parameters),
  };
}

/** Everything a suite's samples say, as measurements of the run document. A case without samples has only its errors. */
export function measurementsOf(samples: SuiteSamples, plan: BenchPlan): Measurement[] {
  const removed = removedBodies(samples);
  const gone = new Set(removed.map(({ id }) => id));
  const doubts = [...removed, ...missingRatios(samples).filter(({ id }) => !gone.has(id))];
  return samples.suite.cases.flatMap((entry) => {
    const reasons = doubts.filter(({ id }) => id === entry.id).map(({ reason }) => reason);
    return kindMeasurements[entry.kind](samples, entry, plan, reasons);
  });
}

type KindMeasurements = (
  samples: SuiteSamples,
  entry: LoadedCase,
  plan: BenchPlan,
  doubts: readonly string[],
) => Measurement[];
const kindMeasurements: Readonly<Record<LoadedCase["kind"], KindMeasurements>> = {
  time: timeMeasurements,
  record: recordMeasurements,
  slope: slopeMeasurements,
};

interface Named {
  readonly unit: MetricUnit;
  readonly direction: Direction;
  readonly suffix: string;
}

function base(
  samples: SuiteSamples,
  entry: LoadedCase,
  { unit, direction, suffix }: Named,
): Omit<Measurement, "summary"> {
  const { titles } = samples.suite;
  return {
    metric: `${metricBase(titles, entry.title)}.${suffix}`,
    unit,
    direction,
    tags: tagsOf(titles, entry),
    ...(entry.requirement && { requirement: entry.requirement }),
  };
}

function errorsOf(samples: SuiteSamples, entry: LoadedCase): Pick<Measurement, "errors" | "notes"> {
  const own = samples.failures.filter((failure) => failure.case === entry.id);
  if (own.length === 0) return {};
  const kinds: Record<string, number> = {};
  for (const { kind } of own) kinds[kind] = (kinds[kind] ?? 0) + 1;
  const messages = [...new Set(own.map(({ kind, message }) => `${kind}: ${message}`))];
  return { errors: { count: own.length, kinds }, notes: messages.slice(0, 5) };
}

function timeMeasurements(
  samples: SuiteSamples,
  entry: LoadedCase,
  plan: BenchPlan,
  doubts: readonly string[],
): Measurement[] {
  const named = base(samples, entry, { unit: "ns", direction: "lower", suffix: "time" });
  const failed = errorsOf(samples, entry);
  const measured = samples.processes
    .map(({ draws }) => draws.filter((draw) => draw.samples[entry.id]))
    .filter((draws) => draws.length > 0);
  const kept = timesOf(samples, entry.id);
  const pooled = Float64Array.from(kept.flatMap((values) => [...values]));
  if (pooled.length === 0) return [{ ...named, summary: { count: 0 }, ...failed }];
  const draws = measured.flat();
  const never = draws.filter(({ steady }) => !steady).length;
  const summary: Summary = summarize(pooled);
  const notes = [...(failed.notes ?? []), ...doubts];
  // Of a few draws, one that was disturbed says nothing about the body.
  if (draws.length >= 5 && never > draws.length / 5) {
    notes.push(`never steady: in ${never} of ${draws.length} draws the time still changed at the end`);
  }
  const interval = medianInterval(kept, median(pooled), plan.confidence);
  const controlRatio = controlRatioOf(samples, entry.id);
  const time: Measurement = {
    ...named,
    summary,
    ...(interval && { interval }),
    outliers: outliersOf(pooled),
    raw: rawBlocks(
      measured.map((list) =>
        list.map((draw) => (draw.samples[entry.id] ?? new Float32Array(0)).filter((value) => !Number.isNaN(value))),
      ),
    ),
    ...(controlRatio !== undefined && { controlRatio }),
    ...(failed.errors && { errors: failed.errors }),
    ...(notes.length > 0 && { notes }),
  };
  return [time, ...allocationMeasurements(samples, entry)];
}

function outliersOf(values: Float64Array): NonNullable<Measurement["outliers"]> {
  const { lowSevere, lowMild, highMild, highSevere } = labelOutliers(values).counts;
  return { lowSevere, lowMild, highMild, highSevere };
}

/**
 * Over processes, because samples of one process share its fate: t on the logs of their medians where all are positive.
 * Where processes fall into two groups the centre of their medians lies between them, and the median of all samples in
 * one: the interval then reaches as far as the figure that it is shown with.
 */
function medianInterval(processes: readonly Float64Array[], shown: number, confidence: number): Interval | undefined {
  const reaching = (low: number, high: number): Pick<Interval, "low" | "high"> => ({
    low: Math.min(low, shown),
    high: Math.max(high, shown),
  });
  const medians = processes.filter((values) => values.length > 0).map((values) => median(values));
  if (medians.length < 2) return undefined;
  if (medians.every((value) => value > 0)) {
    const { low, high } = tInterval(medians.map(Math.log), confidence);
    return {
      of: "median",
      ...reaching(Math.exp(low), Math.exp(high)),
      confidence,
      method: "t over the logs of process medians",
    };
  }
  const { low, high } = tInterval(medians, confidence);
  return { of: "median", ...reaching(low, high), confidence, method: "t over process medians" };
}

function controlRatioOf(samples: SuiteSamples, id: ArmId): number | undefined {
  const ratios = samples.processes.flatMap(({ draws }) =>
    draws.flatMap((draw) => {
      const [own, control] = [counted(draw, id), counted(draw, controlArm)];
      if (own.length === 0 || control.length === 0) return [];
      const ratio = median(own) / median(control);
      return Number.isFinite(ratio) ? [ratio] : [];
    }),
  );
  const ratio = ratios.length === 0 ? undefined : median(ratios);
  // A body that takes nothing may come out below zero after subtraction: it has no ratio to anything.
  return ratio !== undefined && ratio > 0 ? ratio : undefined;
}

/** Missed deadlines have no time, and are counted under errors. */
function rawBlocks(processes: readonly (readonly Float32Array[])[]): RawBlocks {
  const encode = (draws: readonly Float32Array[]): string =>
    Buffer.concat(draws.map((draw) => Buffer.from(draw.buffer, draw.byteOffset, draw.byteLength))).toString("base64");
  return { encoding: "f32le/base64", processes: processes.map(encode) };
}

/**
 * How often the range of the windows holds their true median: unless all fall on one side of it. Counting errors are
 * one-sided, so no distribution is assumed.
 */
const windowsCoverage = 1 - 2 ** (1 - allocationDefaults.windows);

function allocationMeasurements(samples: SuiteSamples, entry: LoadedCase): Measurement[] {
  const found = samples.allocations.get(entry.id);
  if (!found) return [];
  const one = (suffix: string, unit: MetricUnit, value: number): Measurement => ({
    ...base(samples, entry, { unit, direction: "lower", suffix }),
    summary: { count: 1, mean: value },
  });
  const bytes: Measurement = {
    ...one("allocated", "bytes", found.bytesPerOperation),
    interval: {
      of: "value",
      low: found.low,
      high: found.high,
      confidence: windowsCoverage,
      method: `range of ${allocationDefaults.windows} windows`,
    },
    ...(!found.settled && { notes: ["the count had not settled when the time was over"] }),
  };
  return [
    bytes,
    one("gc-pause", "ns", found.gcPauseNsPerOperation),
    one("gc-count", "count", found.gcCountPerOperation),
    ...(found.offHeapBytesPerOperation === undefined
      ? []
      : [one("allocated-off-heap", "bytes", found.offHeapBytesPerOperation)]),
  ];
}

function recordMeasurements(samples: SuiteSamples, entry: LoadedCase): Measurement[] {
  const keys = samples.records.get(entry.id);
  const failed = errorsOf(samples, entry);
  const naming = (key: string): Named => {
    const declared = entry.units?.[key] ?? recordDefaults;
    return { ...declared, suffix: slug(key) };
  };
  if (!keys || keys.size === 0) return [{ ...base(samples, entry, naming("value")), summary: { count: 0 }, ...failed }];
  return [...keys].map(([key, values]) => ({
    ...base(samples, entry, naming(key)),
    summary: summarize(values),
    outliers: outliersOf(Float64Array.from(values)),
    ...failed,
  }));
}

function slopeMeasurements(samples: SuiteSamples, entry: LoadedCase): Measurement[] {
  const slopes = samples.slopes.get(entry.id) ?? [];
  if (slopes.length === 0) {
    const named = base(samples, entry, { unit: "bytes", direction: "lower", suffix: "slope" });
    return [{ ...named, summary: { count: 0 }, ...errorsOf(samples, entry) }];
  }
  return slopes.map(({ suffix, unit, value, low, high, confidence, count, note }) => ({
    ...base(samples, entry, { unit, direction: "lower", suffix }),
    summary: { count, mean: value },
    interval: { of: "slope", low, high, confidence, method: "least squares over several sizes" },
    ...(note !== undefined && { notes: [note] }),
  }));
}

/** Names of the two sides where the whole run compares two builds. */
export interface BuildSides {
  readonly baseline: Side;
  readonly candidate: Side;
}

/**
 * The comparisons of a suite: each case with the suite's baseline, or with itself in the other build.
 *
 * @param builds - where two builds are compared
 */
export function comparisonsOf(samples: SuiteSamples, plan: BenchPlan, seed: number, builds?: BuildSides): Comparison[] {
  const baseline = baselineOf(samples.suite);
  return candidatesOf(samples).flatMap((entry) => {
    const logRatios = logRatiosOf(samples, entry.id);
    if (logRatios.length < leastPairs || !baseline) return [];
    const { ratio, low, high, pValue, outcome } = decide(
      logRatios,
      samples.finalAlpha,
      plan.margin,
      true,
      new Random(seed).uniform,
    );
    const selfCheck = selfCheckOf(twinLogRatiosOf(samples, entry.id), plan.confidence, plan.margin);
    const { metric, unit, direction, tags } = base(samples, entry, { unit: "ns", direction: "lower", suffix: "time" });
    const sequential = samples.looks > 1 ? ", sequential (error spent by the square of the share)" : "";
    const comparison: Comparison = {
      metric,
      unit,
      direction,
      tags,
      ...(builds ?? { baseline: { label: baseline.id }, candidate: { label: entry.id } }),
      ratio,
      interval: {
        of: "ratio",
        low,
        high,
        confidence: plan.confidence,
        method: `trimmed t over processes${sequential}`,
      },
      pValue,
      margin: plan.margin,
      pairs: logRatios.length,
      outcome,
      ...(selfCheck && { selfCheck }),
      logRatios,
    };
    return [comparison];
  });
}
