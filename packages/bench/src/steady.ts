import { steadyFrom } from "@mettle/stats";

export interface SteadyPart {
  /** The samples from where the time no longer changed; all of them when it never settled. */
  readonly values: Float32Array;
  readonly steady: boolean;
}

/**
 * Leaves out the warm-up at the beginning of one draw: what precedes the last change of level, found by segmentation.
 * A change in the second half is not warm-up: then the draw never became steady and nothing is left out.
 */
export function steadyPart(samples: Float32Array): SteadyPart {
  const values = samples.filter((value) => !Number.isNaN(value));
  if (values.length < 10) return { values, steady: true };
  const result = steadyFrom(Array.from(values, (value) => Math.log(Math.max(value, 1e-3))));
  if ("never" in result) return { values, steady: false };
  return { values: values.subarray(result.from), steady: true };
}
