import { type ExitCode, exitCodes, MettleError } from "@mettle/core";
import { type ResolvedPolicy, resolvePolicy, type Verdict } from "@mettle/judge";
import { LoadControl, type LoadPlan, type LoadResult, resolvePlan, type RunLoadOptions } from "@mettle/load";
import {
  colorSupport,
  LoadView,
  progressMode,
  renderJson,
  renderJunit,
  renderMarkdown,
  renderSummary,
} from "@mettle/report";
import { openHistory, type Profile, type Run, runSchema } from "@mettle/results";
import { type CommandContext, note } from "../command-context.ts";
import { loadSettings, type Settings } from "../config/settings.ts";
import { writeError } from "../error-text.ts";
import { Interruption } from "../interrupt.ts";
import { k6Ending } from "../load/k6-end.ts";
import { withK6Variables } from "../load/k6-script.ts";
import { withFlags } from "../load/options.ts";
import { openOutputs } from "../load/outputs.ts";
import type { ControlServer } from "../load/control-server.ts";
import type { LivePage } from "../load/live-page.ts";
import { progressOf } from "../load/progress.ts";
import { isServiceTarget } from "../load/service-target.ts";
import { runTarget } from "../load/run-target.ts";
import { exportSummary } from "../load/summary-export.ts";
import { findTarget, type LoadTarget, namesK6Script } from "../load/target.ts";
import { LiveThresholds, shortestWindowMs, submetricsOf, thresholdsOf } from "../load/thresholds.ts";
import { OutputFolder } from "../output-folder.ts";
import { findYardstick, isJudged, judgeRun, type Yardstick } from "../run/judge-run.ts";
import { textOptions } from "../run/render-text.ts";
import { pageFile, writePage } from "../run/write-page.ts";
import { saveBaseline } from "../run/save-baseline.ts";

/** `mettle load TARGET`: find, load, keep, judge, show. */
export async function run(given: CommandContext): Promise<number> {
  const context = forK6(given);
  const settings = await loadSettings(context);
  const target = await findTarget(context);
  for (const text of target.k6?.notes ?? []) note(context, text);
  const yardstick = withThresholds(await findYardstick(settings), target, context);
  const plan = resolvePlan(withFlags(target.test.options, context, target.k6 !== undefined));
  await using live = await livePage({ name: settings.name, target: target.shown }, plan, context);
  const result = await loadInterruptibly(target, plan, yardstick, settings, context, live);
  const troubles = [...result.troubles, ...(await keep(result, settings, context))];
  const verdict = judgeRun(result.run, yardstick, settings, context);
  const judged = isJudged(yardstick, result.run);
  const exitCode = exitCodeOf(result, judged ? verdict.exitCode : exitCodes.pass, troubles);
  const final = { ...verdict, exitCode };
  const shown = judged || exitCode !== exitCodes.pass;
  const written = await writeReports(result.run, final, settings, context, () =>
    writePage(result.run, shown ? final : undefined, yardstick, settings, context),
  );
  troubles.push(...written.troubles);
  const ending = await endingOf(target, result, final, context);
  troubles.push(...ending.troubles);
  show(result, final, shown, settings, context, ending.text);
  for (const trouble of troubles) writeError(trouble, context);
  await live?.finish(written.page);
  return exitCode === exitCodes.pass ? (troubles[0]?.exitCode ?? exitCode) : exitCode;
}

/** Variables of k6 count only where a script of k6 is run. */
function forK6(context: CommandContext): CommandContext {
  return namesK6Script(context) ? withK6Variables(context) : context;
}

/** What the script of k6 or its flags say instead of our own summary. */
async function endingOf(
  { k6 }: LoadTarget,
  result: LoadResult,
  verdict: Verdict,
  context: CommandContext,
): Promise<{ readonly text?: string; readonly troubles: readonly MettleError[] }> {
  if (context.flags.on("no-summary")) return { text: "", troubles: [] };
  if (!k6) return { troubles: [] };
  try {
    const text = await k6Ending(k6, result, verdict, context);
    return { ...(text !== undefined && { text }), troubles: [] };
  } catch (error) {
    // The script's own summary failed: ours takes its place.
    if (!(error instanceof MettleError)) throw error;
    return { troubles: [error] };
  }
}

