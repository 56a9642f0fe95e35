import type { Finding } from "@mettle/judge";
import { changeText } from "../../outcomes.ts";
import { formatShare } from "../../text/quantities.ts";
import { stateWords } from "../../text/words.ts";
import { budgetBar } from "../charts/budget-bar.ts";
import { info } from "../glossary.ts";
import { html, type Markup } from "../html.ts";
import type { PageModel } from "../page-model.ts";
import { gotText, stateMark, subject } from "./overview.ts";
import { absentSection, figureCell, name, type Section, scrollable, section } from "./section.ts";

const stateOrder: readonly Finding["state"][] = ["failed", "no-data", "warning", "undecided", "info", "passed"];

/** Every rule with what it found and all evidence for it. */
export function rulesSection({ findings, verdict }: PageModel): Section {
  const title = "Objectives, budgets and evidence";
  if (!verdict) return absentSection("rules", title, "No thresholds, budgets or objectives were given.", "Not judged.");
  if (findings.length === 0) return absentSection("rules", title, "No rule applied to this run.", "Not judged.");
  const table = html`<table class="rules sortable" data-filter><thead><tr><th scope="col">state</th><th scope="col">what</th><th scope="col">rule ${info("objective")}</th><th scope="col" class="n">got</th><th scope="col" class="n">budget ${info("budget")}</th></tr></thead><tbody>${findings.map(row)}</tbody></table>`;
  const advice = verdict.recommendations;
  return section(
    "rules",
    title,
    html`${scrollable("Objectives and budgets", table)}${advice.length > 0 && html`<h3>What to do</h3><ul>${advice.map((text) => html`<li>${name(text)}</li>`)}</ul>`}`,
  );
}

function row(finding: Finding): Markup {
  const { state, rule, actual, consumed, severity } = finding;
  const got = gotText(finding);
  return html`<tr class="${state}"><td data-v="${stateOrder.indexOf(state)}">${stateMark(state)} ${stateWords[state]}<br><span class="dim">${severity}</span></td><th scope="row">${subject(finding)}${support(finding)}</th><td><code>${name(rule)}</code></td>${figureCell(actual, got)}${consumed === undefined ? figureCell(undefined, "") : figureCell(consumed, html`${budgetBar(consumed)} <span class="percent">${formatShare(consumed)}</span>`, "used")}</tr>`;
}

function support(finding: Finding): Markup {
  const { message, evidence, recommendation, source, requirement } = finding;
  const change = changeText(finding);
  const facts = [...(change === undefined ? [] : [change]), ...evidence];
  const where = source && `${source.file}${source.line === undefined ? "" : `:${source.line}`}`;
  return html`<div class="support"><p>${name(message)}</p>${facts.length > 0 && html`<ul>${facts.map((fact) => html`<li>${name(fact)}</li>`)}</ul>`}${recommendation !== undefined && html`<p>→ ${name(recommendation)}</p>`}${where !== undefined && html`<p class="dim">from <code>${name(where)}</code></p>`}${requirement && requirement.length > 0 && html`<p class="dim">${requirement.join(" ")}</p>`}</div>`;
}
