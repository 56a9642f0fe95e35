import { openSync, writeSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Random } from "@mettle/core";
import { type Arm, caseId, controlDefinition, describeSuites, isControl, makeArm } from "./arms.ts";
import { measureAllocations } from "./child-memory.ts";
import { collectRecords } from "./child-records.ts";
import { type Collector, collect, type SuiteDefinition } from "./definition.ts";
import { measureTimerCosts, type TimerCosts } from "./driver.ts";
import { redirectAuthoring } from "./redirect-authoring.ts";
import { type CaseFailure, controlArm, type LoadedSuite, type Reply, type Request, twinSuffix } from "./protocol.ts";

// The measuring process: does one request at a time and answers it. It never decides anything.

const sampleTargetNs = 150_000;
/**
 * A loop compiled before its body has run this often inlines code compiled from scant type feedback, and stays with it:
 * seen as a process four times slower than the others. Time alone does not tell, where a busy machine gives none.
 */
const warmupCalls = 100;
const warmupLimitMs = 200;
/** The control is a reference, not an arm: one sample in so many blocks is enough. */
const controlEvery = 4;

redirectAuthoring();

interface Open {
  readonly suite: SuiteDefinition;
  readonly loaded: LoadedSuite;
  arms: Arm[];
}

class MeasuringProcess {
  #main: Collector | undefined;
  #twin: Collector | undefined;
  #loaded: readonly LoadedSuite[] = [];
  #costs: TimerCosts = { timerNs: 0, loopNs: 0 };
  #open: Open | undefined;
  #marker = -1;
  #instances = 0;
  /** One for the process: the reference must not depend on the draw. */
  #control: Arm | undefined;
  #resourcesBefore: readonly string[] = [];
  readonly #markerBytes = Buffer.alloc(2);

  async answer(request: Request): Promise<Reply> {
    switch (request.type) {
      case "load":
        return this.#load(request);
      case "prepare":
        return this.#prepare(request);
      case "blocks":
        return this.#blocks(request);
      case "turn":
        return this.#turn(request);
      case "records":
        return this.#records(request);
      case "memory":
        return this.#memory(request);
      case "finish":
        return this.#finish();
    }
  }

