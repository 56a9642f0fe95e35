import type { FindingState, Severity } from "./verdict.ts";

/**
 * The severity of a change by its size (S4-122): at least 50 % critical, 25 % high, 10 % medium, below that low.
 *
 * @param change - as a fraction of the baseline, either sign: 0.12 is 12 %
 */
export function severityOf(change: number): Severity {
  // The tolerance keeps 1.1 − 1 = 0.10000000000000009 and 1.5 − 1 on the side that their decimals say.
  const size = Math.abs(change) + 1e-12;
  if (size >= 0.5) return "critical";
  if (size >= 0.25) return "high";
  return size >= 0.1 ? "medium" : "low";
}

/** What a missed rule of each severity does to the verdict; a severity in neither list is only told. */
export interface SeverityPolicy {
  readonly failOn: readonly Severity[];
  readonly warnOn: readonly Severity[];
}

/** The state of a rule that was measured and missed. */
export function missedState(severity: Severity, policy: SeverityPolicy): FindingState {
  if (policy.failOn.includes(severity)) return "failed";
  return policy.warnOn.includes(severity) ? "warning" : "info";
}
