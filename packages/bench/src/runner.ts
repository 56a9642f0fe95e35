import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Clock, type MettleError, Random, systemClock } from "@mettle/core";
import type { Comparison, Measurement, Profile } from "@mettle/results";
import { withCodeCache } from "./code-cache.ts";
import { type BuildSides, comparisonsOf, measurementsOf, missingRatios, removedBodies } from "./document.ts";
import { benchErrors } from "./errors.ts";
import type { BenchListener } from "./events.ts";
import { Host, type HostOptions, ProcessFailure } from "./host.ts";
import { type BenchPlan, resolvePlan } from "./plan.ts";
import type { CaseFailure, LoadedSuite } from "./protocol.ts";
import { SingleStation, type Station } from "./station.ts";
import { SuiteRun } from "./suite-run.ts";
import type { SuiteSamples } from "./suite-samples.ts";

export interface BenchOptions {
  /** Absolute paths of benchmark files. */
  readonly files: readonly string[];
  readonly cwd: string;
  readonly profile?: Profile;
  readonly plan?: Partial<BenchPlan>;
  /** Only cases whose full name contains this, whatever the case. */
  readonly filter?: string;
  readonly nodeFlags?: readonly string[];
  /** Environment variables of the measuring processes, beside this one's own. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Makes the order of arms and the inputs of every seeded choice repeatable; times are not. */
  readonly seed?: number;
  readonly onEvent?: BenchListener;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/** What a benchmark run measured; `interrupted` and `problems` decide whether it may be believed. */
export interface BenchResult {
  readonly measurements: readonly Measurement[];
  readonly comparisons: readonly Comparison[];
  /** Files and cases that could not be measured, as errors with codes. */
  readonly problems: readonly MettleError[];
  readonly notes: readonly string[];
  readonly interrupted: boolean;
}

const codeOf: Readonly<Record<string, Parameters<typeof benchErrors.create>[0]>> = {
  timeout: "BENCH_TIMEOUT",
  died: "BENCH_PROCESS_DIED",
  memory: "BENCH_OUT_OF_MEMORY",
  load: "BENCH_FILE_FAILED",
  reload: "BENCH_FILE_FAILED",
  definition: "BENCH_DEFINITION_INVALID",
};

export function problemOf(file: string, failure: CaseFailure): MettleError {
  const where = failure.case === "" ? file : `"${failure.case}"`;
  const code = codeOf[failure.kind] ?? "BENCH_BODY_FAILED";
  const { next } = benchErrors.definitions[code];
  const clue = clueOf(file, failure);
  return benchErrors.create(code, `${where}: ${failure.message}`, {
    details: { file, ...failure },
    ...(clue !== undefined && { next: `${next} ${clue}` }),
  });
}

/** Where to look: the line that threw, or the last that a process wrote before it ended. */
function clueOf(file: string, { kind, stack = "" }: CaseFailure): string | undefined {
  if (kind === "died" || kind === "memory" || kind === "timeout") {
    const last = stack.trimEnd().split("\n").at(-1);
    return last ? `The last line that it wrote: ${last.slice(0, 200)}` : undefined;
  }
  const frame = /file:\/\/[^\s)]+:\d+:\d+/.exec(stack)?.[0];
  if (frame === undefined) return undefined;
  const [, url = "", place] = /^(.*?)(:\d+:\d+)$/.exec(frame) ?? [];
  return `It came from ${relative(dirname(file), fileURLToPath(url))}${place}.`;
}

/** What a file offers, read in a process of its own. */
export async function discover(
  file: string,
  host: HostOptions,
  filter: string | undefined,
): Promise<readonly LoadedSuite[]> {
  await using process = new Host(host);
  const request = { type: "load", file, twin: false, seed: 0, excluded: [], markerFile: process.markerFile } as const;
  const { suites } = await process.ask(filter === undefined ? request : { ...request, filter }, 30_000);
  return suites;
}

/**
 * Measures benchmark files, each suite in fresh processes, one process at a time.
 *
 * @throws MettleError `BENCH_OPTIONS_INVALID`; `BENCH_NOTHING_FOUND` when the files define no benchmark that the filter
 * lets through. A file or case that fails is a problem in the result, and the others are still measured.
 */
export async function runBenchmarks(options: BenchOptions): Promise<BenchResult> {
  return withCodeCache(options.env, (env) => {
    const host = hostOptions({ ...options, env });
    return measureFiles(options, {
      mode: "inside",
      discoverIn: host,
      station: () => new SingleStation(new Host(host)),
    });
  });
}

export function hostOptions({ cwd, nodeFlags = [], env, signal }: BenchOptions): HostOptions {
  return { cwd, nodeFlags, ...(env && { env }), ...(signal && { signal }) };
}

