import { closeSync, openSync, writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { pathToFileURL } from "node:url";
import { messageOf, Random } from "@mettle/core";
import { type Arm, controlDefinition, describeSuites, isControl, makeArm } from "./arms.ts";
import { failureOf, HookError, leftOver, origin, plain } from "./child-blame.ts";
import { measureAllocations } from "./child-memory.ts";
import { collectRecords } from "./child-records.ts";
import { measureSlopes } from "./child-slopes.ts";
import { type CaseDefinition, caseId, type Collector, collect, type Hook, type SuiteDefinition } from "./definition.ts";
import { measureTimerCosts } from "./driver.ts";
import {
  type ArmId,
  type CaseFailure,
  controlArm,
  type LoadedCase,
  type LoadedSuite,
  marker,
  type Reply,
  type Request,
  type SlopeReply,
  twinSuffix,
  type TimerCosts,
} from "./protocol.ts";
import { Baton, turnsOf } from "./relay.ts";
import { levelCounts, sampleOf, warm } from "./sampling.ts";

/** The control is a reference, not an arm: one sample in so many blocks is enough. */
const controlEvery = 4;

interface PlannedArm {
  readonly id: ArmId;
  readonly case: string;
  readonly definition: CaseDefinition;
}

interface Open {
  readonly suite: SuiteDefinition;
  /** The second instance of the suite, where the self-check runs. */
  readonly twin: SuiteDefinition | undefined;
  /** Titles of the baseline's case, which alone has a twin. */
  readonly twinCase: string | undefined;
  readonly loaded: LoadedSuite;
  readonly arms: readonly Arm[];
}

/** What writing to stdout and stderr leaves open: Node opens each at first use, and no file has to close it. */
const standardStreams: readonly string[] = ["PipeWrap", "PipeWrap"];

/** The measuring process: does one request at a time and answers it. It never decides anything. */
export class MeasuringProcess {
  #main: Collector | undefined;
  #twin: Collector | undefined;
  #loaded: readonly LoadedSuite[] = [];
  #costs: TimerCosts = { timerNs: 0, loopNs: 0 };
  #open: Open | undefined;
  #marker = -1;
  #instances = 0;
  #baton: Baton | undefined;
  #random = new Random(0);
  /** One for the process: the reference must not depend on the draw. */
  #control: Arm | undefined;
  #resourcesBefore: readonly string[] = [];
  readonly #markerBytes = Buffer.alloc(marker.bytes);
  /** Whether a file was loaded before, so that a failure may be due to loading it twice. */
  get loadedBefore(): boolean {
    return this.#instances > 1;
  }

  async answer(request: Request): Promise<Reply> {
    switch (request.type) {
      case "load":
        return this.#load(request);
      case "prepare":
        return this.#prepare(request);
      case "blocks":
        return this.#blocks(request);
      case "relay":
        return this.#relay(request);
      case "records":
        return this.#records(request);
      case "memory":
        return this.#memory(request);
      case "slopes":
        return this.#slopes(request);
      case "finish":
        return this.#finish(request);
    }
  }

  async #load(request: Request & { type: "load" }): Promise<Reply> {
    if (this.#marker >= 0) closeSync(this.#marker);
    this.#marker = openSync(request.markerFile, "w");
    this.#open = undefined;
    this.#resourcesBefore = [...process.getActiveResourcesInfo(), ...standardStreams];
    this.#random = new Random(request.seed);
    let onlyOnce: string | undefined;
    // Which of the two instances plays the twin changes from process to process: load order must not bias it.
    const mainFirst = request.seed % 2 === 0;
    const first = await this.#instance(request.file);
    let second: Collector | undefined;
    if (request.twin) {
      try {
        second = await this.#instance(request.file);
      } catch (error) {
        onlyOnce = plain(messageOf(error));
      }
    }
    [this.#main, this.#twin] = second && !mainFirst ? [second, first] : [first, second];
    this.#loaded = describeSuites(this.#main, request.excluded, request.filter);
    this.#costs = measureTimerCosts();
    return { type: "loaded", suites: this.#loaded, costs: this.#costs, ...(onlyOnce !== undefined && { onlyOnce }) };
  }

  /** A fresh instance of the file: its query makes it another module. */
  #instance(file: string): Promise<Collector> {
    const url = `${pathToFileURL(file).href}?mettle=${++this.#instances}`;
    return origin.run({ case: "", again: this.loadedBefore }, () => collect(() => import(url)));
  }

  #suite(index: number): { main: SuiteDefinition; twin: SuiteDefinition | undefined; loaded: LoadedSuite } {
    const main = this.#main?.suites[index];
    const loaded = this.#loaded.find((suite) => suite.index === index);
    if (!main || !loaded) throw new Error(`no suite ${index}: the runner asked for what was not loaded`);
    return { main, twin: this.#twin?.suites[index], loaded };
  }

  async #prepare(request: Request & { type: "prepare" }): Promise<Reply> {
    const { main, twin, loaded } = this.#suite(request.suite);
    const failures: CaseFailure[] = [];
    for (const hook of main.beforeAll) await this.#hook(loaded, "beforeAll", "", hook);
    const planned: PlannedArm[] = [];
    for (const entry of loaded.cases) {
      const definition = definitionOf(main, entry.id);
      try {
        if (definition.options.setup) await this.#hook(loaded, "setup", entry.id, definition.options.setup);
        if (entry.kind === "time") planned.push({ id: entry.id, case: entry.id, definition });
      } catch (error) {
        failures.push(error instanceof HookError ? error.failure : failureOf(entry.id, error));
      }
    }
    const { twinArm, onlyOnce } = twin ? await this.#prepareTwin(twin, loaded, failures) : {};
    if (twinArm) planned.push(twinArm);
    const { arms, iterations } = await this.#warmAll(planned, loaded, request, failures);
    this.#open = { suite: main, twin: twinArm && twin, twinCase: twinArm?.case, loaded, arms };
    const baseline = baselineIn(loaded);
    if (baseline) levelCounts(arms, iterations, baseline.id);
    return { type: "prepared", iterations, failures, ...(onlyOnce !== undefined && { onlyOnce }) };
  }

  /** Builds and warms the arms, in an order of chance: the first to run is often compiled differently from the rest. */
  async #warmAll(
    planned: PlannedArm[],
    loaded: LoadedSuite,
    request: Request & { type: "prepare" },
    failures: CaseFailure[],
  ): Promise<{ arms: Arm[]; iterations: Record<string, number> }> {
    const arms: Arm[] = [];
    const iterations: Record<string, number> = {};
    for (const { id, case: name, definition } of this.#random.shuffle(planned)) {
      let arm: Arm | undefined;
      try {
        arm = await this.#arm(loaded, id, name, definition);
        arm.iterations = await warm(arm, request.iterations[id], request.warmupMs, () =>
          this.#mark(loaded, arm?.case ?? name, marker.inSample),
        );
        iterations[id] = arm.iterations;
        arms.push(arm);
      } catch (error) {
        failures.push(failureOf(name, error, arm?.isAsync));
      }
    }
    if (arms.length === 0) return { arms, iterations };
    if (!this.#control) {
      this.#control = await makeArm(controlArm, controlArm, controlDefinition, this.#costs);
      const fixed = request.iterations[controlArm];
      this.#control.iterations = await warm(this.#control, fixed, request.warmupMs, () =>
        this.#mark(loaded, controlArm, marker.inSample),
      );
    }
    iterations[controlArm] = this.#control.iterations;
    return { arms: [...arms, this.#control], iterations };
  }

  /** The baseline's second instance. Where it cannot be had, two at once are too much for the file: no self-check. */
  async #prepareTwin(
    twin: SuiteDefinition,
    loaded: LoadedSuite,
    failures: readonly CaseFailure[],
  ): Promise<{ twinArm?: PlannedArm; onlyOnce?: string }> {
    const baseline = baselineIn(loaded);
    if (!baseline || failures.length > 0) return {}; // the draw is void already
    try {
      const definition = definitionOf(twin, baseline.id);
      const { setup } = definition.options;
      for (const hook of twin.beforeAll) await this.#hook(loaded, "beforeAll", "", hook, true);
      if (setup) await this.#hook(loaded, "setup", baseline.id, setup, true);
      return { twinArm: { id: baseline.id + twinSuffix, case: baseline.id, definition } };
    } catch (error) {
      return { onlyOnce: plain(messageOf(error)) };
    }
  }

  async #arm(loaded: LoadedSuite, id: ArmId, name: string, definition: CaseDefinition): Promise<Arm> {
    this.#mark(loaded, name, marker.inSample);
    return origin.run({ case: name, again: false }, () => makeArm(id, name, definition, this.#costs));
  }

  /** Runs a hook; its time is not limited like a sample's. */
  async #hook(loaded: LoadedSuite, what: string, id: string, hook: Hook, again = false): Promise<void> {
    this.#mark(loaded, id, marker.inHook);
    try {
      await origin.run({ case: id, again }, hook);
    } catch (error) {
      throw new HookError(id, what, error);
    }
  }

  /** Nanoseconds of one iteration of the arm; the marker says where the process is. */
  #sample(arm: Arm, loaded: LoadedSuite): Promise<number> {
    this.#mark(loaded, arm.case, marker.inSample);
    return sampleOf(arm, this.#costs);
  }

  async #blocks(request: Request & { type: "blocks" }): Promise<Reply> {
    const { arms, loaded } = this.#opened();
    const random = new Random(request.seed);
    const samples = arms.map(() => new Float32Array(request.maxBlocks));
    const order = new Uint16Array(arms.length).map((_, i) => i);
    const end = performance.now() + request.durationMs;
    let blocks = 0;
    const failures: CaseFailure[] = [];
    // Hot: one batch of every arm in random order; the marker tells the runner whom to blame if the process dies.
    while (blocks < request.maxBlocks && (blocks < request.minBlocks || performance.now() < end)) {
      random.shuffle(order);
      for (let i = 0; i < order.length; i++) {
        const index = order[i] as number;
        const arm = arms[index] as Arm;
        if (blocks % controlEvery !== 0 && isControl(arm.id)) {
          (samples[index] as Float32Array)[blocks] = Number.NaN;
          continue;
        }
        try {
          (samples[index] as Float32Array)[blocks] = await this.#sample(arm, loaded);
        } catch (error) {
          failures.push(failureOf(arm.case, error, arm.isAsync));
          // A missed deadline is a sample of the case; anything else ends the draw.
          if (failures.at(-1)?.kind !== "deadline") return { type: "blocks", samples: {}, failures };
          (samples[index] as Float32Array)[blocks] = Number.NaN;
        }
      }
      blocks++;
    }
    const named = Object.fromEntries(arms.map((arm, i) => [arm.id, (samples[i] as Float32Array).slice(0, blocks)]));
    return { type: "blocks", samples: named, failures };
  }

  async #relay(request: Request & { type: "relay" }): Promise<Reply> {
    const { arms, loaded } = this.#opened();
    const { place } = request;
    const turns = turnsOf(request);
    const baton = (this.#baton ??= new Baton(request.pipes, place));
    const samples: Record<ArmId, Float32Array> = {};
    const failures: CaseFailure[] = [];
    if (turns[0]) baton.gather(turns[0].side);
    // Hot: one turn of this side after the other.
    for (const [i, turn] of turns.entries()) {
      if (turn.side !== place) continue;
      const arm = arms.find(({ id }) => id === turn.arm);
      if (!arm) throw new Error(`no arm ${turn.arm}`);
      const values = (samples[arm.id] ??= new Float32Array(request.blocks).fill(Number.NaN));
      if (i > 0 && turns[i - 1]?.side !== place) {
        this.#mark(loaded, arm.case, marker.inHook); // it waits: the time limit of a sample does not hold
        if (!baton.receive()) return { type: "relay", samples: {}, failures };
      }
      try {
        await this.#sample(arm, loaded); // discarded: wakes the caches after the others' turns
        values[turn.block] = await this.#sample(arm, loaded);
      } catch (error) {
        failures.push(failureOf(arm.case, error, arm.isAsync));
        // A missed deadline is a sample of the case; anything else ends the draw.
        if (failures.at(-1)?.kind !== "deadline") {
          baton.end();
          return { type: "relay", samples: {}, failures };
        }
      }
      const next = turns[i + 1];
      if (next && next.side !== place) baton.pass(next.side);
    }
    return { type: "relay", samples, failures };
  }

  async #records(request: Request & { type: "records" }): Promise<Reply> {
    const { suite, loaded } = this.#opened();
    const failures: CaseFailure[] = [];
    const values: Record<string, Record<string, Float64Array>> = {};
    for (const entry of loaded.cases.filter(({ kind }) => kind === "record")) {
      const { values: found, errors } = await origin.run({ case: entry.id, again: false }, () =>
        collectRecords(definitionOf(suite, entry.id), request.durationMs, () =>
          this.#mark(loaded, entry.id, marker.inSample),
        ),
      );
      values[entry.id] = found;
      for (const { error, rejected } of errors) failures.push(failureOf(entry.id, error, rejected));
    }
    return { type: "records", values, failures };
  }

  async #memory(request: Request & { type: "memory" }): Promise<Reply> {
    const { arms, loaded } = this.#opened();
    const measured = arms.filter(({ id }) => !isControl(id) && !id.endsWith(twinSuffix));
    const failures: CaseFailure[] = [];
    const allocations = await measureAllocations(measured, request.durationMs, {
      // As in a hook: the windows are many samples long.
      started: (arm) => this.#mark(loaded, arm.case, marker.inHook),
      failed: (arm, error) => failures.push(failureOf(arm.case, error, arm.isAsync)),
    });
    return { type: "memory", allocations, failures };
  }

  async #slopes(_request: Request & { type: "slopes" }): Promise<Reply> {
    const { suite, loaded } = this.#opened();
    const failures: CaseFailure[] = [];
    const slopes: Record<string, readonly SlopeReply[]> = {};
    for (const entry of loaded.cases.filter(({ kind }) => kind === "slope")) {
      this.#mark(loaded, entry.id, marker.inHook);
      try {
        slopes[entry.id] = await measureSlopes(definitionOf(suite, entry.id), () =>
          this.#mark(loaded, entry.id, marker.inHook),
        );
      } catch (error) {
        failures.push(failureOf(entry.id, error));
      }
    }
    return { type: "slopes", slopes, failures };
  }

  async #finish(request: Request & { type: "finish" }): Promise<Reply> {
    const { suite, twin, twinCase, loaded } = this.#opened();
    const failures: CaseFailure[] = [];
    const run = async (what: string, id: string, hook: Hook | undefined): Promise<void> => {
      try {
        if (hook) await this.#hook(loaded, what, id, hook);
      } catch (error) {
        if (!(error instanceof HookError)) throw error;
        // A failed afterAll is every case's: none of them may run again in what it left behind.
        const blamed = id === "" ? loaded.cases.map((entry) => entry.id) : [id];
        failures.push(...blamed.map((name) => ({ ...error.failure, case: name })));
      }
    };
    for (const entry of loaded.cases) {
      await run("teardown", entry.id, definitionOf(suite, entry.id).options.teardown);
      if (twin && entry.id === twinCase) await run("teardown", entry.id, definitionOf(twin, entry.id).options.teardown);
    }
    for (const hook of [...suite.afterAll, ...(twin?.afterAll ?? [])]) await run("afterAll", "", hook);
    if (request.keepCode) flushCompileCache();
    const left = leftOver(this.#resourcesBefore, process.getActiveResourcesInfo());
    this.#open = undefined;
    return { type: "finished", left, failures };
  }

  #opened(): Open {
    if (!this.#open) throw new Error("no suite is prepared");
    return this.#open;
  }

  #mark(loaded: LoadedSuite, id: string, phase: 0 | 1): void {
    this.#markerBytes.writeUInt16LE(1 + loaded.cases.findIndex((entry) => entry.id === id));
    this.#markerBytes[2] = phase;
    writeSync(this.#marker, this.#markerBytes, 0, marker.bytes, 0);
  }
}

function baselineIn({ cases }: LoadedSuite): LoadedCase | undefined {
  const timed = cases.filter(({ kind }) => kind === "time");
  return timed.find(({ baseline }) => baseline) ?? timed[0];
}

function definitionOf(suite: SuiteDefinition, id: string): SuiteDefinition["cases"][number] {
  const found = suite.cases.find((definition) => caseId(suite.titles, definition) === id);
  if (!found) throw new Error(`no case ${id}`);
  return found;
}
