import { writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Verdict } from "@mettle/judge";
import { type K6Script, type LoadResult, summaryDataOf, textSummary, type SummaryData } from "@mettle/load";
import { colorSupport } from "@mettle/report";
import { makeFolder } from "@mettle/results";
import type { CommandContext } from "../command-context.ts";
import { OutputFolder } from "../output-folder.ts";
import { thresholdOutcomes } from "./summary-export.ts";

/** What stands at the end of a run of a k6 script in place of our own summary; undefined where ours is to be shown. */
export async function k6Ending(
  script: K6Script,
  { run, setupData }: LoadResult,
  verdict: Verdict,
  context: CommandContext,
): Promise<string | undefined> {
  const { flags, stdout, stderr, env } = context;
  const data = summaryDataOf(run, {
    options: script.options,
    thresholds: thresholdOutcomes(verdict),
    setupData,
    noColor: !colorSupport(env, stdout),
    isStdOutTTY: stdout.isTTY ?? false,
    isStdErrTTY: stderr.isTTY ?? false,
  });
  if (script.handleSummary) return handled(await script.handleSummary(data), context);
  return flags.on("k6-summary") || flags.text("summary-mode") !== undefined ? `${textOf(data)}\n` : undefined;
}

const textOf = (data: SummaryData): string => textSummary(data, { indent: " " });

/** Writes what `handleSummary` returned; its text for stdout is returned, empty where there is none. */
async function handled(
  outputs: Readonly<Record<string, string | ArrayBuffer>>,
  { cwd, stderr }: CommandContext,
): Promise<string> {
  const folder = new OutputFolder(cwd, cwd);
  const read = (content: string | ArrayBuffer): string =>
    typeof content === "string" ? content : new TextDecoder().decode(content);
  let shown = "";
  for (const [name, content] of Object.entries(outputs)) {
    if (name === "stdout") shown += read(content);
    else if (name === "stderr") stderr.write(read(content));
    else {
      const path = resolve(cwd, name);
      await folder.writing(path, async () => {
        await makeFolder(dirname(path));
        await writeFile(path, typeof content === "string" ? content : new Uint8Array(content));
      });
    }
  }
  return shown;
}
