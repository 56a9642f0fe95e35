import { MettleError } from "@mettle/core";
import { Histogram } from "@mettle/stats";
import type { EncodedHistogram } from "./run.ts";

// Decoding costs far more than a quantile, and one document's histogram is asked for several.
const decoded = new WeakMap<EncodedHistogram, Histogram>();

/**
 * A quantile from a run's histogram, in the measurement's unit, within the histogram's relative error.
 *
 * @param quantile - 0 … 1
 * @returns undefined when the histogram is empty
 * @throws MettleError of `@mettle/stats` when it does not decode
 */
export function histogramQuantile(encoded: EncodedHistogram, quantile: number): number | undefined {
  if (encoded.count === 0) return undefined;
  let histogram = decoded.get(encoded);
  if (!histogram) {
    histogram = Histogram.decode(encoded);
    decoded.set(encoded, histogram);
  }
  return histogram.quantile(quantile);
}

/** Why a histogram does not decode, in words; undefined when it does. */
export function histogramProblem(encoded: EncodedHistogram): string | undefined {
  try {
    Histogram.decode(encoded);
    return undefined;
  } catch (refused) {
    if (refused instanceof MettleError) return refused.message;
    throw refused;
  }
}
