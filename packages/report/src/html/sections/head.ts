import { formatChange, formatQuantity } from "@mettle/core";
import type { Measurement, Run } from "@mettle/results";
import { weakestSelfCheck } from "../../cases.ts";
import { provenance } from "../../provenance.ts";
import { isTotal } from "../../text/load-tables.ts";
import { formatRatioInterval, formatShare } from "../../text/quantities.ts";
import { counted, grouped, titleSentence, verdictMark } from "../../text/words.ts";
import { info } from "../glossary.ts";
import { type Content, html, type Markup } from "../html.ts";
import type { PageModel } from "../page-model.ts";
import { name } from "./section.ts";

/** The verdict as the page says it: a sign, a word, a sentence. An invalid run is never anything but invalid. */
export interface Headline {
  readonly status: "passed" | "warning" | "failed" | "invalid" | "measured";
  readonly sign: string;
  readonly word: string;
  readonly sentence: string;
}

export function headlineOf({ run, verdict }: Pick<PageModel, "run" | "verdict">): Headline {
  if (run.validity.state === "invalid" || verdict?.status === "invalid") {
    const reason = run.validity.reasons[0] ?? "no reason given";
    return { status: "invalid", sign: "✗", word: "INVALID", sentence: `the measurement cannot be believed: ${reason}` };
  }
  if (!verdict) {
    const measured = counted(run.measurements.length, "metric");
    return { status: "measured", sign: "·", word: "MEASURED", sentence: `${measured}, judged by no rule` };
  }
  const { sign, word } = verdictMark(verdict);
  return { status: verdict.status, sign, word, sentence: titleSentence(verdict.title) };
}

export const headlineText = ({ word, sentence }: Headline): string => `${word}: ${sentence}`;

export function headMarkup(model: PageModel): Markup {
  const { run } = model;
  const { status, sign, word, sentence } = headlineOf(model);
  return html`<header class="head ${status}">
<h1><span class="verdict"><span aria-hidden="true">${sign}</span> ${word}</span> <span class="sentence">${sentence}</span></h1>
<p class="facts">${facts(run)}</p>
${trust(model)}
</header>`;
}

function facts(run: Run): Content {
  const requests = run.measurements.find((each) => each.metric === "http_reqs" && isTotal(each))?.summary.sum;
  const [first = "", second = "", ...rest] = provenance(run);
  const all = [first, second, ...(requests === undefined ? [] : [`${grouped(requests)} requests`]), ...rest];
  return all.map(
    (fact, i) =>
      html`${i > 0 && html` <span class="dot">·</span> `}${i === 0 ? html`<strong>${name(fact)}</strong>` : name(fact)}`,
  );
}

/** Whether the measurement can be believed, and by which figures. */
function trust({ run, verdict }: PageModel): Markup {
  const { state, reasons } = run.validity;
  const evidence = [...scheduleFacts(run), ...benchFacts(run), ...noiseFacts(run)];
  const made = verdict?.comparisons;
  // The headline of an invalid run has said the first.
  const left = state === "valid" ? [] : state === "invalid" ? reasons.slice(1) : reasons;
  const why = left.slice(0, 2);
  return html`<p class="trust ${state}"><span class="label">Measurement</span> <strong class="state">${state.toUpperCase()}</strong>${info("validity")} ${why.map((reason, i) => html`${i > 0 && "; "}${name(reason)}`)}${left.length > why.length && html` <a href="#validity">and ${counted(left.length - why.length, "more reason")}</a>`}${evidence.map((fact, i) => html`${(i > 0 || why.length > 0) && html` <span class="dot">·</span> `}${fact}`)}${made && html` <span class="dot">·</span> ${counted(made.made, "comparison")}, false discoveries held to ${formatShare(made.falseDiscoveryRate)}`} <a href="#validity">why</a></p>`;
}

function scheduleFacts(run: Run): string[] {
  const total = (metric: string): Measurement["summary"] | undefined =>
    run.measurements.find((each) => each.metric === metric && isTotal(each))?.summary;
  const late = total("iteration_start_delay");
  const done = total("iterations")?.sum;
  const lost = ["dropped_iterations", "unstarted_iterations"].map((metric) => total(metric)?.sum ?? 0);
  const due = done === undefined ? undefined : lost.reduce((sum, each) => sum + each, done);
  const dispatch = total("generator_dispatch_delay")?.p99;
  return [
    ...(late && done !== undefined && due !== undefined && due > 0
      ? [`${formatShare(done / due)} of the schedule sent`]
      : []),
    ...(late?.p99 === undefined ? [] : [`start delay p99 ${formatQuantity(late.p99, "ns")}`]),
    ...(dispatch === undefined ? [] : [`generator late p99 ${formatQuantity(dispatch, "ns")}`]),
  ];
}

function benchFacts(run: Run): string[] {
  const check = weakestSelfCheck(run);
  if (!check) return [];
  const seen = `${formatChange(check.ratio - 1)} ${formatRatioInterval(check.low, check.high)}`;
  return check.low <= 1 && 1 <= check.high
    ? [`this machine can find ${formatShare(check.detectable)}`, `same code: ${seen}`]
    : [`self-check FAILED (same code: ${seen}): differences no larger than that prove nothing`];
}

function noiseFacts({ environment: { noise }, kind }: Run): string[] {
  if (!noise) return [];
  const wait = noise.cpuWaitShare;
  return [
    ...(kind === "load" ? [] : [`machine noise ${formatShare(noise.spread)}`]),
    ...(wait === undefined || wait < 0.05
      ? []
      : [`processor busy with others ${formatShare(wait)} of the time before`]),
  ];
}
