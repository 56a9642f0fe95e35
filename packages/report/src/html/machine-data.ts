import type { Verdict } from "@mettle/judge";
import type { Run } from "@mettle/results";
import { reportErrors } from "../errors.ts";
import { reportSchema, sorted } from "../json.ts";
import { omit } from "../omit.ts";

/** A browser still filters so many rows within a twentieth of a second; a page of more would help nobody. */
const MOST_MEASUREMENTS = 20_000;
/** Of all series together: what is read and drawn takes about a second. */
const MOST_VALUES = 20_000_000;

/**
 * Refuses what would make a page that nobody can open, before any work is done on it.
 *
 * @throws MettleError `REPORT_TOO_LARGE`
 */
export function checkSize({ measurements }: Run): void {
  const values = measurements.reduce(
    (sum, { series }) => sum + (series ? series.atMs.length * Object.keys(series.values).length : 0),
    0,
  );
  const refuse = (what: string, count: number, most: number): Error =>
    reportErrors.create("REPORT_TOO_LARGE", `The run has ${count} ${what}; a page shows ${most} at most.`, {
      details: { what, count, most },
    });
  if (measurements.length > MOST_MEASUREMENTS) throw refuse("measurements", measurements.length, MOST_MEASUREMENTS);
  if (values > MOST_VALUES) throw refuse("values over time", values, MOST_VALUES);
}

/** A valid run document without what only serves drawing: samples, histograms and series are in the run's own file. */
export function slimRun(run: Run): Run {
  const { comparisons, ...rest } = run;
  return {
    ...rest,
    measurements: run.measurements.map((each) => omit(each, "raw", "histogram", "series")),
    ...(comparisons && { comparisons: comparisons.map((each) => ({ ...each, logRatios: [] })) }),
  };
}

/** Run and verdict for machines, as a page embeds them. */
export function machineData(run: Run, verdict: Verdict | undefined): unknown {
  return {
    schema: reportSchema,
    run: sorted(slimRun(run), "run"),
    ...(verdict && { verdict: sorted(verdict, "verdict") }),
    leftOut: ["measurements[].raw", "measurements[].histogram", "measurements[].series", "comparisons[].logRatios"],
  };
}
