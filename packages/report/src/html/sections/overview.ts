import type { Finding } from "@mettle/judge";
import { subjectText } from "../../cases.ts";
import { formatApart, formatClock, formatShare } from "../../text/quantities.ts";
import { counted, findingMarks, outcomeWord, stateWords } from "../../text/words.ts";
import { budgetBar } from "../charts/budget-bar.ts";
import { forestText } from "../charts/forest.ts";
import { info } from "../glossary.ts";
import { type Content, html, type Markup, nothing } from "../html.ts";
import { crossingOf } from "../operations.ts";
import type { PageModel } from "../page-model.ts";
import { name } from "./section.ts";

const TOLD = 3;
const LISTED = 8;

/** The two panels that answer first: what failed, by how much and since when; and how all rules stand. */
export function overview(model: PageModel): Markup {
  return html`<div class="panels">${troublePanel(model)}${rulesPanel(model)}</div>`;
}

const isOpen = ({ state }: Finding): boolean => state !== "passed" && state !== "info";

/** Failed before unanswered before warned, each by how far over its allowance. */
function byOverrun(a: Finding, b: Finding): number {
  const order: readonly Finding["state"][] = ["failed", "no-data", "warning", "undecided"];
  return order.indexOf(a.state) - order.indexOf(b.state) || (b.consumed ?? 0) - (a.consumed ?? 0);
}

function troublePanel(model: PageModel): Markup {
  const open = model.findings.filter((finding) => isOpen(finding) && finding.kind !== "validity").toSorted(byOverrun);
  if (open.length > 0) {
    const failed = open.some(({ state }) => state === "failed");
    const rest = open.length - TOLD;
    return html`<section class="panel" aria-labelledby="trouble"><h2 id="trouble">${failed ? "What failed" : "What is open"}${model.run.validity.state === "invalid" && ", in a measurement that proves nothing"}</h2>
<ol class="trouble">${open.slice(0, TOLD).map((finding) => troubleItem(finding, model))}</ol>
${rest > 0 && html`<p class="more"><a href="#rules">${counted(rest, "more rule")} without a pass</a></p>`}</section>`;
  }
  const near = model.findings
    .filter(({ state, consumed }) => state === "passed" && consumed !== undefined)
    .toSorted((a, b) => (b.consumed ?? 0) - (a.consumed ?? 0));
  if (near.length > 0)
    return html`<section class="panel" aria-labelledby="trouble"><h2 id="trouble">Closest to the limit</h2><ol class="trouble near">${near.slice(0, TOLD + 1).map((finding) => troubleItem(finding, model))}</ol></section>`;
  return changesPanel(model);
}

/** One rule with its figure, its limit, its change, when, and where to look. */
function troubleItem(finding: Finding, model: PageModel): Markup {
  const { state, rule, evidence, recommendation } = finding;
  const { sign } = findingMarks[state];
  return html`<li class="${state}"><p class="what"><span class="mark" aria-hidden="true">${sign}</span> ${subject(finding)} <code>${name(rule)}</code></p>
<p class="how">${howMuch(finding)}${changeOf(finding)}${whenOf(finding, model)}</p>
${because(evidence, recommendation, state)}${links(finding, model)}</li>`;
}

function howMuch({ actual, limit, unit, consumed, state, message }: Finding): Content {
  if (actual === undefined)
    return html`<span class="figure">${state === "passed" ? "" : stateWords[state]}</span> ${name(message)}`;
  const [got, bound] =
    unit === undefined ? [String(actual), String(limit)] : formatApart(actual, limit ?? actual, unit);
  const used = consumed === undefined ? "" : `, ${formatShare(consumed)} of the allowance`;
  return html`<span class="figure">${got}</span>${limit !== undefined && ` (limit ${bound})`}${used}`;
}

/** What a rule got, in as many digits as tell it from its limit; undefined where there is no figure. */
export function gotText({ actual, limit, unit }: Finding): string | undefined {
  if (actual === undefined) return undefined;
  return unit === undefined ? String(actual) : formatApart(actual, limit ?? actual, unit)[0];
}

function changeOf({ change, unit }: Finding): Content {
  if (!change) return false;
  return html`, <span class="outcome ${change.outcome}">${forestText(change)} ${outcomeWord(change.outcome, unit)}</span> vs ${name(change.against)}`;
}

function whenOf(finding: Finding, { run }: PageModel): Content {
  if (finding.state === "passed") return false;
  const crossing = crossingOf(finding, run);
  if (!crossing) return false;
  const { firstMs, lastMs, share } = crossing;
  if (share > 0.98) return ", all the time";
  if (firstMs === lastMs) return `, at ${formatClock(firstMs)}`;
  return `, from ${formatClock(firstMs)} to ${formatClock(lastMs)} (${formatShare(share)} of the time)`;
}

