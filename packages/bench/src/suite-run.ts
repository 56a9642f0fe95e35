import type { Random } from "@mettle/core";
import type { BenchListener } from "./events.ts";
import { candidatesOf, logRatiosOf } from "./evidence.ts";
import { ProcessFailure } from "./host.ts";
import { Looks } from "./looks.ts";
import { decide, leastPairs } from "./paired.ts";
import type { BenchPlan } from "./plan.ts";
import type { ArmId, CaseFailure, LoadedCase, LoadedSuite } from "./protocol.ts";
import { type DrawReply, type DrawRequest, isLethal, type Station } from "./station.ts";
import { type Draw, settle } from "./steady.ts";
import type { ProcessSamples, SuiteSamples } from "./suite-samples.ts";

export interface SuiteRunOptions {
  readonly plan: BenchPlan;
  /** Whether the cases are compared inside the suite, or each with itself in another build. */
  readonly mode: SuiteSamples["mode"];
  /** Starts the process, or the processes, that draws are made in. */
  readonly station: () => Station;
  readonly random: Random;
  readonly filter?: string;
  readonly onEvent: BenchListener;
  readonly signal?: AbortSignal;
}

/**
 * How many processes, or sets of three, the time is planned for, as a share of `maxProcesses`. Inside a suite, draws of one
 * process are about as independent as draws of several, and an interval over many processes is narrower than over few; but
 * each costs a start. Simulated over draws of a function that allocates, 18 to 28 processes in 10 s find a change of 2 %
 * equally often, 14 miss more.
 *
 * Two builds get one draw a set. The first instance of a file in fresh processes meets the same heap and code space on both
 * sides, later ones do not. Seen once, between identical builds of a function that allocates: the first draws of 80 sets spread
 * by 0.64 %, the second and later ones by 1.2 to 3.2 %, so that more draws cost time and told nothing.
 */
const plannedShare = 0.75;
/** Later ones find nearly all of it kept. */
const processesThatKeepCode = 2;
/** For counting the allocations of one case. */
const allocationMs = 600;

/** Measures one suite: process after process, until every comparison has decided or the time is over. */
export class SuiteRun {
  readonly samples: SuiteSamples;
  readonly #options: SuiteRunOptions;
  #iterations: Readonly<Record<ArmId, number>> = {};
  readonly #excluded = new Set<string>();
  readonly #looks: Looks;
  /** Whether the file stands being loaded several times in a process. */
  #reloadable = true;

  constructor(file: string, suite: LoadedSuite, options: SuiteRunOptions) {
    this.#options = options;
    this.#looks = new Looks(options.plan);
    this.samples = {
      file,
      suite,
      mode: options.mode,
      processes: [],
      allocations: new Map(),
      records: new Map(),
      slopes: new Map(),
      failures: [],
      notes: new Set(),
      left: new Set(),
      looks: 0,
      finalAlpha: 1 - options.plan.confidence,
    };
  }

  async run(): Promise<SuiteSamples> {
    const { plan, signal } = this.#options;
    await this.#times();
    if (plan.memory && !signal?.aborted) await this.#memory();
    if (!signal?.aborted) await this.#slopes();
    return this.samples;
  }

