import { type LeakFinding, measureLeak } from "@mettle/bench";
import type { Recorder, Tags } from "./recorder.ts";

export interface LeakCycles {
  readonly metric: string;
  readonly cycles: number;
  /** Operations in one cycle, for the growth per operation. */
  readonly operations: number;
  readonly cycle: (index: number) => Promise<void> | void;
  readonly requirement?: readonly string[];
  readonly tags?: Tags;
  readonly signal?: AbortSignal;
}

/**
 * Whether memory grows over cycles of the same work, after a forced collection each: bytes per operation and, if the cycles ran
 * back to back for ever, per hour, each with its interval; and the verdict of the test as a rate (1: no leak).
 */
export async function recordLeak(record: Recorder, options: LeakCycles): Promise<LeakFinding> {
  const { metric, cycles, operations, cycle, requirement = [], tags = {}, signal } = options;
  // No leak is proven when a cycle grows by less than a hundredth of what S3-023 allows per operation.
  const minimumBytesPerCycle = Math.max(1024, operations * 10.24);
  const found = await measureLeak({ cycles, cycle, minimumBytesPerCycle, ...(signal && { signal }) });
  const interval = (
    low: number,
    high: number,
  ): { of: "slope"; low: number; high: number; confidence: number; method: string } => ({
    of: "slope",
    low,
    high,
    confidence: found.confidence,
    method: `least squares over ${cycles - found.droppedCycles} cycles, widened for correlation`,
  });
  const notes = found.outcome === "undecided" ? ["the interval allows growth and none: more cycles would tell"] : [];
  record.value(`${metric}.growth`, found.slopeBytesPerCycle / operations, {
    unit: "bytes",
    direction: "lower",
    tags,
    requirement,
    notes,
    interval: interval(found.low / operations, found.high / operations),
  });
  if (found.growthPerHour !== undefined) {
    const { bytesPerHour, low, high } = found.growthPerHour;
    record.value(`${metric}.growth-per-hour`, bytesPerHour, {
      unit: "bytes/h",
      direction: "lower",
      tags,
      requirement,
      notes,
      interval: interval(low, high),
    });
  }
  record.rate(`${metric}.without-leak`, found.outcome === "leak" ? 0 : 1, 1, { tags, requirement, notes });
  return found;
}
