import { formatChange, formatQuantity } from "@mettle/core";
import { type Change, type Finding, formatSelector, type Verdict } from "@mettle/judge";
import type { Measurement, Run } from "@mettle/results";
import { caseTable, notesOf, sharedTagsOf, subjectText, weakestSelfCheck, withoutShared } from "../cases.ts";
import { type PlatformTable, platformTable, standing, standings } from "../platforms.ts";
import { asJudged } from "../outcomes.ts";
import { provenance } from "../provenance.ts";
import { caseColumns, changeColumns, typical } from "./case-columns.ts";
import { createPainter, type Painter } from "./color.ts";
import { isLoadRun, loadTables } from "./load-tables.ts";
import { formatApart, alignQuantities, formatRatioInterval, formatShare } from "./quantities.ts";
import { type Column, layoutTable } from "./table.ts";
import { guardLines, visibleText } from "./visible.ts";
import { textWidth, truncateEnd, truncateMiddle, wrapText } from "./width.ts";
import {
  counted,
  findingMarks,
  type Mark,
  outcomeTones,
  outcomeWord,
  stateWords,
  titleSentence,
  verdictMark,
  worstFirst,
} from "./words.ts";

export interface TextOptions {
  /** Escape sequences for colour; decide with `colorSupport`. @defaultValue false */
  readonly color?: boolean;
  /** Cells of a line; less than 80 is taken as 80. @defaultValue 80 */
  readonly width?: number;
}

export interface SummaryOptions extends TextOptions {
  /** List passed rules and information one by one, with all evidence and notes. @defaultValue false */
  readonly all?: boolean;
  /** Files written beside this summary, by what they are: `{ report: "mettle-out/report.html" }`. */
  readonly files?: Readonly<Record<string, string>>;
  /** What else is to be known of the run: short labels with sentences, such as what was left out. */
  readonly remarks?: readonly Remark[];
}

export interface Remark {
  /** One word, eleven cells at most. */
  readonly label: string;
  readonly text: string;
}

export interface TextContext {
  readonly paint: Painter;
  readonly width: number;
}

/** The narrowest terminal that the layouts are made for. */
const MIN_WIDTH = 80;
const EVIDENCE_SHOWN = 3;
const NOTES_SHOWN = 8;
const LABEL_CELLS = 20;
/** What a figure with its unit takes; longer names of platforms are cut. */
const PLATFORM_CELLS = 13;

export function textContext(options: TextOptions): TextContext {
  return { paint: createPainter(options.color ?? false), width: Math.max(MIN_WIDTH, options.width ?? MIN_WIDTH) };
}

/**
 * The end of a run as text for people, worst first: the verdict, the rules that did not pass, the table of cases, how far
 * the numbers can be trusted, the files and the exit code (S3-070).
 *
 * @param measured - the run
 * @param verdict - undefined when nothing judged the run; the text then claims nothing
 * @returns lines of at most `width` cells, ending with a newline. Text from outside is made harmless.
 */
export function renderSummary(measured: Run, verdict: Verdict | undefined, options: SummaryOptions = {}): string {
  const run = asJudged(measured, verdict);
  const context = textContext(options);
  const all = options.all ?? false;
  const sections = [
    headline(run, verdict, context),
    verdict ? findingLines(run, verdict, context, all) : [],
    isLoadRun(run) ? loadSection(run, context, all) : measurementTables(run, context, all),
    trustLines(run, verdict, context, { all, remarks: options.remarks ?? [] }),
    closingLines(verdict, options.files ?? {}, context),
  ];
  const blocks = sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n"));
  return guardLines(`${blocks.join("\n\n")}\n`);
}

function headline(run: Run, verdict: Verdict | undefined, { paint, width }: TextContext): string[] {
  const facts = joinFacts(provenance(run).map(visibleText), width - 3).map((line) => `   ${paint("dim", line)}`);
  if (!verdict) return [` ${paint("strong", `  MEASURED  ${counted(run.measurements.length, "metric")}`)}`, ...facts];
  const { sign, tone, word } = verdictMark(verdict);
  const sentence = wrapText(visibleText(titleSentence(verdict.title)), width - 5 - word.length);
  const hang = " ".repeat(5 + word.length);
  return [
    ` ${paint(tone, `${sign} ${word}`)}  ${paint("strong", sentence[0] ?? "")}`,
    ...sentence.slice(1).map((line) => hang + paint("strong", line)),
    ...facts,
  ];
}

