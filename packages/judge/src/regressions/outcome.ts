import type { ComparisonOutcome, Direction } from "@mettle/results";
import type { RatioEvidence } from "./evidence.ts";

/** How people read an outcome. */
export const outcomeWords: Readonly<Record<ComparisonOutcome, string>> = {
  worse: "worse",
  better: "better",
  same: "no change",
  undecided: "can't tell",
};

export interface OutcomeRule {
  /** Smallest effect that matters, as a fraction: 0.05 is 5 %. */
  readonly margin: number;
  /** The change from which two bare figures, without any interval, are called worse or better. */
  readonly bareTolerance: number;
  /** Highest p-value, adjusted for all comparisons, that confirms a change. */
  readonly falseDiscoveryRate: number;
}

/**
 * What a ratio says.
 * - the whole interval within ± margin: same, even where it excludes 1
 * - the ratio is beyond the margin, its interval excludes 1, and the adjusted p-value (where there is one) confirms it:
 *   worse or better
 * - two bare figures further apart than the tolerance and the margin: worse or better; they can never say same
 * - anything else: undecided
 *
 * @param adjustedPValue - by Benjamini–Hochberg; absent when the evidence has none
 */
export function outcomeOf(
  evidence: RatioEvidence,
  direction: Exclude<Direction, "none">,
  rule: OutcomeRule,
  adjustedPValue?: number,
): ComparisonOutcome {
  const { ratio, low, high } = evidence;
  const changed: ComparisonOutcome = ratio > 1 === (direction === "lower") ? "worse" : "better";
  if (low === undefined || high === undefined) {
    // 110 / 100 is 1.1 and 1.1 - 1 is not 0.1: a change of exactly the tolerance is within it.
    return Math.abs(ratio - 1) > Math.max(rule.bareTolerance, rule.margin) + 1e-12 ? changed : "undecided";
  }
  if (low >= 1 - rule.margin && high <= 1 + rule.margin) return "same";
  const excludesOne = low > 1 || high < 1;
  const confirmed = adjustedPValue === undefined || adjustedPValue <= rule.falseDiscoveryRate;
  const matters = Math.abs(Math.log(ratio)) > Math.log1p(rule.margin);
  return excludesOne && confirmed && matters ? changed : "undecided";
}
