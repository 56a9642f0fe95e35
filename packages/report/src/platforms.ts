import { formatQuantity } from "@mettle/core";
import type { Measurement, Run } from "@mettle/results";
import { metricKey, sharedTagsOf, subjectText, withoutShared } from "./cases.ts";
import { typical } from "./text/case-columns.ts";

/** One quantity on several platforms. */
export interface PlatformRow {
  /** The metric with the tags that tell it from others, without the platform. */
  readonly name: string;
  readonly unit: Measurement["unit"];
  /** Of each platform, in their order; undefined where it was not measured. Medians where there are samples. */
  readonly values: readonly (number | undefined)[];
  /**
   * How many times better the first platform is than the best of the others; under 1, it is behind by that much. Undefined
   * without a figure of its own, of another, or where a ratio says nothing (a zero).
   */
  readonly ahead: number | undefined;
}

export interface PlatformTable {
  /** The one that was to be validated first. */
  readonly platforms: readonly string[];
  readonly rows: readonly PlatformRow[];
}

/** Closer than this two figures of one run are not told apart. */
const EVEN = 0.05;

/** The platforms of a run side by side; undefined when it has only one. Figures that say neither good nor bad are left out. */
export function platformTable(run: Run): PlatformTable | undefined {
  const platforms = [...new Set(run.measurements.flatMap(({ tags }) => tags["platform"] ?? []))];
  if (platforms.length < 2) return undefined;
  const shared = sharedTagsOf(run);
  const found = new Map<string, { of: Measurement; name: string; values: (number | undefined)[] }>();
  for (const measurement of run.measurements) {
    const { platform, ...others } = measurement.tags;
    if (platform === undefined || measurement.direction === "none") continue;
    const key = metricKey(measurement.metric, others);
    const name = subjectText(measurement.metric, withoutShared(others, shared));
    const row = found.get(key) ?? { of: measurement, name, values: platforms.map(() => undefined) };
    row.values[platforms.indexOf(platform)] = typical(measurement);
    found.set(key, row);
  }
  const rows = [...found.values()].map(({ of, name, values }): PlatformRow => {
    return { name, unit: of.unit, values, ahead: aheadOf(values, of.direction) };
  });
  return { platforms, rows: rows.filter(({ values }) => values.filter((value) => value !== undefined).length > 1) };
}

function aheadOf(
  [own, ...others]: readonly (number | undefined)[],
  direction: Measurement["direction"],
): number | undefined {
  const known = others.filter((value) => value !== undefined);
  if (own === undefined || known.length === 0) return undefined;
  const best = direction === "lower" ? Math.min(...known) : Math.max(...known);
  if (!(own > 0 && best > 0)) return undefined;
  return direction === "lower" ? best / own : own / best;
}

/** Where the first platform stands, in words. A comparison that is lost is said to be. */
export function standing({ ahead }: PlatformRow): {
  readonly text: string;
  readonly is: "ahead" | "even" | "lost" | "";
} {
  if (ahead === undefined) return { text: "", is: "" };
  if (Math.abs(Math.log(ahead)) <= Math.log1p(EVEN)) return { text: "even", is: "even" };
  const times = (ratio: number): string => formatQuantity(ratio, "1").trim();
  return ahead > 1
    ? { text: `${times(ahead)} × ahead`, is: "ahead" }
    : { text: `lost, ${times(1 / ahead)} ×`, is: "lost" };
}

/** What the table adds up to. */
export function standings({ rows, platforms }: PlatformTable): string {
  const count = (is: string): number => rows.filter((row) => standing(row).is === is).length;
  return `${platforms[0]} against the best of the others in this run: ahead in ${count("ahead")}, even in ${count("even")}, lost in ${count("lost")}`;
}