/** Facts in as few lines as they fit, none broken at a space inside it unless it alone is too long. */
function joinFacts(facts: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const fact of facts) {
    const joined = lines.length === 0 ? fact : `${lines.at(-1)} · ${fact}`;
    if (lines.length > 0 && textWidth(joined) <= width) lines[lines.length - 1] = joined;
    else lines.push(...wrapText(fact, width));
  }
  return lines;
}

/** A finding without the tags that everything in the run has: in its name, and where its sentence names it. */
function briefly(finding: Finding, shared: Measurement["tags"]): Finding {
  const { metric, tags, message } = finding;
  if (metric === undefined || tags === undefined) return finding;
  const brief = withoutShared(tags, shared);
  const said = message.replaceAll(formatSelector({ metric, tags }), formatSelector({ metric, tags: brief }));
  return { ...finding, tags: brief, message: said };
}

function findingLines(run: Run, verdict: Verdict, context: TextContext, all: boolean): string[] {
  const shared = sharedTagsOf(run);
  const findings = worstFirst(verdict.findings).map((finding) => briefly(finding, shared));
  const isShown = ({ state }: Finding): boolean => all || (state !== "passed" && state !== "info");
  const shown = findings.filter(isShown);
  const rows = layoutTable(findingColumns(shown), { ...context, indent: 3 }).lines;
  const lines = shown.flatMap((finding, i) => [rows[i] ?? "", ...supportOf(finding, context, all)]);
  const passed = findings.filter(({ state }) => state === "passed").length;
  const informative = findings.filter(({ state }) => state === "info").length;
  const more = [
    ...(passed > 0 ? [`${passed}${shown.length > 0 ? " more" : ""} within limits`] : []),
    ...(informative > 0 ? [counted(informative, "remark")] : []),
  ];
  if (all || more.length === 0) return lines;
  const { sign, tone } = passed > 0 ? findingMarks.passed : findingMarks.info;
  return [...lines, `   ${context.paint(tone, sign)} ${more.join(", ")}  ${context.paint("dim", "(--all to list)")}`];
}

function findingColumns(findings: readonly Finding[]): Column[] {
  const changes = findings.map(({ change }) => change);
  const changeCells = (textOf: (change: Change, finding: Finding) => string) =>
    findings.map((finding) =>
      finding.change
        ? { text: textOf(finding.change, finding), tone: outcomeTones[finding.change.outcome] }
        : { text: "" },
    );
  return [
    { title: "", align: "left", cells: findings.map(({ state }) => markCell(findingMarks[state])), gap: 1 },
    { title: "", align: "left", cells: findings.map((finding) => ({ text: subjectOf(finding) })), shrinkTo: 34 },
    { title: "", align: "right", cells: findings.map((finding) => ({ text: actualOf(finding), tone: "strong" })) },
    { title: "", align: "left", cells: findings.map(({ rule }) => ({ text: visibleText(rule) })), shrinkTo: 12 },
    { title: "", align: "right", cells: findings.map((finding) => ({ text: consumedOf(finding) })), dropOrder: 4 },
    { title: "", align: "right", cells: changeCells(({ ratio }) => formatChange(ratio - 1)), dropOrder: 2 },
    {
      title: "",
      align: "left",
      cells: changeCells(({ low, high }) =>
        low === undefined || high === undefined ? "" : formatRatioInterval(low, high),
      ),
      dropOrder: 3,
    },
    {
      title: "",
      align: "left",
      cells: changes.map((change, i) =>
        change
          ? { text: outcomeWord(change.outcome, findings[i]?.unit), tone: outcomeTones[change.outcome] }
          : { text: "" },
      ),
      dropOrder: 1,
    },
  ];
}

const markCell = ({ sign, tone }: Mark) => ({ text: sign, tone });

const subjectOf = ({ metric, tags, kind }: Finding): string => visibleText(subjectText(metric ?? kind, tags));

function actualOf({ actual, limit, unit, state }: Finding): string {
  if (actual !== undefined)
    return unit === undefined ? String(actual) : formatApart(actual, limit ?? actual, unit, formatQuantity)[0];
  return state === "no-data" ? stateWords["no-data"] : "";
}

const consumedOf = ({ consumed }: Finding): string => (consumed === undefined ? "" : formatShare(consumed));

/** What stands under a rule that did not pass: the sentence, the most telling evidence, what to do. */
function supportOf(
  { state, message, evidence, recommendation }: Finding,
  context: TextContext,
  all: boolean,
): string[] {
  if (state === "passed" && !all) return [];
  const shown = all ? evidence : evidence.slice(0, EVIDENCE_SHOWN);
  const block = (lead: string, text: string): string[] =>
    wrapText(visibleText(text), context.width - 7).map(
      (line, i) => `     ${context.paint("dim", `${i === 0 ? lead : " ".repeat(lead.length)}${line}`)}`,
    );
  return [
    ...block("", message),
    ...shown.flatMap((text) => block("- ", text)),
    ...(recommendation === undefined ? [] : block("→ ", recommendation)),
  ];
}

