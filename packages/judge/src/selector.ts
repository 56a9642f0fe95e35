import type { Measurement, Run } from "@mettle/results";
import { judgeErrors } from "./errors.ts";

/** Which measurements a rule speaks of: a metric by its exact name and any number of tags by exact value. */
export interface Selector {
  readonly metric: string;
  readonly tags: Readonly<Record<string, string>>;
}

type Tagged = Pick<Measurement, "metric" | "tags">;

const selectorPattern = /^\s*([^\s{}]+)\s*(?:\{(.*)\})?\s*$/s;

/**
 * Reads `metric` or `metric{tag:value,other:value}`, the form of k6's submetrics. A value ends at the next comma;
 * quoted (`{path:"/a,b"}`, escapes as in JSON) it may hold any character. White space around names and values is dropped.
 *
 * @throws MettleError `SELECTOR_SYNTAX`
 */
export function parseSelector(text: string): Selector {
  const match = selectorPattern.exec(text);
  if (!match) throw syntaxError(text, "expected a metric name, optionally followed by {tag:value,…}");
  const tags: [string, string][] = [];
  let rest = (match[2] ?? "").trim();
  while (rest !== "") {
    const pair = /^([^:,"\s]+)\s*:\s*("(?:[^"\\]|\\.)*"|[^,"]*?)\s*(?:,\s*|$)/s.exec(rest);
    if (!pair) throw syntaxError(text, `expected tag:value at "${rest}"`);
    const [whole, name = "", value = ""] = pair;
    if (tags.some(([known]) => known === name)) throw syntaxError(text, `the tag "${name}" is given twice`);
    tags.push([name, value.startsWith('"') ? unquote(text, value) : value]);
    rest = rest.slice(whole.length);
  }
  return { metric: match[1] ?? "", tags: Object.fromEntries(tags) };
}

function unquote(text: string, quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch (cause) {
    throw syntaxError(text, `${quoted} is not a quoted string`, cause);
  }
}

function syntaxError(text: string, problem: string, cause?: unknown): Error {
  return judgeErrors.create("SELECTOR_SYNTAX", `Selector "${text}": ${problem}.`, {
    details: { text, problem },
    cause,
  });
}

const needsQuotes = /[,"{}\\]|^\s|\s$|^$/;

/** The canonical text of a selector or of a measurement's identity: tags sorted by name, values quoted where needed. */
export function formatSelector({ metric, tags }: Tagged): string {
  const pairs = Object.entries(tags)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, value]) => `${name}:${needsQuotes.test(value) ? JSON.stringify(value) : value}`);
  return pairs.length === 0 ? metric : `${metric}{${pairs.join(",")}}`;
}

/**
 * What a selector means in a run. A measurement that carries exactly the selector's tags is the aggregate that the
 * author meant (k6 keeps one for each metric); where there is none, every measurement that carries them at least.
 */
export function selectMeasurements(run: Run, selector: Selector): readonly Measurement[] {
  const wanted = Object.entries(selector.tags);
  const matching = run.measurements.filter(
    ({ metric, tags }) => metric === selector.metric && wanted.every(([name, value]) => tags[name] === value),
  );
  const exact = matching.filter(({ tags }) => Object.keys(tags).length === wanted.length);
  return exact.length > 0 ? exact : matching;
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