/** Where the suites of a run are looked up and measured. */
export interface Workshop {
  readonly mode: SuiteSamples["mode"];
  readonly discoverIn: HostOptions;
  readonly station: (random: Random) => Station;
  readonly builds?: BuildSides;
}

export async function measureFiles(options: BenchOptions, workshop: Workshop): Promise<BenchResult> {
  const plan = resolvePlan(options.profile ?? "ci", options.plan);
  const { clock = systemClock, onEvent = () => {}, signal, filter } = options;
  const random = new Random(options.seed ?? clock.wallTime());
  const problems: MettleError[] = [];
  const measured: SuiteSamples[] = [];
  const notes: string[] = [];
  onEvent({ kind: "plan", files: options.files });
  for (const file of options.files) {
    try {
      if (signal?.aborted) break;
      const suites = await discover(file, workshop.discoverIn, filter);
      if (suites.length === 0 && filter === undefined) notes.push(`${file} defines no benchmark`);
      for (const suite of suites) {
        if (signal?.aborted) break;
        const run = new SuiteRun(file, suite, {
          plan,
          mode: workshop.mode,
          station: () => workshop.station(random),
          random,
          onEvent,
          ...(filter !== undefined && { filter }),
          ...(signal && { signal }),
        });
        measured.push(await run.run());
      }
    } catch (error) {
      if (signal?.aborted) break;
      if (!(error instanceof ProcessFailure)) throw error;
      problems.push(problemOf(file, error.failure));
    }
  }
  onEvent({ kind: "done" });
  const result = collectResult(measured, problems, signal?.aborted ?? false);
  return {
    ...result,
    notes: [...notes, ...result.notes],
    measurements: measured.flatMap((samples) => measurementsOf(samples, plan)),
    comparisons: measured.flatMap((samples) => comparisonsOf(samples, plan, random.uint32(), workshop.builds)),
  };
}

function collectResult(
  measured: readonly SuiteSamples[],
  problems: MettleError[],
  interrupted: boolean,
): Pick<BenchResult, "problems" | "notes" | "interrupted"> {
  const cases = measured.reduce((total, { suite }) => total + suite.cases.length, 0);
  if (cases === 0 && problems.length === 0 && !interrupted) {
    throw benchErrors.create("BENCH_NOTHING_FOUND", "No benchmark was found.");
  }
  for (const { file, failures } of measured) {
    const seen = new Set<string>();
    for (const failure of failures) {
      if (failure.kind === "deadline" || seen.has(failure.case)) continue;
      seen.add(failure.case);
      problems.push(problemOf(file, failure));
    }
  }
  // Of a part nothing is missing that the word "interrupted" does not say.
  if (!interrupted) problems.push(...measured.flatMap(doubtsOf));
  return {
    problems,
    notes: [...new Set(measured.flatMap((samples) => [...samples.notes, ...remainders(samples)]))],
    interrupted,
  };
}

/** Cases that gave figures which must not pass for a measurement. */
function doubtsOf(samples: SuiteSamples): MettleError[] {
  const { file, mode } = samples;
  const removed = removedBodies(samples);
  const gone = new Set(removed.map(({ id }) => id));
  // Inside a suite the ratio is an extra, and a note says that it is missing. Between builds it is what was asked for.
  const unrelated = mode === "against" ? missingRatios(samples).filter(({ id }) => !gone.has(id)) : [];
  const failed = new Set(samples.failures.map((failure) => failure.case));
  const ofCases = [
    ...removed.map(({ id, reason }) => ["BENCH_BODY_REMOVED", id, reason] as const),
    ...unrelated.map(({ id, reason }) => ["BENCH_RATIO_UNMEASURED", id, reason] as const),
  ]
    .filter(([, id]) => !failed.has(id))
    .map(([code, id, reason]) => benchErrors.create(code, `"${id}": ${reason}.`, { details: { file, case: id } }));
  return [...ofCases, ...timersOf(samples)];
}

const isTimer = (name: string): boolean => name === "Timeout" || name === "Immediate";

/** Timers that go on run between the samples of whatever is measured beside them. */
function timersOf({ file, suite, left }: SuiteSamples): MettleError[] {
  const names = [...left].filter(isTimer);
  if (names.length === 0) return [];
  const what = suite.titles.length > 0 ? `the suite "${suite.titles.join(" > ")}"` : "its benchmarks";
  const message = `${file}: ${what} left timers running (${names.join(", ")}), beside which the rest was measured.`;
  return [benchErrors.create("BENCH_LEFT_RUNNING", message, { details: { file, suite: suite.titles, left: names } })];
}

/** Servers and sockets wait without running: worth a word, no more. */
function remainders({ file, left }: SuiteSamples): string[] {
  const names = [...left].filter((name) => !isTimer(name));
  return names.length === 0 ? [] : [`${file} leaves ${names.join(", ")} open after its last benchmark`];
}
