/**
 * The table of a results file.
 *
 *   node -C mettle-source bench/detect/report.ts detect.ndjson [--markdown] [--max-load 3]
 *
 * `--max-load` leaves out trials that ended under a higher load average, the experiment's own share included.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { wilsonInterval } from "@mettle/stats";
import { harnesses, modes, pairs, parseLines, settings, tests, type TrialLine } from "./trial.ts";
import { workloads } from "./workloads.ts";

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** `12/30 (25–58 %)`: how many, and the 95 % interval of the share. Nothing where no trial was made. */
function shareOf(lines: readonly TrialLine[], holds: (line: TrialLine) => boolean): string {
  if (lines.length === 0) return "";
  const count = lines.filter(holds).length;
  const interval = wilsonInterval(count, lines.length);
  const [low, high] = [interval.low, interval.high].map((share) => Math.round(100 * share));
  return `${count}/${lines.length} (${low}–${high} %)`;
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const columns = [
  "harness",
  "settings",
  "mode",
  "workload",
  "test",
  "A/A flagged",
  "beyond 1 %",
  "1 % found",
  "2 % found",
  "beyond 1 %",
  "seconds",
];

/**
 * One row for each harness, settings, mode, workload and test that has trials. A slow-down counts as found only when
 * what is flagged is slower: a claim that the slower function is the faster one is no find.
 */
export function tabulate(lines: readonly TrialLine[]): Table {
  const rows: string[][] = [];
  for (const harness of harnesses)
    for (const setting of settings)
      for (const mode of modes)
        for (const workload of workloads)
          for (const test of tests) {
            const own = lines.filter(
              (line) =>
                line.harness === harness &&
                line.settings === setting &&
                line.mode === mode &&
                line.workload === workload &&
                line.test === test,
            );
            if (own.length === 0) continue;
            const [same, one, two] = pairs.map((pair) => own.filter((line) => line.pair === pair));
            const found = (line: TrialLine): boolean => line.flagged && line.ratio > 1;
            const foundBeyond = (line: TrialLine): boolean => line.flaggedBeyondMargin && line.ratio > 1;
            rows.push([
              harness,
              setting,
              mode,
              workload,
              test,
              shareOf(same!, (line) => line.flagged),
              shareOf(same!, (line) => line.flaggedBeyondMargin),
              shareOf(one!, found),
              shareOf(two!, found),
              shareOf(two!, foundBeyond),
              medianOf(own.map((line) => line.seconds)).toFixed(1),
            ]);
          }
  return { columns, rows };
}

export function renderText({ columns, rows }: Table): string {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map((row) => row[i]!.length)));
  const render = (row: readonly string[]): string =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd();
  return [render(columns), ...rows.map(render)].join("\n");
}

export function renderMarkdown({ columns, rows }: Table): string {
  const render = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
  return [render(columns), render(columns.map(() => "---")), ...rows.map(render)].join("\n");
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { markdown: { type: "boolean" }, "max-load": { type: "string", default: "Infinity" } },
  });
  const maxLoad = Number(values["max-load"]);
  const all = positionals.flatMap((path) => parseLines(readFileSync(path, "utf8")));
  const lines = all.filter((line) => line.load <= maxLoad);
  if (lines.length === 0)
    throw new Error(`No trials at a load of at most ${maxLoad} in the files named (${all.length} lines).`);
  const loads = lines.map((line) => line.load);
  console.log((values.markdown ? renderMarkdown : renderText)(tabulate(lines)));
  console.log(
    `\nLoad average while measuring: median ${medianOf(loads).toFixed(1)}, largest ${Math.max(...loads).toFixed(1)}; ${all.length - lines.length} of ${all.length} lines left out.`,
  );
}
