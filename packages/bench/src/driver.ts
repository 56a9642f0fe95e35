import type { BenchBody, BenchContext, CaseDefinition, Hook, Parameters } from "./definition.ts";
import type { TimerCosts } from "./protocol.ts";

/** A sample that failed: why, in a word that is counted (`deadline`, `threw`). */
export class SampleError extends Error {
  readonly kind: string;
  constructor(kind: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/**
 * Runs `iterations` of one case and returns the nanoseconds they took, timer and loop included. Synchronous bodies
 * give a number, others a promise of it.
 */
export type Batch = (iterations: number) => number | Promise<number>;

/** The stopwatch behind {@link BenchContext}; one object for each case, of one shape. */
export class CaseContext implements BenchContext {
  readonly parameters: Parameters;
  elapsedNs = 0;
  #startedAt = 0n;
  #running = false;

  constructor(parameters: Parameters) {
    this.parameters = parameters;
  }

  start(): void {
    this.#running = true;
    this.#startedAt = process.hrtime.bigint();
  }

  stop(): void {
    const now = process.hrtime.bigint();
    if (!this.#running) throw new SampleError("threw", "stop() was called without start()");
    this.#running = false;
    this.elapsedNs += Number(now - this.#startedAt);
  }

  event<T>(subscribe: (done: (value: T) => void) => unknown, deadlineMs: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new SampleError("deadline", `no event within ${deadlineMs} ms`));
      }, deadlineMs);
      subscribe((value) => {
        clearTimeout(timer);
        resolve(value);
      });
    });
  }
}

/** A generated loop, and the request to compile it with the optimizing compiler at its next call. */
interface Loop {
  readonly batch: Batch;
  readonly optimize: () => void;
}

let arms = 0;

/**
 * A batch function with code of its own. Each case gets one from its own source text, because a shared loop would
 * turn megamorphic after the second case and would charge every body for the others. The result goes into a field
 * that no other case uses, created from a first result so that V8 gives it that representation: a shared or untyped
 * field would allocate a heap number for every body that returns a double.
 *
 * `optimize` is there because the loop is called seldom and for long: left to itself V8 compiles it with its middle
 * tier (Maglev), inlines the body there, and needs some 7500 further iterations before it compiles it again. Seen: a
 * body of 20 µs measured as 83 µs for 700 ms. It is V8's own intrinsic (the measuring process has
 * --allow-natives-syntax) and concerns only this loop; the body reaches its tier by itself.
 */
function generate(source: string, first: unknown, body: BenchBody, context: CaseContext): Loop {
  const property = `result${arms++}`;
  // oxlint-disable-next-line typescript/no-implied-eval -- our own text, the property name and the call apart
  const make = new Function(
    "body",
    "context",
    "now",
    "first",
    `"use strict"; const sink = { ${property}: first };
     ${source.replaceAll("SINK", `sink.${property}`)}
     %PrepareFunctionForOptimization(batch);
     return { batch, optimize() { %OptimizeFunctionOnNextCall(batch); } };`,
  ) as (body: BenchBody, context: CaseContext, now: () => bigint, first: unknown) => Loop;
  // oxlint-disable-next-line typescript/unbound-method -- needs no `this`; bound, every reading would cost a call more
  return make(body, context, process.hrtime.bigint, first);
}

const syncLoop = (call: string): string => `
  function batch(iterations) {
    const before = now();
    for (let i = 0; i < iterations; i++) SINK = ${call};
    return Number(now() - before);
  }`;

const asyncLoop = (call: string): string => `
  async function batch(iterations) {
    const before = now();
    for (let i = 0; i < iterations; i++) SINK = await ${call};
    return Number(now() - before);
  }`;

const parallelLoop = (call: string, concurrency: number): string => `
  async function batch(iterations) {
    let left = iterations;
    const lane = async () => { while (left-- > 0) SINK = await ${call}; };
    const lanes = [];
    const before = now();
    for (let i = 0; i < ${concurrency}; i++) lanes.push(lane());
    await Promise.all(lanes);
    return Number(now() - before);
  }`;

const manualLoop = (keyword: string, wait: string, call: string): string => `
  ${keyword}function batch(iterations) {
    context.elapsedNs = 0;
    for (let i = 0; i < iterations; i++) SINK = ${wait}${call};
    return context.elapsedNs;
  }`;

/** Each iteration between two clock reads, hooks outside them; the timer's cost is subtracted for each. */
function hookedBatch(
  body: BenchBody,
  context: CaseContext,
  each: { before?: Hook; after?: Hook },
  timerNs: number,
): Batch {
  return async (iterations) => {
    let total = 0;
    for (let i = 0; i < iterations; i++) {
      if (each.before) await each.before();
      const before = process.hrtime.bigint();
      const result = body(context);
      if (result instanceof Promise) await result;
      total += Number(process.hrtime.bigint() - before) - timerNs;
      if (each.after) await each.after();
    }
    return total;
  };
}

interface Driver {
  readonly batch: Batch;
  /** To be called once the body is warm; the next batch is then compiled in full. */
  readonly optimize: () => void;
  readonly isAsync: boolean;
  /** Whether the empty loop's cost is part of what `batch` returns. */
  readonly includesLoop: boolean;
}

/**
 * Builds the loop for a case. Calls the body once, to see what it returns.
 *
 * @param timerNs - the cost of one pair of clock reads
 */
export async function makeDriver(definition: CaseDefinition, timerNs: number): Promise<Driver> {
  const { body, options } = definition;
  const context = new CaseContext(definition.parameters);
  const call = body.length > 0 || options.timing === "manual" ? "body(context)" : "body()";
  const { beforeEach, afterEach, concurrency = 1 } = options;
  if (beforeEach) await beforeEach();
  const returned = body(context);
  const isAsync = isThenable(returned);
  const first: unknown = isAsync ? await returned : returned;
  if (afterEach) await afterEach();
  if (options.timing === "manual") {
    if (context.elapsedNs === 0) {
      throw new SampleError("threw", 'with timing: "manual" the body must call context.start() and context.stop()');
    }
    const source = isAsync ? manualLoop("async ", "await ", call) : manualLoop("", "", call);
    return { ...generate(source, first, body, context), isAsync, includesLoop: false };
  }
  if (beforeEach || afterEach) {
    const each = { ...(beforeEach && { before: beforeEach }), ...(afterEach && { after: afterEach }) };
    return { batch: hookedBatch(body, context, each, timerNs), optimize: () => {}, isAsync: true, includesLoop: false };
  }
  if (isAsync && concurrency > 1) {
    const loop = generate(parallelLoop(call, concurrency), first, body, context);
    return { ...loop, isAsync, includesLoop: false };
  }
  const source = isAsync ? asyncLoop(call) : syncLoop(call);
  return { ...generate(source, first, body, context), isAsync, includesLoop: !isAsync };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** Measures what the harness itself costs, in this process. About 2 ms. */
export function measureTimerCosts(): TimerCosts {
  const { batch, optimize } = generate(syncLoop("body()"), undefined, () => undefined, new CaseContext({}));
  const time = (iterations: number): number => batch(iterations) as number;
  for (let i = 0; i < 300; i++) time(100);
  optimize();
  for (let i = 0; i < 5; i++) time(10_000);
  const timerNs = lowerQuartile(Array.from({ length: 200 }, () => time(0)));
  const loopNs = lowerQuartile(Array.from({ length: 40 }, () => (time(10_000) - timerNs) / 10_000));
  return { timerNs, loopNs };
}

// Not the median: interruptions only ever add.
function lowerQuartile(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[Math.floor(values.length / 4)] ?? 0;
}