  async #times(): Promise<void> {
    const { plan, signal } = this.#options;
    let started = performance.now();
    let firstMs = 0;
    let done = 0;
    let likely = plan.maxProcesses;
    this.#announce(likely);
    while (done < likely && this.#remaining().some(({ kind }) => kind !== "slope") && !signal?.aborted) {
      const before = performance.now();
      const [cases, reloadable] = [this.#remaining().length, this.#reloadable];
      const process = await this.#process(this.#processMs());
      const tookMs = performance.now() - before;
      if (process.draws.length > 0) this.samples.processes.push(process);
      const spoiled = this.#remaining().length < cases || this.#reloadable !== reloadable;
      // A case that fails takes its process with it. Neither is charged to the cases that are left.
      if (spoiled) started += tookMs;
      if (spoiled && process.draws.length === 0) continue;
      done++;
      const elapsedMs = performance.now() - started;
      if (done === 1) firstMs = elapsedMs;
      else likely = this.#affordable(done, elapsedMs, (elapsedMs - firstMs) / (done - 1));
      this.#report(done, likely, elapsedMs);
      if (this.#decided(done, likely)) return;
    }
    this.#look(this.samples.processes.length);
  }

  /** How many processes there will be when the time is over, which may be half a process too late. The first fills caches. */
  #affordable(done: number, elapsedMs: number, eachMs: number): number {
    const { minProcesses, maxProcesses, secondsPerSuite } = this.#options.plan;
    const more = Math.max(0, Math.round((secondsPerSuite * 1000 - elapsedMs) / eachMs));
    return Math.max(minProcesses, Math.min(maxProcesses, done + more));
  }

