import { pathToFileURL } from "node:url";
import {
  caseInstructionArguments,
  discover,
  type FlameNode,
  type InstructionsMeasurement,
  measureBenchmarks,
  measureInstructions,
  type ProfileCaseOptions,
  profileCaseCpu,
  profileCaseHeap,
  safeFileName,
  topFunctions,
  writeCpuProfile,
  writeHeapProfile,
} from "@mettle/bench";
import { exitCodes, formatQuantity } from "@mettle/core";
import { renderFlamePage, visibleText } from "@mettle/report";
import type { Measurement } from "@mettle/results";
import { type CommandContext, printJson } from "../command-context.ts";
import { loadSettings } from "../config/settings.ts";
import { cliErrors } from "../errors.ts";
import { Interruption } from "../interrupt.ts";
import { OutputFolder } from "../output-folder.ts";
import { findFiles } from "../run/find-files.ts";
import { scaled } from "../run/profiles.ts";
import { withProgress } from "../run/measure.ts";
import { writeError } from "../error-text.ts";

const isTime = ({ unit, summary }: Measurement): boolean => unit === "ns" && summary.p50 !== undefined;
const typicalNs = (measurements: readonly Measurement[]): number | undefined => measurements.find(isTime)?.summary.p50;

const SHOWN_FUNCTIONS = 12;

interface Profiled {
  readonly flame: FlameNode;
  readonly unit: "ns" | "bytes";
  /** Names in the output folder. */
  readonly files: readonly string[];
}

/** `mettle profile FILE`: first the time, then the profile, each in processes of their own. */
export async function run(context: CommandContext): Promise<number> {
  const settings = await loadSettings(context);
  const { flags, cwd } = context;
  const [file = ""] = await findFiles({ cwd, named: context.positionals });
  const nodeFlags = flags.words("node-flags") ?? settings.config.bench?.nodeFlags ?? [];
  const id = await chooseCase(file, nodeFlags, context);
  using interruption = new Interruption();
  const { signal } = interruption;
  const options: ProfileCaseOptions = {
    file,
    case: id,
    cwd,
    nodeFlags,
    signal,
    durationMs: (flags.number("seconds") ?? 2) * 1000,
  };
  const measured = await withProgress(context, (onEvent) =>
    measureBenchmarks({
      name: settings.name,
      files: [file],
      filter: id,
      cwd,
      profile: "smoke",
      nodeFlags,
      signal,
      onEvent,
      clock: context.clock,
    }),
  );
  if (signal.aborted) return exitCodes.interrupted;
  for (const problem of measured.result.problems) writeError(problem, context);
  const failed = measured.result.problems[0];
  if (failed) return failed.exitCode;
  const out = new OutputFolder(settings.out, cwd);
  try {
    const profiled = await profile(options, flags.on("heap"), out);
    const instructions = flags.on("instructions")
      ? await countInstructions(options, typicalNs(measured.run.measurements) ?? 1000)
      : undefined;
    show(id, profiled, measured.run.measurements, instructions, out, context);
    return exitCodes.pass;
  } catch (error) {
    if (signal.aborted) return exitCodes.interrupted;
    throw error;
  }
}

async function chooseCase(file: string, nodeFlags: readonly string[], context: CommandContext): Promise<string> {
  const filter = context.flags.text("filter");
  const suites = await discover(file, { cwd: context.cwd, nodeFlags }, filter);
  const ids = suites.flatMap(({ cases }) => cases.map(({ id }) => id));
  const exact = ids.filter((id) => id === filter);
  const [chosen, ...others] = exact.length > 0 ? exact : ids;
  if (chosen !== undefined && others.length === 0) return chosen;
  const found =
    ids.length === 0
      ? "none"
      : `${ids
          .slice(0, 10)
          .map((id) => JSON.stringify(id))
          .join(", ")}${ids.length > 10 ? " …" : ""}`;
  throw cliErrors.create(
    "PROFILE_CASE_AMBIGUOUS",
    `One benchmark at a time is profiled; ${filter === undefined ? "the file has" : `${JSON.stringify(filter)} matches`} ${found}.`,
    {
      details: { file, filter, cases: ids },
    },
  );
}

