import type { MetricUnit } from "@mettle/core";
import { type Finding, type FindingState, outcomeWords, type Verdict, type VerdictStatus } from "@mettle/judge";
import type { ComparisonOutcome } from "@mettle/results";
import type { Tone } from "./color.ts";

export interface Mark {
  readonly sign: string;
  readonly tone: Tone;
}

const statusMarks: Readonly<Record<VerdictStatus, Mark & { readonly word: string }>> = {
  passed: { sign: "✓", tone: "good", word: "PASSED" },
  warning: { sign: "!", tone: "warn", word: "WARNING" },
  failed: { sign: "✗", tone: "bad", word: "FAILED" },
  invalid: { sign: "✗", tone: "bad", word: "INVALID" },
};

export const findingMarks: Readonly<Record<FindingState, Mark>> = {
  failed: { sign: "✗", tone: "bad" },
  "no-data": { sign: "○", tone: "bad" },
  warning: { sign: "!", tone: "warn" },
  undecided: { sign: "?", tone: "unsure" },
  info: { sign: "·", tone: "dim" },
  passed: { sign: "✓", tone: "good" },
};

/** What a finding's state is called in reports. */
export const stateWords: Readonly<Record<FindingState, string>> = {
  failed: "failed",
  "no-data": "no data",
  warning: "warning",
  undecided: "can't tell",
  info: "info",
  passed: "passed",
};

const stateOrder: readonly FindingState[] = ["failed", "no-data", "warning", "undecided", "info", "passed"];

/** By state, worst first; inside a state in the verdict's own order, which is worst first too. */
export function worstFirst(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => stateOrder.indexOf(a.state) - stateOrder.indexOf(b.state));
}

const speedWords: Readonly<Partial<Record<ComparisonOutcome, string>>> = { worse: "slower", better: "faster" };

/** The four words of the guides: `slower` and `faster` for times and rates, `worse` and `better` for the rest. */
export function outcomeWord(outcome: ComparisonOutcome, unit: MetricUnit | undefined): string {
  const isSpeed = unit === "ns" || unit === "1/s";
  return (isSpeed ? speedWords[outcome] : undefined) ?? outcomeWords[outcome];
}

export const outcomeTones: Readonly<Record<ComparisonOutcome, Tone>> = {
  worse: "bad",
  better: "good",
  same: "dim",
  undecided: "unsure",
};

/** The verdict's sentence without the status word it may begin with: the word is shown apart, in its colour. */
export function titleSentence(title: string): string {
  return title.replace(/^(?:PASSED|WARNING|FAILED|INVALID|INCONCLUSIVE)\s*[:–—-]?\s*/i, "");
}

/** The verdict's mark and word. Where answers are missing and nothing was missed, nothing is said to have failed. */
export function verdictMark({ status, title }: Pick<Verdict, "status" | "title">): Mark & { readonly word: string } {
  const mark = statusMarks[status];
  return title.startsWith("INCONCLUSIVE") ? { sign: "?", tone: mark.tone, word: "INCONCLUSIVE" } : mark;
}

/** `1 case`, `2 cases`. */
export function counted(count: number, noun: string, plural: string = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

/** A whole number with commas between thousands. Without `Intl`, whose tables take 30 ms of CPU to read for the first number. */
export const grouped = (whole: number): string => String(whole).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
