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
  conclusion,
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
  const [comparison] = result.comparisons;
  const detectable = comparison?.selfCheck?.detectable;
  const checks = [...environmentChecks(environment, detectable), ...toolChecks(), ...selfCheckChecks(comparison)];
  const fit = checks.every(({ state }) => state !== "bad");
  if (context.flags.on("json")) {
    printJson(context, { schema: "mettle.doctor/1", fit, checks, detectable, environment });
  } else context.stdout.write(text(checks, detectable));
  return fit ? exitCodes.pass : exitCodes.invalidMeasurement;
}

function text(checks: readonly MachineCheck[], detectable: number | undefined): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.map(({ name, state, text }) => ` ${marks[state]} ${name.padEnd(width)}  ${visibleText(text)}`);
  return `${[...lines, "", ` ${conclusion(checks, detectable)}`].join("\n")}\n`;
}

function selfCheckFile(): string {
  const built = fileURLToPath(new URL("../self-check.bench.js", import.meta.url));
  return existsSync(built) ? built : fileURLToPath(new URL("../self-check.bench.ts", import.meta.url));
}
