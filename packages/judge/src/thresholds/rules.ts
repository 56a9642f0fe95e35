import type { Run } from "@mettle/results";
import { findingOfChecks, noDataFinding, type RuleIdentity } from "../findings.ts";
import { findSame, parseSelector, type Selector, selectMeasurements, similarMetrics } from "../selector.ts";
import type { SeverityPolicy } from "../severity.ts";
import type { Finding, Severity } from "../verdict.ts";
import { evaluateThreshold } from "./evaluate.ts";
import type { Threshold } from "./expression.ts";
import { parseThreshold } from "./parser.ts";

/** A threshold with its settings; `abortOnFail` and `delayAbortEval` are k6's and obeyed by whoever runs the load. */
export interface ThresholdOptions {
  /** `p(95) < 200ms`. */
  readonly threshold: string;
  /** @defaultValue "high" */
  readonly severity?: Severity;
  /** Whether no data fails the run. @defaultValue true */
  readonly required?: boolean;
  readonly requirement?: readonly string[];
  readonly abortOnFail?: boolean;
  /** A duration, such as `10s`. */
  readonly delayAbortEval?: string;
  readonly source?: NonNullable<Finding["source"]>;
}
export type ThresholdEntry = string | ThresholdOptions;

/** Selector → thresholds, as in k6's `options.thresholds`. */
export type Thresholds = Readonly<Record<string, ThresholdEntry | readonly ThresholdEntry[]>>;

/** One threshold on one selector, parsed. */
export interface ThresholdRule extends Omit<ThresholdOptions, "threshold"> {
  readonly selector: Selector;
  readonly text: string;
  readonly threshold: Threshold;
  readonly severity: Severity;
}

/** @throws MettleError `SELECTOR_SYNTAX`, `THRESHOLD_SYNTAX` */
export function parseThresholdRule(selector: string, entry: ThresholdEntry): ThresholdRule {
  const { threshold: text, ...options } = typeof entry === "string" ? { threshold: entry } : entry;
  return {
    severity: "high",
    ...options,
    selector: parseSelector(selector),
    text,
    threshold: parseThreshold(text),
  };
}

/** One finding for each measurement that the selector means; one without data where there is none. */
export function judgeThreshold(
  rule: ThresholdRule,
  run: Run,
  policy: SeverityPolicy,
  baseline?: Run,
): readonly Finding[] {
  const identity: RuleIdentity = {
    kind: "threshold",
    rule: rule.text,
    severity: rule.severity,
    ...(rule.required === undefined ? {} : { required: rule.required }),
    ...(rule.requirement ? { requirement: rule.requirement } : {}),
    ...(rule.source ? { source: rule.source } : {}),
  };
  const measurements = selectMeasurements(run, rule.selector);
  if (measurements.length === 0) return [unknownMetric(identity, rule.selector, run)];
  return measurements.map((measurement) =>
    findingOfChecks(
      identity,
      measurement,
      evaluateThreshold(rule.threshold, measurement, baseline && findSame(baseline, measurement)),
      policy,
    ),
  );
}

/** A rule about a metric that the run does not hold. */
export function unknownMetric(identity: RuleIdentity, selector: Selector, run: Run): Finding {
  const uncounted = uncountedAllocations(selector, run);
  if (uncounted) return { ...noDataFinding(identity, selector, uncounted.message), recommendation: uncounted.advice };
  const similar = similarMetrics(run, selector.metric);
  const known = run.measurements.some(({ metric }) => metric === selector.metric);
  const name = identity.name ? `${identity.name}: ` : "";
  // Whoever wrote the rule knows that it may be absent: there is nothing to correct.
  if (identity.required === false)
    return noDataFinding(identity, selector, `${name}this run holds no ${selector.metric}, and need not.`);
  return {
    ...noDataFinding(
      identity,
      selector,
      known
        ? `${name}${selector.metric} was measured, but never with these tags.`
        : `${name}the run holds no metric ${selector.metric}.`,
      similar.length > 0 ? [`similar names in the run: ${similar.join(", ")}`] : [],
    ),
    recommendation: known
      ? `Correct the tags of the rule on ${selector.metric}, or measure them.`
      : similar.length > 0
        ? `Correct the rule's metric ${selector.metric} (did you mean ${similar[0]}?), or measure it.`
        : `Measure ${selector.metric}, or remove its rule.`,
  };
}

const allocationMetric = /^(.+)\.(?:allocated|allocated-off-heap|gc-pause|gc-count)$/;

/** A benchmark was timed, but no benchmark's allocations were counted: then the name is right, and the run too short. */
function uncountedAllocations(
  { metric }: Selector,
  run: Run,
): { readonly message: string; readonly advice: string } | undefined {
  const [, benchmark] = allocationMetric.exec(metric) ?? [];
  const timed = run.measurements.some((each) => each.metric === `${benchmark}.time`);
  if (benchmark === undefined || !timed || run.kind !== "bench") return undefined;
  if (run.measurements.some((each) => allocationMetric.test(each.metric))) return undefined;
  return run.profile === "smoke"
    ? {
        message: `${metric}: allocations are not counted in the smoke profile.`,
        advice: "Measure with --profile ci, which counts them.",
      }
    : {
        message: `${metric}: this run counted no allocations.`,
        advice: "Measure without --no-memory, and with plan.memory not set to false.",
      };
}
