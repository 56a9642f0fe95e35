import { exitCodes } from "@mettle/core";
import { type BaselineEntry, renderBaselines, renderSummary } from "@mettle/report";
import { Baselines, captureEnvironment, type Run } from "@mettle/results";
import { type CommandContext, note, printJson } from "../command-context.ts";
import { loadSettings, type Settings } from "../config/settings.ts";
import { cliErrors } from "../errors.ts";
import { findRun } from "../run/find-run.ts";
import { textOptions } from "../run/render-text.ts";
import { saveBaseline } from "../run/save-baseline.ts";

/** `mettle baseline save|list|show|delete`. */
export async function run(context: CommandContext): Promise<number> {
  const settings = await loadSettings(context);
  const [action, name, named] = context.positionals;
  if (action === "list") return list(settings, context);
  if (name === undefined) {
    throw cliErrors.create("USAGE_ARGUMENT_MISSING", `mettle baseline ${action ?? ""} needs the name of a baseline.`, {
      next: `For example: mettle baseline ${action ?? "save"} main.`,
    });
  }
  const baselines = new Baselines(settings.baselines);
  if (action === "save") {
    const saved = await saveBaseline(name, await findRun(named, settings, context.cwd), settings, context);
    return saved ? exitCodes.pass : exitCodes.invalidMeasurement;
  }
  if (action === "delete") {
    await baselines.delete(name);
    note(context, `Deleted baseline "${name}".`);
    return exitCodes.pass;
  }
  const baseline = await baselines.load(name);
  if (context.flags.on("json")) printJson(context, baseline);
  else context.stdout.write(renderSummary(baseline, undefined, textOptions(context)));
  return exitCodes.pass;
}

async function list(settings: Settings, context: CommandContext): Promise<number> {
  const baselines = new Baselines(settings.baselines);
  const entries: BaselineEntry[] = [];
  for (const name of await baselines.list()) entries.push(entryOf(name, await baselines.load(name)));
  if (context.flags.on("json")) {
    printJson(context, { schema: "mettle.baselines/1", baselines: entries });
    return exitCodes.pass;
  }
  const { fingerprint } = captureEnvironment({ noiseProbe: false });
  context.stdout.write(renderBaselines(entries, { ...textOptions(context), fingerprint }));
  return exitCodes.pass;
}

const entryOf = (name: string, run: Run): BaselineEntry => ({
  name,
  savedAt: run.startedAt,
  runName: run.name,
  runId: run.id,
  measurements: run.measurements.length,
  fingerprint: run.environment.fingerprint,
  ...(run.revision && { commit: run.revision.commit }),
});
