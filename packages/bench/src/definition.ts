import type { Direction } from "@mettle/results";
import { type MetricUnit, metricUnits } from "@mettle/core";
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

/** What a record holds where its case does not say. */
export const recordDefaults: { readonly unit: "ns"; readonly direction: "lower" } = { unit: "ns", direction: "lower" };

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

/** The name of a case, unique in its file: `suite > title (size=64)`. */
export function caseId(
  titles: readonly string[],
  { title, parameters }: Pick<CaseDefinition, "title" | "parameters">,
): string {
  const values = Object.entries(parameters)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ");
  return [...titles, title].join(" > ") + (values ? ` (${values})` : "");
}

/** What one load of one file defined. */
export class Collector {
  readonly suites: SuiteDefinition[] = [];
  readonly #parents = new Map<SuiteDefinition, SuiteDefinition>();
  readonly #ids = new Set<string>();
  #open: SuiteDefinition[];
  readonly #deferred: (() => void)[] = [];
  #onlyDepth = 0;

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

  /** The end of the file: what was deferred is defined, and suites inherit the hooks around them. Called once. */
  complete(): void {
    for (const define of this.#deferred.splice(0)) define();
    // Only now, because an outer hook may be defined after the inner suite; outer suites come first in the list.
    for (const [suite, parent] of this.#parents) {
      suite.beforeAll.unshift(...parent.beforeAll);
      suite.afterAll.push(...parent.afterAll);
    }
  }

  /** @param only - as if every case in it were marked so */
  suite(title: string, options: SuiteOptions, define: () => unknown, only = false): void {
    if (typeof title !== "string" || title.trim() === "") {
      throw benchErrors.create("BENCH_DEFINITION_INVALID", "A suite needs a title.");
    }
    const problems = suiteProblems(options);
    if (problems.length > 0) {
      throw benchErrors.create("BENCH_DEFINITION_INVALID", `The suite "${title}": ${problems.join("; ")}.`, {
        details: { title, problems },
      });
    }
    const suite: SuiteDefinition = {
      titles: [...this.current.titles, title],
      options,
      beforeAll: options.beforeAll ? [options.beforeAll] : [],
      afterAll: options.afterAll ? [options.afterAll] : [],
      cases: [],
    };
    this.#parents.set(suite, this.current);
    this.suites.push(suite);
    this.#open.push(suite);
    if (only) this.#onlyDepth++;
    try {
      if (define() instanceof Promise) {
        throw benchErrors.create("BENCH_DEFINITION_INVALID", `The suite "${title}" is defined by an async function.`, {
          next: "Define suites synchronously; prepare data in beforeAll or with await at the top of the file.",
        });
      }
    } finally {
      this.#open.pop();
      if (only) this.#onlyDepth--;
    }
  }

  add(kind: "time" | "record", title: string, body: unknown, options: CaseOptions & RecordOptions, only = false): void {
    if (typeof title !== "string" || title.trim() === "") {
      throw benchErrors.create("BENCH_DEFINITION_INVALID", "A benchmark needs a title.");
    }
    if (typeof body !== "function") {
      throw benchErrors.create("BENCH_DEFINITION_INVALID", `The benchmark "${title}" has no function to measure.`);
    }
    const problems = caseProblems(kind, options);
    if (problems.length > 0) {
      throw benchErrors.create("BENCH_DEFINITION_INVALID", `The benchmark "${title}": ${problems.join("; ")}.`, {
        details: { title, problems },
      });
    }
    for (const parameters of combinations(options.parameters ?? {})) {
      const id = caseId(this.current.titles, { title, parameters });
      if (this.#ids.has(id)) {
        throw benchErrors.create("BENCH_DEFINITION_INVALID", `The benchmark "${id}" is defined twice.`, {
          next: "Give every benchmark of a file a title of its own: results and history go by it.",
          details: { title, id },
        });
      }
      this.#ids.add(id);
      this.current.cases.push({
        kind,
        title,
        body: body as BenchBody,
        options,
        parameters,
        only: only || this.#onlyDepth > 0,
      });
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

const sharedOptions = ["setup", "teardown", "parameters", "timeoutMs", "requirement"] as const;
const timeOptions = ["baseline", "beforeSample", "afterSample", "beforeEach", "afterEach"] as const;
const knownOptions: Readonly<Record<"time" | "record", readonly string[]>> = {
  time: [...sharedOptions, ...timeOptions, "concurrency", "timing", "iterationsPerSample"],
  record: [...sharedOptions, "iterations", "units"],
};
const hookNames = ["setup", "teardown", "beforeSample", "afterSample", "beforeEach", "afterEach"] as const;
/** Tags that every result has; a parameter of that name would overwrite one. */
const reservedNames: readonly string[] = ["case", "suite"];

/** Files run as JavaScript: what the types forbid can still arrive here. */
function caseProblems(kind: "time" | "record", options: CaseOptions & RecordOptions): string[] {
  const known = knownOptions[kind];
  const problems = Object.keys(options)
    .filter((name) => !known.includes(name))
    .map((name) => `${name} is no option here (known: ${known.join(", ")})`);
  for (const name of hookNames) {
    if (options[name] !== undefined && typeof options[name] !== "function") problems.push(`${name} must be a function`);
  }
  for (const name of ["concurrency", "iterationsPerSample", "iterations"] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isInteger(value) && value >= 1)) {
      problems.push(`${name} must be a whole number from 1, got ${String(value)}`);
    }
  }
  const { timeoutMs, timing } = options;
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs > 0 && Number.isFinite(timeoutMs))) {
    problems.push(`timeoutMs must be a finite number above 0, got ${String(timeoutMs)}`);
  }
  if (timing !== undefined && timing !== "auto" && timing !== "manual") {
    problems.push(`timing must be "auto" or "manual", got ${String(timing)}`);
  }
  if ((options.concurrency ?? 1) > 1) {
    if (options.beforeEach || options.afterEach) {
      problems.push("beforeEach and afterEach do not go with concurrency above 1");
    }
    if (timing === "manual")
      problems.push("manual timing does not go with concurrency above 1: there is one stopwatch");
  }
  return [...problems, ...parameterProblems(options.parameters ?? {}), ...unitProblems(options.units ?? {})];
}

function parameterProblems(parameters: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(parameters).flatMap(([name, values]) => {
    if (reservedNames.includes(name)) return [`a parameter cannot be named ${name}: results have a tag of that name`];
    if (!Array.isArray(values) || values.length === 0) return [`parameter ${name} has no values`];
    return values
      .filter((value) => !["string", "number", "boolean"].includes(typeof value) || Number.isNaN(value))
      .map((value) => `parameter ${name} must have strings, numbers or booleans, got ${String(value)}`);
  });
}

function unitProblems(units: NonNullable<RecordOptions["units"]>): string[] {
  return Object.entries(units)
    .filter(
      ([, { unit, direction }]) => !metricUnits.includes(unit) || !["lower", "higher", "none"].includes(direction),
    )
    .map(
      ([key, { unit, direction }]) => `units.${key} must be a known unit and direction, got ${unit} and ${direction}`,
    );
}

function suiteProblems({ beforeAll, afterAll, ...rest }: SuiteOptions): string[] {
  const problems = Object.keys(rest)
    .filter((name) => name !== "compare")
    .map((name) => `${name} is no option here (known: compare, beforeAll, afterAll)`);
  if (beforeAll !== undefined && typeof beforeAll !== "function") problems.push("beforeAll must be a function");
  if (afterAll !== undefined && typeof afterAll !== "function") problems.push("afterAll must be a function");
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
