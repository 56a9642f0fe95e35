import { formatTime } from "../provenance.ts";
import { type Cell, layoutTable } from "./table.ts";
import { type TextOptions, textContext } from "./summary.ts";
import { guardLines, visibleText } from "./visible.ts";

/** A saved baseline, as much of it as a list shows. */
export interface BaselineEntry {
  readonly name: string;
  /** ISO 8601. */
  readonly savedAt: string;
  readonly runName: string;
  readonly runId: string;
  readonly measurements: number;
  readonly commit?: string;
  /** Of the environment it was measured in. */
  readonly fingerprint: string;
}

export interface BaselineListOptions extends TextOptions {
  /** Of this machine; baselines of others are marked, since their times do not compare. */
  readonly fingerprint?: string;
}

/** The saved baselines as a table, in the order given. */
export function renderBaselines(baselines: readonly BaselineEntry[], options: BaselineListOptions = {}): string {
  const context = textContext(options);
  if (baselines.length === 0) return "   No baselines are saved. Save one with: mettle bench --save NAME\n";
  const text = (textOf: (entry: BaselineEntry) => string): Cell[] =>
    baselines.map((entry) => ({ text: visibleText(textOf(entry)) }));
  const machine = baselines.map(({ fingerprint }): Cell => {
    if (options.fingerprint === undefined) return { text: visibleText(fingerprint) };
    return fingerprint === options.fingerprint
      ? { text: "this machine", tone: "good" }
      : { text: `other (${visibleText(fingerprint)})`, tone: "warn" };
  });
  const { lines } = layoutTable(
    [
      { title: "baseline", align: "left", cells: text(({ name }) => name), shrinkTo: 12 },
      { title: "saved", align: "left", cells: text(({ savedAt }) => formatTime(savedAt)) },
      { title: "commit", align: "left", cells: text(({ commit }) => commit?.slice(0, 7) ?? "") },
      { title: "run", align: "left", cells: text(({ runName }) => runName), shrinkTo: 10 },
      { title: "metrics", align: "right", cells: text(({ measurements }) => String(measurements)), dropOrder: 1 },
      { title: "measured on", align: "left", cells: machine, shrinkTo: 12 },
      { title: "run id", align: "left", cells: text(({ runId }) => runId), dropOrder: 2 },
    ],
    { ...context, indent: 3 },
  );
  return guardLines(`${lines.join("\n")}\n`);
}
