import type { Finding, Verdict } from "@mettle/judge";
import type { Measurement, Run } from "@mettle/results";
import { type CaseTable, caseTable } from "../cases.ts";
import { asJudged } from "../outcomes.ts";
import { isLoadRun } from "../text/load-tables.ts";
import type { MetricHistory } from "../text/history.ts";
import { type Operation, operationsOf } from "./operations.ts";
import type { PageProfile } from "./sections/profiles.ts";

/** What a page may show beside the run and its verdict. */
export interface HtmlOptions {
  /** Drawn under the run's own distributions. */
  readonly baseline?: Run;
  /** What the run's metrics were before. Absent: no history was looked at, which the page says. */
  readonly history?: readonly MetricHistory[];
  /** Of benchmarks of the run, each made apart from it. */
  readonly profiles?: readonly PageProfile[];
}

/** Everything that the sections of a page are made from, gathered once. */
export interface PageModel {
  readonly run: Run;
  /** Absent when nothing judged the run; the page then claims nothing. */
  readonly verdict?: Verdict;
  readonly baseline?: Run;
  readonly history?: readonly MetricHistory[];
  readonly profiles?: readonly PageProfile[];
  /** Worst first; empty without a verdict. */
  readonly findings: readonly Finding[];
  /** Of a load run, worst first; empty for every other. */
  readonly operations: readonly Operation[];
  readonly cases: CaseTable;
  /** The same measurement in the baseline. */
  before(measurement: Measurement): Measurement | undefined;
}

export const tagKey = (metric: string, tags: Readonly<Record<string, string>>): string =>
  JSON.stringify([metric, ...Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : 1))]);

export function pageModel(run: Run, verdict: Verdict | undefined, options: HtmlOptions): PageModel {
  const { baseline, history, profiles } = options;
  const known = new Map((baseline?.measurements ?? []).map((each) => [tagKey(each.metric, each.tags), each]));
  const findings = verdict?.findings ?? [];
  const isLoad = isLoadRun(run);
  return {
    run,
    ...(verdict && { verdict }),
    ...(baseline && { baseline }),
    ...(history && { history }),
    ...(profiles && { profiles }),
    findings,
    operations: isLoad ? operationsOf(run, findings) : [],
    cases: isLoad
      ? { cases: [], sharedTags: {}, others: [], otherComparisons: run.comparisons ?? [] }
      : caseTable(asJudged(run, verdict)),
    before: ({ metric, tags }) => known.get(tagKey(metric, tags)),
  };
}
