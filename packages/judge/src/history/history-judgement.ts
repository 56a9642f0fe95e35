import { formatChange, type MetricUnit } from "@mettle/core";
import type { Direction } from "@mettle/results";
import { findingBase, noDataFinding, type RuleIdentity } from "../findings.ts";
import { formatSelector } from "../selector.ts";
import { missedState, type SeverityPolicy } from "../severity.ts";
import { formatValue } from "../thresholds/expression.ts";
import type { Finding } from "../verdict.ts";
import {
  adjustedTrends,
  assessHistory,
  type HistoryAssessment,
  type HistoryPoint,
  type HistoryPolicy,
  historyDefaults,
  type LevelChange,
  type LevelViolation,
  type Trend,
  trendMatters,
} from "./assessment.ts";

/** One metric over past runs, oldest first, the run being judged last. */
export interface HistorySeries {
  readonly metric: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly unit: MetricUnit;
  readonly direction: Direction;
  readonly points: readonly HistoryPoint[];
}

/** Findings from the history of each metric: steps, trends, a last value off its level, or that there is too little. */
export function judgeHistory(
  series: readonly HistorySeries[],
  severities: SeverityPolicy,
  options: HistoryPolicy = {},
): readonly Finding[] {
  const policy = { ...historyDefaults, ...options };
  const judged = series.flatMap((each) =>
    each.direction === "none" ? [] : [{ series: each, assessment: assessHistory(each.points, each.direction, policy) }],
  );
  const adjusted = adjustedTrends(judged.map(({ assessment }) => assessment));
  const short = judged.flatMap(({ assessment }) => (assessment.insufficientHistory ? [assessment] : []));
  const found = judged.flatMap(({ series: each, assessment }, index) =>
    short.length > 1 && assessment.insufficientHistory
      ? []
      : findingsOf(each, assessment, adjusted[index], severities, policy),
  );
  return short.length > 1 ? [...found, shortHistories(short, judged.length, policy)] : found;
}

/** One word for all metrics that have too few runs: usually they all have the same few. */
function shortHistories(
  short: readonly { readonly points: number; readonly minimumPoints: number }[],
  judged: number,
  policy: Required<HistoryPolicy>,
): Finding {
  const points = short.map((each) => each.points);
  const [fewest, most] = [Math.min(...points), Math.max(...points)];
  const runs = fewest === most ? `${most}` : `${fewest} to ${most}`;
  const minimum = Math.max(...short.map(({ minimumPoints }) => minimumPoints));
  return {
    ...noDataFinding(
      identityOfShort(policy),
      { metric: "history", tags: {} },
      `Insufficient history: ${short.length} of ${judged} metrics have ${runs} runs, and a judgement needs ${minimum}.`,
    ),
    recommendation: `Measure ${minimum - fewest} more times with this name, profile and machine.`,
  };
}

const identityOfShort = ({ required }: Required<HistoryPolicy>): RuleIdentity => ({
  kind: "change-point",
  rule: "no step in history",
  severity: "medium",
  ...(required ? {} : { required: false }),
});

type Base = (severity: RuleIdentity["severity"], rule: string) => ReturnType<typeof findingBase>;

function findingsOf(
  series: HistorySeries,
  assessment: HistoryAssessment,
  adjustedPValue: number | undefined,
  severities: SeverityPolicy,
  policy: Required<HistoryPolicy>,
): readonly Finding[] {
  const subject = formatSelector(series);
  if (assessment.insufficientHistory) {
    return [
      noDataFinding(
        identityOfShort(policy),
        series,
        `${subject}: insufficient history: ${assessment.points} of at least ${assessment.minimumPoints} points.`,
      ),
    ];
  }
  const base: Base = (severity, rule) => findingBase({ kind: "change-point", rule, severity }, series);
  const { statistical, trend, threshold } = assessment;
  const found = [
    ...statistical.map((step) => stepFinding(series, step, base, severities)),
    ...(trend && adjustedPValue !== undefined && trendMatters(trend, adjustedPValue, policy)
      ? [trendFinding(series, trend, adjustedPValue, base, severities)]
      : []),
    ...(threshold ? [violationFinding(series, threshold, severities, policy)] : []),
  ];
  if (found.some(({ state }) => state !== "info")) return found;
  return [
    ...found,
    {
      ...base("low", "no step in history"),
      state: "passed",
      message: `${subject}: no new step, trend or outlier for the worse in ${assessment.points} points.`,
      evidence: [],
    },
  ];
}

