import { type Finding, formatSelector, type Verdict } from "@mettle/judge";
import type { Measurement, Run } from "@mettle/results";

/** What to do, and what in the data says so. */
export interface Recommendation {
  readonly kind: "performance" | "resource" | "scalability" | "finding";
  readonly text: string;
  /** Facts of the run that it rests on; never empty. */
  readonly because: readonly string[];
}

/** Below this share of what the same processor time yields at best, it is worth looking (S0-180). */
const efficiencyWanted = 0.8;

/**
 * Recommendations by the three rules of S0-179 … S0-181, each with the cause that the data show, then those of single findings.
 * No rule that does not apply says anything.
 *
 * @param scalability - findings of the scalability tests
 */
export function recommendationsFor(
  run: Run,
  verdict: Verdict,
  scalability: readonly Finding[],
): readonly Recommendation[] {
  return [
    ...performanceOf(verdict),
    ...resourcesOf(run),
    ...scalabilityOf(scalability),
    ...verdict.findings.flatMap((finding): Recommendation[] =>
      finding.recommendation === undefined
        ? []
        : [{ kind: "finding", text: finding.recommendation, because: [finding.message, ...finding.evidence] }],
    ),
  ];
}

function performanceOf({ findings, counts }: Verdict): Recommendation[] {
  const { regressions } = counts;
  if (regressions === 0) return [];
  const worse = findings.filter(
    ({ kind, state }) => kind === "regression" && (state === "failed" || state === "warning"),
  );
  const [worst] = worse.toSorted(
    (a, b) => Math.abs(Math.log(b.change?.ratio ?? 1)) - Math.abs(Math.log(a.change?.ratio ?? 1)),
  );
  return [
    {
      kind: "performance",
      text: `Undo or explain ${regressions} regression${regressions === 1 ? "" : "s"}, ${worst ? subject(worst) : "the largest"} first.`,
      because: worse.map(({ message }) => message),
    },
  ];
}

/** Work done for the same processor time, against the best that was seen in the run. */
function resourcesOf(run: Run): Recommendation[] {
  const low = run.measurements.filter(
    ({ metric, summary }) => metric === "resources.cpu.efficiency" && (summary.mean ?? 1) < efficiencyWanted,
  );
  if (low.length === 0) return [];
  const because = low.flatMap(({ tags, summary }) => [
    `at load ${tags["load"] ?? "?"} a second of processor time does ${percent(summary.mean ?? Number.NaN)} of the work it does at best`,
    ...beside(run, "resources.gc.share", tags).map(
      (share) => `garbage collection takes ${percent(share)} of the time there`,
    ),
  ]);
  const collecting = low.some(({ tags }) => beside(run, "resources.gc.share", tags).some((share) => share > 0.1));
  return [
    {
      kind: "resource",
      text: collecting
        ? "Allocate less on the paths that the loaded scenarios take: collecting garbage uses the time."
        : "Look at what runs beside the work (timers, wake-ups of an idle loop): the work itself does not use the time.",
      because,
    },
  ];
}

function scalabilityOf(findings: readonly Finding[]): Recommendation[] {
  const missed = findings.filter(({ state }) => state === "failed" || state === "warning");
  if (missed.length === 0) return [];
  const [first] = missed;
  return [
    {
      kind: "scalability",
      text: `Before more agents, mend ${first ? subject(first) : "what was missed"}: ${missed.length} of the limits of the scalability tests ${missed.length === 1 ? "is" : "are"} missed.`,
      because: missed.map(({ message }) => message),
    },
  ];
}

function beside(run: Run, metric: string, tags: Measurement["tags"]): number[] {
  return run.measurements
    .filter(
      (each) =>
        each.metric === metric && each.tags["load"] === tags["load"] && each.tags["platform"] === tags["platform"],
    )
    .flatMap(({ summary }) => (summary.mean === undefined ? [] : [summary.mean]));
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
const subject = ({ metric, tags = {}, rule }: Finding): string =>
  metric === undefined ? rule : formatSelector({ metric, tags });
