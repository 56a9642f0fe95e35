import {
  type Budget,
  formatSelector,
  type JudgePolicy,
  parseSelector,
  type Phase,
  type Target,
  type ThresholdEntry,
} from "@mettle/judge";
import type { CatalogueEntry, Rules } from "../catalogue/scenario.ts";

/** A rule's metric on one platform only: in a run of several, each is judged by itself. */
function onPlatform(metric: string, platform: string): string {
  const selector = parseSelector(metric);
  return formatSelector({ metric: selector.metric, tags: { ...selector.tags, platform } });
}

/** The rules of scenarios for one platform, as a policy. */
export function policyOf(scenarios: readonly CatalogueEntry[], platform: string, phase: Phase): JudgePolicy {
  const all = scenarios.flatMap(({ rules }): Rules[] => (rules ? [rules] : []));
  const on = <Rule extends { readonly metric: string }>(rule: Rule): Rule => ({
    ...rule,
    metric: onPlatform(rule.metric, platform),
  });
  const thresholds: Record<string, ThresholdEntry[]> = {};
  // Two scenarios may rule on one metric: both hold.
  for (const [metric, entry] of all.flatMap((rules) => Object.entries(rules.thresholds ?? {}))) {
    (thresholds[onPlatform(metric, platform)] ??= []).push(...(Array.isArray(entry) ? entry : [entry]));
  }
  return {
    targets: all.flatMap(({ targets = [] }) => targets.map((target): Target => on(target))),
    budgets: all.flatMap(({ budgets = [] }) => budgets.map((budget): Budget => on(budget))),
    objectives: all.flatMap(({ objectives = [] }) => objectives.map(on)),
    thresholds,
    phase,
  };
}

/** Both together. */
export const bothPolicies = (one: JudgePolicy, other: JudgePolicy): JudgePolicy => ({
  ...one,
  targets: [...(one.targets ?? []), ...(other.targets ?? [])],
  budgets: [...(one.budgets ?? []), ...(other.budgets ?? [])],
  objectives: [...(one.objectives ?? []), ...(other.objectives ?? [])],
  // Those of different platforms differ in their selectors.
  thresholds: { ...one.thresholds, ...other.thresholds },
});
