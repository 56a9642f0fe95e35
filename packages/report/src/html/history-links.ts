import type { MetricHistory } from "../text/history.ts";

/** What the pages of a site lead to, as addresses relative to the page; undefined where there is none. */
export interface HistoryLinks {
  readonly index: string;
  metric(history: MetricHistory): string | undefined;
  run(id: string): string | undefined;
}
