import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { exitCodes } from "@mettle/core";
import { HistorySite } from "@mettle/dashboard";
import { judge, parseSelector } from "@mettle/judge";
import { renderHistory, renderJson, renderSummary, visibleText } from "@mettle/report";
import { type History, type MetricEntry, openHistory, type RunEntry } from "@mettle/results";
import { type CommandContext, note, printJson } from "../command-context.ts";
import { loadSettings, type Settings } from "../config/settings.ts";
import { cliErrors } from "../errors.ts";
import { OutputFolder } from "../output-folder.ts";
import { seriesUpTo } from "../run/history-series.ts";
import { textOptions } from "../run/render-text.ts";
import { historySource } from "../run/history-source.ts";
import { findYardstick } from "../run/judge-run.ts";
import { entriesOf, metricHistory, type MetricHistoryOptions } from "../run/metric-history.ts";

const LISTED_RUNS = 20;
/** Runs of a site that have their report in it. */
const SITE_REPORTS = 100;

/** `mettle history list|show METRIC|check`, and `--html`: the site of it. */
export async function run(context: CommandContext): Promise<number> {
  const settings = await loadSettings(context);
  const { history: file, config } = settings;
  if (file === undefined || !existsSync(file)) {
    throw cliErrors.create("HISTORY_EMPTY", `There is no history${file === undefined ? "" : ` in ${file}`}.`, {
      details: { file },
    });
  }
  using history = openHistory(file);
  const [action = "list", metric] = context.positionals;
  if (action === "check") return check(history, file, config.judge?.history ?? {}, context);
  const exitCode = action === "show" ? show(history, metric, context) : list(history, context);
  const folder = context.flags.text("html");
  if (folder !== undefined) await writeSite(history, metric, folder, settings, context);
  return exitCode;
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
  const entries = entriesOf(history);
  const shown = chooseMetrics(history.metrics(), wanted)
    .map((metric) => metricHistory(history, metric, seriesOptions(context), entries))
    .filter(({ points }) => points.length > 0);
  if (context.flags.on("json")) printJson(context, { schema: "mettle.series/1", metrics: shown });
  else context.stdout.write(renderHistory(shown, textOptions(context)));
  return exitCodes.pass;
}

function seriesOptions({ flags }: CommandContext): MetricHistoryOptions {
  const [limit, branch, statistic] = [flags.number("limit"), flags.text("branch"), flags.text("statistic")];
  return {
    ...(limit !== undefined && { limit }),
    ...(branch !== undefined && { branch }),
    ...(statistic !== undefined && { statistic }),
  };
}

/** The pages of the history as files: an index, a page for each metric, the reports of the newest runs. */
async function writeSite(
  history: History,
  wanted: string | undefined,
  folder: string,
  settings: Settings,
  context: CommandContext,
): Promise<void> {
  const source = historySource(history, await findYardstick(settings), settings, context, {
    ...seriesOptions(context),
    choose: (metrics) => chooseMetrics(metrics, wanted),
  });
  const site = new HistorySite(source, SITE_REPORTS);
  const out = new OutputFolder(
    folder === "" ? resolve(settings.out, "history") : resolve(context.cwd, folder),
    context.cwd,
  );
  const paths = site.paths();
  for (const path of paths) {
    const page = site.page(path);
    if (page !== undefined) await out.write(path, page);
  }
  // Hosts that make sites of Markdown leave files alone where this one lies.
  await out.write(".nojekyll", "");
  note(context, `Wrote ${out.shown("index.html")} and ${paths.length - 1} pages beside it.`);
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
