import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { exitCodes, messageOf } from "@mettle/core";
import { renderSummary } from "@mettle/report";
import {
  captureEnvironment,
  type GithubActionBenchmarkTool,
  type ImportOptions,
  importBencher,
  importCsv,
  importGithubActionBenchmark,
  importK6Csv,
  importK6Json,
  importK6Summary,
  openHistory,
  type Run,
  resultsErrors,
} from "@mettle/results";
import { type CommandContext, note, printJson, warn } from "../command-context.ts";
import { loadSettings } from "../config/settings.ts";
import { cliErrors } from "../errors.ts";
import { OutputFolder } from "../output-folder.ts";
import { textOptions } from "../run/render-text.ts";
import { saveBaseline } from "../run/save-baseline.ts";

type Importer = (file: string, options: ImportOptions, context: CommandContext) => Promise<Run>;

const importers: Readonly<Record<string, Importer>> = {
  "k6-json": (file, options) => importK6Json(createReadStream(file), options),
  "k6-csv": (file, options) => importK6Csv(createReadStream(file), options),
  "k6-summary": async (file, options) => importK6Summary(await readFile(file, "utf8"), options),
  bencher: async (file, options) => importBencher(await readFile(file, "utf8"), options),
  csv: (file, options) => importCsv(createReadStream(file), options),
  "github-action-benchmark": async (file, options, { flags }) => {
    const tool = (flags.text("tool") ?? "customSmallerIsBetter") as GithubActionBenchmarkTool;
    return importGithubActionBenchmark(await readFile(file, "utf8"), tool, options);
  },
};

/** `mettle import FILE --from FORMAT`: a run document of it, in the output folder and in the history. */
export async function run(context: CommandContext): Promise<number> {
  const settings = await loadSettings(context);
  const imported = await importRun(context);
  const out = new OutputFolder(settings.out, context.cwd);
  await out.writeRun("run.json", imported);
  if (settings.history !== undefined) {
    using history = openHistory(settings.history);
    history.append(imported);
  }
  const name = context.flags.text("save");
  if (name !== undefined) await saveBaseline(name, imported, settings, context);
  const lost = imported.imported?.lost ?? [];
  if (lost.length > 0) warn(context, `Not in the file, or not kept: ${lost.join("; ")}.`);
  note(
    context,
    `Wrote ${out.shown("run.json")}. The file does not say where it was measured: this machine is assumed.`,
  );
  if (context.flags.on("json")) printJson(context, imported);
  else context.stdout.write(renderSummary(imported, undefined, textOptions(context)));
  return exitCodes.pass;
}

async function importRun(context: CommandContext): Promise<Run> {
  const { flags, positionals, cwd, clock } = context;
  const format = flags.text("from");
  const importer = format === undefined ? undefined : importers[format];
  if (!importer) {
    const known = Object.keys(importers).join(", ");
    throw cliErrors.create("USAGE_ARGUMENT_MISSING", "mettle import needs the file's format.", {
      next: `Add --from with one of ${known}.`,
    });
  }
  const file = resolve(cwd, positionals[0] ?? "");
  const name = flags.text("name");
  const environment = captureEnvironment({ noiseProbe: false, clock });
  try {
    return await importer(
      file,
      { environment, source: basename(file), clock, ...(name !== undefined && { name }) },
      context,
    );
  } catch (cause) {
    if (!(cause instanceof Error && "syscall" in cause)) throw cause;
    throw resultsErrors.create("RUN_UNREADABLE", `Cannot read ${file}: ${messageOf(cause)}.`, {
      details: { path: file },
      cause,
    });
  }
}