/** The policy of the configuration with the thresholds of the script and of the command line. */
function withThresholds(yardstick: Yardstick, { test }: LoadTarget, context: CommandContext): Yardstick {
  const thresholds = thresholdsOf(test.options.thresholds, context);
  const own = context.flags.on("no-thresholds") ? {} : yardstick.policy?.thresholds;
  if (Object.keys(thresholds).length === 0 && !yardstick.policy) return yardstick;
  const policy = { ...yardstick.policy, thresholds: { ...own, ...thresholds } };
  // A misspelt threshold is said now, not after the load.
  resolvePolicy(policy);
  return { ...yardstick, policy };
}

async function loadInterruptibly(
  target: LoadTarget,
  plan: LoadPlan,
  yardstick: Yardstick,
  settings: Settings,
  context: CommandContext,
  live: LivePage | undefined,
): Promise<LoadResult> {
  const policy = resolvePolicy(yardstick.policy ?? {});
  const outputs = openOutputs(context, settings.name);
  using view = viewOf(context);
  using interruption = new Interruption(() => {
    view.note("Interrupted: no more iterations begin; those in flight may end. Once more ends at once.");
  });
  const thresholds = new LiveThresholds(policy, emptyRun(settings.name));
  const control = new LoadControl();
  const address = context.flags.text("control");
  await using controller = address === undefined ? undefined : await listen(address, plan, control);
  if (live) view.note(`The live page: ${live.url}`);
  if (controller) view.note(`Controlled at ${controller.url}/v1/status`);
  const options: Omit<RunLoadOptions, "from"> = {
    name: settings.name,
    plan,
    submetrics: submetricsOf(policy),
    stop: interruption.signal,
    control,
    outputs,
    ...seriesPoints(policy),
    ...profileOf(context),
    onSnapshot: (snapshot) => {
      const judged = thresholds.judge(snapshot);
      controller?.update(snapshot);
      const progress = progressOf(snapshot, { name: settings.name, target: target.shown }, judged);
      view.update(progress);
      live?.update(snapshot, progress, judged);
      const aborting = thresholds.aborting(judged, snapshot.elapsedMs);
      if (!aborting) return "continue";
      view.note(`Aborted: ${aborting.finding?.message ?? aborting.rule.text}`);
      return "abort";
    },
  };
  return await runTarget(target, options, context, (text) => {
    view.note(text);
  });
}

/** The server is read only where it is wanted: `node:http` brings much of Node with it. */
/** The page is read from disk only where it is asked for. */
async function livePage(
  about: { readonly name: string; readonly target: string },
  plan: LoadPlan,
  context: CommandContext,
): Promise<LivePage | undefined> {
  if (context.flags.text("ui") === undefined) return undefined;
  const { openLivePage } = await import("../load/live-page.ts");
  return openLivePage(about, plan, context);
}

async function listen(address: string, plan: LoadPlan, control: LoadControl): Promise<ControlServer> {
  const server = await import("../load/control-server.ts");
  return await server.ControlServer.listen(address, plan, control);
}

function viewOf({ stderr, env, flags, clock }: CommandContext): LoadView {
  return new LoadView({
    stream: stderr,
    mode: progressMode(stderr, { quiet: flags.on("quiet"), json: flags.on("json") }),
    color: colorSupport(env, stderr),
    clock,
  });
}

/** Only tests of a service have profiles. */
function profileOf({ flags, positionals }: CommandContext): { readonly profile?: Profile } {
  const profile = flags.text("profile") as Profile | undefined;
  return isServiceTarget(positionals[0] ?? "") ? { profile: profile ?? "full" } : {};
}

