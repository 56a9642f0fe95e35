import { formatChange } from "@mettle/core";
import type { Change } from "@mettle/judge";
import type { Measurement, Run } from "@mettle/results";
import { metricKey, subjectText } from "../cases.ts";
import { formatRevision, formatTime } from "../provenance.ts";
import { comparedFigure } from "./compared-figure.ts";
import { alignQuantities, formatRatioInterval } from "./quantities.ts";
import { type Cell, layoutTable } from "./table.ts";
import { type TextContext, type TextOptions, textContext } from "./summary.ts";
import { guardLines, visibleText } from "./visible.ts";
import { truncateEnd, wrapText } from "./width.ts";
import { counted, outcomeTones, outcomeWord } from "./words.ts";

/** A change of one metric between two runs, as the judge computed it. */
export interface MetricChange {
  readonly metric: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly change: Change;
}

interface Pairing {
  readonly before: Measurement;
  readonly after: Measurement;
  readonly change?: Change;
}

/**
 * Two runs side by side: value, value, change with its interval, and the word. A metric without a computed change shows
 * its values and no claim; metrics of one run only are named; what makes the two hard to compare is said first.
 *
 * @param changes - one for each metric that was compared; others may be missing
 */
export function renderComparison(
  baseline: Run,
  candidate: Run,
  changes: readonly MetricChange[],
  options: TextOptions = {},
): string {
  const context = textContext(options);
  const pairs = pairUp(baseline, candidate, changes);
  const only = (run: Run, other: Run): string[] => {
    const known = new Set(other.measurements.map(({ metric, tags }) => metricKey(metric, tags)));
    return run.measurements
      .filter(({ metric, tags }) => !known.has(metricKey(metric, tags)))
      .map(({ metric, tags }) => subjectText(metric, tags));
  };
  const sections = [
    heading(baseline, candidate, pairs, context),
    obstacles(baseline, candidate).flatMap((text) => paragraph("!", text, context)),
    pairs.length > 0 ? pairTable(pairs, candidate.kind, context) : ["   The runs have no metric in common."],
    [
      ...missing("only in baseline", only(baseline, candidate), context),
      ...missing("only in candidate", only(candidate, baseline), context),
    ],
  ];
  const blocks = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return guardLines(`${blocks.join("\n\n")}\n`);
}

function pairUp(baseline: Run, candidate: Run, changes: readonly MetricChange[]): Pairing[] {
  const before = new Map(baseline.measurements.map((it) => [metricKey(it.metric, it.tags), it]));
  const changeOf = new Map(changes.map(({ metric, tags, change }) => [metricKey(metric, tags), change]));
  return candidate.measurements.flatMap((after) => {
    const key = metricKey(after.metric, after.tags);
    const earlier = before.get(key);
    const change = changeOf.get(key);
    return earlier ? [{ before: earlier, after, ...(change && { change }) }] : [];
  });
}

function heading(baseline: Run, candidate: Run, pairs: readonly Pairing[], { paint, width }: TextContext): string[] {
  const count = (outcome: Change["outcome"]): number =>
    pairs.filter(({ change }) => change?.outcome === outcome).length;
  const uncompared = pairs.filter(({ change }) => !change).length;
  const parts = [
    `${count("worse")} worse`,
    `${count("better")} better`,
    `${count("same")} the same`,
    `${count("undecided")} can't be told`,
    ...(uncompared > 0 ? [`${uncompared} not compared`] : []),
  ];
  const side = (label: string, run: Run): string => {
    const revision = run.revision ? ` · ${formatRevision(run.revision)}` : "";
    const text = visibleText(`${run.name}${revision} · ${formatTime(run.startedAt)} · ${run.id}`);
    return `   ${paint("dim", label.padEnd(9))}  ${truncateEnd(text, width - 14)}`;
  };
  return [
    ` ${paint("strong", counted(pairs.length, "metric"))}: ${parts.join(", ")}`,
    side("baseline", baseline),
    side("candidate", candidate),
  ];
}

/** Reasons why a difference may not come from the code. */
function obstacles(baseline: Run, candidate: Run): string[] {
  const reasons: string[] = [];
  if (baseline.environment.fingerprint !== candidate.environment.fingerprint) {
    reasons.push("The runs come from different machines or limits; times are not comparable, counts and bytes may be.");
  }
  for (const [label, { validity }] of [["baseline", baseline] as const, ["candidate", candidate] as const]) {
    if (validity.state !== "valid") {
      reasons.push(`The ${label} is ${validity.state}: ${validity.reasons.join("; ") || "no reason given"}.`);
    }
  }
  return reasons;
}

function pairTable(pairs: readonly Pairing[], kind: Run["kind"], context: TextContext): readonly string[] {
  const figures = pairs.map(({ after }) => comparedFigure(after, kind));
  const value = (pick: (pair: Pairing) => Measurement): Cell[] =>
    pairs.map((pair, i) => {
      const { unit, of } = figures[i] ?? comparedFigure(pair.after, kind);
      // Both sides of a row share their prefix, so that they can be compared at a glance.
      const aligned = alignQuantities([of(pair.before), of(pair.after)], unit);
      return { text: aligned[pick(pair) === pair.before ? 0 : 1] ?? "" };
    });
  const changed = (textOf: (change: Change, pair: Pairing) => string): Cell[] =>
    pairs.map((pair) =>
      pair.change ? { text: textOf(pair.change, pair), tone: outcomeTones[pair.change.outcome] } : { text: "" },
    );
  const names = pairs.map(({ after: { metric, tags } }, i): Cell => {
    const { label = "" } = figures[i] ?? {};
    return { text: `${visibleText(subjectText(metric, tags))}${label === "" ? "" : ` ${label}`}` };
  });
  const { lines, hidden } = layoutTable(
    [
      { title: "metric", align: "left", cells: names, shrinkTo: 20 },
      // Ratio, interval and word are the answer: what they were computed from goes first where it is narrow.
      { title: "baseline", align: "right", cells: value(({ before }) => before), dropOrder: 2 },
      { title: "candidate", align: "right", cells: value(({ after }) => after), dropOrder: 1 },
      { title: "change", align: "right", cells: changed(({ ratio }) => formatChange(ratio - 1)) },
      {
        title: "interval",
        align: "right",
        cells: changed(({ low, high }) =>
          low === undefined || high === undefined ? "" : formatRatioInterval(low, high),
        ),
      },
      {
        title: "",
        align: "left",
        cells: pairs.map(
          ({ change, after }): Cell =>
            change
              ? { text: outcomeWord(change.outcome, after.unit), tone: outcomeTones[change.outcome] }
              : { text: "no ratio", tone: "dim" },
        ),
      },
    ],
    { ...context, indent: 3 },
  );
  return hidden.length === 0 ? lines : [...lines, `   ${context.paint("dim", `not shown: ${hidden.join(", ")}`)}`];
}

function paragraph(sign: string, text: string, { paint, width }: TextContext): string[] {
  return wrapText(visibleText(text), width - 5).map((line, i) => `   ${paint("warn", i === 0 ? sign : " ")} ${line}`);
}

function missing(label: string, names: readonly string[], context: TextContext): string[] {
  return names.map((name, i) => {
    const lead = context.paint("dim", (i === 0 ? label : "").padEnd(17));
    return `   ${lead}  ${truncateEnd(visibleText(name), context.width - 22)}`;
  });
}
