import {
  activeCollector,
  type BenchBody,
  type CaseOptions,
  type Collector,
  type Hook,
  type LeakCaseOptions,
  type PerThingOptions,
  type RecordBody,
  type RecordOptions,
  type SuiteOptions,
} from "./definition.ts";
import { benchErrors } from "./errors.ts";

function collector(what: string): Collector {
  const active = activeCollector();
  if (!active) {
    throw benchErrors.create("BENCH_DEFINITION_INVALID", `${what} was called outside a measuring process.`, {
      next: "Run the file with: mettle bench FILE.",
    });
  }
  return active;
}

export interface BenchFunction {
  (title: string, body: BenchBody, options?: CaseOptions): void;
  /** Defined, and left out of the run. */
  readonly skip: (title: string, body?: BenchBody, options?: CaseOptions) => void;
  /** When any case of the file is marked so, the others are left out. */
  readonly only: (title: string, body: BenchBody, options?: CaseOptions) => void;
  readonly todo: (title: string) => void;
}

/**
 * Defines a benchmark: the time of one call of `body`. A body that takes an argument gets a {@link BenchContext}; one
 * that returns a promise is awaited. What it returns is kept alive, so it cannot be optimized away.
 *
 * @example
 * bench("parse", () => JSON.parse(text));
 */
export const bench: BenchFunction = Object.assign(
  (title: string, body: BenchBody, options: CaseOptions = {}): void => {
    collector("bench()").add("time", title, body, options);
  },
  {
    skip: (): void => {},
    only: (title: string, body: BenchBody, options: CaseOptions = {}): void => {
      collector("bench.only()").add("time", title, body, options, true);
    },
    todo: (): void => {},
  },
);

/**
 * Defines a benchmark whose body says what to record: a number, or a record of numbers, one metric for each key.
 *
 * @example
 * measure("discovery", () => ({ time: elapsedNs, nodes: found.length }), { units: { nodes: { unit: "count", direction: "higher" } } });
 */
export function measure(title: string, body: RecordBody, options: RecordOptions = {}): void {
  collector("measure()").add("record", title, body, options);
}

/**
 * Defines a measurement of memory per thing: the slope of memory over how many are held, after forced collections, with
 * its interval. Three metrics: `.accounted` (heap in use), `.isolate` (with external memory), `.process` (resident).
 *
 * @example
 * memoryPerThing("agent", { counts: [0, 1000, 2000, 4000], make: (n) => Array.from({ length: n }, () => new Agent()) });
 */
export function memoryPerThing(title: string, options: PerThingOptions): void {
  const { requirement, ...perThing } = options;
  collector("memoryPerThing()").addSlope(title, { perThing }, requirement ? { requirement } : {});
}

/**
 * Defines a search for a leak: memory after each of many cycles. A leak is a growth per cycle whose interval excludes
 * zero and that exceeds a size named in the options.
 */
export function leak(
  title: string,
  cycle: (index: number) => void | Promise<void>,
  options: LeakCaseOptions = {},
): void {
  const { requirement, ...rest } = options;
  collector("leak()").addSlope(title, { leak: { ...rest, cycle } }, requirement ? { requirement } : {});
}

export interface SuiteFunction {
  (title: string, define: () => unknown): void;
  (title: string, options: SuiteOptions, define: () => unknown): void;
  /** Left out of the run. */
  skip(title: string, ...rest: unknown[]): void;
  /** As if every case in it were marked so. */
  only(title: string, define: () => unknown): void;
  only(title: string, options: SuiteOptions, define: () => unknown): void;
  todo(title: string): void;
}

type SuiteArguments = [title: string, second: SuiteOptions | (() => unknown), third?: () => unknown];

function defineSuite([title, second, third]: SuiteArguments, only: boolean): void {
  const [options, define] = typeof second === "function" ? [{}, second] : [second, third];
  if (typeof define !== "function") {
    throw benchErrors.create("BENCH_DEFINITION_INVALID", `The suite "${title}" has no function that defines it.`);
  }
  collector("suite()").suite(title, options, define, only);
}

/** Groups benchmarks that are compared with one another: with the one marked `baseline`, else with the first. */
export const suite: SuiteFunction = Object.assign((...given: SuiteArguments): void => defineSuite(given, false), {
  skip: (): void => {},
  only: (...given: SuiteArguments): void => defineSuite(given, true),
  todo: (): void => {},
});

export function beforeAll(hook: Hook): void {
  collector("beforeAll()").current.beforeAll.push(hook);
}

export function afterAll(hook: Hook): void {
  collector("afterAll()").current.afterAll.unshift(hook);
}
