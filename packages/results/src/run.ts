import type { MetricUnit } from "@mettle/core";

/** The version this code writes. Readers refuse any other with `RUN_VERSION_UNSUPPORTED`. */
export const runSchema = "mettle.run/1";

export const runKinds = ["bench", "load", "soak", "validate", "monitor"] as const;
export type RunKind = (typeof runKinds)[number];
export const profiles = ["smoke", "ci", "full", "soak"] as const;
export type Profile = (typeof profiles)[number];
export const directions = ["lower", "higher", "none"] as const;
/** Which way is better. */
export type Direction = (typeof directions)[number];
export const validityStates = ["valid", "degraded", "invalid"] as const;

/**
 * One run of any kind: what was measured, where, on what code, and whether it can be believed. Everything a report
 * or a verdict says is computed from this document and can be computed again from its file.
 */
export interface Run {
  readonly schema: typeof runSchema;
  /** Time-ordered (UUIDv7). */
  readonly id: string;
  /** ISO 8601 with zone. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly name: string;
  readonly kind: RunKind;
  readonly profile?: Profile;
  readonly revision?: Revision;
  readonly environment: Environment;
  readonly validity: Validity;
  /** What was asked for and could not be measured; absent when that is nothing. No verdict passes over one. */
  readonly failures?: readonly Failure[];
  readonly measurements: readonly Measurement[];
  /** Paired comparisons made inside this run; absent when none was made. */
  readonly comparisons?: readonly Comparison[];
  /** Present when another tool measured and this was made from its file. */
  readonly imported?: Imported;
}

/** A benchmark, a file or a comparison that gave no figure to believe. */
export interface Failure {
  /** Of the error catalogues: `BENCH_PROCESS_DIED`. */
  readonly code: string;
  /** In words, with the name of what failed. */
  readonly message: string;
}

/** Where an imported run came from, and what its format could not carry. */
export interface Imported {
  /** Such as "k6-json". */
  readonly format: string;
  /** In words; empty when nothing was lost. */
  readonly lost: readonly string[];
}

export interface Revision {
  readonly commit: string;
  readonly branch?: string;
  /** True when the work tree differed from `commit`. */
  readonly dirty: boolean;
}

export interface Validity {
  readonly state: (typeof validityStates)[number];
  /** In words, most serious first; empty when valid. */
  readonly reasons: readonly string[];
}

/** Where a run was measured. A field that could not be read is absent. */
export interface Environment {
  readonly os: { readonly platform: string; readonly release: string; readonly arch: string };
  readonly cpu: { readonly model: string; readonly cores: number; readonly mhz?: number };
  readonly memoryBytes: number;
  readonly node: { readonly version: string; readonly v8: string; readonly flags: readonly string[] };
  /** Limits of the container (cgroup), where there are any. */
  readonly container?: { readonly cpus?: number; readonly memoryBytes?: number };
  readonly ci?: string;
  readonly loadAverage1m?: number;
  readonly governor?: string;
  readonly noise?: NoiseProbe;
  /** Short hash over what makes two machines comparable: os, arch, cpu model, cores, limits, Node major. */
  readonly fingerprint: string;
}

/** How quiet the machine was when the run began, from a fixed integer loop timed many times. */
export interface NoiseProbe {
  readonly samples: number;
  /** Median time of the probe loop. */
  readonly medianNs: number;
  /** Median absolute deviation over the median. */
  readonly spread: number;
  /** Share of probe samples at least 1.5 times the median: the process was interrupted. */
  readonly interruptedShare: number;
  /** Time runnable but not running over wall time, from the scheduler, where it tells. */
  readonly cpuWaitShare?: number;
}

export interface Measurement {
  /** Dotted, from the general to the particular: `registry.lookup.time`. */
  readonly metric: string;
  readonly unit: MetricUnit;
  readonly direction: Direction;
  readonly tags: Readonly<Record<string, string>>;
  readonly summary: Summary;
  readonly interval?: Interval;
  readonly histogram?: EncodedHistogram;
  readonly series?: Series;
  /** Ids of requirements that this answers. */
  readonly requirement?: readonly string[];
  /** Outliers by Tukey's fences: labelled, never dropped. */
  readonly outliers?: OutlierCounts;
  /** Samples that failed (threw, missed a deadline): counted here, never missing from sight. */
  readonly errors?: {
    readonly count: number;
    readonly kinds: Readonly<Record<string, number>>;
    /** The first of each kind, as far as they were kept. */
    readonly examples?: readonly ErrorExample[];
  };
  /** The slowest samples, the slowest first, as far as they were kept. */
  readonly slowest?: readonly SlowestSample[];
  /** Every process's raw blocks, so that any statistic can be computed again. */
  readonly raw?: RawBlocks;
  /** The ratio to the control workload measured beside this, for history that outlives a machine. */
  readonly controlRatio?: number;
  /** What a reader must know before believing the number: "the body may have been optimized away". */
  readonly notes?: readonly string[];
}

