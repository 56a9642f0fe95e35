import { type Clock, systemClock } from "@mettle/core";
import type { NoiseProbe } from "./run.ts";
import { type ReadText, readTextFile } from "./text-file.ts";

export interface NoiseProbeOptions {
  /** Probe loops wanted, about 0.1 ms each; fewer are taken when the budget ends first. @defaultValue 400 */
  readonly samples?: number;
  /** Longest time that the probe may take, ms. @defaultValue 100 */
  readonly budgetMs?: number;
  readonly clock?: Clock;
  readonly read?: ReadText;
}

export const noiseProbeDefaults: Required<NoiseProbeOptions> = {
  samples: 400,
  budgetMs: 100,
  clock: systemClock,
  read: readTextFile,
};

/** The same everywhere and for ever, so that probes of two machines compare: about 0.1 ms on a core of 3 GHz. */
const LOOP_STEPS = 60_000;
const WARMUP_LOOPS = 20;
const INTERRUPTED = 1.5;

/** Kept where the compiler must assume someone reads it, so that the loop stays. */
const sink = { value: 0 };

/** Hot: nothing but dependent integer steps (xorshift32, Marsaglia 2003): no memory, no allocation. */
function spin(): void {
  let x = 2_463_534_242 | 0;
  for (let i = 0; i < LOOP_STEPS; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
  }
  sink.value ^= x;
}

/**
 * How quiet this machine is right now: a fixed integer loop timed again and again.
 *
 * @returns undefined when the clock showed no time passing, so that nothing was measured
 */
export function probeNoise(options: NoiseProbeOptions = {}): NoiseProbe | undefined {
  const { samples, budgetMs, clock, read } = { ...noiseProbeDefaults, ...options };
  const begun = clock.now();
  const budgetNs = budgetMs * 1e6;
  for (let i = 0; i < WARMUP_LOOPS; i++) spin();
  const waitedBefore = runQueueWaitNs(read);
  const times = new Float64Array(samples);
  let taken = 0;
  const first = clock.now();
  let before: number = first;
  // At least one sample, even where the warm-up used up the budget.
  while (taken < samples && (taken === 0 || before - begun < budgetNs)) {
    spin();
    const after = clock.now();
    times[taken++] = after - before;
    before = after;
  }
  const waitedAfter = runQueueWaitNs(read);
  return summarizeProbe(times.subarray(0, taken), before - first, subtract(waitedAfter, waitedBefore));
}

/**
 * @param times - of the loops, ns
 * @param wallNs - over all of them
 * @param waitedNs - time runnable but not running meanwhile, where known
 */
export function summarizeProbe(times: Float64Array, wallNs: number, waitedNs?: number): NoiseProbe | undefined {
  const medianNs = medianOf(times);
  if (medianNs === undefined || !(medianNs > 0)) return undefined;
  const spread = medianOf(times.map((time) => Math.abs(time - medianNs))) ?? 0;
  return {
    samples: times.length,
    medianNs,
    spread: spread / medianNs,
    interruptedShare: times.filter((time) => time >= INTERRUPTED * medianNs).length / times.length,
    ...(waitedNs === undefined ? {} : { cpuWaitShare: Math.min(1, Math.max(0, waitedNs / wallNs)) }),
  };
}

/** Second field of schedstat: nanoseconds spent waiting on a run queue. Of this thread where the kernel offers it. */
function runQueueWaitNs(read: ReadText): number | undefined {
  const text = read("/proc/thread-self/schedstat") ?? read("/proc/self/schedstat");
  const waited = Number(text?.trim().split(/\s+/)[1] ?? Number.NaN);
  return Number.isFinite(waited) ? waited : undefined;
}

const subtract = (after: number | undefined, before: number | undefined): number | undefined =>
  after === undefined || before === undefined ? undefined : after - before;

function medianOf(values: Float64Array): number | undefined {
  const sorted = values.toSorted();
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  const lower = sorted.length % 2 === 1 ? upper : sorted[middle - 1];
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2;
}
