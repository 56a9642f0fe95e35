import { formatChange, formatQuantity } from "@mettle/core";
import type { Finding, Verdict } from "@mettle/judge";
import type { Comparison, Measurement, Run } from "@mettle/results";
import { type BenchCase, caseLabels, caseTable, notesOf, subjectText, weakestSelfCheck } from "./cases.ts";
import { reportErrors } from "./errors.ts";
import { codeMarkdown, escapeMarkdown, stickyMarker } from "./markdown-text.ts";
import { asJudged, changeText } from "./outcomes.ts";
import { platformTable, standing, standings } from "./platforms.ts";
import { provenance } from "./provenance.ts";
import { typical } from "./text/case-columns.ts";
import { isLoadRun, loadTables } from "./text/load-tables.ts";
import { formatApart, formatHalfWidth, formatRatioInterval, formatShare } from "./text/quantities.ts";
import type { Remark } from "./text/summary.ts";
import { counted, outcomeWord, stateWords, titleSentence, verdictMark, worstFirst } from "./text/words.ts";

/** What GitHub takes: a comment at most so many characters, a step summary at most so many bytes in UTF-8. */
export const COMMENT_CHARACTERS = 65_536;
export const STEP_SUMMARY_BYTES = 1_048_576;
/** Head and closing lines always fit in this. */
const LEAST_ROOM = 12_000;

export interface MarkdownOptions {
  /** Of the comment, so that the next run finds and replaces it. @defaultValue the run's name */
  readonly name?: string;
  /** @defaultValue "comment" */
  readonly target?: "comment" | "step-summary";
  /** Smaller than the target's own, in its unit (characters or bytes); at least 12 000. */
  readonly limit?: number;
  /** What else is to be known of the run, such as what was left out. */
  readonly remarks?: readonly Remark[];
}

/** Rows between a beginning and an end; what does not fit is counted in the end. */
interface Section {
  readonly open: string;
  readonly rows: readonly string[];
  readonly close: string;
}

const emoji = { passed: "✅", warning: "⚠️", failed: "❌", invalid: "⛔" } as const;
const emojiOf = (verdict: Verdict): string => (verdictMark(verdict).sign === "?" ? "❔" : emoji[verdict.status]);
const stateEmoji: Readonly<Record<Finding["state"], string>> = {
  failed: "❌",
  "no-data": "⭕",
  warning: "⚠️",
  undecided: "❔",
  info: "ℹ️",
  passed: "✅",
};

/**
 * A summary for a pull request or a step, worst first, cut from the end where it would be too long, saying what was cut.
 * Nothing from outside becomes markup, a mention or a link.
 *
 * @throws MettleError `REPORT_LIMIT_INVALID` for a limit under 12 000, `REPORT_TIME_INVALID`
 */
export function renderMarkdown(run: Run, verdict: Verdict, options: MarkdownOptions = {}): string {
  const isComment = (options.target ?? "comment") === "comment";
  const most = isComment ? COMMENT_CHARACTERS : STEP_SUMMARY_BYTES;
  const limit = Math.min(most, options.limit ?? most);
  if (!(limit >= LEAST_ROOM)) {
    throw reportErrors.create("REPORT_LIMIT_INVALID", `A summary needs room for ${LEAST_ROOM}.`, {
      details: { limit },
    });
  }
  const size = isComment ? (text: string) => text.length : (text: string) => Buffer.byteLength(text);
  const head = headOf(run, verdict, isComment ? `${stickyMarker(options.name ?? run.name)}\n` : "");
  return fill(head, sectionsOf(asJudged(run, verdict), verdict, options.remarks ?? []), limit, size);
}

function headOf(run: Run, verdict: Verdict, marker: string): string {
  const { state, reasons } = run.validity;
  const check = weakestSelfCheck(run);
  const trust = [
    `Measurement: **${state}**${reasons.length > 0 ? ` (${escapeMarkdown(reasons.join("; "), 800)})` : ""}`,
    ...(check ? [selfCheckText(check)] : []),
    ...(verdict.comparisons
      ? [
          `${counted(verdict.comparisons.made, "comparison")}, false discoveries held to ${formatShare(verdict.comparisons.falseDiscoveryRate)}`,
        ]
      : []),
  ].join(" · ");
  return [
    `${marker}### ${emojiOf(verdict)} ${verdictMark(verdict).word}: ${escapeMarkdown(titleSentence(verdict.title), 1000)}`,
    "",
    provenance(run)
      .map((fact) => escapeMarkdown(fact, 200))
      .join(" · "),
    "",
    trust,
    "",
  ].join("\n");
}

