import type { MetricKind } from "../../metrics/recorder.ts";

/** One metric at the end of a run, in the shape that `handleSummary` gets. */
export interface SummaryMetric {
  readonly type: MetricKind;
  readonly contains: "time" | "data" | "default";
  /** Trend: avg, min, med, max, p(N). Counter: count, rate. Gauge: value, min, max. Rate: rate, passes, fails. */
  readonly values: Readonly<Record<string, number>>;
  readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
}

interface SummaryCheck {
  readonly name: string;
  readonly path: string;
  readonly id: string;
  readonly passes: number;
  readonly fails: number;
}

export interface SummaryGroup {
  readonly name: string;
  readonly path: string;
  readonly id: string;
  readonly groups: readonly SummaryGroup[];
  readonly checks: readonly SummaryCheck[];
}

/** What `handleSummary` gets. */
export interface SummaryData {
  readonly root_group: SummaryGroup;
  readonly metrics: Readonly<Record<string, SummaryMetric>>;
  readonly options: {
    readonly summaryTrendStats: readonly string[];
    readonly summaryTimeUnit: string;
    readonly noColor: boolean;
  };
  readonly state: { readonly isStdErrTTY: boolean; readonly isStdOutTTY: boolean; readonly testRunDurationMs: number };
  /** What `setup` returned. */
  readonly setup_data?: unknown;
}

/** Outcomes of one check within one group, as recorded. */
export interface CheckCount {
  /** `::outer::inner`; empty at the top. */
  readonly group: string;
  readonly check: string;
  readonly passes: number;
  readonly fails: number;
}

interface MutableGroup {
  readonly name: string;
  readonly path: string;
  readonly id: string;
  readonly groups: MutableGroup[];
  readonly checks: SummaryCheck[];
}

const separator = "::";

/** The tree of groups with their checks, from counts by group path. Groups without checks are in `groups`. */
export function groupTree(counts: readonly CheckCount[], groups: readonly string[] = []): SummaryGroup {
  const root: MutableGroup = { name: "", path: "", id: "", groups: [], checks: [] };
  const byPath = new Map([["", root]]);
  const groupAt = (path: string): MutableGroup => {
    const known = byPath.get(path);
    if (known) return known;
    const cut = path.lastIndexOf(separator);
    const parent = groupAt(path.slice(0, Math.max(0, cut)));
    const made: MutableGroup = { name: path.slice(cut + separator.length), path, id: path, groups: [], checks: [] };
    byPath.set(path, made);
    parent.groups.push(made);
    return made;
  };
  for (const path of groups) groupAt(path);
  for (const { group, check, passes, fails } of counts) {
    const path = `${group}${separator}${check}`;
    groupAt(group).checks.push({ name: check, path, id: path, passes, fails });
  }
  return root;
}
