import type { MetricHistory } from "../text/history.ts";

/** What the pages of a site lead to, as addresses relative to the page; undefined where there is none. */
export interface HistoryLinks {
  readonly index: string;
  metric(history: MetricHistory): string | undefined;
  run(id: string): string | undefined;
}

/** Its last move was for the worse; it moved; it stayed; nobody looked. */
export function rank({ changePoints }: MetricHistory): number {
  if (changePoints === undefined) return 3;
  const last = changePoints.at(-1);
  if (!last) return 2;
  return last.outcome === "worse" ? 0 : 1;
}
