import { messageOf } from "@mettle/core";
import type { BenchBody, BenchContext, CaseDefinition, Hook, Parameters } from "./definition.ts";
import type { TimerCosts } from "./protocol.ts";

/** A sample that failed: why, in a word that is counted (`deadline`, `threw`, `rejected`, `not-finite`, `negative`). */
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
  /** Whether the stopwatch was ever stopped. */
  timed = false;
  readonly #timerNs: number;
  #startedAt = 0n;
  #running = false;

  /** @param timerNs - what one start and stop cost, taken off each */
  constructor(parameters: Parameters, timerNs = 0) {
    this.parameters = parameters;
    this.#timerNs = timerNs;
  }

  start(): void {
    this.#running = true;
    this.#startedAt = process.hrtime.bigint();
  }

  stop(): void {
    const now = process.hrtime.bigint();
    if (!this.#running) throw new SampleError("threw", "stop() was called without start()");
    this.#running = false;
    this.timed = true;
    this.elapsedNs += Number(now - this.#startedAt) - this.#timerNs;
  }

  event<T>(subscribe: (done: (value: T) => void) => unknown, deadlineMs: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new SampleError("deadline", `no event within ${deadlineMs} ms`));
      }, deadlineMs);
      const fail = (error: unknown): void => {
        clearTimeout(timer);
        reject(error);
      };
      try {
        const subscribed = subscribe((value) => {
          clearTimeout(timer);
          resolve(value);
        });
        // An async subscribe that fails would otherwise look like a missed deadline and an error of nobody's.
        if (isThenable(subscribed)) subscribed.then(undefined, fail);
      } catch (error) {
        fail(error);
      }
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
    const lane = async () => {
      try { while (left-- > 0) SINK = await ${call}; }
      catch (error) { left = 0; throw error; }
    };
    const lanes = [];
    const before = now();
    for (let i = 0; i < ${concurrency}; i++) lanes.push(lane());
    // All of them, also when one failed: a lane that ran on would run into the next sample.
    const ended = await Promise.allSettled(lanes);
    const took = Number(now() - before);
    for (const { status, reason } of ended) if (status === "rejected") throw reason;
    return took;
  }`;

const manualLoop = (keyword: string, wait: string, call: string): string => `
  ${keyword}function batch(iterations) {
    context.elapsedNs = 0;
    for (let i = 0; i < iterations; i++) SINK = ${wait}${call};
    return context.elapsedNs;
  }`;

interface Hooked {
  readonly before: Hook | undefined;
  readonly after: Hook | undefined;
  readonly isAsync: boolean;
  /** Whether the body's own stopwatch counts. */
  readonly manual: boolean;
  readonly timerNs: number;
}

/** Each iteration between two clock reads, hooks outside them; the timer's cost is subtracted for each. */
function hookedBatch(body: BenchBody, context: CaseContext, hooked: Hooked): Batch {
  const sink: { result: unknown } = { result: undefined };
  const { before, after, isAsync, manual, timerNs } = hooked;
  return async (iterations) => {
    let total = 0;
    context.elapsedNs = 0;
    for (let i = 0; i < iterations; i++) {
      if (before) await before();
      const startedAt = process.hrtime.bigint();
      sink.result = body(context);
      if (isAsync) await sink.result;
      total += Number(process.hrtime.bigint() - startedAt) - timerNs;
      if (after) await after();
    }
    return manual ? context.elapsedNs : total;
  };
}

/** The first call: shows what the body returns. A missed deadline shows that it waits, and nothing worse. */
async function firstCall(body: BenchBody, context: CaseContext): Promise<{ isAsync: boolean; first: unknown }> {
  const returned = body(context);
  if (!isThenable(returned)) return { isAsync: false, first: returned };
  try {
    return { isAsync: true, first: await returned };
  } catch (error) {
    if (error instanceof SampleError && error.kind === "deadline") return { isAsync: true, first: undefined };
    throw error instanceof SampleError ? error : new SampleError("rejected", messageOf(error), { cause: error });
  }
}

interface Driver {
  readonly batch: Batch;
  /** To be called once the body is warm; the next batch is then compiled in full. */
  readonly optimize: () => void;
  /** Whether the body returns promises. */
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
  const context = new CaseContext(definition.parameters, timerNs);
  const call = body.length > 0 || options.timing === "manual" ? "body(context)" : "body()";
  const { beforeEach, afterEach, concurrency = 1 } = options;
  if (beforeEach) await beforeEach();
  const { isAsync, first } = await firstCall(body, context);
  if (afterEach) await afterEach();
  const manual = options.timing === "manual";
  if (manual && !context.timed) {
    throw new SampleError("threw", 'with timing: "manual" the body must call context.start() and context.stop()');
  }
  if (beforeEach || afterEach) {
    const batch = hookedBatch(body, context, { before: beforeEach, after: afterEach, isAsync, manual, timerNs });
    return { batch, optimize: () => {}, isAsync, includesLoop: false };
  }
  if (manual) {
    const source = isAsync ? manualLoop("async ", "await ", call) : manualLoop("", "", call);
    return { ...generate(source, first, body, context), isAsync, includesLoop: false };
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