  /** The time of one process, or of one set of three, its start included. */
  #processMs(): number {
    const { secondsPerSuite, maxProcesses } = this.#options.plan;
    return (secondsPerSuite * 1000) / (maxProcesses * plannedShare);
  }

  #remaining(): LoadedCase[] {
    return this.samples.suite.cases.filter(({ id }) => !this.#excluded.has(id));
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

  #report(done: number, of: number, elapsedMs: number): void {
    const { suite, file } = this.samples;
    this.#options.onEvent({
      kind: "process-done",
      file,
      suite: suite.titles.join(" > "),
      index: done,
      of,
      elapsedMs,
      etaMs: (elapsedMs / done) * (of - done),
    });
  }

  /** One process, or one set of them: draw after draw, each a fresh instance of the file, within its share of the time. */
  async #process(budgetMs: number): Promise<ProcessSamples> {
    const started = performance.now();
    const draws: Draw[] = [];
    await using station = this.#options.station();
    try {
      for (;;) {
        const before = performance.now();
        const { samples = {}, failures } = await this.#draw(station);
        if (Object.keys(samples).length > 0) draws.push(settle(samples));
        if (failures.some(isLethal)) break;
        const now = performance.now();
        // Records are as many as their bodies give; a second draw in the process would only repeat set-up.
        if (this.#onlyRecords() || !this.#reloadable || this.samples.mode === "against") break;
        const spent = now - started + (now - before) / 2 > budgetMs;
        // An even number has no middle one: its median is a mean of two, and follows one that went astray.
        if (spent && (draws.length % 2 === 1 || draws.length === 0)) break;
      }
    } catch (error) {
      if (!this.#options.signal?.aborted) this.#blame(error);
    }
    return { draws };
  }

  #onlyRecords(): boolean {
    return this.#remaining().every(({ kind }) => kind !== "time");
  }

  /** One draw, with everything kept but its samples. A case that failed in it is left out from here on. */
  async #draw(station: Station): Promise<DrawReply> {
    const reply = await station.draw(this.#request());
    this.#iterations = reply.iterations;
    this.#keepRecords(reply.records);
    this.#note(reply.failures);
    for (const failure of reply.failedRecords) this.samples.failures.push(failure);
    for (const name of reply.left) this.samples.left.add(name);
    if (reply.onlyOnce !== undefined) this.#once(reply.onlyOnce);
    return reply;
  }

  /** From here on one draw a process, and no second instance in it. */
  #once(why: string): void {
    this.#reloadable = false;
    const lost = this.samples.mode === "inside" ? "no self-check" : "one draw a process";
    this.samples.notes.add(`${lost}: the file cannot be loaded twice in one process (${why})`);
  }

  #request(): DrawRequest {
    const { plan, filter, random } = this.#options;
    const { file, suite } = this.samples;
    return {
      file,
      suite,
      excluded: [...this.#excluded],
      iterations: this.#iterations,
      twin: plan.selfCheck && this.#reloadable && !this.#onlyRecords(),
      seed: random.uint32(),
      keepCode: this.samples.processes.length < processesThatKeepCode,
      recordMs: this.#processMs() / Math.max(1, this.#remaining().length),
      ...(filter !== undefined && { filter }),
    };
  }

  #keepRecords(values: Readonly<Record<string, Readonly<Record<string, Float64Array>>>>): void {
    for (const [id, keys] of Object.entries(values)) {
      const kept = this.samples.records.get(id) ?? new Map<string, number[]>();
      this.samples.records.set(id, kept);
      for (const [key, list] of Object.entries(keys)) {
        const all = kept.get(key) ?? [];
        kept.set(key, all);
        for (const value of list) all.push(value);
      }
    }
  }

  /** Keeps failures; a case that failed is left out from here on, unless it only missed a deadline. */
  #note(failures: readonly CaseFailure[]): void {
    for (const failure of failures) {
      this.samples.failures.push(failure);
      if (!isLethal(failure) || this.#excluded.has(failure.case)) continue;
      this.#excluded.add(failure.case);
      this.#options.onEvent({ kind: "failure", file: this.samples.file, failure });
    }
  }

  #blame(error: unknown): void {
    if (!(error instanceof ProcessFailure)) throw error;
    const { failure } = error;
    if (failure.kind === "reload" && this.#reloadable) {
      this.#once(failure.message);
      return;
    }
    // Nobody to blame (a hook failed, or the process died between samples): the whole suite is left out.
    const blamed = failure.case === "" ? this.#remaining().map(({ id }) => id) : [failure.case];
    this.#note(blamed.map((id) => ({ ...failure, case: id })));
  }

  async #memory(): Promise<void> {
    const timed = this.#remaining().filter(({ kind }) => kind === "time");
    if (timed.length === 0) return;
    await using station = this.#options.station();
    try {
      const { found, failures } = await station.allocations(this.#request(), allocationMs);
      for (const [id, allocation] of Object.entries(found)) this.samples.allocations.set(id, allocation);
      // Allocation is an extra channel: failing in it does not unmake the times.
      for (const failure of failures)
        this.samples.notes.add(`${failure.case}: allocation not measured (${failure.message})`);
    } catch (error) {
      if (!(error instanceof ProcessFailure)) throw error;
      if (!this.#options.signal?.aborted) this.samples.notes.add(`allocations not measured (${error.message})`);
    }
  }

  /** Memory slopes need a process that holds nothing else. */
  async #slopes(): Promise<void> {
    const asked = this.#remaining().filter(({ kind }) => kind === "slope");
    if (asked.length === 0) return;
    await using station = this.#options.station();
    try {
      const { found, failures } = await station.slopes(this.#request());
      for (const [id, slopes] of Object.entries(found)) this.samples.slopes.set(id, slopes);
      this.#note(failures);
    } catch (error) {
      if (!this.#options.signal?.aborted) this.#blame(error);
    }
  }

  /** Whether it is time for a look, and every comparison of the suite has an answer at it. */
  #decided(done: number, likely: number): boolean {
    const { length } = this.samples.processes;
    if (done >= likely || !this.#looks.isDue(length, likely)) return false;
    this.#look(likely);
    const { plan, random } = this.#options;
    const candidates = candidatesOf(this.samples);
    return (
      candidates.length > 0 &&
      candidates.every(({ id }) => {
        const ratios = logRatiosOf(this.samples, id);
        return (
          ratios.length >= Math.max(plan.minProcesses, leastPairs) &&
          decide(ratios, this.samples.finalAlpha, plan.margin, true, random.uniform).outcome !== "undecided"
        );
      })
    );
  }

  #look(ofAll: number): void {
    const { length } = this.samples.processes;
    if (length === 0) return;
    this.samples.finalAlpha = this.#looks.take(length, ofAll);
    this.samples.looks = this.#looks.taken;
  }
}