const because = (evidence: readonly string[], recommendation: string | undefined, state: Finding["state"]): Content => {
  if (state === "passed") return nothing;
  const text = recommendation ?? evidence[0];
  return text !== undefined && html`<p class="why">${name(text)}</p>`;
};

function links(finding: Finding, { operations, cases }: PageModel): Content {
  const operation = operations.findIndex(({ findings }) => findings.includes(finding));
  const { metric } = finding;
  const at = cases.cases.findIndex(({ measurements }) =>
    Object.values(measurements).some((each) => each.metric === metric),
  );
  const target = operation >= 0 ? `op-${operation}` : at >= 0 ? `case-${at}` : undefined;
  return target !== undefined && html`<p class="links"><a href="#${target}">details</a></p>`;
}

/** Without rules: what changed most, or that there was nothing to compare with. */
function changesPanel({ run }: PageModel): Markup {
  const order = ["worse", "undecided", "better", "same"];
  const changes = (run.comparisons ?? []).toSorted(
    (a, b) =>
      order.indexOf(a.outcome) - order.indexOf(b.outcome) || Math.abs(Math.log(b.ratio)) - Math.abs(Math.log(a.ratio)),
  );
  if (changes.length === 0)
    return html`<section class="panel" aria-labelledby="trouble"><h2 id="trouble">Nothing was asked of this run</h2><p>No rule and no other build to compare with. To have it judged, add thresholds or budgets to <code>mettle.config.ts</code>, or measure with <code>--against</code> another revision.</p></section>`;
  return html`<section class="panel" aria-labelledby="trouble"><h2 id="trouble">Largest differences</h2><ol class="trouble">${changes
    .slice(0, TOLD + 1)
    .map(
      (change) =>
        html`<li class="info"><p class="what"><strong>${name(subjectText(change.metric, change.tags))}</strong></p><p class="how"><span class="outcome ${change.outcome}">${forestText({ ratio: change.ratio, low: change.interval.low, high: change.interval.high, outcome: change.outcome })} ${outcomeWord(change.outcome, change.unit)}</span> vs ${name(change.baseline.label)}</p></li>`,
    )}</ol></section>`;
}

function rulesPanel({ findings, verdict }: PageModel): Markup {
  const rules = findings.filter(({ kind }) => kind !== "validity");
  if (rules.length === 0)
    return html`<section class="panel" aria-labelledby="objectives"><h2 id="objectives">Objectives and budgets</h2><p class="absent">${verdict ? "No rule applied to this run." : "Not judged: a run without thresholds, budgets or objectives passes nothing and fails nothing."}</p></section>`;
  const open = rules.filter(isOpen).toSorted(byOverrun);
  const held = rules.filter((each) => !isOpen(each)).toSorted((a, b) => (b.consumed ?? 0) - (a.consumed ?? 0));
  const listed = [...open, ...held].slice(0, LISTED);
  const rest = rules.length - listed.length;
  return html`<section class="panel" aria-labelledby="objectives"><h2 id="objectives">Objectives and budgets</h2>
<table class="rules short"><thead><tr><th scope="col" colspan="2">rule ${info("objective")}</th><th scope="col" class="n">got</th><th scope="col" class="n">budget ${info("budget")}</th></tr></thead><tbody>${listed.map(ruleRow)}</tbody></table>
<p class="more"><a href="#rules">${rest > 0 ? `${counted(rest, "more rule")}, and the evidence for each` : "Evidence for each"}</a></p></section>`;
}

/** What a rule speaks of: the operation where it names one, then the metric. */
export function subject({ metric, tags, kind }: Finding): Markup {
  const { name: operation, ...rest } = tags ?? {};
  const of = metric ?? kind;
  return operation === undefined
    ? html`<strong>${name(subjectText(of, tags))}</strong>`
    : html`<strong>${name(operation)}</strong> <span class="dim">${name(subjectText(of, rest))}</span>`;
}

export function stateMark(state: Finding["state"]): Markup {
  return html`<span class="mark ${state}" role="img" aria-label="${stateWords[state]}" title="${stateWords[state]}">${findingMarks[state].sign}</span>`;
}

function ruleRow(finding: Finding): Markup {
  const { state, rule, consumed } = finding;
  const got = gotText(finding) ?? stateWords[state];
  return html`<tr class="${state}"><td>${stateMark(state)}</td><th scope="row">${subject(finding)} <code>${name(rule)}</code></th><td class="n">${got}</td><td class="n used">${consumed !== undefined && html`${budgetBar(consumed)} <span class="percent">${formatShare(consumed)}</span>`}</td></tr>`;
}
