import type { HistorySource } from "@mettle/dashboard";
import { renderHtml } from "@mettle/report";
import type { History, MetricEntry } from "@mettle/results";
import type { CommandContext } from "../command-context.ts";
import type { Settings } from "../config/settings.ts";
import { isJudged, judgeRun, type Yardstick } from "./judge-run.ts";
import { entriesOf, metricHistory, type MetricHistoryOptions } from "./metric-history.ts";
import { pageOptions } from "./write-page.ts";

export interface HistorySourceOptions extends MetricHistoryOptions {
  /** @defaultValue all */
  readonly choose?: (metrics: readonly MetricEntry[]) => readonly MetricEntry[];
}

/** A history as a site shows it: runs are judged by the configuration as it is now. */
export function historySource(
  history: History,
  yardstick: Yardstick,
  settings: Settings,
  context: CommandContext,
  options: HistorySourceOptions = {},
): HistorySource {
  const { branch, choose = (metrics) => metrics } = options;
  const filter = branch === undefined ? {} : { branch };
  return {
    title: settings.name,
    version: () => {
      const [newest] = history.runs({ limit: 1 });
      return newest === undefined ? "" : `${newest.ordinal} ${newest.id}`;
    },
    runs: () => history.runs(filter),
    metrics: () => {
      const entries = entriesOf(history);
      return choose(history.metrics())
        .map((metric) => metricHistory(history, metric, options, entries))
        .filter(({ points }) => points.length > 0);
    },
    report: (id) => {
      const run = history.get(id);
      if (!run) return undefined;
      const verdict = isJudged(yardstick, run) ? judgeRun(run, yardstick, settings, context) : undefined;
      return renderHtml(run, verdict, pageOptions(run, yardstick, settings));
    },
  };
}
