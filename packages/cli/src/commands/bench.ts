import { type ExitCode, exitCodes, MettleError } from "@mettle/core";
import type { Verdict } from "@mettle/judge";
import { renderJson, renderSummary } from "@mettle/report";
import { openHistory, type Run } from "@mettle/results";
import { type CommandContext, note, warn } from "../command-context.ts";
import { loadSettings, type Settings } from "../config/settings.ts";
import { writeError } from "../error-text.ts";
import { Interruption } from "../interrupt.ts";
import { OutputFolder } from "../output-folder.ts";
import { findFiles } from "../run/find-files.ts";
import { findYardstick, isJudged, judgeRun } from "../run/judge-run.ts";
import { type Measured, measure, measureOptions, withProgress } from "../run/measure.ts";
import { textOptions } from "../run/render-text.ts";
import { saveBaseline } from "../run/save-baseline.ts";
import { distinct, writeReports } from "../run/write-reports.ts";

/** `mettle bench`: find, measure, keep, judge, show. */
export async function run(context: CommandContext): Promise<number> {
  const settings = await loadSettings(context);
  const yardstick = await findYardstick(settings);
  const { files: patterns, exclude } = settings.config.bench ?? {};
  const files = await findFiles({ cwd: context.cwd, named: context.positionals, patterns, exclude });
  await new OutputFolder(settings.out, context.cwd).make();
  const measured = await measureInterruptibly(context, settings, files);
  const { data, troubles } = await keep(measured, settings, context);
  const verdict = judgeRun(measured.run, yardstick, settings, context);
  const judged = isJudged(yardstick, measured.run);
  const exitCode = exitCodeOf(measured, judged ? verdict.exitCode : exitCodes.pass, troubles);
  const shown = judged || exitCode !== exitCodes.pass;
  const reports = await writeReports(measured.run, { ...verdict, exitCode }, shown, yardstick, settings, context);
  troubles.push(...reports.troubles);
  const last = exitCode === exitCodes.pass ? (troubles[0]?.exitCode ?? exitCode) : exitCode;
  const { report, ...others } = reports.files;
  const named = { ...(report !== undefined && { report }), ...(data !== undefined && { data }), ...others };
  // A verdict that nothing was asked of would only say so.
  show(measured.run, { ...verdict, exitCode: last }, shown || last !== exitCodes.pass, named, context);
  for (const problem of [...measured.result.problems, ...distinct(troubles)]) writeError(problem, context);
  return last;
}

async function measureInterruptibly(
  context: CommandContext,
  settings: Settings,
  files: readonly string[],
): Promise<Measured> {
  using interruption = new Interruption(() => {
    note(context, "Interrupted: keeping what was measured. Once more ends at once.");
  });
  const options = { ...measureOptions(context, settings, files), signal: interruption.signal };
  // Awaited here: the signals must stay caught until it has ended.
  return await withProgress(context, (onEvent) =>
    measure({ ...options, onEvent }, context.flags.text("against"), settings),
  );
}

/**
 * Keeps the run: first in the output folder, or where there is room, then in the history and as a baseline. No trouble
 * with any of them may hide the result, which is shown in any case.
 *
 * @returns the run's file as the summary names it, where it is, and what went wrong
 */
async function keep(
  { run, result }: Measured,
  settings: Settings,
  context: CommandContext,
): Promise<{ readonly data?: string; readonly troubles: MettleError[] }> {
  const out = new OutputFolder(settings.out, context.cwd);
  const troubles: MettleError[] = [];
  const attempt = async (action: () => unknown): Promise<void> => {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof MettleError)) throw error;
      troubles.push(error);
    }
  };
  await attempt(() => out.writeRun("run.json", run));
  const kept = troubles.length === 0;
  const { history } = settings;
  const name = context.flags.text("save");
  if (history !== undefined && !result.interrupted) await attempt(() => append(history, run));
  if (name !== undefined) await attempt(() => saveBaseline(name, run, settings, context));
  for (const text of result.notes) warn(context, text);
  return { troubles, ...(kept && { data: out.shown("run.json") }) };
}

function append(file: string, run: Run): void {
  using history = openHistory(file);
  history.append(run);
}

/** A promise missed outranks trouble with other benchmarks, and an interruption outranks everything. */
function exitCodeOf({ result }: Measured, judged: ExitCode, troubles: readonly MettleError[]): ExitCode {
  if (result.interrupted) return exitCodes.interrupted;
  if (judged === exitCodes.objectiveMissed || judged === exitCodes.regression) return judged;
  const problems = result.problems.map(({ exitCode }) => exitCode);
  // A file that does not load is a mistake to correct (2); a benchmark that failed leaves a hole in the result (5).
  const worst = problems.find((code) => code === exitCodes.invalidMeasurement) ?? problems[0];
  return worst ?? (judged === exitCodes.pass ? (troubles[0]?.exitCode ?? judged) : judged);
}

function show(
  run: Run,
  verdict: Verdict,
  judged: boolean,
  files: Readonly<Record<string, string>>,
  context: CommandContext,
): void {
  const { flags, stdout } = context;
  if (flags.on("json")) {
    stdout.write(renderJson(run, verdict));
    return;
  }
  const shown = judged ? verdict : undefined;
  stdout.write(renderSummary(run, shown, { ...textOptions(context), all: flags.on("all"), files }));
}