function selfCheckText(check: NonNullable<ReturnType<typeof weakestSelfCheck>>): string {
  const seen = `${formatChange(check.ratio - 1)} ${formatRatioInterval(check.low, check.high)}`;
  return check.low <= 1 && 1 <= check.high
    ? `this machine can find ${formatShare(check.detectable)}`
    : `**self-check failed** (same code: ${seen}): differences no larger than that prove nothing`;
}

function sectionsOf(run: Run, verdict: Verdict, remarks: readonly Remark[]): Section[] {
  const findings = worstFirst(verdict.findings);
  const isOpen = ({ state }: Finding): boolean => state !== "passed" && state !== "info";
  const open = findings.filter(isOpen);
  const settled = findings.filter((finding) => !isOpen(finding));
  const { cases, others, otherComparisons } = caseTable(run);
  const labels = caseLabels(cases);
  const head = "| | what | found | rule | used | change |\n|---|---|--:|---|--:|---|\n";
  const sections: Section[] = [
    { open: `\n${head}`, rows: open.map(findingRow), close: "" },
    details("Evidence and what to do", "", open.flatMap(supportRow)),
    ...platformSections(run),
    ...(isLoadRun(run) ? loadSections(run) : [caseSection(cases, labels)]),
    details(
      counted(otherComparisons.length, "other comparison"),
      "| comparison | change |\n|---|---|\n",
      otherComparisons.map(otherComparisonRow),
    ),
    details(
      counted(settled.length, "rule within limits", "rules within limits or informative"),
      head,
      settled.map(findingRow),
    ),
    details(
      isLoadRun(run) ? "All measurements" : counted(others.length, "other measurement"),
      "| metric | value | p99 | samples |\n|---|--:|--:|--:|\n",
      (isLoadRun(run) ? run.measurements : others).map(otherRow),
    ),
    details("Notes", "", [
      ...remarks.map(({ label, text }) => `- ${escapeMarkdown(label)}: ${escapeMarkdown(text)}\n`),
      ...notesOf(run).map(({ about, text }) => `- ${codeMarkdown(about)}: ${escapeMarkdown(text)}\n`),
    ]),
    details(
      "Recommendations",
      "",
      verdict.recommendations.map((text) => `- ${escapeMarkdown(text)}\n`),
    ),
  ];
  return sections.filter(({ rows }) => rows.length > 0);
}

const details = (title: string, head: string, rows: readonly string[]): Section => ({
  open: `\n<details><summary>${title}</summary>\n\n${head}`,
  rows,
  close: "\n</details>\n",
});

