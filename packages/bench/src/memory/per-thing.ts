import { coreErrors, Random } from "@mettle/core";
import { linearTrend } from "@mettle/stats";
import { benchLabErrors } from "../lab-errors.ts";
import { collectGarbage, type MemoryReading, type MemoryScope, memoryScopes, readMemory } from "./heap.ts";

export interface MemoryPerThingOptions<Held> {
  /** How many things to make, at least two different counts: the further apart, the narrower the interval. */
  readonly counts: readonly number[];
  /** Makes `count` things and returns whatever keeps them alive. */
  readonly make: (count: number) => Held | Promise<Held>;
  /** Lets the things go: stop, close, deregister. Dropping the reference to what `make` returned is done for you. */
  readonly release?: (held: Held) => void | Promise<void>;
  /** Times that every count is measured. @defaultValue 3 */
  readonly repeats?: number;
  /** Coverage of the intervals as a fraction. @defaultValue 0.95 */
  readonly confidence?: number;
  /** Order of the counts; a seeded one repeats a run. @defaultValue seeded with 1 */
  readonly random?: Random;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, of: number) => void;
}

/** What memory grew by when `count` things were made, after forced collections before and after. */
export interface MemoryPoint {
  readonly count: number;
  readonly bytes: number;
}

/** Bytes per thing in one scope: the slope of memory over the number of things. */
export interface MemorySlope {
  readonly scope: MemoryScope;
  readonly slopeBytes: number;
  /** t interval of the slope. */
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  /** What making any number costs, bytes. */
  readonly interceptBytes: number;
  /** In the order measured. */
  readonly points: readonly MemoryPoint[];
}

/** The same points seen in the three scopes; an interval of `process` is wide, for a resident set seldom shrinks. */
export type MemoryPerThing = Readonly<Record<MemoryScope, MemorySlope>>;

export const memoryPerThingDefaults: { readonly repeats: number; readonly confidence: number } = {
  repeats: 3,
  confidence: 0.95,
};

/** Things held through the second reading. A local alone would be dead, and collectable, after its last use. */
const heldAlive = new Set<unknown>();

/**
 * Memory per agent, variable, signal: the slope over several numbers of them, never one difference (which would also
 * hold what the first one loads). Counts come in random order, repeatedly, so that a drift of the process falls on all alike.
 * One unmeasured pass at the smallest count loads code first.
 *
 * @throws MettleError `OPTIONS_INVALID`, `MEMORY_GC_UNAVAILABLE`; whatever `make` and `release` throw
 */
export async function measureMemoryPerThing<Held>(options: MemoryPerThingOptions<Held>): Promise<MemoryPerThing> {
  const { repeats, confidence } = { ...memoryPerThingDefaults, ...options };
  validate(options.counts, repeats, confidence);
  const random = options.random ?? new Random(1);
  const readings: { count: number; grown: MemoryReading }[] = [];
  const total = repeats * options.counts.length;
  await growth(Math.min(...options.counts), options);
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const count of random.shuffle([...options.counts])) {
      options.signal?.throwIfAborted();
      readings.push({ count, grown: await growth(count, options) });
      options.onProgress?.(readings.length, total);
    }
  }
  const inScope = (scope: MemoryScope): MemorySlope =>
    memorySlope(
      scope,
      readings.map(({ count, grown }) => ({ count, bytes: grown[scope] })),
      confidence,
    );
  return { accounted: inScope("accounted"), isolate: inScope("isolate"), process: inScope("process") };
}

function validate(counts: readonly number[], repeats: number, confidence: number): void {
  const problems: string[] = [];
  if (counts.some((count) => !(Number.isInteger(count) && count >= 0)))
    problems.push(`counts must be whole numbers of 0 or more, got ${counts.join(", ")}`);
  if (new Set(counts).size < 2) problems.push(`counts must hold at least two different numbers`);
  if (!(Number.isInteger(repeats) && repeats >= 1))
    problems.push(`repeats must be a whole number of 1 or more, got ${repeats}`);
  if (counts.length * repeats < 3) problems.push("counts times repeats must be at least 3");
  if (!(confidence > 0 && confidence < 1)) problems.push(`confidence must be between 0 and 1, got ${confidence}`);
  if (problems.length > 0) {
    throw coreErrors.create("OPTIONS_INVALID", `Memory per thing: ${problems.join("; ")}.`, { details: { problems } });
  }
}

async function growth<Held>(count: number, options: MemoryPerThingOptions<Held>): Promise<MemoryReading> {
  await collectGarbage();
  const before = readMemory();
  const held = await options.make(count);
  heldAlive.add(held);
  try {
    await collectGarbage();
    const after = readMemory();
    const grown = memoryScopes.map((scope) => [scope, after[scope] - before[scope]] as const);
    return Object.fromEntries(grown) as MemoryReading;
  } finally {
    heldAlive.delete(held);
    await options.release?.(held);
  }
}

/**
 * The slope through measured points with its t interval.
 *
 * @throws MettleError `MEMORY_POINTS_TOO_FEW` for fewer than three points or only one count
 */
export function memorySlope(scope: MemoryScope, points: readonly MemoryPoint[], confidence: number): MemorySlope {
  const counts = points.map(({ count }) => count);
  if (points.length < 3 || new Set(counts).size < 2) {
    throw benchLabErrors.create("MEMORY_POINTS_TOO_FEW", `${points.length} points give no slope with an interval.`);
  }
  const bytes = points.map((point) => point.bytes);
  const { slope, low, high, intercept } = linearTrend(counts, bytes, { confidence });
  return { scope, slopeBytes: slope, low, high, confidence, interceptBytes: intercept, points };
}
