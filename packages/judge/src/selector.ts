import { MettleError } from "@mettle/core";
import {
  findMeasurements,
  type Measurement,
  type MeasurementName,
  parseMeasurementKey,
  type Run,
} from "@mettle/results";
import { judgeErrors } from "./errors.ts";

/** Which measurements a rule speaks of: a metric by its exact name and any number of tags by exact value. */
export type Selector = MeasurementName;

type Tagged = Pick<Measurement, "metric" | "tags">;

/**
 * Reads `metric` or `metric{tag:value,other:value}`, the form of k6's submetrics, as results names measurements; a metric
 * ending in `.*` stands for everything below it.
 *
 * @throws MettleError `SELECTOR_SYNTAX`
 */
export function parseSelector(text: string): Selector {
  try {
    return parseMeasurementKey(text);
  } catch (cause) {
    if (!(cause instanceof MettleError && cause.code === "SELECTOR_INVALID")) throw cause;
    throw judgeErrors.create("SELECTOR_SYNTAX", cause.message, { details: cause.details, cause });
  }
}

const needsQuotes = /[,"'{}\\]|^\s|\s$|^$/;
const plainTag = /^[^\s{}",=:]+$/;

/** The canonical text of a selector or of a measurement's identity: tags sorted by name, values quoted where needed. */
export function formatSelector({ metric, tags }: Tagged): string {
  const pairs = Object.entries(tags)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(
      ([name, value]) =>
        `${plainTag.test(name) ? name : JSON.stringify(name)}:${needsQuotes.test(value) ? JSON.stringify(value) : value}`,
    );
  return pairs.length === 0 ? metric : `${metric}{${pairs.join(",")}}`;
}

/**
 * What a selector means in a run. A measurement that carries exactly the selector's tags is the aggregate that the
 * author meant (k6 keeps one for each metric); where there is none, every measurement that carries them at least.
 */
export function selectMeasurements(run: Run, selector: Selector): readonly Measurement[] {
  const wanted = Object.keys(selector.tags);
  const matching = findMeasurements(run, selector);
  const isExact = ({ tags }: Measurement): boolean => Object.keys(tags).length === wanted.length;
  const aggregated = new Set(matching.filter(isExact).map(({ metric }) => metric));
  return matching.filter((measurement) => isExact(measurement) || !aggregated.has(measurement.metric));
}

/** The measurement with the same metric and the same tags, in another run. */
export function findSame(run: Run, wanted: Tagged): Measurement | undefined {
  const key = formatSelector(wanted);
  return run.measurements.find((measurement) => formatSelector(measurement) === key);
}

/** Metric names near a name that was not found, for messages: those that share its first or last dotted part. */
export function similarMetrics(run: Run, metric: string): readonly string[] {
  const parts = metric.split(".");
  const names = new Set(run.measurements.map((measurement) => measurement.metric));
  return [...names]
    .filter((name) => {
      const other = name.split(".");
      return name !== metric && (other[0] === parts[0] || other.at(-1) === parts.at(-1));
    })
    .slice(0, 3);
}