/** Windows need points that lie no further apart than they are long. */
function seriesPoints(policy: ResolvedPolicy): { readonly seriesPoints?: number } {
  return shortestWindowMs(policy) === undefined ? {} : { seriesPoints: 7200 };
}

/** What thresholds are judged in while the run goes on: nothing but measurements matters to them. */
const emptyRun = (name: string): Run => ({
  schema: runSchema,
  id: "00000000-0000-7000-8000-000000000000",
  startedAt: new Date(0).toISOString(),
  durationMs: 0,
  name,
  kind: "load",
  environment: {
    os: { platform: process.platform, release: "", arch: process.arch },
    cpu: { model: "", cores: 1 },
    memoryBytes: 0,
    node: { version: process.version, v8: process.versions.v8, flags: [] },
    fingerprint: "",
  },
  validity: { state: "valid", reasons: [] },
  measurements: [],
});

/** Keeps the run, first in the output folder, where nothing may get lost. @returns what went wrong after it was safe */
async function keep(result: LoadResult, settings: Settings, context: CommandContext): Promise<MettleError[]> {
  const { run, interrupted, aborted } = result;
  const out = new OutputFolder(settings.out, context.cwd);
  await out.writeRun("run.json", run);
  const troubles: MettleError[] = [];
  const attempt = async (action: () => unknown): Promise<void> => {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof MettleError)) throw error;
      troubles.push(error);
    }
  };
  const { history } = settings;
  const name = context.flags.text("save");
  // Half a run, or one whose generator failed, is no point of a history.
  if (history !== undefined && !interrupted && !aborted && run.validity.state !== "invalid") {
    await attempt(() => append(history, run));
  }
  if (name !== undefined) await attempt(() => saveBaseline(name, run, settings, context));
  return troubles;
}

function append(file: string, run: Run): void {
  using history = openHistory(file);
  history.append(run);
}

/** An interruption outranks everything; figures that prove nothing outrank what they seem to say. */
function exitCodeOf(result: LoadResult, judged: ExitCode, troubles: readonly MettleError[]): ExitCode {
  if (result.interrupted) return exitCodes.interrupted;
  if (result.run.validity.state === "invalid") return exitCodes.invalidMeasurement;
  return judged === exitCodes.pass ? (troubles[0]?.exitCode ?? judged) : judged;
}

async function writeReports(
  run: Run,
  verdict: Verdict,
  settings: Settings,
  context: CommandContext,
  makePage: () => Promise<string | undefined>,
): Promise<{ readonly troubles: readonly MettleError[]; readonly page?: string }> {
  const out = new OutputFolder(settings.out, context.cwd);
  try {
    await out.write("summary.md", renderMarkdown(run, verdict));
    await out.write("junit.xml", renderJunit(run, verdict));
    const page = await makePage();
    const exported = context.flags.text("summary-export");
    if (exported !== undefined) await exportSummary(exported, run, verdict, context);
    return { troubles: [], ...(page !== undefined && { page }) };
  } catch (error) {
    if (!(error instanceof MettleError)) throw error;
    return { troubles: [error] };
  }
}

function show(
  result: LoadResult,
  verdict: Verdict,
  judged: boolean,
  settings: Settings,
  context: CommandContext,
  ending: string | undefined,
): void {
  const { flags, stdout, cwd } = context;
  const { run, errors } = result;
  if (flags.on("json")) {
    stdout.write(renderJson(run, verdict));
    return;
  }
  for (const { message, count } of errors.slice(0, 10)) note(context, `! ${count}× ${message}`);
  if (ending !== undefined) {
    stdout.write(ending);
    return;
  }
  const out = new OutputFolder(settings.out, cwd);
  const files = {
    report: out.shown(pageFile),
    data: out.shown("run.json"),
    summary: out.shown("summary.md"),
    tests: out.shown("junit.xml"),
  };
  const shown = judged ? verdict : undefined;
  stdout.write(renderSummary(run, shown, { ...textOptions(context), all: flags.on("all"), files }));
}
