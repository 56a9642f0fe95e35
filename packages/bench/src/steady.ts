import { median, steadyFrom } from "@mettle/stats";
import { type ArmId, controlArm } from "./protocol.ts";

/** The samples of one draw, and from which block on its times no longer changed. */
export interface Draw {
  readonly samples: Readonly<Record<ArmId, Float32Array>>;
  /** First block that counts; 0 when the draw never became steady, so that nothing is hidden. */
  readonly from: number;
  readonly steady: boolean;
}

/** Fewer blocks than this say nothing about warm-up. */
const leastBlocks = 12;

/**
 * Finds the end of the warm-up of one draw, by segmentation of its blocks. All arms are taken together: they warm up
 * in the same blocks, and one cut keeps them paired.
 */
export function settle(samples: Readonly<Record<ArmId, Float32Array>>): Draw {
  const arms = Object.entries(samples).filter(([id]) => id !== controlArm);
  const blocks = arms[0]?.[1].length ?? 0;
  if (blocks < leastBlocks) return { samples, from: 0, steady: true };
  const series = new Float64Array(blocks);
  for (const [, values] of arms) {
    // Each arm in units of its own median, so that the slowest does not speak for all.
    const known = values.filter((value) => !Number.isNaN(value));
    const level = known.length === 0 ? 0 : median(known); // a case may miss every deadline
    for (let i = 0; i < blocks; i++) {
      const value = values[i] as number;
      series[i] = (series[i] as number) + (Number.isNaN(value) || level <= 0 ? 1 : value / level);
    }
  }
  const result = steadyFrom(series);
  return "never" in result ? { samples, from: 0, steady: false } : { samples, from: result.from, steady: true };
}

/** The counted samples of one arm, missed deadlines left out. */
export function counted({ samples, from }: Draw, arm: ArmId): Float32Array {
  return (samples[arm] ?? new Float32Array(0)).subarray(from).filter((value) => !Number.isNaN(value));
}
