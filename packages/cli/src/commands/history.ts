import { existsSync } from "node:fs";
import { exitCodes } from "@mettle/core";
import { judge, parseSelector } from "@mettle/judge";
import { type MetricHistory, renderHistory, renderJson, renderSummary, visibleText } from "@mettle/report";
import { type History, type MetricEntry, openHistory, type RunEntry } from "@mettle/results";
import { type CommandContext, printJson } from "../command-context.ts";
import { loadSettings } from "../config/settings.ts";
import { cliErrors } from "../errors.ts";
import { seriesUpTo } from "../run/history-series.ts";
import { textOptions } from "../run/render-text.ts";
import { changesIn } from "../run/write-page.ts";

const LISTED_RUNS = 20;
const SHOWN_POINTS = 500;

/** `mettle history list|show METRIC|check`. */
export async function run(context: CommandContext): Promise<number> {
  const { history: file, config } = await loadSettings(context);
  if (file === undefined || !existsSync(file)) {
    throw cliErrors.create("HISTORY_EMPTY", `There is no history${file === undefined ? "" : ` in ${file}`}.`, {
      details: { file },
    });
  }
  using history = openHistory(file);
  const [action = "list", metric] = context.positionals;
  if (action === "show") return show(history, metric, context);
  if (action === "check") return check(history, file, config.judge?.history ?? {}, context);
  return list(history, context);
}

function list(history: History, context: CommandContext): number {
  const branch = context.flags.text("branch");
  const limit = context.flags.number("limit") ?? LISTED_RUNS;
  const runs = history.runs({ limit, ...(branch !== undefined && { branch }) });
  if (context.flags.on("json")) printJson(context, { schema: "mettle.history/1", runs });
  else context.stdout.write(runs.length === 0 ? "   No run in the history matches.\n" : runs.map(runLine).join(""));
  return exitCodes.pass;
}

function runLine({ startedAt, id, validity, profile, commit, dirty, branch, name }: RunEntry): string {
  const mark = { valid: "✓", degraded: "!", invalid: "✗" }[validity];
  const revision =
    commit === undefined ? "" : `${branch === undefined ? "" : `${branch}@`}${commit.slice(0, 7)}${dirty ? "*" : ""}`;
  const columns = [
    mark,
    startedAt.slice(0, 19).replace("T", " "),
    id,
    (profile ?? "").padEnd(5),
    visibleText(name),
    visibleText(revision),
  ];
  return ` ${columns.join("  ").trimEnd()}\n`;
}

function show(history: History, wanted: string | undefined, context: CommandContext): number {
  const chosen = chooseMetrics(history.metrics(), wanted);
  const shown = chosen
    .map((metric) => metricHistory(history, metric, context))
    .filter(({ points }) => points.length > 0);
  if (context.flags.on("json")) printJson(context, { schema: "mettle.series/1", metrics: shown });
  else context.stdout.write(renderHistory(shown, textOptions(context)));
  return exitCodes.pass;
}

/** By exact name, else by a part of it; with tags, those that carry them. */
function chooseMetrics(metrics: readonly MetricEntry[], wanted: string | undefined): readonly MetricEntry[] {
  if (wanted === undefined) return metrics;
  const { metric, tags } = parseSelector(wanted);
  const tagged = metrics.filter((each) => Object.entries(tags).every(([name, value]) => each.tags[name] === value));
  const exact = tagged.filter((each) => each.metric === metric);
  const chosen = exact.length > 0 ? exact : tagged.filter((each) => each.metric.includes(metric));
  if (chosen.length > 0) return chosen;
  const known = [...new Set(metrics.map((each) => each.metric))];
  throw cliErrors.create("HISTORY_EMPTY", `The history holds no metric ${JSON.stringify(wanted)}.`, {
    details: { wanted, known },
    next: `There are: ${known.slice(0, 8).join(", ")}${known.length > 8 ? ` and ${known.length - 8} more (mettle history show)` : ""}.`,
  });
}

function metricHistory(
  history: History,
  { metric, tags, unit, direction }: MetricEntry,
  { flags }: CommandContext,
): MetricHistory {
  const branch = flags.text("branch");
  const query = { metric, tags, limit: flags.number("limit") ?? SHOWN_POINTS, ...(branch !== undefined && { branch }) };
  const chosen = flags.text("statistic");
  const usual = unit === "ns" ? ["p50", "p95", "mean"] : ["mean", "rate", "perSecond", "last", "sum", "p50"];
  let points = history.series({ ...query, statistic: chosen ?? usual[0] ?? "mean" });
  for (const name of chosen === undefined ? usual.slice(1) : []) {
    if (points.length === 0) points = history.series({ ...query, statistic: name });
  }
  const kept = points.flatMap(({ ordinal, value }) => {
    const entry = history.entry(ordinal);
    return entry
      ? [{ at: entry.startedAt, runId: entry.id, value, ...(entry.commit !== undefined && { commit: entry.commit }) }]
      : [];
  });
  return { metric, tags, unit, direction, points: kept, ...changesIn(kept, direction) };
}

/** Judges the newest valid run against those before it, after reading the whole file for faults. */
function check(history: History, file: string, policy: object, context: CommandContext): number {
  const faults = history.check();
  if (faults.length > 0) {
    throw cliErrors.create("HISTORY_DAMAGED", `${file} is damaged: ${faults.slice(0, 3).join("; ")}.`, {
      details: { file, faults },
    });
  }
  const branch = context.flags.text("branch");
  const entry = history.runs(branch === undefined ? {} : { branch }).find(({ validity }) => validity !== "invalid");
  const latest = entry && history.get(entry.id);
  if (!latest)
    throw cliErrors.create("HISTORY_EMPTY", `The history in ${file} holds no valid run.`, { details: { file } });
  const { comparisons: _, ...run } = latest;
  const series = seriesUpTo(run, file).filter(({ points }) => points.length > 0);
  const verdict = judge(run, { policy: { history: policy }, history: series });
  if (context.flags.on("json")) context.stdout.write(renderJson(latest, verdict));
  else context.stdout.write(renderSummary(latest, verdict, textOptions(context)));
  return verdict.exitCode;
}
