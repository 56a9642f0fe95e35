import { MettleError } from "@mettle/core";
import { assessHistory, type HistorySeries, type Verdict } from "@mettle/judge";
import { type HtmlOptions, type MetricHistory, renderHtml } from "@mettle/report";
import type { Run } from "@mettle/results";
import { type CommandContext, warn } from "../command-context.ts";
import type { Settings } from "../config/settings.ts";
import { OutputFolder } from "../output-folder.ts";
import { seriesUpTo } from "./history-series.ts";
import { profilesOf } from "./profiles.ts";
import type { Yardstick } from "./judge-run.ts";

/** Searching a history for changes takes a few milliseconds; a page shows two dozen. */
const SEARCHED_METRICS = 100;

export const pageFile = "report.html";

/**
 * Writes the page beside the other files. A run that is too large for one is told, and is no reason to fail: its other
 * files are there.
 *
 * @param verdict - undefined when nothing judged the run
 * @returns the page; undefined where there is none
 * @throws MettleError `OUTPUT_WRITE_FAILED`, and what reading the history throws
 */
export async function writePage(
  run: Run,
  verdict: Verdict | undefined,
  yardstick: Yardstick,
  settings: Settings,
  context: CommandContext,
): Promise<string | undefined> {
  try {
    const profiles = profilesOf(run, settings.out, context);
    const page = renderHtml(run, verdict, { ...pageOptions(run, yardstick, settings), profiles });
    await new OutputFolder(settings.out, context.cwd).write(pageFile, page);
    return page;
  } catch (error) {
    if (!(error instanceof MettleError && error.code === "REPORT_TOO_LARGE")) throw error;
    warn(context, `No ${pageFile}: ${error.message} ${error.next}`);
    return undefined;
  }
}

/** What a page shows beside the run: the baseline it was compared with, and what came before it. */
export function pageOptions(run: Run, { baseline }: Yardstick, { history }: Settings): HtmlOptions {
  const series = history === undefined ? [] : seriesUpTo(run, history).filter(({ points }) => points.length > 1);
  return {
    ...(baseline && { baseline }),
    ...(series.length > 0 && { history: series.map((each, i) => withChanges(each, i < SEARCHED_METRICS)) }),
  };
}

const withChanges = (series: HistorySeries, isSearched: boolean): MetricHistory => ({
  ...series,
  ...(isSearched ? changesIn(series.points, series.direction) : {}),
});

/** Too short a history is not searched: absent, which is not the same as no change. */
export function changesIn(
  points: HistorySeries["points"],
  direction: MetricHistory["direction"],
): Pick<MetricHistory, "changePoints"> {
  if (direction === "none") return {};
  const assessment = assessHistory(points, direction);
  if (assessment.insufficientHistory) return {};
  const changePoints = assessment.statistical.flatMap(({ index, before, after, worse }) =>
    before === 0 ? [] : [{ index, ratio: after / before, outcome: worse ? ("worse" as const) : ("better" as const) }],
  );
  return { changePoints };
}
