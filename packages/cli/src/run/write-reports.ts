import { MettleError } from "@mettle/core";
import type { Verdict } from "@mettle/judge";
import { renderJunit, renderMarkdown } from "@mettle/report";
import type { Run } from "@mettle/results";
import type { CommandContext } from "../command-context.ts";
import type { Settings } from "../config/settings.ts";
import { OutputFolder } from "../output-folder.ts";
import type { Yardstick } from "./judge-run.ts";
import { pageFile, writePage } from "./write-page.ts";

export interface WrittenReports {
  /** Files that are there, by what they are, as the summary names them. */
  readonly files: Readonly<Record<string, string>>;
  /** What could not be written; a full disk must not hide the answer. */
  readonly troubles: readonly MettleError[];
}

/**
 * Writes the page, the Markdown summary and JUnit, each whether or not the others could be written.
 *
 * @param judged - whether anything was asked of the run; a page without claims no verdict
 */
export async function writeReports(
  run: Run,
  verdict: Verdict,
  judged: boolean,
  yardstick: Yardstick,
  settings: Settings,
  context: CommandContext,
): Promise<WrittenReports> {
  const out = new OutputFolder(settings.out, context.cwd);
  const files: Record<string, string> = {};
  const troubles: MettleError[] = [];
  const attempt = async (label: string, name: string, write: () => Promise<boolean>): Promise<void> => {
    try {
      if (await write()) files[label] = out.shown(name);
    } catch (error) {
      if (!(error instanceof MettleError)) throw error;
      troubles.push(error);
    }
  };
  const written = (name: string, content: string) => async (): Promise<boolean> => {
    await out.write(name, content);
    return true;
  };
  await attempt("report", pageFile, async () => {
    return (await writePage(run, judged ? verdict : undefined, yardstick, settings, context)) !== undefined;
  });
  await attempt("summary", "summary.md", written("summary.md", renderMarkdown(run, verdict)));
  await attempt("tests", "junit.xml", written("junit.xml", renderJunit(run, verdict)));
  return { files, troubles };
}

/** Each trouble once: what refuses one file refuses it again. */
export function distinct(troubles: readonly MettleError[]): MettleError[] {
  const byText = new Map(troubles.map((trouble) => [`${trouble.code} ${trouble.message}`, trouble]));
  return [...byText.values()];
}
