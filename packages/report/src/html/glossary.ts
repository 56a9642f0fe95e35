import { html, type Markup } from "./html.ts";

export type Term =
  | "budget"
  | "change"
  | "ci"
  | "distribution"
  | "errors"
  | "fdr"
  | "gc"
  | "lateness"
  | "margin"
  | "max"
  | "median"
  | "nodata"
  | "noise"
  | "objective"
  | "p50"
  | "p95"
  | "p99"
  | "pair"
  | "percentiles"
  | "rate"
  | "regression"
  | "requirement"
  | "response"
  | "selfcheck"
  | "step"
  | "validity";

const terms: Readonly<Record<Term, readonly [string, string]>> = {
  budget: [
    "Budget used",
    "How much of what a rule allows is used up: at 100 % the limit is reached, above it the rule is missed.",
  ],
  change: [
    "Change",
    "New against old as a percentage, with the interval that the true value lies in, and a word. “Can't tell” means that the interval allows either answer: neither a pass nor a regression.",
  ],
  ci: [
    "Interval (CI)",
    "The range that the true value lies in with the stated confidence, given how much the samples differ. A narrow one means that the figure can be repeated.",
  ],
  distribution: [
    "Distribution",
    "How often which value came. Heights are square roots of shares, so that a rare second hump stays visible; the horizontal axis is logarithmic.",
  ],
  errors: [
    "Errors",
    "Share of all attempts that failed. A failed attempt is counted here and never missing from the count.",
  ],
  fdr: [
    "False discoveries",
    "With many comparisons some look different by chance. The procedure of Benjamini and Hochberg keeps the expected share of such among those reported under this rate.",
  ],
  gc: ["GC", "Collections of garbage, and the time they stopped the program, for each operation."],
  lateness: [
    "Lateness",
    "How long after its scheduled moment the generator began a request. A late generator measures itself, not the system.",
  ],
  margin: ["Margin", "The smallest change that matters. Changes whose whole interval lies inside it are the same."],
  max: ["max", "The slowest of all."],
  median: ["Median", "Half of the samples were faster, half slower."],
  nodata: [
    "No data",
    "The rule could not be evaluated: nothing with this name was measured, or too little. It never counts as a pass.",
  ],
  noise: [
    "Noise",
    "A fixed loop timed many times when the run began: how much its times differ, and how often the machine took the processor away.",
  ],
  objective: [
    "Rule",
    "What was promised: a threshold, budget, target or objective of the configuration or of the script.",
  ],
  p50: ["p50, median", "Half of all were at most so slow."],
  p95: ["p95", "95 of 100 were at most so slow; 5 were slower."],
  p99: ["p99", "99 of 100 were at most so slow; one was slower."],
  pair: [
    "Paired comparison",
    "Old and new code take turns in the same processes, so that what the machine does meets both. One ratio for each pair.",
  ],
  percentiles: [
    "Percentile curve",
    "How slow the slowest were: each step to the right looks ten times closer at the tail. It ends where there are too few values to say more.",
  ],
  rate: ["Rate", "Per second of the whole run."],
  regression: ["Regression", "A change for the worse that is larger than the margin and not explained by chance."],
  requirement: ["Requirement", "An id of the requirements that a measurement or a rule answers."],
  response: [
    "Response time",
    "From the moment a request was due to its last byte. Waiting for a free connection counts: that is what a user would have waited.",
  ],
  selfcheck: [
    "Self-check",
    "The same code measured as if it were two. It must come out equal; how nearly it does says how small a change this machine can find.",
  ],
  step: [
    "Change point",
    "Where the level of a metric over past runs moved and stayed: when, at which commit, by how much.",
  ],
  validity: [
    "Validity",
    "Whether the measurement itself can be believed. Valid: yes. Degraded: with the reservations named. Invalid: no figure of this run proves anything, good or bad.",
  ],
};

/** A small button that explains a term where it stands; works without scripts. */
export function info(term: Term): Markup {
  return html`<button type="button" class="hint" popovertarget="term-${term}" aria-label="Explain ${terms[term][0]}">?</button>`;
}

/** What the buttons open. */
export const explanations = (): Markup =>
  html`${Object.entries(terms).map(([id, [title, text]]) => html`<div id="term-${id}" class="tip" popover><strong>${title}</strong> ${text}</div>`)}`;

export const glossary = (): Markup =>
  html`<dl class="glossary">${Object.values(terms).map(([title, text]) => html`<div><dt>${title}</dt><dd>${text}</dd></div>`)}</dl>`;
