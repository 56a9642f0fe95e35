import { defineErrors, type ErrorCatalogue, exitCodes } from "@mettle/core";

export type JudgeErrorCode =
  | "THRESHOLD_SYNTAX"
  | "SELECTOR_SYNTAX"
  | "POLICY_INVALID"
  | "BUDGET_EXCEEDED"
  | "BUDGET_UNMEASURED"
  | "OBJECTIVE_COUNTS_INVALID";

export const judgeErrors: ErrorCatalogue<JudgeErrorCode> = defineErrors({
  THRESHOLD_SYNTAX: {
    next: "Write a statistic, an operator and a limit, such as p(95) < 200ms.",
    exitCode: exitCodes.usage,
  },
  SELECTOR_SYNTAX: {
    next: "Write a metric name, with tags in braces where needed: http.duration{endpoint:/agents}.",
    exitCode: exitCodes.usage,
  },
  POLICY_INVALID: { next: "Correct the policy at the paths that the message names.", exitCode: exitCodes.usage },
  BUDGET_EXCEEDED: {
    next: "Find what grew with `mettle compare` against the last run within budget, or renegotiate the budget.",
    exitCode: exitCodes.objectiveMissed,
  },
  BUDGET_UNMEASURED: {
    next: "Measure the metric and the statistic that the budget names; nothing missing ever passes.",
    exitCode: exitCodes.invalidMeasurement,
  },
  OBJECTIVE_COUNTS_INVALID: {
    next: "Pass whole counts with 0 <= good <= total and a target strictly between 0 and 1.",
    exitCode: exitCodes.usage,
  },
});
