import type { Random } from "@mettle/core";
import type { BenchListener } from "./events.ts";
import { Host, type HostOptions, ProcessFailure } from "./host.ts";
import { decide, type Looks, type PairedDraw, planLooks, processLogRatio } from "./paired.ts";
import type { BenchPlan } from "./plan.ts";
import { type Draw, settle } from "./steady.ts";
import {
  type AllocationReply,
  type ArmId,
  type CaseFailure,
  type LoadedCase,
  type LoadedSuite,
  twinSuffix,
} from "./protocol.ts";

/** Everything measured for one suite: raw, by process and by draw. */
export interface SuiteSamples {
  readonly file: string;
  readonly suite: LoadedSuite;
  readonly processes: ProcessSamples[];
  readonly allocations: Map<string, AllocationReply>;
  readonly records: Map<string, Map<string, number[]>>;
  readonly failures: CaseFailure[];
  readonly notes: Set<string>;
  looks: Looks | undefined;
  /** The error that the last look was allowed. */
  finalAlpha: number;
}

/** What one process gave, in nanoseconds an iteration. */
export interface ProcessSamples {
  readonly draws: readonly Draw[];
}

export interface SuiteRunOptions {
  readonly plan: BenchPlan;
  readonly host: HostOptions;
  readonly random: Random;
  readonly filter?: string;
  readonly onEvent: BenchListener;
  readonly signal?: AbortSignal;
}

/** Long enough for the compiler to have seen a body of microseconds; slower bodies get their blocks' time besides. */
const warmupMs = 8;
/** Draws are many and short: how the compiler's lottery falls differs more from draw to draw than within one. */
const blocksMs = 16;
const minBlocks = 7;
const maxBlocks = 400;
/** A process gets this share of the suite's time: its start costs as much as two or three draws. */
const processShare = 14;
const loadStallMs = 30_000;
const hookStallMs = 60_000;
const defaultStallMs = 10_000;

const isLethal = ({ kind }: CaseFailure): boolean => kind !== "deadline";

/** Measures one suite: process after process, until every comparison has decided or the time is over. */
export class SuiteRun {
  readonly samples: SuiteSamples;
  readonly #options: SuiteRunOptions;
  #iterations: Readonly<Record<ArmId, number>> = {};
  readonly #excluded = new Set<string>();

  constructor(file: string, suite: LoadedSuite, options: SuiteRunOptions) {
    this.#options = options;
    this.samples = {
      file,
      suite,
      processes: [],
      allocations: new Map(),
      records: new Map(),
      failures: [],
      notes: new Set(),
      looks: undefined,
      finalAlpha: 1 - options.plan.confidence,
    };
  }

  async run(): Promise<SuiteSamples> {
    const { plan, signal } = this.#options;
    const started = performance.now();
    const limitMs = plan.secondsPerSuite * 1000;
    let planned = plan.maxProcesses;
    this.#announce(planned);
    for (let index = 0; index < planned && !signal?.aborted; index++) {
      if (this.#remaining().length === 0) break;
      const before = performance.now();
      const process = await this.#process(limitMs / processShare);
      if (process && process.draws.length > 0) this.samples.processes.push(process);
      const elapsedMs = performance.now() - started;
      if (index === 1) planned = this.#afford(elapsedMs, performance.now() - before, limitMs);
      this.#report(index, planned, elapsedMs);
      if (this.#decided() || (elapsedMs > limitMs && index + 1 >= plan.minProcesses)) break;
    }
    if (plan.memory && !signal?.aborted) await this.#memory();
    return this.samples;
  }

  /** How many processes the time allows, seen after the second (the first also fills caches). */
  #afford(elapsedMs: number, lastMs: number, limitMs: number): number {
    const { plan } = this.#options;
    const more = Math.floor((limitMs - elapsedMs) / lastMs);
    const planned = Math.max(plan.minProcesses, Math.min(plan.maxProcesses, 2 + more));
    this.samples.looks = planLooks({
      confidence: plan.confidence,
      minProcesses: plan.minProcesses,
      maxProcesses: planned,
    });
    return planned;
  }

  #remaining(): LoadedCase[] {
    return this.samples.suite.cases.filter(({ id }) => !this.#excluded.has(id));
  }

  #stallMs(): number {
    return Math.max(...this.samples.suite.cases.map(({ timeoutMs }) => timeoutMs ?? defaultStallMs));
  }

