import type { Comparison, Measurement, Run, SelfCheck } from "@mettle/results";
import { counted } from "./text/words.ts";

/** What a measurement says of a benchmark case. */
export type CaseQuantity = "time" | "rate" | "allocated" | "offHeap" | "gcCount" | "gcTime";

/** One benchmark case: the measurements that share a name and tags, each in its place. */
export interface BenchCase {
  /** The metric without the part that names the quantity. */
  readonly name: string;
  /** Without the tags that all cases share. */
  readonly tags: Readonly<Record<string, string>>;
  readonly measurements: Readonly<Partial<Record<CaseQuantity, Measurement>>>;
  /** Of the time if there is one, otherwise the first that was made for any of the case's metrics. */
  readonly comparison?: Comparison;
}

export interface CaseTable {
  readonly cases: readonly BenchCase[];
  /** Tags that every case has with the same value; empty with one case. */
  readonly sharedTags: Readonly<Record<string, string>>;
  /** Measurements that belong to no case: counts, records of other quantities. Nothing measured is left out. */
  readonly others: readonly Measurement[];
  /** Comparisons that belong to no measurement of a case. */
  readonly otherComparisons: readonly Comparison[];
}

/** The last parts of a metric that name a quantity, and the unit that it then must have. */
const quantities: readonly (readonly [CaseQuantity, RegExp, string])[] = [
  ["gcCount", /\.gc(?:[._-]?(?:count|runs|collections|cycles))?$/, "count"],
  ["gcTime", /\.gc(?:[._-]?(?:pause|time|duration|pauses))?$/, "ns"],
  ["time", /\.(?:time|duration|latency)$/, "ns"],
  ["rate", /\.(?:throughput|rate|iterations)$/, "1/s"],
  ["offHeap", /\.allocated[._-]off[._-]?heap$/, "bytes"],
  ["allocated", /\.(?:allocated|allocation|allocations|bytes|memory)$/, "bytes"],
];

interface Place {
  readonly name: string;
  readonly quantity: CaseQuantity;
}

function placeOf({ metric, unit }: { readonly metric: string; readonly unit: string }): Place | undefined {
  const known = quantities.find(([, ending, of]) => of === unit && ending.test(metric));
  if (known) return { name: metric.replace(known[1], ""), quantity: known[0] };
  return unit === "ns" ? { name: metric, quantity: "time" } : undefined;
}

/** A text that two sets of tags share exactly when they are equal. */
function tagKey(tags: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

export const metricKey = (metric: string, tags: Readonly<Record<string, string>>): string => `${tagKey(tags)}${metric}`;

/** Gathers the measurements of a benchmark run into one row per case, in the order measured. */
export function caseTable(run: Run): CaseTable {
  const drafts = new Map<
    string,
    { name: string; tags: Measurement["tags"]; measurements: Partial<Record<CaseQuantity, Measurement>> }
  >();
  const others: Measurement[] = [];
  for (const measurement of run.measurements) {
    const place = placeOf(measurement);
    const key = place && metricKey(place.name, measurement.tags);
    const draft = key === undefined ? undefined : drafts.get(key);
    if (!place || key === undefined || draft?.measurements[place.quantity]) others.push(measurement);
    else if (draft) draft.measurements[place.quantity] = measurement;
    else drafts.set(key, { name: place.name, tags: measurement.tags, measurements: { [place.quantity]: measurement } });
  }
  // A case is something timed: a group that has only bytes or a count is no row of its own.
  const timed = [...drafts.values()].filter(({ measurements }) => measurements.time ?? measurements.rate);
  for (const { measurements } of drafts.values()) {
    if (!(measurements.time ?? measurements.rate)) others.push(...Object.values(measurements));
  }
  const sharedTags = tagsOfAll(timed.map(({ tags }) => tags));
  const used = new Set<Comparison>();
  const cases = timed.map(({ name, tags, measurements }): BenchCase => {
    const comparison = comparisonOf(Object.values(measurements), run.comparisons ?? []);
    if (comparison) used.add(comparison);
    const own = Object.fromEntries(Object.entries(tags).filter(([tag]) => !Object.hasOwn(sharedTags, tag)));
    return { name, tags: own, measurements, ...(comparison && { comparison }) };
  });
  const otherComparisons = (run.comparisons ?? []).filter((comparison) => !used.has(comparison));
  return { cases, sharedTags, others, otherComparisons };
}

function comparisonOf(
  measurements: readonly Measurement[],
  comparisons: readonly Comparison[],
): Comparison | undefined {
  const keys = new Set(measurements.map(({ metric, tags }) => metricKey(metric, tags)));
  const matching = comparisons.filter(({ metric, tags }) => keys.has(metricKey(metric, tags)));
  return matching.find(({ unit }) => unit === "ns") ?? matching[0];
}

/** Tags that every measurement of a run has with the same value, such as the platform: said once, they need no repeating. */
export const sharedTagsOf = ({ measurements }: Run): Readonly<Record<string, string>> =>
  tagsOfAll(measurements.map(({ tags }) => tags));

/** Without the tags that all share. */
export function withoutShared(
  tags: Readonly<Record<string, string>>,
  shared: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(tags).filter(([tag, value]) => shared[tag] !== value));
}

