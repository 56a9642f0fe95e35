import { MettleError, messageOf, metricUnits } from "@mettle/core";
import { type Budget, budgetKinds, budgetProblems } from "./budgets.ts";
import { judgeErrors } from "./errors.ts";
import { type HistoryPolicy, historyDefaults } from "./history/assessment.ts";
import type { RunObjective } from "./objectives.ts";
import { type RegressionPolicy, regressionDefaults } from "./regressions/policy.ts";
import { readQuantity } from "./quantity.ts";
import { parseSelector } from "./selector.ts";
import type { SeverityPolicy } from "./severity.ts";
import { type Phase, phases, type Target, targetProblems } from "./targets.ts";
import { parseThresholdRule, type ThresholdEntry, type ThresholdRule, type Thresholds } from "./thresholds/rules.ts";
import { type Severity, severities } from "./verdict.ts";

/** What a run is judged by; the `judge` section of `mettle.config.ts`. */
export interface JudgePolicy {
  /** Selector → threshold or thresholds, as in k6. */
  readonly thresholds?: Thresholds;
  readonly budgets?: readonly Budget[];
  /** Names of budgets that must exist and have a result. */
  readonly gate?: readonly string[];
  readonly targets?: readonly Target[];
  /** Which phase of the targets is judged. @defaultValue 1 */
  readonly phase?: Phase;
  readonly objectives?: readonly RunObjective[];
  /** Present: a baseline is demanded. Absent: a baseline that is given is judged by the defaults. */
  readonly regressions?: RegressionPolicy;
  readonly history?: HistoryPolicy;
  /** Severities whose missed rules fail the run. @defaultValue ["critical", "high"] */
  readonly failOn?: readonly Severity[];
  /** Severities whose missed rules only warn. @defaultValue ["medium"] */
  readonly warnOn?: readonly Severity[];
  /** More warnings than this make the verdict a warning (S0-178). @defaultValue 5 */
  readonly maximumWarnings?: number;
}

/** A policy in which nothing is left to parse, to default or to doubt. */
export interface ResolvedPolicy extends SeverityPolicy {
  readonly thresholds: readonly ThresholdRule[];
  readonly budgets: readonly Budget[];
  readonly gate: readonly string[];
  readonly targets: readonly Target[];
  readonly phase: Phase;
  readonly objectives: readonly (RunObjective & { readonly atMostNs?: number })[];
  /** Absent when the policy does not demand it. */
  readonly regressions?: Required<RegressionPolicy>;
  readonly history: Required<HistoryPolicy>;
  readonly maximumWarnings: number;
}

export const policyDefaults: SeverityPolicy & { readonly maximumWarnings: number; readonly phase: Phase } = {
  failOn: ["critical", "high"],
  warnOn: ["medium"],
  maximumWarnings: 5,
  phase: 1,
};

const knownKeys: readonly string[] = [
  "thresholds",
  "budgets",
  "gate",
  "targets",
  "phase",
  "objectives",
  "regressions",
  "history",
  "failOn",
  "warnOn",
  "maximumWarnings",
] satisfies readonly (keyof JudgePolicy)[];

/** Collects what is wrong with a policy, so that an author sees all of it at once. */
class Problems {
  readonly found: { readonly path: string; readonly problem: string }[] = [];

  add(path: string, problem: string): void {
    this.found.push({ path, problem });
  }

  check(holds: boolean, path: string, problem: string): void {
    if (!holds) this.add(path, problem);
  }

  /** Runs a parser; its coded error becomes a problem, anything else is a defect and goes on. */
  parse<T>(path: string, parser: () => T): T | undefined {
    try {
      return parser();
    } catch (thrown) {
      if (!(thrown instanceof MettleError)) throw thrown;
      this.add(path, messageOf(thrown));
      return undefined;
    }
  }
}

/**
 * Fills in the defaults and checks everything.
 *
 * @throws MettleError `POLICY_INVALID` with every problem in `details.problems` as `{path, problem}`
 */
export function resolvePolicy(policy: JudgePolicy = {}): ResolvedPolicy {
  const problems = new Problems();
  checkKeys(policy, knownKeys, "", problems);
  checkKeys(policy.regressions ?? {}, Object.keys(regressionDefaults), "regressions.", problems);
  checkKeys(policy.history ?? {}, Object.keys(historyDefaults), "history.", problems);
  const budgets = policy.budgets ?? [];
  const targets = policy.targets ?? [];
  const resolved: ResolvedPolicy = {
    ...policyDefaults,
    thresholds: resolveThresholds(policy.thresholds ?? {}, problems),
    budgets,
    gate: policy.gate ?? [],
    targets,
    objectives: resolveObjectives(policy.objectives ?? [], problems),
    ...(policy.regressions ? { regressions: { ...regressionDefaults, ...policy.regressions } } : {}),
    history: { ...historyDefaults, ...policy.history },
    ...(policy.phase === undefined ? {} : { phase: policy.phase }),
    ...(policy.failOn ? { failOn: policy.failOn } : {}),
    ...(policy.warnOn ? { warnOn: policy.warnOn } : {}),
    ...(policy.maximumWarnings === undefined ? {} : { maximumWarnings: policy.maximumWarnings }),
  };
  checkBudgets(budgets, problems);
  targets.forEach((target, index) => {
    const path = `targets[${index}]`;
    problems.parse(`${path}.metric`, () => parseSelector(target.metric));
    checkSeverity(target.severity, `${path}.severity`, problems);
    for (const problem of targetProblems(target)) problems.add(path, problem);
  });
  checkNumbers(resolved, problems);
  if (problems.found.length > 0) {
    const list = problems.found.map(({ path, problem }) => `${path}: ${problem}`);
    throw judgeErrors.create(
      "POLICY_INVALID",
      `The policy has ${list.length} problem${list.length === 1 ? "" : "s"}:\n- ${list.join("\n- ")}`,
      {
        details: { problems: problems.found },
      },
    );
  }
  return resolved;
}