/** All platforms of a run in one table. */
function platformLines(table: PlatformTable, context: TextContext): string[] {
  const figures = table.rows.map(({ values, unit }) =>
    values.map((value) => (value === undefined ? "–" : formatQuantity(value, unit))),
  );
  const standingTones = { ahead: "good", even: "plain", lost: "bad", "": "plain" } as const;
  const names = table.rows.map(({ name }) => visibleText(name));
  const medians: Column = { title: "median", align: "left", cells: names.map((text) => ({ text })) };
  const columns: Column[] = [
    ...table.platforms.map((platform, i): Column => {
      const cells = figures.map((row) => ({ text: row[i] ?? "–" }));
      return { title: truncateEnd(visibleText(platform), PLATFORM_CELLS), align: "right", cells };
    }),
    {
      title: "",
      align: "left",
      cells: table.rows.map((row) => ({ text: standing(row).text, tone: standingTones[standing(row).is] })),
    },
  ];
  const inOneLine = layoutTable([medians, ...columns], { ...context, indent: 3 });
  const lines = inOneLine.fullWidth <= context.width ? inOneLine.lines : underNames(names, columns, context);
  const total = wrapText(visibleText(standings(table)), context.width - 3);
  return [...lines, ...total.map((line) => `   ${context.paint("dim", line)}`)];
}

/** Where a name and its figures do not fit into one line: the name, whole, and the figures under it. */
function underNames(names: readonly string[], columns: readonly Column[], context: TextContext): string[] {
  const [title = "", ...rows] = layoutTable(columns, { ...context, indent: 5 }).lines;
  const head = `   ${context.paint("dim", "median")}`;
  return [head, title, ...rows.flatMap((row, i) => [`   ${truncateMiddle(names[i] ?? "", context.width - 3)}`, row])];
}

function measurementTables(run: Run, context: TextContext, all: boolean): string[] {
  const platforms = platformTable(run);
  if (platforms === undefined) return ownTables(run, context);
  const lines = platformLines(platforms, context);
  return all ? [...lines, "", ...ownTables(run, context)] : lines;
}

function ownTables(run: Run, context: TextContext): string[] {
  const { cases, sharedTags, others, otherComparisons } = caseTable(run);
  const tables: { columns: Column[]; caption: string }[] = [];
  if (cases.length > 0) tables.push({ columns: caseColumns(cases), caption: subjectText("", sharedTags).trim() });
  const shared = sharedTagsOf(run);
  if (others.length > 0) {
    const brief = others.map((each) => ({ ...each, tags: withoutShared(each.tags, shared) }));
    tables.push({ columns: otherColumns(brief), caption: cases.length > 0 ? "" : subjectText("", shared).trim() });
  }
  if (otherComparisons.length > 0) tables.push({ columns: comparisonColumns(otherComparisons), caption: "" });
  return tables.flatMap(({ columns, caption }, i) => {
    const { lines, hidden, fullWidth } = layoutTable(columns, { ...context, indent: 3 });
    const left = hidden.filter((title) => title !== "").join(", ");
    const footers = [
      ...(caption === "" ? [] : wrapText(`all with ${visibleText(caption)}`, context.width - 3)),
      ...(left === "" ? [] : wrapText(`not shown: ${left} (needs ${fullWidth} columns)`, context.width - 3)),
    ];
    return [...(i > 0 ? [""] : []), ...lines, ...footers.map((line) => `   ${context.paint("dim", line)}`)];
  });
}

function loadSection(run: Run, context: TextContext, all: boolean): string[] {
  const { tables, facts } = loadTables(run, all);
  const blocks = tables.map((columns) => layoutTable(columns, { ...context, indent: 3 }).lines);
  const sentences = facts.flatMap((fact) => wrapText(visibleText(fact), context.width - 3));
  return [...blocks, sentences.map((line) => `   ${context.paint("dim", line)}`)].flatMap((lines, i) => [
    ...(i > 0 && lines.length > 0 ? [""] : []),
    ...lines,
  ]);
}