function tagsOfAll(all: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const [first, ...rest] = all;
  if (!first || rest.length === 0) return {};
  return Object.fromEntries(
    Object.entries(first).filter(([tag, value]) =>
      rest.every((tags) => Object.hasOwn(tags, tag) && tags[tag] === value),
    ),
  );
}

// The bench package names a metric after its suite and case; saying them again as tags is noise.
const NAMED_BY_METRIC = new Set(["suite", "case"]);

/** The metric or case with the tags that its name does not already say. Not yet fit for a terminal. */
export function subjectText(name: string, tags: Readonly<Record<string, string>> | undefined): string {
  return withTags(name, Object.fromEntries(Object.entries(tags ?? {}).filter(([tag]) => !NAMED_BY_METRIC.has(tag))));
}

/** A short text for each case; where two would read the same, both say all their tags. */
export function caseLabels(cases: readonly BenchCase[]): string[] {
  const short = cases.map(({ name, tags }) => subjectText(name, tags));
  return cases.map(({ name, tags }, i) => {
    const label = short[i] ?? name;
    return short.indexOf(label) === short.lastIndexOf(label) ? label : withTags(name, tags);
  });
}

/** `name a=1 b=x`: the metric or case with its tags, as one text. Not yet fit for a terminal. */
export function withTags(name: string, tags: Readonly<Record<string, string>> | undefined): string {
  return [name, ...Object.entries(tags ?? {}).map(([tag, value]) => `${tag}=${value}`)].join(" ");
}

/** The self-check with the worst resolution: what the whole run may promise. Absent when no arm was checked. */
export function weakestSelfCheck(run: Run): SelfCheck | undefined {
  const checks = (run.comparisons ?? []).map(({ selfCheck }) => selfCheck).filter((check) => check !== undefined);
  return checks.toSorted((a, b) => b.detectable - a.detectable)[0];
}

/** Every note of the run with the metric it is about, each said once, and not what one of its failures says already. */
export function notesOf(run: Run): { readonly about: string; readonly text: string }[] {
  const subjects = [...run.measurements, ...(run.comparisons ?? [])];
  const notes = subjects.flatMap(({ metric, tags, notes }) =>
    (notes ?? []).map((text) => ({ about: subjectText(metric, tags), text })),
  );
  const failures = run.measurements.flatMap(({ metric, tags, errors }) =>
    errors && errors.count > 0
      ? [
          {
            about: subjectText(metric, tags),
            text: `${counted(errors.count, "sample")} failed (${kindsOf(errors.kinds)})`,
          },
        ]
      : [],
  );
  const seen = new Set<string>();
  const told = (run.failures ?? []).map(({ message }) => message);
  return [...failures, ...notes].filter(({ about, text }) => {
    const key = JSON.stringify([about, text]);
    return !seen.has(key) && !told.some((message) => message.includes(text)) && seen.add(key);
  });
}

const kindsOf = (kinds: Readonly<Record<string, number>>): string =>
  Object.entries(kinds)
    .toSorted(([, a], [, b]) => b - a)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(", ");
