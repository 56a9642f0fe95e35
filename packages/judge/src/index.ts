export { type Analysis, analyze, type Efficiency, type Reliability } from "./analysis.ts";
export {
  assertWithinBudget,
  type Budget,
  type BudgetKind,
  type BudgetResult,
  budgetKinds,
  budgetProblems,
  budgetUnits,
  checkBudget,
  judgeBudgets,
} from "./budgets.ts";
export { type JudgeErrorCode, judgeErrors } from "./errors.ts";
export {
  assessHistory,
  type HistoryAssessment,
  type HistoryPoint,
  type HistoryPolicy,
  historyDefaults,
  type LevelChange,
  type LevelViolation,
  type Trend,
} from "./history/assessment.ts";
export { type HistorySeries, judgeHistory } from "./history/history-judgement.ts";
export { type JudgeOptions, judge } from "./judge.ts";
export {
  type BudgetingMethod,
  type BurnRateAlert,
  budgetingMethods,
  type ErrorBudget,
  errorBudget,
  judgeObjective,
  type RunObjective,
  type ServiceLevelIndicator,
  type ServiceLevelObjective,
  type TimeWindow,
} from "./objectives.ts";
export { type JudgePolicy, policyDefaults, type ResolvedPolicy, resolvePolicy } from "./policy.ts";
export { comparedStatistic, type EvidenceSource, type RatioEvidence } from "./regressions/evidence.ts";
export { type OutcomeRule, outcomeOf, outcomeWords } from "./regressions/outcome.ts";
export { type RegressionPolicy, regressionDefaults } from "./regressions/policy.ts";
export { detectRegressions, type RegressionResult } from "./regressions/regression-result.ts";
export { describeRun, judgeRegressions, type RegressionJudgement } from "./regressions/regressions.ts";
export { formatSelector, parseSelector, type Selector, selectMeasurements } from "./selector.ts";
export { missedState, type SeverityPolicy, severityOf } from "./severity.ts";
export { formatStatistic, parseStatistic, type Reading, readStatistic, type Statistic } from "./statistic.ts";
export {
  judgeTarget,
  type Phase,
  phases,
  sizeClasses,
  sizeClassOf,
  type Target,
  type TargetOutcome,
  type TargetRange,
  targetOutcome,
  targetProblems,
} from "./targets.ts";
export { type Check, type CheckState, evaluateThreshold } from "./thresholds/evaluate.ts";
export {
  type Condition,
  formatThreshold,
  formatValue,
  type Limit,
  type Operator,
  operators,
  type Threshold,
  type WrittenQuantity,
} from "./thresholds/expression.ts";
export { parseThreshold } from "./thresholds/parser.ts";
export {
  judgeThreshold,
  parseThresholdRule,
  type ThresholdEntry,
  type ThresholdOptions,
  type ThresholdRule,
  type Thresholds,
} from "./thresholds/rules.ts";
export {
  type Change,
  type Finding,
  type FindingKind,
  type FindingState,
  type Severity,
  severities,
  type TrendProjection,
  type Verdict,
  type VerdictCounts,
  type VerdictStatus,
  verdictSchema,
} from "./verdict.ts";
