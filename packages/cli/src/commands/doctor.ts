import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { measureBenchmarks } from "@mettle/bench";
import { exitCodes } from "@mettle/core";
import { visibleText } from "@mettle/report";
import { captureEnvironment } from "@mettle/results";
import { type CommandContext, printJson } from "../command-context.ts";
import { Interruption } from "../interrupt.ts";
import {
  type CheckState,
  environmentChecks,
  type MachineCheck,
  selfCheckChecks,
  toolChecks,
} from "../machine-checks.ts";
import { writeError } from "../error-text.ts";
import { withProgress } from "../run/measure.ts";

/** Enough for a dozen processes, so that what identical code shows is not one process's fate. */
const SECONDS = 5;
const marks: Readonly<Record<CheckState, string>> = { good: "✓", note: "!", bad: "✗" };

/** `mettle doctor`. */
export async function run(context: CommandContext): Promise<number> {
  using interruption = new Interruption();
  const environment = captureEnvironment({ clock: context.clock });
  const { result } = await withProgress(context, (onEvent) =>
    measureBenchmarks({
      name: "doctor",
      files: [selfCheckFile()],
      cwd: context.cwd,
      profile: "ci",
      plan: { secondsPerSuite: context.flags.number("seconds") ?? SECONDS, memory: false },
      signal: interruption.signal,
      onEvent,
      clock: context.clock,
    }),
  );
  if (result.interrupted) return exitCodes.interrupted;
  for (const problem of result.problems) writeError(problem, context);
  const checks = [...environmentChecks(environment), ...toolChecks(), ...selfCheckChecks(result.comparisons[0])];
  const fit = checks.every(({ state }) => state !== "bad");
  const [comparison] = result.comparisons;
  if (context.flags.on("json")) {
    const detectable = comparison?.selfCheck?.detectable;
    printJson(context, { schema: "mettle.doctor/1", fit, checks, detectable, environment });
  } else context.stdout.write(text(checks, fit));
  return fit ? exitCodes.pass : exitCodes.invalidMeasurement;
}

function text(checks: readonly MachineCheck[], fit: boolean): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.map(({ name, state, text }) => ` ${marks[state]} ${name.padEnd(width)}  ${visibleText(text)}`);
  const notes = checks.filter(({ state }) => state === "note").length;
  const end = fit
    ? `This machine can measure${notes > 0 ? ", with the remarks above" : ""}.`
    : "This machine is not fit to measure on now: see what is marked ✗.";
  return `${[...lines, "", ` ${end}`].join("\n")}\n`;
}

function selfCheckFile(): string {
  const built = fileURLToPath(new URL("../self-check.bench.js", import.meta.url));
  return existsSync(built) ? built : fileURLToPath(new URL("../self-check.bench.ts", import.meta.url));
}
