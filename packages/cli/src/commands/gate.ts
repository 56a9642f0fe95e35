import { appendFile } from "node:fs/promises";
import { messageOf } from "@mettle/core";
import type { Verdict } from "@mettle/judge";
import {
  rendererNamed,
  renderAnnotations,
  renderJson,
  renderJunit,
  renderMarkdown,
  renderSummary,
} from "@mettle/report";
import type { Run } from "@mettle/results";
import { type CommandContext, warn } from "../command-context.ts";
import { loadSettings } from "../config/settings.ts";
import { cliErrors } from "../errors.ts";
import { OutputFolder } from "../output-folder.ts";
import { findRun } from "../run/find-run.ts";
import { findYardstick, judgeRun } from "../run/judge-run.ts";
import { pageFile, writePage } from "../run/write-page.ts";
import { textOptions } from "../run/render-text.ts";

/** `mettle gate [RUN]`: the exit code is the answer. */
export async function run(context: CommandContext): Promise<number> {
  const settings = await loadSettings(context);
  const yardstick = await findYardstick(settings);
  if (!yardstick.policy && !yardstick.baseline) {
    const where = settings.configFile ? `${settings.configFile} has no judge section` : "there is no mettle.config.ts";
    throw cliErrors.create("POLICY_MISSING", `Nothing to judge by: ${where}, and no baseline is named.`);
  }
  const judged = await findRun(context.positionals[0], settings, context.cwd);
  const verdict = judgeRun(judged, yardstick, settings, context);
  const out = new OutputFolder(settings.out, context.cwd);
  if (context.flags.on("json")) context.stdout.write(renderJson(judged, verdict));
  else {
    const files = { report: out.shown(pageFile), summary: out.shown("summary.md"), tests: out.shown("junit.xml") };
    context.stdout.write(
      renderSummary(judged, verdict, { ...textOptions(context), all: context.flags.on("all"), files }),
    );
  }
  await tellGithub(judged, verdict, context);
  // Last: a full disk must not hide the answer.
  await out.write("summary.md", renderMarkdown(judged, verdict));
  await out.write("junit.xml", renderJunit(judged, verdict));
  await writePage(judged, verdict, yardstick, settings, context);
  return verdict.exitCode;
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