const nameOf = ({ commit, runId, at }: HistoryPoint): string =>
  commit === undefined ? `run ${runId} of ${at}` : `commit ${commit.slice(0, 7)}`;

/** A level of zero has no relative change. */
const sizeOf = (change: number | undefined): string => (change === undefined ? "" : `${formatChange(change)}, `);

function stepFinding(series: HistorySeries, step: LevelChange, base: Base, severities: SeverityPolicy): Finding {
  const { point, change, before, after, worse, recent, pValue, severity } = step;
  const { unit, points } = series;
  const state = worse && recent ? missedState(severity, severities) : "info";
  const previous = points[step.index - 1];
  return {
    ...base(worse ? severity : "low", `no step since ${point.commit?.slice(0, 7) ?? point.runId}`),
    state,
    message:
      `${formatSelector(series)}: since ${nameOf(point)}: ${sizeOf(change)}${worse ? "worse" : "better"} ` +
      `(${formatValue(before, unit)} → ${formatValue(after, unit)}).`,
    actual: after,
    limit: before,
    unit,
    ...(change === undefined
      ? {}
      : {
          change: {
            ratio: after / before,
            outcome: worse ? ("worse" as const) : ("better" as const),
            against: `the level before ${nameOf(point)}`,
          },
        }),
    evidence: [
      `p = ${pValue.toPrecision(2)}, adjusted for the search over positions`,
      `${points.length - step.index} runs since`,
      ...(recent ? [] : ["an older change: it was news before"]),
    ],
    ...(worse && recent && previous
      ? {
          recommendation: `Look at what changed between ${nameOf(previous)} and ${nameOf(point)}: ${series.metric} moved there.`,
        }
      : {}),
  };
}

function trendFinding(
  series: HistorySeries,
  trend: Trend,
  pValue: number,
  base: Base,
  severities: SeverityPolicy,
): Finding {
  const { unit } = series;
  const { projection } = trend;
  const shown = (value: number): string => formatValue(value, unit);
  return {
    ...base(trend.worse ? trend.severity : "low", "no trend in history"),
    state: trend.worse ? missedState(trend.severity, severities) : "info",
    message:
      `${formatSelector(series)}: drifts ${trend.worse ? "for the worse" : "for the better"} by ${formatChange(trend.change)} ` +
      `over the ${trend.points} runs since ${nameOf(trend.from)}.`,
    unit,
    evidence: [
      `Theil–Sen slope ${shown(trend.slope)} a run, 95 % interval ${shown(trend.low)} … ${shown(trend.high)}`,
      `Mann–Kendall p = ${pValue.toPrecision(2)}, adjusted for the number of series`,
      `if it goes on, ${shown(projection.value)} in ${projection.runsAhead} runs, ` +
        `${projection.confidence * 100} % of such runs in ${shown(projection.low)} … ${shown(projection.high)}`,
    ],
    projection,
    ...(trend.worse
      ? {
          recommendation: `No single commit explains ${series.metric}: compare with the run of ${trend.from.at} to sum the drift up.`,
        }
      : {}),
  };
}

function violationFinding(
  series: HistorySeries,
  violation: LevelViolation,
  severities: SeverityPolicy,
  policy: Required<HistoryPolicy>,
): Finding {
  const { level, change, point, worse, beyondScatter, severity } = violation;
  const { unit } = series;
  const missed = beyondScatter ? missedState(severity, severities) : "undecided";
  return {
    ...findingBase(
      {
        kind: "change-point",
        rule: `last value within ${formatChange(policy.tolerance)} of its level`,
        severity: worse ? severity : "low",
        // One value inside the usual scatter accuses nobody.
        ...(beyondScatter ? {} : { required: false }),
      },
      series,
    ),
    state: worse ? missed : "info",
    message:
      `${formatSelector(series)}: the last value is off its level, ${sizeOf(change)}` +
      `${worse ? "worse" : "better"} (${formatValue(level, unit)} → ${formatValue(point.value, unit)}).`,
    actual: point.value,
    limit: level,
    unit,
    ...(change === undefined
      ? {}
      : {
          change: {
            ratio: point.value / level,
            outcome: beyondScatter ? (worse ? ("worse" as const) : ("better" as const)) : ("undecided" as const),
            against: "the level of the runs before",
          },
        }),
    evidence: [
      beyondScatter
        ? "outside the scatter of the runs before, three robust standard deviations"
        : "within the scatter of the runs before",
      "one run: the next ones tell whether it is a step",
    ],
  };
}
