import type { EncodedHistogram } from "@mettle/results";
import { Histogram } from "@mettle/stats";

// Decoding costs far more than a quantile, and one document's histogram is asked for several.
const decoded = new WeakMap<EncodedHistogram, Histogram>();

/** A quantile (0 … 1) of a stored histogram, within its stated relative error; undefined when it is empty. */
export function histogramQuantile(encoded: EncodedHistogram, quantile: number): number | undefined {
  if (encoded.count === 0) return undefined;
  let histogram = decoded.get(encoded);
  if (!histogram) {
    histogram = Histogram.decode(encoded);
    decoded.set(encoded, histogram);
  }
  return histogram.quantile(quantile);
}
