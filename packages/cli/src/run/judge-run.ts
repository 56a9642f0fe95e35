import { type JudgePolicy, judge, resolvePolicy, type Verdict } from "@mettle/judge";
import { Baselines, type Comparison, compareEnvironments, type Run } from "@mettle/results";
import { type CommandContext, warn } from "../command-context.ts";
import type { Settings } from "../config/settings.ts";
import { seriesUpTo } from "./history-series.ts";

/** What a run is judged with, found and checked before anything is measured. */
export interface Yardstick {
  readonly policy?: JudgePolicy;
  readonly baseline?: Run;
  readonly baselineName?: string;
}

/**
 * @throws MettleError `POLICY_INVALID`, `BASELINE_NOT_FOUND`, and what reading the baseline throws
 */
export async function findYardstick({ config, compare, baselines }: Settings): Promise<Yardstick> {
  if (config.judge) resolvePolicy(config.judge);
  return {
    ...(config.judge && { policy: config.judge }),
    ...(compare !== undefined && { baseline: await new Baselines(baselines).load(compare), baselineName: compare }),
  };
}

/** Whether anything was asked of the run; without it a verdict only says how far the run can be trusted. */
export const isJudged = ({ policy, baseline }: Yardstick, run: Run): boolean =>
  policy !== undefined || baseline !== undefined || betweenBuilds(run).length > 0;

/** Judges a run, and warns of a baseline from another machine. */
export function judgeRun(run: Run, yardstick: Yardstick, settings: Settings, context: CommandContext): Verdict {
  const { policy, baseline, baselineName } = yardstick;
  if (baseline) warnOfOtherMachine(run, baseline, baselineName ?? baseline.name, context);
  const history = policy?.history && settings.history ? seriesUpTo(run, settings.history) : [];
  return judge(
    { ...run, comparisons: betweenBuilds(run) },
    { ...(policy && { policy }), ...(baseline && { baseline }), ...(history.length > 0 && { history }) },
  );
}

/**
 * The comparisons of a run with another build. Those of two cases of one suite answer which of two ways is faster: the
 * slower one is not a regression.
 */
export const betweenBuilds = (run: Run): readonly Comparison[] =>
  (run.comparisons ?? []).filter((comparison) => !isBetweenCases(comparison));

/** Its sides are then labelled with the cases' ids: titles, and parameters in parentheses. */
function isBetweenCases({ baseline, candidate, tags }: Comparison): boolean {
  const title = [tags["suite"], tags["case"]].filter((part) => part !== undefined).join(" > ");
  if (title === "" || baseline.revision || candidate.revision) return false;
  // Only the whole id: "work tree" starts with the title "work", and is another build.
  return candidate.label === title || candidate.label.startsWith(`${title} (`);
}

function warnOfOtherMachine(run: Run, baseline: Run, name: string, context: CommandContext): void {
  const { same, differences } = compareEnvironments(baseline.environment, run.environment);
  if (same) return;
  const told = differences
    .filter(({ matters }) => matters)
    .slice(0, 4)
    .map(({ field, a, b }) => `${field} ${a ?? "unknown"} → ${b ?? "unknown"}`);
  warn(
    context,
    `The baseline "${name}" was measured under other conditions (${told.join(", ")}): differences may be the machine's.`,
  );
}