  async #load(request: Request & { type: "load" }): Promise<Reply> {
    this.#marker = openSync(request.markerFile, "w");
    this.#resourcesBefore = process.getActiveResourcesInfo();
    const url = pathToFileURL(request.file).href;
    const notes: string[] = [];
    // Which of the two instances plays the twin changes from process to process: load order must not bias it.
    const mainFirst = request.seed % 2 === 0;
    const first = await collect(() => import(`${url}?mettle=${++this.#instances}`));
    let second: Collector | undefined;
    if (request.twin) {
      try {
        second = await collect(() => import(`${url}?mettle=${++this.#instances}`));
      } catch (error) {
        notes.push(
          `no self-check: the file cannot be loaded twice (${error instanceof Error ? error.message : String(error)})`,
        );
      }
    }
    [this.#main, this.#twin] = second && !mainFirst ? [second, first] : [first, second];
    this.#loaded = describeSuites(this.#main, request.excluded, request.filter);
    this.#costs = measureTimerCosts();
    return { type: "loaded", suites: this.#loaded, costs: this.#costs, notes };
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
    for (const hook of main.beforeAll) await hook();
    if (twin) for (const hook of twin.beforeAll) await hook();
    const arms: Arm[] = [];
    const timed = loaded.cases.filter(({ kind }) => kind === "time");
    const baseline = timed.find((entry) => entry.baseline) ?? timed[0];
    for (const entry of loaded.cases) {
      this.#mark(loaded, entry.id);
      try {
        const definition = definitionOf(main, entry.id);
        await definition.options.setup?.();
        if (entry.kind === "record") continue;
        arms.push(await makeArm(entry.id, entry.id, definition, this.#costs));
        const copy = entry === baseline && twin ? definitionOf(twin, entry.id) : undefined;
        if (copy) {
          await copy.options.setup?.();
          arms.push(await makeArm(entry.id + twinSuffix, entry.id, copy, this.#costs));
        }
      } catch (error) {
        failures.push(failureOf(entry.id, error));
      }
    }
    if (arms.length > 0)
      arms.push((this.#control ??= await makeArm(controlArm, controlArm, controlDefinition, this.#costs)));
    this.#open = { suite: main, loaded, arms };
    const iterations: Record<string, number> = {};
    for (const arm of arms) {
      if (isControl(arm.id) && arm.iterations > 1) continue; // warm from an earlier draw
      try {
        // The twin takes the baseline's count: identical arms must be treated identically.
        const fixed = request.iterations[arm.id] ?? iterations[arm.id.replace(twinSuffix, "")];
        arm.iterations = await this.#warm(loaded, arm, fixed, request.warmupMs);
        iterations[arm.id] = arm.iterations;
      } catch (error) {
        failures.push(failureOf(arm.case, error));
      }
    }
    return { type: "prepared", iterations, failures };
  }

  /**
   * Runs the arm for `warmupMs`, has its loop compiled, and returns how many iterations fill one sample: counted
   * afterwards, because a cold body can be fifty times slower.
   */
  async #warm(loaded: LoadedSuite, arm: Arm, fixed: number | undefined, warmupMs: number): Promise<number> {
    const started = performance.now();
    const wanted = fixed ?? arm.definition.options.iterationsPerSample;
    let iterations = wanted ?? 1;
    let calls = 0;
    for (;;) {
      const tookNs = await this.#batch(loaded, arm, iterations);
      calls += iterations;
      if (wanted === undefined) iterations = nextIterations(iterations, tookNs);
      const elapsed = performance.now() - started;
      if ((elapsed >= warmupMs && calls >= warmupCalls) || elapsed >= warmupLimitMs) break;
    }
    arm.optimize();
    await this.#batch(loaded, arm, iterations); // pays for the compilation
    for (let round = 0; wanted === undefined && round < 3; round++) {
      iterations = nextIterations(iterations, await this.#batch(loaded, arm, iterations));
    }
    return iterations;
  }

  /** One batch with its hooks: raw nanoseconds, at least 1. */
  async #batch(loaded: LoadedSuite, arm: Arm, iterations: number): Promise<number> {
    this.#mark(loaded, arm.case);
    const { beforeSample, afterSample } = arm.definition.options;
    if (beforeSample) await beforeSample();
    const raw = arm.batch(iterations);
    const took = typeof raw === "number" ? raw : await raw;
    if (afterSample) await afterSample();
    return Math.max(1, took);
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
          failures.push(failureOf(arm.case, error));
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

  /** Nanoseconds of one iteration, the harness's own cost subtracted. */
  async #sample(arm: Arm, loaded: LoadedSuite): Promise<number> {
    const took = await this.#batch(loaded, arm, arm.iterations);
    if (!arm.includesLoop) return took / arm.iterations;
    return (took - this.#costs.timerNs) / arm.iterations - this.#costs.loopNs;
  }

  async #turn(request: Request & { type: "turn" }): Promise<Reply> {
    const { arms, loaded } = this.#opened();
    const arm = arms.find(({ id }) => id === request.arm);
    if (!arm) throw new Error(`no arm ${request.arm}`);
    const samples = new Float32Array(request.samples);
    try {
      await this.#sample(arm, loaded); // discarded: wakes the caches after the others' turns
      for (let i = 0; i < samples.length; i++) samples[i] = await this.#sample(arm, loaded);
      return { type: "turn", samples, failures: [] };
    } catch (error) {
      return { type: "turn", samples: new Float32Array(0), failures: [failureOf(arm.case, error)] };
    }
  }

  async #records(request: Request & { type: "records" }): Promise<Reply> {
    const { suite, loaded } = this.#opened();
    const failures: CaseFailure[] = [];
    const values: Record<string, Record<string, Float64Array>> = {};
    for (const entry of loaded.cases.filter(({ kind }) => kind === "record")) {
      this.#mark(loaded, entry.id);
      try {
        const collected = await collectRecords(definitionOf(suite, entry.id), request.durationMs, () =>
          this.#mark(loaded, entry.id),
        );
        values[entry.id] = collected.values;
        failures.push(...collected.errors.map((error) => failureOf(entry.id, error)));
      } catch (error) {
        failures.push(failureOf(entry.id, error));
      }
    }
    return { type: "records", values, failures };
  }

  async #memory(request: Request & { type: "memory" }): Promise<Reply> {
    const { arms, loaded } = this.#opened();
    const measured = arms.filter(({ id }) => !isControl(id) && !id.endsWith(twinSuffix));
    const failures: CaseFailure[] = [];
    const allocations = await measureAllocations(measured, request.durationMs, (arm, error) => {
      if (error) failures.push(failureOf(arm.case, error));
      else this.#mark(loaded, arm.case);
    });
    return { type: "memory", allocations, failures };
  }

  async #finish(): Promise<Reply> {
    const { suite, loaded } = this.#opened();
    for (const entry of loaded.cases) await definitionOf(suite, entry.id).options.teardown?.();
    for (const hook of suite.afterAll) await hook();
    const left = leftOver(this.#resourcesBefore, process.getActiveResourcesInfo());
    this.#open = undefined;
    return { type: "finished", notes: left ? [`the file leaves ${left} running after its last benchmark`] : [] };
  }

  #opened(): Open {
    if (!this.#open) throw new Error("no suite is prepared");
    return this.#open;
  }

  #mark(loaded: LoadedSuite, id: string): void {
    this.#markerBytes.writeUInt16LE(1 + loaded.cases.findIndex((entry) => entry.id === id));
    writeSync(this.#marker, this.#markerBytes, 0, 2, 0);
  }
}

function nextIterations(iterations: number, tookNs: number): number {
  const ideal = (iterations * sampleTargetNs) / tookNs;
  return Math.max(1, Math.min(Math.round(ideal), iterations * 10, 1e7));
}

function definitionOf(suite: SuiteDefinition, id: string): SuiteDefinition["cases"][number] {
  const found = suite.cases.find((definition) => caseId(suite, definition) === id);
  if (!found) throw new Error(`no case ${id}`);
  return found;
}

function failureOf(id: string, error: unknown): CaseFailure {
  const kind = (error as { kind?: unknown } | undefined)?.kind;
  return {
    case: id,
    kind: typeof kind === "string" ? kind : "threw",
    message: error instanceof Error ? error.message : String(error),
    ...(error instanceof Error && error.stack && { stack: error.stack }),
  };
}

/** What keeps the event loop alive now and did not before: `2 × Timeout`. */
function leftOver(before: readonly string[], after: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of after) counts.set(name, (counts.get(name) ?? 0) + 1);
  for (const name of before) counts.set(name, (counts.get(name) ?? 0) - 1);
  return [...counts]
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} × ${name}`)
    .join(", ");
}

const measuring = new MeasuringProcess();
const send = (reply: Reply): void => {
  process.send?.(reply);
};
process.on("message", (request: Request) => {
  measuring.answer(request).then(send, (error: unknown) => {
    const stack = error instanceof Error ? error.stack : undefined;
    const message = error instanceof Error ? error.message : String(error);
    send({ type: "failed", where: request.type === "load" ? "load" : "hook", message, ...(stack && { stack }) });
  });
});
// The runner went away: nobody is left to answer.
process.on("disconnect", () => process.exit(0));
for (const event of ["uncaughtException", "unhandledRejection"] as const) {
  process.on(event, (error: unknown) => {
    send({ type: "broken", failure: failureOf("", error) });
  });
}