const row = (...cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;

function findingRow(finding: Finding): string {
  const { state, metric, tags, kind, rule, actual, limit, unit, consumed } = finding;
  const found =
    actual === undefined
      ? stateWords[state]
      : unit === undefined
        ? String(actual)
        : formatApart(actual, limit ?? actual, unit, formatQuantity)[0];
  const change = changeText(finding);
  return row(
    stateEmoji[state],
    codeMarkdown(subjectText(metric ?? kind, tags)),
    found,
    codeMarkdown(rule),
    consumed === undefined ? "" : formatShare(consumed),
    change === undefined ? "" : escapeMarkdown(change),
  );
}

function supportRow({ metric, tags, kind, message, evidence, recommendation }: Finding): string[] {
  const lines = [
    `- ${codeMarkdown(subjectText(metric ?? kind, tags))}: ${escapeMarkdown(message)}\n`,
    ...evidence.map((text) => `  - ${escapeMarkdown(text)}\n`),
    ...(recommendation === undefined ? [] : [`  - → ${escapeMarkdown(recommendation)}\n`]),
  ];
  return [lines.join("")];
}

/** The tables and sentences that a terminal shows of a load test. */
function loadSections(run: Run): Section[] {
  const { tables, facts } = loadTables(run, false);
  const sections = tables.map((columns): Section => {
    const filled = columns.filter(({ cells }) => cells.some(({ text }) => text !== ""));
    const height = Math.max(0, ...filled.map(({ cells }) => cells.length));
    const titles = row(...filled.map(({ title }) => escapeMarkdown(title)));
    const rule = `|${filled.map(({ align }) => (align === "right" ? "--:" : "---")).join("|")}|\n`;
    return {
      open: `\n${titles}${rule}`,
      rows: Array.from({ length: height }, (_, at) =>
        row(...filled.map(({ cells }) => escapeMarkdown(cells[at]?.text ?? ""))),
      ),
      close: "",
    };
  });
  return [...sections, { open: "\n", rows: facts.map((fact) => `- ${escapeMarkdown(fact)}\n`), close: "" }];
}

/** All platforms of a run in one table. */
function platformSections(run: Run): Section[] {
  const table = platformTable(run);
  if (table === undefined) return [];
  const titles = row("median", ...table.platforms.map((platform) => codeMarkdown(platform)), "");
  const rule = `|---|${table.platforms.map(() => "--:|").join("")}---|\n`;
  const rows = table.rows.map((each) => {
    const { text, is } = standing(each);
    const values = each.values.map((value) => (value === undefined ? "–" : formatQuantity(value, each.unit)));
    return row(codeMarkdown(each.name), ...values, is === "lost" ? `**${text}**` : text);
  });
  const total = `- ${escapeMarkdown(standings(table))}\n`;
  return [
    { open: "\n", rows: [total], close: "" },
    { open: `\n${titles}${rule}`, rows, close: "" },
  ];
}

/** Changes for the worse first: with many cases these must survive the cut. */
function caseSection(cases: readonly BenchCase[], labels: readonly string[]): Section {
  const order = ["worse", "better", "undecided", "same", undefined];
  const rank = ({ comparison }: BenchCase): number => order.indexOf(comparison?.outcome);
  const sortedCases = cases
    .map((entry, i) => ({ entry, label: labels[i] ?? entry.name }))
    .toSorted((a, b) => rank(a.entry) - rank(b.entry));
  return {
    open: "\n| case | median | ± | p99 | bytes/op | change | |\n|---|--:|--:|--:|--:|--:|---|\n",
    rows: sortedCases.map(({ entry, label }) => caseRow(entry, label)),
    close: "",
  };
}

function caseRow({ measurements, comparison }: BenchCase, label: string): string {
  const { time, rate, allocated } = measurements;
  const figure = (value: number | undefined, of: Measurement | undefined): string =>
    value === undefined || !of ? "" : formatQuantity(value, of.unit);
  const main = time ?? rate;
  const interval = time?.interval?.of === "median" ? time.interval : undefined;
  const median = time?.summary.p50;
  return row(
    codeMarkdown(label),
    figure(typical(main), main),
    interval && median !== undefined ? formatHalfWidth(median, interval.low, interval.high, "ns") : "",
    figure(time?.summary.p99, time),
    figure(typical(allocated), allocated),
    comparison
      ? `${formatChange(comparison.ratio - 1)} ${formatRatioInterval(comparison.interval.low, comparison.interval.high)}`
      : "",
    comparison ? wordOf(comparison) : "",
  );
}

function wordOf({ outcome, unit, baseline }: Comparison): string {
  const word = outcomeWord(outcome, unit);
  return `${outcome === "worse" ? `**${word}**` : word} vs ${escapeMarkdown(baseline.label)}`;
}

function otherComparisonRow(comparison: Comparison): string {
  const { metric, tags, ratio, interval } = comparison;
  const change = `${formatChange(ratio - 1)} ${formatRatioInterval(interval.low, interval.high)}`;
  return row(codeMarkdown(subjectText(metric, tags)), `${change} ${wordOf(comparison)}`);
}

function otherRow(measurement: Measurement): string {
  const { metric, tags, unit, summary } = measurement;
  const value = typical(measurement);
  return row(
    codeMarkdown(subjectText(metric, tags)),
    value === undefined ? "" : formatQuantity(value, unit),
    summary.p99 === undefined ? "" : formatQuantity(summary.p99, unit),
    String(summary.count),
  );
}

/** Room kept for saying what was left out. */
const CUT_NOTICE = 200;

function fill(head: string, sections: readonly Section[], limit: number, size: (text: string) => number): string {
  const parts = [head];
  let room = limit - size(head) - CUT_NOTICE;
  let cut = 0;
  for (const { open, rows, close } of sections) {
    const frame = size(open) + size(close);
    let taken = 0;
    let used = frame;
    while (taken < rows.length && used + size(rows[taken] ?? "") <= room) used += size(rows[taken++] ?? "");
    cut += rows.length - taken;
    if (taken === 0) continue;
    parts.push(open, ...rows.slice(0, taken), close);
    room -= used;
  }
  if (cut > 0) parts.push(`\n_…and ${counted(cut, "more row")} that found no room here; the report has all._\n`);
  return parts.join("");
}
