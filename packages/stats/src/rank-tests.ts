import { normalSurvival } from "./distributions.ts";
import { mannWhitneyDistribution, rank, signedRankDistribution, twoSided } from "./ranks.ts";
import { requireSamples } from "./samples.ts";

/** Up to this many values (in each sample) and without ties p is exact; SciPy and R draw the line here too. */
export const exactRankLimit = 50;

export interface MannWhitneyResult {
  /** Pairs in which the first sample's value is the greater one, ties counted half. */
  readonly u: number;
  /** `u` over all pairs: the chance that a value of the first sample exceeds one of the second. 0.5 for no difference. */
  readonly superiority: number;
  /** Two-sided. */
  readonly pValue: number;
  readonly method: "exact" | "normal";
}

/**
 * Whether one of two independent samples tends to larger values. Exact for small samples without ties; otherwise normal
 * with corrections for ties and continuity.
 *
 * @throws MettleError `STATS_TOO_FEW_SAMPLES` for an empty sample, `STATS_SAMPLE_INVALID`
 * @see Mann & Whitney, Annals of Mathematical Statistics 18 (1947)
 */
export function mannWhitneyTest(first: ArrayLike<number>, second: ArrayLike<number>): MannWhitneyResult {
  requireSamples(first, 1, "first sample");
  requireSamples(second, 1, "second sample");
  const [m, n] = [first.length, second.length];
  const pooled = new Float64Array(m + n);
  pooled.set(Float64Array.from(first));
  pooled.set(Float64Array.from(second), m);
  const { ranks, tieSum } = rank(pooled);
  const u = ranks.subarray(0, m).reduce((sum, value) => sum + value, 0) - (m * (m + 1)) / 2;
  const superiority = u / m / n;
  if (tieSum === 0 && m <= exactRankLimit && n <= exactRankLimit) {
    return { u, superiority, pValue: twoSided(mannWhitneyDistribution(m, n), u), method: "exact" };
  }
  const total = m + n;
  const spread = Math.sqrt(((m * n) / 12) * (total + 1 - tieSum / (total * (total - 1))));
  return { u, superiority, pValue: continuityCorrected(u - (m * n) / 2, spread), method: "normal" };
}

export interface WilcoxonResult {
  /** Sum of the ranks (by size) of the positive values. */
  readonly v: number;
  /** Values left after those equal to 0 were set aside. */
  readonly count: number;
  /** Two-sided. */
  readonly pValue: number;
  readonly method: "exact" | "normal";
}

/**
 * Whether values (differences of pairs, say) are centred on 0. Zeros are set aside, as Wilcoxon did. Exact for few
 * values without ties or zeros; otherwise normal with corrections for ties and continuity. If all are 0, p is 1.
 *
 * @throws MettleError `STATS_TOO_FEW_SAMPLES` for none, `STATS_SAMPLE_INVALID`
 * @see Wilcoxon, Biometrics Bulletin 1 (1945)
 */
export function wilcoxonSignedRankTest(values: ArrayLike<number>): WilcoxonResult {
  requireSamples(values, 1);
  const nonzero = Float64Array.from(values).filter((value) => value !== 0);
  const count = nonzero.length;
  const { ranks, tieSum } = rank(nonzero.map(Math.abs));
  let v = 0;
  for (let i = 0; i < count; i++) if (nonzero[i]! > 0) v += ranks[i]!;
  if (tieSum === 0 && count === values.length && count <= exactRankLimit) {
    return { v, count, pValue: twoSided(signedRankDistribution(count), v), method: "exact" };
  }
  const spread = Math.sqrt((count * (count + 1) * (2 * count + 1)) / 24 - tieSum / 48);
  return { v, count, pValue: continuityCorrected(v - (count * (count + 1)) / 4, spread), method: "normal" };
}

/** Two-sided normal p of a statistic that moves in steps, so half a step of its distance is not evidence. */
function continuityCorrected(distance: number, spread: number): number {
  if (spread === 0) return 1;
  const corrected = Math.max(0, Math.abs(distance) - 0.5);
  return Math.min(1, 2 * normalSurvival(corrected / spread));
}