function otherColumns(measurements: readonly Measurement[]): Column[] {
  const statistic = (of: (measurement: Measurement) => number | undefined) =>
    measurements.map((measurement) => {
      const value = of(measurement);
      return { text: value === undefined ? "" : (alignQuantities([value], measurement.unit)[0] ?? "") };
    });
  return [
    {
      title: "metric",
      align: "left",
      cells: measurements.map(({ metric, tags }) => ({ text: visibleText(subjectText(metric, tags)) })),
      shrinkTo: 20,
    },
    { title: "value", align: "right", cells: statistic(typical) },
    { title: "p95", align: "right", cells: statistic(({ summary }) => summary.p95), dropOrder: 3 },
    { title: "p99", align: "right", cells: statistic(({ summary }) => summary.p99), dropOrder: 2 },
    { title: "max", align: "right", cells: statistic(({ summary }) => summary.max), dropOrder: 4 },
    {
      title: "samples",
      align: "right",
      cells: measurements.map(({ summary }) => ({ text: String(summary.count) })),
      dropOrder: 5,
    },
  ];
}

function comparisonColumns(comparisons: NonNullable<Run["comparisons"]>): Column[] {
  const names = comparisons.map(({ metric, tags }) => ({ text: visibleText(subjectText(metric, tags)) }));
  return [{ title: "comparison", align: "left", cells: names, shrinkTo: 20 }, ...changeColumns(comparisons)];
}

/** How far the numbers can be believed, in the places where people look for it. */
function trustLines(
  run: Run,
  verdict: Verdict | undefined,
  context: TextContext,
  { all, remarks }: { readonly all: boolean; readonly remarks: readonly Remark[] },
): string[] {
  const { paint } = context;
  const check = weakestSelfCheck(run);
  const holds = check && check.low <= 1 && 1 <= check.high;
  const lines: string[] = [];
  const add = (label: string, text: string, tone: Parameters<Painter>[0] = "plain"): void => {
    for (const [i, line] of wrapText(text, context.width - 16).entries()) {
      lines.push(`   ${paint("dim", (i === 0 ? label : "").padEnd(11))}  ${paint(tone, line)}`);
    }
  };
  if (check) {
    const seen = `same code: ${formatChange(check.ratio - 1)} ${formatRatioInterval(check.low, check.high)}`;
    if (holds) add("self-check", `this machine can find ${formatShare(check.detectable)} (${seen})`);
    else add("self-check", `failed (${seen}): differences no larger than that prove nothing`, "bad");
  }
  const { state } = run.validity;
  const reasons = verdict ? reasonsBeside(run) : run.validity.reasons;
  if (state === "valid") add("measurement", "valid", "good");
  else
    add(
      "measurement",
      `${state}: ${visibleText(reasons.join("; ") || "no reason given")}`,
      state === "invalid" ? "bad" : "warn",
    );
  if (verdict?.comparisons && verdict.comparisons.made > 1) {
    const { made, falseDiscoveryRate } = verdict.comparisons;
    add("comparisons", `${made} made together, false discoveries held to ${formatShare(falseDiscoveryRate)}`);
  }
  for (const { label, text } of remarks) add(label, visibleText(text));
  const notes = notesOf(run);
  for (const { about, text } of all ? notes : notes.slice(0, NOTES_SHOWN)) {
    add("note", `${visibleText(about)}: ${visibleText(text)}`, "warn");
  }
  if (!all && notes.length > NOTES_SHOWN) add("", `${notes.length - NOTES_SHOWN} more notes (--all to list)`, "dim");
  return lines;
}

/** Why a run is not valid, where its failures have each been told among the findings. */
function reasonsBeside({ validity, failures = [] }: Run): string[] {
  const told = new Set(failures.map(({ code, message }) => `${code}: ${message}`));
  const others = validity.reasons.filter((reason) => !told.has(reason));
  return told.size === 0 ? others : [...others, `${counted(told.size, "part")} of it could not be measured (above)`];
}

function closingLines(
  verdict: Verdict | undefined,
  files: Readonly<Record<string, string>>,
  context: TextContext,
): string[] {
  const parts = Object.entries(files).map(([name, path]) => {
    const label = truncateMiddle(visibleText(name), LABEL_CELLS);
    return [label, truncateMiddle(visibleText(path), context.width - textWidth(label) - 5)] as const;
  });
  const exit = verdict ? [["exit", String(verdict.exitCode)] as const] : [];
  const lines: string[] = [];
  let used = context.width;
  for (const [label, value] of [...parts, ...exit]) {
    const size = textWidth(label) + textWidth(value) + 5;
    const text = `${context.paint("dim", label)}  ${value}`;
    if (used + size > context.width) {
      lines.push(`   ${text}`);
      used = size;
    } else {
      lines.push(`${lines.pop() ?? ""}   ${text}`);
      used += size;
    }
  }
  return lines;
}
