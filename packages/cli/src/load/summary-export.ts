import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Verdict } from "@mettle/judge";
import { k6Name, k6SummaryExport } from "@mettle/load";
import type { Run } from "@mettle/results";
import type { CommandContext } from "../command-context.ts";
import { OutputFolder } from "../output-folder.ts";

/** Whether each threshold held, by k6's name of its metric and the rule as written. */
export function thresholdOutcomes(verdict: Verdict): Record<string, Record<string, boolean>> {
  const outcomes: Record<string, Record<string, boolean>> = {};
  for (const { kind, metric, tags = {}, rule, state } of verdict.findings) {
    if (kind === "threshold" && metric !== undefined)
      (outcomes[k6Name(metric, tags)] ??= {})[rule] = state === "passed";
  }
  return outcomes;
}

/** Writes the end of a run as k6's summary JSON; a threshold's `true` means missed there, as in k6. */
export async function exportSummary(file: string, run: Run, verdict: Verdict, { cwd }: CommandContext): Promise<void> {
  const missed = Object.fromEntries(
    Object.entries(thresholdOutcomes(verdict)).map(([metric, rules]) => [
      metric,
      Object.fromEntries(Object.entries(rules).map(([rule, held]) => [rule, !held])),
    ]),
  );
  const text = `${JSON.stringify(k6SummaryExport(run, missed), null, 2)}\n`;
  const path = resolve(cwd, file);
  await new OutputFolder(cwd, cwd).writing(path, () => writeFile(path, text));
}