async function profile(options: ProfileCaseOptions, heap: boolean, out: OutputFolder): Promise<Profiled> {
  const stem = safeFileName(options.case);
  const html = `${stem}${heap ? "_heap" : ""}_flame.html`;
  if (heap) {
    const profiled = await profileCaseHeap(options);
    const { profile, totals } = await out.writing(out.path, () => writeHeapProfile(out.path, options.case, profiled));
    await out.write(html, renderFlamePage(profiled.flame, { title: options.case, unit: "bytes" }));
    return { flame: profiled.flame, unit: "bytes", files: [profile, totals, html] };
  }
  const profiled = await profileCaseCpu(options);
  const { profile, totals } = await out.writing(out.path, () => writeCpuProfile(out.path, options.case, profiled));
  // The page draws milliseconds.
  await out.write(html, renderFlamePage(scaled(profiled.flame, 1e-6), { title: options.case, unit: "ms" }));
  return { flame: profiled.flame, unit: "ns", files: [profile, totals, html] };
}

/** valgrind slows Node down some fiftyfold: so much of the body's own time keeps three pairs of processes at one to two minutes. */
const COUNTED_NS = 40e6;

function countInstructions(options: ProfileCaseOptions, medianNs: number): Promise<InstructionsMeasurement> {
  const { file, case: id, nodeFlags, cwd, signal } = options;
  const many = Math.min(120_000, Math.max(60, Math.round(COUNTED_NS / Math.max(1, medianNs))));
  return measureInstructions({
    argumentsFor: caseInstructionArguments({ file, case: id, ...(nodeFlags && { nodeFlags }) }, Math.ceil(many / 6)),
    iterations: [Math.ceil(many / 6), many],
    cwd,
    ...(signal && { signal }),
  });
}

function show(
  id: string,
  { flame, unit, files }: Profiled,
  measurements: readonly Measurement[],
  instructions: InstructionsMeasurement | undefined,
  out: OutputFolder,
  context: CommandContext,
): void {
  const shownFiles = files.map((file) => out.shown(file));
  const functions = topFunctions(flame, SHOWN_FUNCTIONS);
  const time = measurements.find(isTime);
  if (context.flags.on("json")) {
    const measuredTime = time && { metric: time.metric, summary: time.summary, interval: time.interval };
    printJson(context, {
      schema: "mettle.profile/1",
      case: id,
      unit,
      total: flame.total,
      functions,
      time: measuredTime,
      instructions,
      files: shownFiles,
    });
    return;
  }
  const rows = functions.map(({ self, selfShare, total, name, location }) => {
    const columns = [formatQuantity(self, unit), `${(selfShare * 100).toFixed(1)} %`, formatQuantity(total, unit)];
    return `${columns.map((text) => text.padStart(10)).join(" ")}  ${visibleText(name)}${location ? `  ${visibleText(shortLocation(location, context.cwd))}` : ""}`;
  });
  const median = time?.summary.p50;
  const lines = [
    ` ${visibleText(id)}`,
    ...(median === undefined ? [] : [`   ${formatQuantity(median, "ns")} median, measured without the profiler`]),
    ...instructionLines(instructions),
    "",
    `${["self", "share", "total"].map((text) => text.padStart(10)).join(" ")}  function`,
    ...rows,
    "",
    ...shownFiles.map((file) => `   ${file}`),
  ];
  context.stdout.write(`${lines.join("\n")}\n`);
}

function instructionLines(measured: InstructionsMeasurement | undefined): string[] {
  if (!measured) return [];
  if (measured.state === "absent") return [`   instructions not counted: ${measured.reason}`];
  const { low, high } = measured.spread;
  const text = [measured.instructionsPerOperation, low, high].map((value) => formatQuantity(value, "instructions"));
  return [`   ${text[0] ?? ""} per operation (${text[1] ?? ""} … ${text[2] ?? ""}), by callgrind`];
}

/** A file of this project by its path from here: whole URLs do not fit a terminal. */
function shortLocation(location: string, cwd: string): string {
  const here = `${pathToFileURL(cwd).href}/`;
  return location.startsWith(here) ? location.slice(here.length) : location;
}
