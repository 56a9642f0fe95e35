import type { Direction } from "@mettle/results";
import type { MetricUnit } from "@mettle/core";
import { benchErrors } from "./errors.ts";
import type { MeasureLeakOptions } from "./memory/leak.ts";
import type { MemoryPerThingOptions } from "./memory/per-thing.ts";
import type { CaseKind } from "./protocol.ts";

export type Hook = () => unknown;
export type ParameterValue = string | number | boolean;
export type Parameters = Readonly<Record<string, ParameterValue>>;

/** What a body that asks for an argument gets: its parameters, a stopwatch, and a wait with a deadline. */
export interface BenchContext {
  readonly parameters: Parameters;
  /** Starts the clock; with `timing: "manual"` only the time between `start` and `stop` counts. */
  start(): void;
  stop(): void;
  /**
   * Waits for an event. Resolves with what `subscribe` passes to `done`; when `deadlineMs` passes first, the iteration
   * is an error sample of kind `deadline`, counted and never silently missing.
   */
  event<T>(subscribe: (done: (value: T) => void) => unknown, deadlineMs: number): Promise<T>;
}

export type BenchBody = (context: BenchContext) => unknown;
/** A number, or a record of numbers, one metric for each key. */
export type RecordBody = (
  context: BenchContext,
) => number | Readonly<Record<string, number>> | Promise<number | Readonly<Record<string, number>>>;

export interface CaseOptions {
  /** The others of the suite are compared with this one. Default: the first case of the suite. */
  readonly baseline?: boolean;
  /** Once per process, before the first and after the last iteration of this case. */
  readonly setup?: Hook;
  readonly teardown?: Hook;
  /** Around every sample (a batch of iterations), not timed. */
  readonly beforeSample?: Hook;
  readonly afterSample?: Hook;
  /** Around every iteration, not timed. Each iteration is then timed alone, so bodies under about 1 µs lose precision. */
  readonly beforeEach?: Hook;
  readonly afterEach?: Hook;
  /** Callers in parallel, for async bodies. @defaultValue 1 */
  readonly concurrency?: number;
  /** One case for each combination; the body finds the values in `context.parameters`. */
  readonly parameters?: Readonly<Record<string, readonly ParameterValue[]>>;
  /** `manual`: the body calls `context.start()` and `context.stop()`. @defaultValue "auto" */
  readonly timing?: "auto" | "manual";
  /** Iterations in one sample. Default: as many as fill 0.15 ms. */
  readonly iterationsPerSample?: number;
  /** Longest time that one sample may take before its process is ended. @defaultValue 10 000 ms */
  readonly timeoutMs?: number;
  /** Ids of requirements that the result answers. */
  readonly requirement?: readonly string[];
}

export interface RecordOptions
  extends Pick<CaseOptions, "setup" | "teardown" | "parameters" | "timeoutMs" | "requirement"> {
  /** Calls in each process. Default: as many as the time allows. */
  readonly iterations?: number;
  /** Unit and direction of each key; of the plain number under the key `value`. @defaultValue ns, lower is better */
  readonly units?: Readonly<Record<string, { readonly unit: MetricUnit; readonly direction: Direction }>>;
}

export interface SuiteOptions {
  /** Compare the cases with the suite's baseline. @defaultValue true with two cases or more */
  readonly compare?: boolean;
  readonly beforeAll?: Hook;
  readonly afterAll?: Hook;
}

export interface PerThingOptions extends MemoryPerThingOptions<unknown> {
  readonly requirement?: readonly string[];
}

export interface LeakCaseOptions extends Omit<MeasureLeakOptions, "cycle"> {
  readonly requirement?: readonly string[];
}

export interface CaseDefinition {
  readonly kind: CaseKind;
  /** For `slope`: one of the two. */
  readonly perThing?: MemoryPerThingOptions<unknown>;
  readonly leak?: MeasureLeakOptions;
  readonly title: string;
  readonly body: BenchBody;
  readonly options: CaseOptions & RecordOptions;
  readonly parameters: Parameters;
  /** When any case of a file is marked so, the others are left out. */
  readonly only: boolean;
}

export interface SuiteDefinition {
  readonly titles: readonly string[];
  readonly options: SuiteOptions;
  readonly beforeAll: Hook[];
  readonly afterAll: Hook[];
  readonly cases: CaseDefinition[];
}

/** What one load of one file defined. */
export class Collector {
  readonly suites: SuiteDefinition[] = [];
  #open: SuiteDefinition[];
  readonly #deferred: (() => void)[] = [];

  constructor() {
    const root: SuiteDefinition = { titles: [], options: { compare: false }, beforeAll: [], afterAll: [], cases: [] };
    this.suites.push(root);
    this.#open = [root];
  }

