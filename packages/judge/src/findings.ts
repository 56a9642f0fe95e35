import type { Measurement } from "@mettle/results";
import { formatSelector } from "./selector.ts";
import { missedState, type SeverityPolicy } from "./severity.ts";
import { type Check, combineStates } from "./thresholds/evaluate.ts";
import { type Finding, type FindingKind, type FindingState, type Severity, severities } from "./verdict.ts";

/** Stable between runs: kind, metric with tags, rule. */
export function findingId(kind: FindingKind, subject: string, rule: string): string {
  return [kind, subject, rule].join(" | ");
}

export type Subject = Pick<Measurement, "metric" | "tags"> & Partial<Pick<Measurement, "requirement">>;

/** What a rule is, apart from what it found. */
export interface RuleIdentity {
  readonly kind: FindingKind;
  readonly rule: string;
  /** Named in messages where the rule has a name of its own, such as a budget's. */
  readonly name?: string;
  readonly severity: Severity;
  readonly required?: boolean;
  readonly requirement?: readonly string[];
  readonly source?: NonNullable<Finding["source"]>;
}

/** The fields that every finding of a rule on a subject shares. */
export function findingBase(identity: RuleIdentity, subject: Subject): Omit<Finding, "state" | "message" | "evidence"> {
  const requirement = [...new Set([...(identity.requirement ?? []), ...(subject.requirement ?? [])])];
  return {
    id: findingId(
      identity.kind,
      formatSelector(subject),
      identity.name ? `${identity.name}: ${identity.rule}` : identity.rule,
    ),
    kind: identity.kind,
    severity: identity.severity,
    metric: subject.metric,
    tags: subject.tags,
    rule: identity.rule,
    ...(requirement.length > 0 ? { requirement } : {}),
    ...(identity.source ? { source: identity.source } : {}),
    ...(identity.required === false ? { required: false } : {}),
  };
}

/** One finding from all the checks of a rule on one measurement; the worst check speaks. */
export function findingOfChecks(
  identity: RuleIdentity,
  subject: Subject,
  checks: readonly Check[],
  policy: SeverityPolicy,
): Finding {
  const missed = missedState(identity.severity, policy);
  const states = checks.map((check) => check.state);
  // A miss that the policy forgives must not hide that something else could not be judged at all.
  const forgiven = missed !== "failed" && states.includes("no-data");
  const state = combineStates(forgiven ? states.filter((each) => each !== "failed") : states);
  const deciding = checks
    .filter((check) => check.state === state)
    .sort((a, b) => (b.consumed ?? -1) - (a.consumed ?? -1))[0];
  const others = checks.filter((check) => check !== deciding);
  const { actual, limit, unit, consumed } = deciding ?? {};
  return {
    ...findingBase(identity, subject),
    state: state === "failed" ? missed : state,
    message: `${identity.name ? `${identity.name}: ` : ""}${formatSelector(subject)}: ${deciding?.message ?? "nothing was checked"}.`,
    ...(actual === undefined ? {} : { actual }),
    ...(limit === undefined ? {} : { limit }),
    ...(unit === undefined ? {} : { unit }),
    ...(consumed === undefined ? {} : { consumed }),
    ...(deciding?.advice === undefined ? {} : { recommendation: deciding.advice }),
    evidence: [...(deciding?.evidence ?? []), ...others.map((check) => `${check.state}: ${check.message}`)],
  };
}

/** A rule that found nothing to judge. */
export function noDataFinding(
  identity: RuleIdentity,
  subject: Subject,
  message: string,
  evidence: readonly string[] = [],
): Finding {
  return { ...findingBase(identity, subject), state: "no-data", message, evidence };
}

const stateOrder: readonly FindingState[] = ["failed", "no-data", "undecided", "warning", "info", "passed"];

/** Worst first: by state, then severity, then how far over the allowance, then id so that the order is stable. */
export function byWorst(a: Finding, b: Finding): number {
  return (
    stateRank(a) - stateRank(b) ||
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    (b.consumed ?? 0) - (a.consumed ?? 0) ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

/** What may go without an answer is less urgent than a warning. */
function stateRank({ state, required }: Finding): number {
  const optional = required === false && (state === "no-data" || state === "undecided");
  return optional ? stateOrder.indexOf("warning") + 0.5 : stateOrder.indexOf(state);
}
