import { quantileSorted } from "./quantile.ts";
import { requireSamples, sortedCopy } from "./samples.ts";

export type OutlierLabel = "lowSevere" | "lowMild" | "inside" | "highMild" | "highSevere";

export interface LabelledOutliers {
  readonly counts: Readonly<Record<Exclude<OutlierLabel, "inside">, number>>;
  /** One per sample, in the order given. */
  readonly labels: readonly OutlierLabel[];
  /** The bounds that the labels were read from; a sample on a fence is inside it. */
  readonly fences: Readonly<Record<Exclude<OutlierLabel, "inside">, number>>;
}

/**
 * Labels outliers by Tukey's fences: mild beyond 1.5 interquartile ranges from the quartiles (type 7), severe beyond 3.
 * Nothing is dropped: what to make of an outlier is the reader's decision.
 *
 * @throws MettleError `STATS_TOO_FEW_SAMPLES` for none, `STATS_SAMPLE_INVALID`
 * @see Tukey, Exploratory Data Analysis (1977)
 */
export function labelOutliers(samples: ArrayLike<number>): LabelledOutliers {
  requireSamples(samples, 1);
  const sorted = sortedCopy(samples);
  const [lower, upper] = [quantileSorted(sorted, 0.25), quantileSorted(sorted, 0.75)];
  const range = upper - lower;
  const fences = {
    lowSevere: lower - 3 * range,
    lowMild: lower - 1.5 * range,
    highMild: upper + 1.5 * range,
    highSevere: upper + 3 * range,
  };
  const counts = { lowSevere: 0, lowMild: 0, highMild: 0, highSevere: 0 };
  const labels = Array.from(samples, (value): OutlierLabel => {
    const label = labelOf(value, fences);
    if (label !== "inside") counts[label] += 1;
    return label;
  });
  return { counts, labels, fences };
}

function labelOf(value: number, fences: LabelledOutliers["fences"]): OutlierLabel {
  if (value < fences.lowSevere) return "lowSevere";
  if (value < fences.lowMild) return "lowMild";
  if (value > fences.highSevere) return "highSevere";
  if (value > fences.highMild) return "highMild";
  return "inside";
}