/** One failed sample. */
export interface ErrorExample {
  /** One of `kinds`. */
  readonly kind: string;
  /** Since the start of the run. */
  readonly atMs: number;
  /** What failed, in words: method, address, outcome. */
  readonly label: string;
}

/** One of the slowest samples, and where its time went. */
export interface SlowestSample {
  /** When it was due, since the start of the run. */
  readonly atMs: number;
  /** In the measurement's unit, as are the phases. */
  readonly value: number;
  /** What came after what; those that took no time are left out. */
  readonly phases: readonly (readonly [name: string, value: number])[];
  /** What it was, in words: method, address, outcome. */
  readonly label: string;
}

/** Computed from samples; a statistic that was not measured is absent. `count` is the number of samples. */
export interface Summary {
  readonly count: number;
  readonly mean?: number;
  readonly stddev?: number;
  readonly min?: number;
  readonly p50?: number;
  readonly p75?: number;
  readonly p90?: number;
  readonly p95?: number;
  readonly p99?: number;
  readonly p999?: number;
  readonly max?: number;
  /** Counters: the total, and per second. */
  readonly sum?: number;
  readonly perSecond?: number;
  /** Rates: the share of samples that were true, 0 … 1. */
  readonly rate?: number;
  /** Gauges: the last value. */
  readonly last?: number;
}
export type SummaryStatistic = Exclude<keyof Summary, "count">;

export interface Interval {
  readonly of: "median" | "mean" | "slope" | "ratio" | "value";
  readonly low: number;
  readonly high: number;
  /** Coverage as a fraction, such as 0.99. */
  readonly confidence: number;
  /** Such as "t over process medians". */
  readonly method: string;
}

/** Mergeable and compact; made and read by the histogram of `@mettle/stats`. */
export interface EncodedHistogram {
  readonly kind: "log-linear/1";
  /** Sub-buckets per doubling as a power of two: the relative error of a quantile is at most 2^−bits. */
  readonly bits: number;
  /** Values are recorded in multiples of this (in the measurement's unit). */
  readonly resolution: number;
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  /** Alternating gap and count of the filled buckets, LEB128, base64. */
  readonly buckets: string;
  /** Exact counts of values at or under declared limits: `[limit, count]`. */
  readonly limits?: readonly (readonly [number, number])[];
  /** Recordings that were no value (NaN, negative, infinite, too large); absent when there was none. */
  readonly rejected?: number;
}

/** A figure over the time of the run. All arrays have one length. */
export interface Series {
  /** Milliseconds since the start of the run, ascending. */
  readonly atMs: readonly number[];
  readonly values: Readonly<Record<string, readonly (number | null)[]>>;
}

export interface OutlierCounts {
  readonly lowSevere: number;
  readonly lowMild: number;
  readonly highMild: number;
  readonly highSevere: number;
}

/** One entry per process: base64 of little-endian Float32, in the measurement's unit, in the order measured. */
export interface RawBlocks {
  readonly encoding: "f32le/base64";
  readonly processes: readonly string[];
}

/** One side of a comparison. */
export interface Side {
  readonly label: string;
  readonly revision?: Revision;
}

export const comparisonOutcomes = ["worse", "better", "same", "undecided"] as const;
export type ComparisonOutcome = (typeof comparisonOutcomes)[number];

/** A paired comparison: the two sides ran interleaved, process by process. */
export interface Comparison {
  readonly metric: string;
  readonly unit: MetricUnit;
  readonly direction: Direction;
  readonly tags: Readonly<Record<string, string>>;
  readonly baseline: Side;
  readonly candidate: Side;
  /** candidate / baseline: above 1 is slower for a time. */
  readonly ratio: number;
  /** Of the ratio. */
  readonly interval: Interval;
  /** Two-sided, sign-flip over processes, outliers clipped. Absent with too few pairs. */
  readonly pValue?: number;
  /** Smallest effect that matters, as a fraction: 0.01 is 1 %. */
  readonly margin: number;
  readonly pairs: number;
  readonly outcome: ComparisonOutcome;
  /** What identical code showed in the same run (the hidden A/A arm). Absent where there was none. */
  readonly selfCheck?: SelfCheck;
  /** The natural logarithm of each pair's ratio, in the order measured. */
  readonly logRatios: readonly number[];
  readonly notes?: readonly string[];
}

export interface SelfCheck {
  /** Ratio of two identical arms and its interval: must contain 1. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  /** Smallest effect, as a fraction, that this machine would find in 95 % of runs like this one. */
  readonly detectable: number;
}