/** A misspelt setting would otherwise be a rule that silently is not there. */
function checkKeys(given: object, known: readonly string[], prefix: string, problems: Problems): void {
  for (const key of Object.keys(given)) {
    problems.check(known.includes(key), `${prefix}${key}`, `is not a setting; there are ${known.join(", ")}`);
  }
}

function resolveThresholds(thresholds: Thresholds, problems: Problems): readonly ThresholdRule[] {
  return Object.entries(thresholds).flatMap(([selector, given]) => {
    const entries: readonly ThresholdEntry[] = Array.isArray(given) ? given : [given as ThresholdEntry];
    problems.check(entries.length > 0, `thresholds["${selector}"]`, "lists no threshold");
    return entries.flatMap((entry, index) => {
      const path = `thresholds["${selector}"][${index}]`;
      if (typeof entry !== "string") checkSeverity(entry.severity, `${path}.severity`, problems);
      const rule = problems.parse(path, () => parseThresholdRule(selector, entry));
      return rule ? [rule] : [];
    });
  });
}

function resolveObjectives(objectives: readonly RunObjective[], problems: Problems): ResolvedPolicy["objectives"] {
  return objectives.map((objective, index) => {
    const path = `objectives[${index}]`;
    problems.parse(`${path}.metric`, () => parseSelector(objective.metric));
    checkSeverity(objective.severity, `${path}.severity`, problems);
    problems.check(
      0 < objective.target && objective.target < 1,
      `${path}.target`,
      `must lie between 0 and 1, got ${objective.target}`,
    );
    const { atMost } = objective;
    if (atMost === undefined) return objective;
    const parsed = problems.parse(`${path}.atMost`, () => readQuantity(atMost));
    if (!parsed) return objective;
    problems.check(parsed.unit === "ns", `${path}.atMost`, `must be a duration with its unit, got ${atMost}`);
    return { ...objective, atMostNs: parsed.value };
  });
}

function checkBudgets(budgets: readonly Budget[], problems: Problems): void {
  budgets.forEach((budget, index) => {
    const path = `budgets[${index}]`;
    problems.check(Boolean(budget.name), `${path}.name`, "is empty");
    const first = budgets.findIndex(({ name }) => name === budget.name);
    problems.check(first === index, `${path}.name`, `"${budget.name}" is also the name of budgets[${first}]`);
    problems.parse(`${path}.metric`, () => parseSelector(budget.metric));
    checkSeverity(budget.severity, `${path}.severity`, problems);
    if (!budgetKinds.includes(budget.kind)) problems.add(`${path}.kind`, `must be one of ${budgetKinds.join(", ")}`);
    else for (const problem of budgetProblems(budget)) problems.add(path, problem);
  });
}

function checkSeverity(severity: Severity | undefined, path: string, problems: Problems): void {
  problems.check(
    severity === undefined || severities.includes(severity),
    path,
    `must be one of ${severities.join(", ")}, got ${severity}`,
  );
}

function checkNumbers(policy: ResolvedPolicy, problems: Problems): void {
  const fraction = (path: string, value: number): void =>
    problems.check(value > 0 && value < 1, path, `must lie between 0 and 1, got ${value}`);
  const notNegative = (path: string, value: number): void =>
    problems.check(value >= 0 && Number.isFinite(value), path, `must be 0 or more, got ${value}`);
  problems.check(phases.includes(policy.phase), "phase", `must be one of ${phases.join(", ")}, got ${policy.phase}`);
  notNegative("maximumWarnings", policy.maximumWarnings);
  for (const severity of policy.failOn) checkSeverity(severity, "failOn", problems);
  for (const severity of policy.warnOn) checkSeverity(severity, "warnOn", problems);
  const { regressions, history } = policy;
  if (regressions) {
    notNegative("regressions.minimumEffect", regressions.minimumEffect);
    notNegative("regressions.minimumCountedEffect", regressions.minimumCountedEffect);
    notNegative("regressions.bareTolerance", regressions.bareTolerance);
    fraction("regressions.falseDiscoveryRate", regressions.falseDiscoveryRate);
    fraction("regressions.confidence", regressions.confidence);
    for (const name of ["missing", "undecided"] as const) {
      problems.check(
        ["fail", "report"].includes(regressions[name]),
        `regressions.${name}`,
        `must be fail or report, got ${regressions[name]}`,
      );
    }
    for (const [unit, tolerance] of Object.entries(regressions.absoluteTolerance)) {
      const path = `regressions.absoluteTolerance.${unit}`;
      problems.check((metricUnits as readonly string[]).includes(unit), path, "is not a unit");
      notNegative(path, tolerance);
    }
  }
  problems.check(
    history.minimumPoints >= historyDefaults.minimumPoints,
    "history.minimumPoints",
    `must be at least ${historyDefaults.minimumPoints}, got ${history.minimumPoints}`,
  );
  notNegative("history.minimumEffect", history.minimumEffect);
  notNegative("history.tolerance", history.tolerance);
  fraction("history.trendLevel", history.trendLevel);
  problems.check(history.recentPoints >= 1, "history.recentPoints", `must be 1 or more, got ${history.recentPoints}`);
}
