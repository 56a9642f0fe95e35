import { exitCodes, MettleError } from "@mettle/core";
import type { Phase } from "@mettle/judge";
import { colorSupport, LiveView, progressMode, renderJunit, renderMarkdown, renderSummary } from "@mettle/report";
import { Baselines, type Profile } from "@mettle/results";
import {
  installedPlatforms,
  unsupportedText,
  validate,
  type ValidationEvent,
  type ValidationResult,
} from "@mettle/suites";
import { type CommandContext, note, printJson } from "../command-context.ts";
import { serviceUnderTest } from "../run/service-under-test.ts";
import { loadSettings, type Settings } from "../config/settings.ts";
import { writeError } from "../error-text.ts";
import { Interruption } from "../interrupt.ts";
import { OutputFolder } from "../output-folder.ts";
import { textOptions } from "../run/render-text.ts";
import { pageFile, writePage } from "../run/write-page.ts";
import { saveBaseline } from "../run/save-baseline.ts";

/** `mettle validate`: measure the catalogue on a platform, judge it, keep and show what came of it. */
export async function run(context: CommandContext): Promise<number> {
  const settings = await loadSettings(context);
  const out = new OutputFolder(settings.out, context.cwd);
  await out.make();
  // Until all is written: an interruption that comes when everything is measured must not cost it.
  using interruption = new Interruption(() => {
    note(context, "Interrupted: keeping what was measured. Once more ends at once.");
  });
  const result = await measure(context, settings, interruption.signal);
  const troubles = await keep(result, out, settings, context);
  show(result, out, context);
  for (const trouble of troubles) writeError(trouble, context);
  const { exitCode } = result.verdict;
  return exitCode === exitCodes.pass ? (troubles[0]?.exitCode ?? exitCode) : exitCode;
}

async function measure(context: CommandContext, settings: Settings, signal: AbortSignal): Promise<ValidationResult> {
  const { flags, cwd, clock, stderr, env } = context;
  const compare = flags.text("compare");
  // Read before anything is measured: whoever waits for minutes should know now that there is none.
  const baseline = compare === undefined ? undefined : await new Baselines(settings.baselines).load(compare);
  const subject = flags.text("platform") ?? "mettle";
  const others = flags.on("versus") ? (await installedPlatforms()).filter((name) => name !== subject) : [];
  const view = new LiveView({
    stream: stderr,
    mode: progressMode(stderr, { quiet: flags.on("quiet"), json: flags.on("json") }),
    color: colorSupport(env, stderr),
    clock,
  });
  try {
    return await validate({
      name: settings.name,
      suites: context.positionals,
      profile: (flags.text("profile") as Profile | undefined) ?? "ci",
      platforms: [subject, ...others],
      phase: Number(flags.text("phase") ?? 1) as Phase,
      service: serviceUnderTest(context),
      ...(baseline && { baseline }),
      cwd,
      clock,
      signal,
      onEvent: (event) => tell(view, event),
    });
  } finally {
    view.close();
    await view.closed();
  }
}

const file = "validate";

/** The catalogue is one piece of work to the view, whose "processes" are scenarios: it then knows the time left. */
function tell(view: LiveView, event: ValidationEvent): void {
  if (event.kind === "planned") {
    const cases = event.scenarios;
    view.handle({ kind: "plan", files: [file], cases: cases.length, unit: "scenario" });
    view.handle({
      kind: "suite-start",
      file,
      suite: "catalogue",
      cases,
      processesMin: event.of,
      processesMax: event.of,
    });
  } else if (event.kind === "started") view.handle({ kind: "case-start", file, case: event.scenario });
  else {
    const { done, of, elapsedMs, leftMs, message = "", scenario } = event;
    if (event.state === "failed")
      view.handle({ kind: "failure", file, failure: { case: scenario, kind: "error", message } });
    view.handle({ kind: "process-done", file, index: done, of, elapsedMs, etaMs: leftMs });
    if (done === of) view.handle({ kind: "done" });
  }
}

/** Keeps run and reports; no trouble with any of them hides the result. */
async function keep(
  result: ValidationResult,
  out: OutputFolder,
  settings: Settings,
  context: CommandContext,
): Promise<MettleError[]> {
  const { run, verdict, ...rest } = result;
  const troubles: MettleError[] = [];
  const attempt = async (action: () => Promise<unknown>): Promise<void> => {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof MettleError)) throw error;
      troubles.push(error);
    }
  };
  await attempt(() => out.writeRun("run.json", run));
  await attempt(() => out.write("validation.json", `${JSON.stringify({ ...rest, verdict }, undefined, 2)}\n`));
  await attempt(() => out.write("summary.md", renderMarkdown(run, verdict, { remarks: remarksOf(result) })));
  await attempt(() => out.write("junit.xml", renderJunit(run, verdict)));
  await attempt(() => writePage(run, verdict, {}, settings, context));
  const name = context.flags.text("save");
  if (name !== undefined) await attempt(() => saveBaseline(name, run, settings, context));
  return troubles;
}

function show(result: ValidationResult, out: OutputFolder, context: CommandContext): void {
  const { run, verdict, recommendations } = result;
  if (context.flags.on("json")) {
    printJson(context, result);
    return;
  }
  const files = {
    report: out.shown(pageFile),
    data: out.shown("run.json"),
    summary: out.shown("summary.md"),
    tests: out.shown("junit.xml"),
  };
  const options = { ...textOptions(context), all: context.flags.on("all"), files, remarks: remarksOf(result) };
  context.stdout.write(renderSummary(run, verdict, options));
  const rules = recommendations.filter(({ kind }) => kind !== "finding");
  for (const { text, because } of rules)
    context.stdout.write(`→ ${text}\n${because.map((fact) => `    ${fact}\n`).join("")}`);
}

/** What the platforms could not be asked for: absent figures are no oversight. */
const remarksOf = ({ results }: ValidationResult): { readonly label: string; readonly text: string }[] =>
  unsupportedText(Object.values(results).flatMap(({ scenarios }) => scenarios)).map((text) => ({
    label: "unsupported",
    text,
  }));
