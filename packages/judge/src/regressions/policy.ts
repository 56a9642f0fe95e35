import type { MetricUnit } from "@mettle/core";

export interface RegressionPolicy {
  /** Whether no baseline, and no paired comparison in the run, fails the run. @defaultValue true */
  readonly required?: boolean;
  /** Smallest effect that matters between separate runs; a paired comparison brings its own. @defaultValue 0.05 */
  readonly minimumEffect?: number;
  /** The same for bytes that an operation allocates, which are counted and known within half a percent. @defaultValue 0.02 */
  readonly minimumCountedEffect?: number;
  /** The change from which two figures without interval count as changed (S1-038, S4-121). @defaultValue 0.1 */
  readonly bareTolerance?: number;
  /** Expected share of false alarms among all alarms. @defaultValue 0.05 */
  readonly falseDiscoveryRate?: number;
  /** Coverage of the ratio's interval between separate runs. @defaultValue 0.99 */
  readonly confidence?: number;
  /** By unit: a difference up to this is none, whatever the ratio; and the rule for a baseline of zero (T-23). */
  readonly absoluteTolerance?: Readonly<Partial<Record<MetricUnit, number>>>;
  /** What a metric of the baseline that the run lacks does. @defaultValue "fail" */
  readonly missing?: "fail" | "report";
  /** What a comparison that can't tell does. @defaultValue "report" */
  readonly undecided?: "fail" | "report";
}

/**
 * 5 % by judgement: separate runs of one build on one quiet machine differ by 2 to 4 %. 2 % of counted bytes: the least
 * that two counts, each within half a percent, can be told to be equal by. A tenth of a percentage point of
 * a fraction, because error rates near zero double by chance; nothing else is forgiven an absolute difference.
 */
export const regressionDefaults: Required<RegressionPolicy> = {
  required: true,
  minimumEffect: 0.05,
  minimumCountedEffect: 0.02,
  bareTolerance: 0.1,
  falseDiscoveryRate: 0.05,
  confidence: 0.99,
  absoluteTolerance: { "1": 0.001 },
  missing: "fail",
  undecided: "report",
};