  #announce(planned: number): void {
    const { suite, file } = this.samples;
    this.#options.onEvent({
      kind: "suite-start",
      file,
      suite: suite.titles.join(" > "),
      cases: suite.cases.map(({ id }) => id),
      processesMin: this.#options.plan.minProcesses,
      processesMax: planned,
    });
  }

  #report(index: number, of: number, elapsedMs: number): void {
    const { suite, file } = this.samples;
    this.#options.onEvent({
      kind: "process-done",
      file,
      suite: suite.titles.join(" > "),
      index: index + 1,
      of,
      elapsedMs,
      etaMs: (elapsedMs / (index + 1)) * (of - index - 1),
    });
  }

  /** One process: draw after draw, each a fresh instance of the file, within its share of the time. */
  async #process(budgetMs: number): Promise<ProcessSamples | undefined> {
    const started = performance.now();
    const draws: Draw[] = [];
    await using host = new Host(this.#options.host);
    try {
      for (;;) {
        const before = performance.now();
        const samples = await this.#draw(host);
        if (samples && Object.keys(samples).length > 0) draws.push(settle(samples));
        const now = performance.now();
        // Records are as many as their bodies give; a second draw in the process would only repeat set-up.
        if (!samples || now - started + (now - before) > budgetMs || this.#onlyRecords()) break;
      }
    } catch (error) {
      if (this.#options.signal?.aborted) return { draws };
      this.#blame(error);
    }
    return { draws };
  }

  #onlyRecords(): boolean {
    return this.#remaining().every(({ kind }) => kind === "record");
  }

  async #draw(host: Host): Promise<Readonly<Record<ArmId, Float32Array>> | undefined> {
    const { random, plan } = this.#options;
    const open = await this.#open(host);
    if (!open) return undefined;
    const stall = this.#stallMs();
    const { suite } = this.samples;
    const seed = random.uint32();
    let samples: Readonly<Record<ArmId, Float32Array>> = {};
    if (open.timed) {
      const reply = await host.ask(
        { type: "blocks", suite: suite.index, durationMs: blocksMs, minBlocks, maxBlocks, seed },
        stall,
      );
      this.#note(reply.failures);
      if (reply.failures.some(isLethal)) return undefined;
      samples = reply.samples;
    }
    if (this.#remaining().some(({ kind }) => kind === "record")) {
      const durationMs = (plan.secondsPerSuite * 1000) / processShare / this.#remaining().length;
      const reply = await host.ask({ type: "records", suite: suite.index, durationMs }, stall);
      this.#keepRecords(reply.values);
      this.#note(reply.failures, false);
    }
    const { notes } = await host.ask({ type: "finish", suite: suite.index }, hookStallMs);
    for (const note of notes) this.samples.notes.add(note);
    return samples;
  }

  /** Loads a fresh instance of the file and prepares the suite; undefined when a case failed and was excluded. */
  async #open(host: Host): Promise<{ readonly timed: boolean } | undefined> {
    const { plan, filter, random } = this.#options;
    const { suite, file } = this.samples;
    host.follow(suite);
    const loaded = await host.ask(
      {
        type: "load",
        file,
        twin: plan.selfCheck && !this.#onlyRecords(),
        seed: random.uint32(),
        excluded: [...this.#excluded],
        ...(filter !== undefined && { filter }),
        markerFile: host.markerFile,
      },
      loadStallMs,
    );
    for (const note of loaded.notes) this.samples.notes.add(note);
    const now = loaded.suites.find(({ index }) => index === suite.index);
    if (!now) return undefined;
    host.follow(now);
    const prepared = await host.ask(
      { type: "prepare", suite: suite.index, iterations: this.#iterations, warmupMs },
      Math.max(hookStallMs, this.#stallMs()),
    );
    this.#note(prepared.failures);
    if (prepared.failures.length > 0) return undefined;
    this.#iterations = prepared.iterations;
    return { timed: Object.keys(prepared.iterations).length > 0 };
  }

  #keepRecords(values: Readonly<Record<string, Readonly<Record<string, Float64Array>>>>): void {
    for (const [id, keys] of Object.entries(values)) {
      const kept = this.samples.records.get(id) ?? new Map<string, number[]>();
      this.samples.records.set(id, kept);
      for (const [key, list] of Object.entries(keys)) kept.set(key, [...(kept.get(key) ?? []), ...list]);
    }
  }

  /** Keeps failures; a case that failed is left out from here on, unless its failures are samples of their own. */
  #note(failures: readonly CaseFailure[], exclude = true): void {
    for (const failure of failures) {
      this.samples.failures.push(failure);
      if (!exclude || !isLethal(failure) || this.#excluded.has(failure.case)) continue;
      this.#excluded.add(failure.case);
      this.#options.onEvent({ kind: "failure", file: this.samples.file, failure });
    }
  }

  #blame(error: unknown): void {
    if (!(error instanceof ProcessFailure)) throw error;
    const { failure } = error;
    // Nobody to blame (a hook failed, or the process died between samples): the whole suite is left out.
    const blamed = failure.case === "" ? this.#remaining().map(({ id }) => id) : [failure.case];
    this.#note(blamed.map((id) => ({ ...failure, case: id })));
  }

  async #memory(): Promise<void> {
    const timed = this.#remaining().filter(({ kind }) => kind === "time");
    if (timed.length === 0) return;
    await using host = new Host(this.#options.host);
    try {
      const open = await this.#open(host);
      if (!open) return;
      const request = { type: "memory", suite: this.samples.suite.index, durationMs: 600 } as const;
      const reply = await host.ask(request, hookStallMs);
      for (const [id, allocation] of Object.entries(reply.allocations)) this.samples.allocations.set(id, allocation);
      // Allocation is an extra channel: failing in it does not unmake the times.
      for (const failure of reply.failures)
        this.samples.notes.add(`${failure.case}: allocation not measured (${failure.message})`);
    } catch (error) {
      if (!(error instanceof ProcessFailure)) throw error;
      if (!this.#options.signal?.aborted) this.samples.notes.add(`allocations not measured (${error.message})`);
    }
  }

  /** Whether every comparison of the suite has an answer at this look. */
  #decided(): boolean {
    const { looks, suite, processes } = this.samples;
    const look = looks?.at.indexOf(processes.length) ?? -1;
    if (!looks || look < 0) return false;
    const alpha = looks.nominalAlpha[look] ?? 0;
    this.samples.finalAlpha = alpha;
    if (!suite.compare) return false;
    const { plan, random } = this.#options;
    return candidatesOf(this.samples).every(({ id }) => {
      const ratios = logRatiosOf(this.samples, id);
      return (
        ratios.length >= plan.minProcesses &&
        decide(ratios, alpha, plan.margin, true, random.uniform).outcome !== "undecided"
      );
    });
  }
}

