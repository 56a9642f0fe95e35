import type { RunEntry, Validity } from "@mettle/results";
import { formatRevision, formatTime } from "../../provenance.ts";
import { formatDuration } from "../../text/quantities.ts";
import { info } from "../glossary.ts";
import { html, type Markup } from "../html.ts";
import type { HistoryLinks } from "../history-links.ts";
import { absentSection, figureCell, name, type Section, scrollable, section } from "./section.ts";

/** The runs that a history holds, newest first, each with a link to its report where there is one. */
export function runsSection(runs: readonly RunEntry[], links: HistoryLinks | undefined): Section {
  const title = "Runs";
  if (runs.length === 0) return absentSection("runs", title, "The history holds no run.", "Nothing here.");
  const table = html`<table class="sortable" data-filter><thead><tr><th scope="col">began</th><th scope="col">name</th><th scope="col">kind</th><th scope="col">measurement ${info("validity")}</th><th scope="col">revision</th><th scope="col" class="n">took</th><th scope="col">machine</th></tr></thead><tbody>${runs.map((run) => row(run, links))}</tbody></table>`;
  return section("runs", title, scrollable("Runs, newest first", table));
}

const signs: Readonly<Record<Validity["state"], string>> = { valid: "✓", degraded: "!", invalid: "✗" };

function row(run: RunEntry, links: HistoryLinks | undefined): Markup {
  const { id, name: own, kind, profile, startedAt, durationMs, validity, environmentFingerprint } = run;
  const target = links?.run(id);
  const time = formatTime(startedAt);
  return html`<tr><th scope="row" data-v="${Date.parse(startedAt)}">${target === undefined ? time : html`<a href="${target}">${time}</a>`}</th><td>${name(own)}</td><td>${kind}${profile !== undefined && `, ${profile}`}</td><td><span class="state ${validity}"><span aria-hidden="true">${signs[validity]}</span> ${validity}</span></td><td>${revisionOf(run)}</td>${figureCell(durationMs, formatDuration(durationMs))}<td><code>${environmentFingerprint}</code></td></tr>`;
}

function revisionOf({ commit, branch, dirty = false }: RunEntry): Markup {
  if (commit === undefined) return html`<span class="none">–</span>`;
  return name(formatRevision({ commit, dirty, ...(branch !== undefined && { branch }) }));
}
