import { type GrowthPerHour, type LeakFinding, measureLeak } from "@mettle/bench";
import type { MetricOptions, Recorder, Tags } from "./recorder.ts";

export interface LeakCycles {
  readonly metric: string;
  readonly cycles: number;
  /** Operations in one cycle, for the growth per operation. */
  readonly operations: number;
  readonly cycle: (index: number) => Promise<void> | void;
  readonly requirement?: readonly string[];
  readonly tags?: Tags;
  /** Bytes that an hour may grow by, where cycles are paced as in use: `<metric>.growth-per-hour` is recorded as {@link recordPerHour} does. */
  readonly perHour?: number;
  readonly signal?: AbortSignal;
}

interface HourlyBudget extends MetricOptions {
  /** Bytes that an hour may grow by. */
  readonly budget: number;
  /** Whether the cycles were as far apart as in use, so that an hour of them is an hour. @defaultValue false */
  readonly paced?: boolean;
}

/**
 * Growth per hour, where the measuring was long enough to tell: an interval wider than the budget says nothing, and the figure is
 * absent then (T-20). Of paced cycles it is told all the same when it is certainly too much.
 */
export function recordPerHour(
  record: Recorder,
  metric: string,
  growth: GrowthPerHour | undefined,
  { budget, paced = false, ...options }: HourlyBudget,
): void {
  if (growth === undefined) return;
  if (growth.high - growth.low > budget && !(paced && growth.low > budget)) return;
  const { bytesPerHour, low, high, confidence } = growth;
  record.value(metric, bytesPerHour, {
    ...options,
    unit: "bytes/h",
    direction: "lower",
    interval: { of: "slope", low, high, confidence, method: "least squares over cycles, widened for correlation" },
  });
}

/**
 * Whether memory grows over cycles of the same work, after a forced collection each: bytes per operation with its interval, and the
 * verdict of the test as a rate (1: no leak). Seconds of cycles back to back say nothing of an hour: that is for those who pace them.
 */
export async function recordLeak(record: Recorder, options: LeakCycles): Promise<LeakFinding> {
  const { metric, cycles, operations, cycle, requirement = [], tags = {}, perHour, signal } = options;
  // No leak is proven when a cycle grows by less than a hundredth of what S3-023 allows per operation.
  const minimumBytesPerCycle = Math.max(1024, operations * 10.24);
  const found = await measureLeak({ cycles, cycle, minimumBytesPerCycle, ...(signal && { signal }) });
  const notes = found.outcome === "undecided" ? ["the interval allows growth and none: more cycles would tell"] : [];
  record.value(`${metric}.growth`, found.slopeBytesPerCycle / operations, {
    unit: "bytes",
    direction: "lower",
    tags,
    requirement,
    notes,
    interval: {
      of: "slope",
      low: found.low / operations,
      high: found.high / operations,
      confidence: found.confidence,
      method: `least squares over ${cycles - found.droppedCycles} cycles, widened for correlation`,
    },
  });
  if (perHour !== undefined) {
    const { growthPerHour: growth } = found;
    recordPerHour(record, `${metric}.growth-per-hour`, growth, {
      budget: perHour,
      paced: true,
      tags,
      requirement,
      notes,
    });
  }
  record.rate(`${metric}.without-leak`, found.outcome === "leak" ? 0 : 1, 1, { tags, requirement, notes });
  return found;
}