export function baselineOf(suite: LoadedSuite): LoadedCase | undefined {
  const timed = suite.cases.filter(({ kind }) => kind === "time");
  return timed.find(({ baseline }) => baseline) ?? timed[0];
}

export function candidatesOf({ suite, failures }: SuiteSamples): LoadedCase[] {
  const failed = new Set(failures.filter(isLethal).map((failure) => failure.case));
  const baseline = baselineOf(suite);
  if (!suite.compare || !baseline || failed.has(baseline.id)) return [];
  return suite.cases.filter((entry) => entry.kind === "time" && entry !== baseline && !failed.has(entry.id));
}

/** One log ratio of candidate to baseline for each process that measured both. */
export function logRatiosOf(samples: SuiteSamples, candidate: string): number[] {
  const baseline = baselineOf(samples.suite);
  if (!baseline) return [];
  return ratiosOver(samples.processes, (arm) => {
    const [base, other, twin] = [arm(baseline.id), arm(candidate), arm(baseline.id + twinSuffix)];
    return base && other ? { baseline: base, candidate: other, ...(twin && { twin }) } : undefined;
  });
}

/** The self-check's log ratios: the twin against the baseline, identical code. */
export function twinLogRatiosOf(samples: SuiteSamples): number[] {
  const baseline = baselineOf(samples.suite);
  if (!baseline) return [];
  return ratiosOver(samples.processes, (arm) => {
    const [base, twin] = [arm(baseline.id), arm(baseline.id + twinSuffix)];
    return base && twin ? { baseline: base, candidate: twin } : undefined;
  });
}

function ratiosOver(
  processes: readonly ProcessSamples[],
  pair: (arm: (id: ArmId) => Float32Array | undefined) => PairedDraw | undefined,
): number[] {
  return processes
    .map(({ draws }) => {
      const pairs = draws.map(({ samples, from }) => pair((id) => samples[id]?.subarray(from)));
      return processLogRatio(pairs.filter((draw) => draw !== undefined));
    })
    .filter((ratio) => ratio !== undefined);
}
