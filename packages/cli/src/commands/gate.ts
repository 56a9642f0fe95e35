import { appendFile } from "node:fs/promises";
import { exitCodes, messageOf } from "@mettle/core";
import type { Verdict } from "@mettle/judge";
import { rendererNamed, renderAnnotations, renderJson, renderSummary } from "@mettle/report";
import type { Run } from "@mettle/results";
import { type CommandContext, warn } from "../command-context.ts";
import { loadSettings } from "../config/settings.ts";
import { writeError } from "../error-text.ts";
import { cliErrors } from "../errors.ts";
import { findRun } from "../run/find-run.ts";
import { findYardstick, judgeRun } from "../run/judge-run.ts";
import { textOptions } from "../run/render-text.ts";
import { distinct, writeReports } from "../run/write-reports.ts";

/** `mettle gate [RUN]`: the exit code is the answer. */
export async function run(context: CommandContext): Promise<number> {
  const settings = await loadSettings(context);
  const yardstick = await findYardstick(settings);
  if (!yardstick.policy && !yardstick.baseline) {
    const where = settings.configFile ? `${settings.configFile} has no judge section` : "there is no mettle.config.ts";
    throw cliErrors.create("POLICY_MISSING", `Nothing to judge by: ${where}, and no baseline is named.`);
  }
  const judged = await findRun(context.positionals[0], settings, context.cwd);
  const found = judgeRun(judged, yardstick, settings, context);
  const { files, troubles } = await writeReports(judged, found, true, yardstick, settings, context);
  // What the judge says outranks trouble with the files.
  const exitCode = found.exitCode === exitCodes.pass ? (troubles[0]?.exitCode ?? exitCodes.pass) : found.exitCode;
  const verdict = { ...found, exitCode };
  if (context.flags.on("json")) context.stdout.write(renderJson(judged, verdict));
  else {
    context.stdout.write(
      renderSummary(judged, verdict, { ...textOptions(context), all: context.flags.on("all"), files }),
    );
  }
  await tellGithub(judged, verdict, context);
  for (const trouble of distinct(troubles)) writeError(trouble, context);
  return exitCode;
}

/** Annotations and the step summary, where a GitHub Actions job runs this. */
async function tellGithub(run: Run, verdict: Verdict, context: CommandContext): Promise<void> {
  const { env, flags, stdout, stderr } = context;
  if (env["GITHUB_ACTIONS"] !== "true") return;
  // The runner reads commands from both streams; stdout belongs to the document with --json.
  (flags.on("json") ? stderr : stdout).write(renderAnnotations(run, verdict));
  const file = env["GITHUB_STEP_SUMMARY"];
  if (file === undefined || file === "") return;
  try {
    await appendFile(file, rendererNamed("step-summary").render(run, verdict));
  } catch (error) {
    // The verdict stands without it, and must reach the exit code.
    warn(context, `The step summary could not be written: ${messageOf(error)}.`);
  }
}
