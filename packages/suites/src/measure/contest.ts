import type { Random } from "@mettle/core";
import { hodgesLehmann } from "@mettle/stats";
import type { Recorder, Tags } from "./recorder.ts";
import { nextTurn, nowNs } from "./time.ts";

/** One way of doing a piece of work. */
interface Way {
  /** As it shows in the tag `way`. */
  readonly name: string;
  /** Does all of the work once; it is done when what this returns has settled. */
  readonly run: () => unknown;
}

export interface Contest {
  /** Gives `<metric>.time` of each way, by operation, and `<metric>.speed-up` or `<metric>.overhead`. */
  readonly metric: string;
  /**
   * `speed-up`: traditional / ours; `overhead`: ours / traditional, where ours does more and the question is what that
   * costs. @defaultValue "speed-up"
   */
  readonly ratio?: "speed-up" | "overhead";
  /** As the work is usually done, written as well as it can be. */
  readonly traditional: Way;
  readonly ours: Way;
  /** Operations in the work, so that times are those of one. */
  readonly operations: number;
  readonly seconds: number;
  /** Rounds at least. @defaultValue 12 */
  readonly atLeast?: number;
  readonly requirement?: readonly string[];
  readonly tags?: Tags;
  readonly random: Random;
  /** Monotonic nanoseconds. @defaultValue the system's */
  readonly now?: () => number;
  readonly signal?: AbortSignal;
}

const confidence = 0.99;
const atMost = 2000;

/**
 * Lets two ways of the same work take turns, the first of each round drawn by lot, so that what the machine does meanwhile
 * falls on both. The ratio names its direction (T-08) and has an interval from the ratios of the rounds; an effect that is
 * absent, or the wrong way round, is said to be so (T-18).
 */
export async function contest(record: Recorder, options: Contest): Promise<void> {
  const { metric, traditional, ours, operations, seconds, atLeast = 12, random, signal } = options;
  const { requirement = [], tags = {}, now = nowNs } = options;
  const timesOf = ({ name }: Way) => record.operation(`${metric}.time`, { tags: { ...tags, way: name }, requirement });
  const [traditionalTimes, ourTimes] = [timesOf(traditional), timesOf(ours)];
  const ratios: number[] = [];
  const end = now() + seconds * 1e9;
  await once(traditional, now); // compiled, connected, cached: not measured
  await once(ours, now);
  while (ratios.length < atLeast || (ratios.length < atMost && now() < end)) {
    signal?.throwIfAborted();
    const oursFirst = random.uniform() < 0.5;
    const first = await once(oursFirst ? ours : traditional, now);
    const second = await once(oursFirst ? traditional : ours, now);
    const [slow, fast] = oursFirst ? [second, first] : [first, second];
    traditionalTimes.times.record(slow / operations);
    ourTimes.times.record(fast / operations);
    ratios.push(options.ratio === "overhead" ? fast / slow : slow / fast);
  }
  recordRatio(record, options, ratios);
}

async function once(way: Way, now: () => number): Promise<number> {
  await nextTurn(); // what the other has left behind runs at nobody's expense
  const start = now();
  const result = way.run();
  if (result instanceof Promise) await result;
  // A clock that did not move would make a ratio of nothing.
  return Math.max(1, now() - start);
}

function recordRatio(record: Recorder, options: Contest, ratios: readonly number[]): void {
  const { metric, ratio = "speed-up", requirement = [], tags = {} } = options;
  const { low, high } = hodgesLehmann(ratios.map(Math.log), confidence);
  record.value(`${metric}.${ratio}`, ratios, {
    unit: "1",
    direction: ratio === "overhead" ? "lower" : "higher",
    tags,
    requirement,
    notes: notesOf(ratio, Math.exp(low), Math.exp(high)),
    interval: {
      of: "ratio",
      low: Math.exp(low),
      high: Math.exp(high),
      confidence,
      method: "Hodges–Lehmann over the logarithms of neighbouring rounds' ratios",
    },
  });
}

function notesOf(ratio: "speed-up" | "overhead", low: number, high: number): string[] {
  if (low <= 1 && high >= 1) return ["no effect is seen: the interval holds 1"];
  return ratio === "speed-up" && high < 1 ? ["slower than the traditional way"] : [];
}
