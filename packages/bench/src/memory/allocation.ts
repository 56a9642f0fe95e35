import { type Clock, coreErrors, type Milliseconds, ms, type Nanoseconds, ns, systemClock } from "@mettle/core";
import { GCProfiler, getHeapStatistics } from "node:v8";
import { collectGarbage } from "./heap.ts";

/** Runs the measured body `iterations` times; the loop is its own, so that the body can be inlined into it. */
export type RunIterations = (iterations: number) => void | Promise<void>;

export interface AllocationOptions {
  /** Windows whose median is reported. @defaultValue 7, at least 3 */
  readonly windows?: number;
  /** Iterations per window grow until the estimated relative error is at most this. @defaultValue 0.005 */
  readonly relativeError?: number;
  /** An error of at most this many bytes per operation is settled too: a body that allocates nothing has no relative error. @defaultValue 0.05 */
  readonly absoluteErrorBytes?: number;
  /** Nothing measured before this long after the start counts: the optimizer changes what is allocated. @defaultValue 250 ms */
  readonly warmup?: Milliseconds;
  /** No window is longer than this many iterations. @defaultValue 100 million */
  readonly maxIterations?: number;
  /** No larger window is begun after this long. @defaultValue 5000 ms */
  readonly timeBudget?: Milliseconds;
  /**
   * What a window costs without the body, run with the same number of iterations and subtracted. Give one when the
   * loop around the body allocates, such as `for (…) await undefined`. @defaultValue a bare loop, async when `run` is
   */
  readonly emptyRun?: RunIterations;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/** What a body allocates, in bytes per operation, and what collecting it cost. */
export interface AllocationMeasurement {
  /** Median over the windows, less the empty run. Can be slightly below zero for a body that allocates nothing. */
  readonly bytesPerOperation: number;
  /** Smallest and largest window, bytes per operation. */
  readonly spread: { readonly low: number; readonly high: number };
  /** Every window in the order measured, bytes per operation. */
  readonly windows: readonly number[];
  /** Estimated error of the median, bytes per operation. */
  readonly errorBytes: number;
  /** False when the iterations or the time ran out before the error was small enough. */
  readonly settled: boolean;
  /** Iterations in each window. */
  readonly iterations: number;
  /** What an empty window of as many iterations showed, bytes: median. */
  readonly windowConstantBytes: number;
  /** Collections in all windows together. */
  readonly gcCount: number;
  /** The same by V8's name for the kind: `Scavenge`, `MarkSweepCompact`, `IncrementalMarking`, … */
  readonly gcCountByType: Readonly<Record<string, number>>;
  /** Time stopped in those collections. Marking done beside or between them is not in it. */
  readonly gcPauseNs: Nanoseconds;
  /** `gcPauseNs` over all operations of all windows. */
  readonly gcPausePerOperationNs: Nanoseconds;
  /** Bytes outside the heap per operation (array buffers, native objects), from a window in which nothing was collected. Absent when even one operation brought a collection on. */
  readonly offHeapBytesPerOperation?: number;
}

type ResolvedOptions = Required<Omit<AllocationOptions, "emptyRun" | "signal">> &
  Pick<AllocationOptions, "emptyRun" | "signal">;

export const allocationDefaults: Readonly<Required<Omit<AllocationOptions, "emptyRun" | "signal" | "clock">>> = {
  // An odd number large enough that a window hit by a background sweep (seen: half a megabyte vanishing between two
  // collections) stands alone outside the middle half.
  windows: 7,
  relativeError: 0.005,
  absoluteErrorBytes: 0.05,
  warmup: ms(250),
  maxIterations: 1e8,
  timeBudget: ms(5000),
};

function resolveOptions(iterations: number, options: AllocationOptions): ResolvedOptions {
  const resolved: ResolvedOptions = { ...allocationDefaults, clock: systemClock, ...options };
  const problems: string[] = [];
  const positive = (name: string, value: number): void => {
    if (!(value > 0)) problems.push(`${name} must be above 0, got ${value}`);
  };
  if (!(Number.isInteger(iterations) && iterations >= 1))
    problems.push(`iterations must be a whole number of 1 or more, got ${iterations}`);
  if (!(Number.isInteger(resolved.windows) && resolved.windows >= 3))
    problems.push(`windows must be a whole number of 3 or more, got ${resolved.windows}`);
  positive("relativeError", resolved.relativeError);
  positive("absoluteErrorBytes", resolved.absoluteErrorBytes);
  positive("timeBudget", resolved.timeBudget);
  if (!(resolved.warmup >= 0)) problems.push(`warmup must be 0 ms or more, got ${resolved.warmup}`);
  if (!(resolved.maxIterations >= iterations))
    problems.push(`maxIterations must be at least iterations (${iterations}), got ${resolved.maxIterations}`);
  if (problems.length > 0) {
    throw coreErrors.create("OPTIONS_INVALID", `Allocation options: ${problems.join("; ")}.`, {
      details: { problems },
    });
  }
  return resolved;
}

/** One window of iterations seen through every collection in it. */
interface AllocationWindow {
  readonly allocatedBytes: number;
  readonly externalBytes: number;
  readonly gcCount: number;
  readonly gcPauseNs: number;
  readonly gcTypes: readonly string[];
}

/**
 * Allocated bytes are what the heap grew by between collections, added up: heap before each collection less heap after
 * the one before it. The profiler keeps its records outside the heap until `stop`, after the last reading.
 */
async function measureWindow(run: RunIterations, iterations: number): Promise<AllocationWindow> {
  const profiler = new GCProfiler();
  profiler.start();
  const before = getHeapStatistics();
  const pending = run(iterations);
  // Awaiting what is no promise would put a turn of the microtask queue into every synchronous window.
  if (pending !== undefined) await pending;
  const after = getHeapStatistics();
  const { statistics } = profiler.stop();
  let allocatedBytes = 0;
  let gcPauseNs = 0;
  let last = before.used_heap_size;
  for (const collection of statistics) {
    allocatedBytes += collection.beforeGC.heapStatistics.usedHeapSize - last;
    last = collection.afterGC.heapStatistics.usedHeapSize;
    gcPauseNs += collection.cost * 1000; // `cost` is in microseconds
  }
  return {
    allocatedBytes: allocatedBytes + after.used_heap_size - last,
    externalBytes: after.external_memory - before.external_memory,
    gcCount: statistics.length,
    gcPauseNs,
    gcTypes: statistics.map(({ gcType }) => gcType),
  };
}

const emptyLoop: RunIterations = (iterations) => {
  for (let i = 0; i < iterations; i++);
};
const emptyAsyncLoop: RunIterations = async (iterations) => {
  for (let i = 0; i < iterations; i++);
};

interface Round {
  readonly iterations: number;
  readonly windows: readonly AllocationWindow[];
  readonly perOperation: readonly number[];
  readonly constantBytes: number;
  readonly median: number;
  readonly errorBytes: number;
}

/** Body windows and empty windows in turn, so that a slow change of the process falls on both. */
async function measureRound(
  run: RunIterations,
  empty: RunIterations,
  iterations: number,
  options: ResolvedOptions,
): Promise<Round> {
  const windows: AllocationWindow[] = [];
  const constants: number[] = [];
  for (let i = 0; i < options.windows; i++) {
    options.signal?.throwIfAborted();
    constants.push((await measureWindow(empty, iterations)).allocatedBytes);
    windows.push(await measureWindow(run, iterations));
  }
  const constantBytes = quantileOf(constants, 0.5);
  const perOperation = windows.map((window) => (window.allocatedBytes - constantBytes) / iterations);
  const errorBytes = halfMiddle(perOperation) + halfMiddle(constants) / iterations;
  return { iterations, windows, perOperation, constantBytes, median: quantileOf(perOperation, 0.5), errorBytes };
}

/** Linear between order statistics; `values` need not be sorted. */
function quantileOf(values: readonly number[], quantile: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = quantile * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/** Half the width of the middle half: a spread that one odd window cannot move. */
const halfMiddle = (values: readonly number[]): number => (quantileOf(values, 0.75) - quantileOf(values, 0.25)) / 2;

/**
 * Bytes that a body allocates per operation, with garbage collections counted and timed, without any node flag.
 * Right within 0.5 % for bodies of known size. Iterations per window grow fourfold from `iterations` until the error
 * is small; earlier, shorter windows serve as warm-up. Objects the optimizer removes are not allocated: keep results alive.
 *
 * @param run - runs the body the given number of times; synchronous or not
 * @param iterations - of the first, shortest windows
 * @throws MettleError `OPTIONS_INVALID`; whatever `run` throws; the reason of `options.signal`
 */
export async function measureAllocation(
  run: RunIterations,
  iterations: number,
  options: AllocationOptions = {},
): Promise<AllocationMeasurement> {
  const resolved = resolveOptions(iterations, options);
  const first = run(iterations);
  const isAsync = first !== undefined;
  if (isAsync) await first;
  const empty = resolved.emptyRun ?? (isAsync ? emptyAsyncLoop : emptyLoop);
  const startedAt = resolved.clock.now();
  let round = await measureRound(run, empty, iterations, resolved);
  let settled = false;
  let roundStartMs = 0;
  for (;;) {
    const elapsedMs = (resolved.clock.now() - startedAt) / 1e6;
    if (elapsedMs >= resolved.timeBudget) break;
    // Still warming up with the error small already: more of the same, for a longer window would tell no more.
    const longEnough = elapsedMs - roundStartMs >= LONG_ROUND_MS && round.errorBytes <= allowedError(round, resolved);
    const next = longEnough ? round.iterations : Math.min(round.iterations * 4, resolved.maxIterations);
    const previous = round;
    roundStartMs = elapsedMs;
    round = await measureRound(run, empty, next, resolved);
    // Two rounds must agree: a body seen in one tier of the compiler is steady, and wrong, until the next tier.
    settled = elapsedMs >= resolved.warmup && isSettled(previous, round, resolved);
    if (settled || (previous.iterations === resolved.maxIterations && elapsedMs >= resolved.warmup)) break;
  }
  const offHeap = await measureOffHeap(run, empty, round, resolved);
  return describe(round, settled, offHeap);
}

/** A round of windows that took this long is not made longer for warming up's sake. */
const LONG_ROUND_MS = 40;

const allowedError = (round: Round, options: ResolvedOptions): number =>
  Math.max(options.relativeError * Math.abs(round.median), options.absoluteErrorBytes);

function isSettled(previous: Round, round: Round, options: ResolvedOptions): boolean {
  const allowed = allowedError(round, options);
  return round.errorBytes <= allowed && Math.abs(round.median - previous.median) <= allowed + previous.errorBytes;
}

function describe(round: Round, settled: boolean, offHeap: number | undefined): AllocationMeasurement {
  const gcCountByType: Record<string, number> = {};
  let gcPauseNs = 0;
  let gcCount = 0;
  for (const window of round.windows) {
    gcCount += window.gcCount;
    gcPauseNs += window.gcPauseNs;
    for (const type of window.gcTypes) gcCountByType[type] = (gcCountByType[type] ?? 0) + 1;
  }
  return {
    bytesPerOperation: round.median,
    spread: { low: Math.min(...round.perOperation), high: Math.max(...round.perOperation) },
    windows: round.perOperation,
    errorBytes: round.errorBytes,
    settled,
    iterations: round.iterations,
    windowConstantBytes: round.constantBytes,
    gcCount,
    gcCountByType,
    gcPauseNs: ns(gcPauseNs),
    gcPausePerOperationNs: ns(gcPauseNs / (round.iterations * round.windows.length)),
    ...(offHeap === undefined ? {} : { offHeapBytesPerOperation: offHeap }),
  };
}

/** Off-heap windows stay below both, well short of what makes V8 collect. */
const OFF_HEAP_WINDOW_HEAP_BYTES = 256 * 1024;
const OFF_HEAP_WINDOW_BYTES = 8 * 1024 * 1024;

/**
 * Off-heap bytes are freed by collections at no moment we can see, so only a window without one tells the truth:
 * short windows, growing fourfold, the longest that saw no collection counts.
 */
async function measureOffHeap(
  run: RunIterations,
  empty: RunIterations,
  round: Round,
  options: ResolvedOptions,
): Promise<number | undefined> {
  const mostByHeap = Math.floor(OFF_HEAP_WINDOW_HEAP_BYTES / Math.max(1, round.median));
  const most = Math.max(1, Math.min(round.iterations, mostByHeap));
  let found: number | undefined;
  for (let iterations = 1; ; iterations = Math.min(most, iterations * 4)) {
    options.signal?.throwIfAborted();
    await collectGarbage();
    const constant = await measureWindow(empty, iterations);
    const window = await measureWindow(run, iterations);
    if (constant.gcCount > 0 || window.gcCount > 0) return found;
    found = (window.externalBytes - constant.externalBytes) / iterations;
    if (iterations >= most || Math.abs(window.externalBytes) * 4 > OFF_HEAP_WINDOW_BYTES) return found;
  }
}