  get current(): SuiteDefinition {
    const suite = this.#open.at(-1);
    if (!suite) throw new Error("unreachable: the root suite is never closed");
    return suite;
  }

  /** Runs `define` when the file has loaded. */
  defer(define: () => void): void {
    this.#deferred.push(define);
  }

  complete(): void {
    for (const define of this.#deferred.splice(0)) define();
  }

  suite(title: string, options: SuiteOptions, define: () => unknown): void {
    const suite: SuiteDefinition = {
      titles: [...this.current.titles, title],
      options,
      beforeAll: [...this.current.beforeAll, ...(options.beforeAll ? [options.beforeAll] : [])],
      afterAll: [...(options.afterAll ? [options.afterAll] : []), ...this.current.afterAll],
      cases: [],
    };
    this.suites.push(suite);
    this.#open.push(suite);
    try {
      if (define() instanceof Promise) {
        throw benchErrors.create("BENCH_DEFINITION_INVALID", `The suite "${title}" is defined by an async function.`, {
          next: "Define suites synchronously; prepare data in beforeAll or with await at the top of the file.",
        });
      }
    } finally {
      this.#open.pop();
    }
  }

  add(
    kind: CaseDefinition["kind"],
    title: string,
    body: unknown,
    options: CaseOptions & RecordOptions,
    only = false,
  ): void {
    if (typeof title !== "string" || title.trim() === "") {
      throw benchErrors.create("BENCH_DEFINITION_INVALID", "A benchmark needs a title.");
    }
    if (typeof body !== "function") {
      throw benchErrors.create("BENCH_DEFINITION_INVALID", `The benchmark "${title}" has no function to measure.`);
    }
    const problems = caseProblems(options);
    if (problems.length > 0) {
      throw benchErrors.create("BENCH_DEFINITION_INVALID", `The benchmark "${title}": ${problems.join("; ")}.`, {
        details: { title, problems },
      });
    }
    for (const parameters of combinations(options.parameters ?? {})) {
      this.current.cases.push({ kind, title, body: body as BenchBody, options, parameters, only });
    }
  }

  /** Adds a case whose result is a slope; what its body makes or repeats is in the options. */
  addSlope(
    title: string,
    slope: Pick<CaseDefinition, "perThing" | "leak">,
    options: Pick<CaseOptions, "requirement">,
  ): void {
    if (typeof title !== "string" || title.trim() === "") {
      throw benchErrors.create("BENCH_DEFINITION_INVALID", "A benchmark needs a title.");
    }
    this.current.cases.push({ kind: "slope", title, body: () => {}, options, parameters: {}, only: false, ...slope });
  }
}

function caseProblems(options: CaseOptions & RecordOptions): string[] {
  const problems: string[] = [];
  const positiveInteger = (name: "concurrency" | "iterationsPerSample"): void => {
    const value = options[name];
    if (value !== undefined && !(Number.isInteger(value) && value >= 1)) {
      problems.push(`${name} must be a whole number from 1, got ${String(value)}`);
    }
  };
  positiveInteger("concurrency");
  positiveInteger("iterationsPerSample");
  if (options.timeoutMs !== undefined && !(options.timeoutMs > 0)) problems.push("timeoutMs must be above 0");
  if ((options.beforeEach || options.afterEach) && (options.concurrency ?? 1) > 1) {
    problems.push("beforeEach and afterEach do not go with concurrency above 1");
  }
  for (const [name, values] of Object.entries(options.parameters ?? {})) {
    if (!Array.isArray(values) || values.length === 0) problems.push(`parameter ${name} has no values`);
  }
  return problems;
}

function combinations(parameters: Readonly<Record<string, readonly ParameterValue[]>>): Parameters[] {
  let all: Parameters[] = [{}];
  for (const [name, values] of Object.entries(parameters)) {
    all = all.flatMap((chosen) => values.map((value) => ({ ...chosen, [name]: value })));
  }
  return all;
}

// The collector in use hangs on a global symbol, because the file under test may resolve another copy of this
// package than the process that measures it (another revision, another folder of node_modules).
const slot = Symbol.for("mettle.bench.collector/1");
const holder = globalThis as { [slot]?: Collector | undefined };

/** The collector that `bench` and `suite` add to; undefined outside a measuring process. */
export function activeCollector(): Collector | undefined {
  return holder[slot];
}

/** Runs `load` with a fresh collector and returns what was defined. */
export async function collect(load: () => Promise<unknown>): Promise<Collector> {
  const before = holder[slot];
  const collector = new Collector();
  holder[slot] = collector;
  try {
    await load();
    collector.complete();
  } finally {
    holder[slot] = before;
  }
  return collector;
}
