import { formatQuantity } from "@mettle/core";
import { figureCell, formatShare, html, type Markup, name, nothing } from "@mettle/report";
import type { LiveModel } from "./live-model.ts";
import type { LiveStanding } from "./wire.ts";

const rate = (value: number): string => formatQuantity(value, "1/s");

/** Models, tasks and tools; nothing where none is measured. */
export function agentsPanel(model: LiveModel, { agents }: LiveStanding): Markup {
  if (!agents) return nothing;
  const { inFlight, outputTokensPerSecond, timeToFirstTokenP95, tasksPerSecond, passedShare, stepsPerTask } = agents;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["requests to models in flight", inFlight === null ? undefined : String(inFlight)],
    ["time to first token, p95", timeToFirstTokenP95 === null ? undefined : formatQuantity(timeToFirstTokenP95, "ns")],
    ["output tokens", outputTokensPerSecond === null ? undefined : rate(outputTokensPerSecond)],
    ["tasks ended", tasksPerSecond === null ? undefined : rate(tasksPerSecond)],
    ["tasks passed", passedShare === null ? undefined : formatShare(passedShare)],
    ["steps per task", stepsPerTask === null ? undefined : String(Number(stepsPerTask.toPrecision(3)))],
  ];
  const rows = facts.flatMap(([label, value]) =>
    value === undefined ? [] : [html`<tr><th scope="row">${label}</th><td class="n">${value}</td></tr>`],
  );
  return html`<section class="panel" aria-labelledby="agents-now"><h2 id="agents-now">Agents</h2><table><tbody>${rows}</tbody></table>${toolTable(model, agents.tools)}</section>`;
}

function toolTable(model: LiveModel, tools: NonNullable<LiveStanding["agents"]>["tools"]): Markup {
  if (tools.length === 0) return nothing;
  const rows = tools.map(
    ([tool, p95, failed]) =>
      html`<tr><th scope="row">${name(model.text(tool))}</th>${figureCell(p95 ?? undefined, p95 === null ? "" : formatQuantity(p95, "ns"))}${figureCell(failed ?? undefined, failed === null ? "" : formatShare(failed), (failed ?? 0) > 0 ? "some" : "")}</tr>`,
  );
  return html`<table class="short"><thead><tr><th scope="col">tool</th><th scope="col" class="n">p95</th><th scope="col" class="n">failed</th></tr></thead><tbody>${rows}</tbody></table>`;
}
