import { messageOf } from "@mettle/core";
import { resultsErrors } from "./errors.ts";
import type { Measurement, Run } from "./run.ts";

/** What names a measurement within a run. */
export interface MeasurementName {
  readonly metric: string;
  readonly tags: Readonly<Record<string, string>>;
}

const plainTag = /^[^\s{}",=:]+$/;
const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * The canonical name of a measurement: `metric` or `metric{a="1",b="2"}`, tags in code-unit order, values quoted as
 * JSON strings. Two measurements of a run never share it.
 */
export function measurementKey(measurement: MeasurementName): string {
  const tags = Object.entries(measurement.tags).sort(([a], [b]) => byCodeUnit(a, b));
  if (tags.length === 0) return measurement.metric;
  const parts = tags.map(
    ([tag, value]) => `${plainTag.test(tag) ? tag : JSON.stringify(tag)}=${JSON.stringify(value)}`,
  );
  return `${measurement.metric}{${parts.join(",")}}`;
}

/** Walks `{…}` of a selector. Throws plain Errors; `parseSelector` gives them the code and the text. */
class TagReader {
  #at: number;
  readonly #text: string;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  read(): Record<string, string> {
    const tags: [string, string][] = [];
    this.#at++;
    this.#blanks();
    while (this.#text[this.#at] !== "}") {
      const tag = this.#text[this.#at] === '"' ? this.#quoted() : this.#until(/[:=,}]/g).trim();
      this.#blanks();
      const separator = this.#text[this.#at++];
      if (tag === "" || (separator !== ":" && separator !== "=")) throw new Error("a tag is written tag:value");
      this.#blanks();
      if (tags.some(([known]) => known === tag)) throw new Error(`the tag "${tag}" is given twice`);
      tags.push([tag, this.#value()]);
      this.#blanks();
      if (this.#text[this.#at] === ",") this.#at++;
      else if (this.#text[this.#at] !== "}") throw new Error("the braces are not closed");
      this.#blanks();
    }
    if (this.#text.slice(this.#at + 1).trim() !== "") throw new Error("there is text after the closing brace");
    return Object.fromEntries(tags);
  }

  #value(): string {
    const quote = this.#text[this.#at];
    if (quote === '"') return this.#quoted();
    if (quote !== "'") return this.#until(/[,}]/g).trim();
    const end = this.#text.indexOf("'", this.#at + 1);
    if (end < 0) throw new Error("a quote is not closed");
    const value = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return value;
  }

  #quoted(): string {
    const match = /"(?:[^"\\]|\\.)*"/y;
    match.lastIndex = this.#at;
    const quoted = match.exec(this.#text)?.[0];
    if (quoted === undefined) throw new Error("a quote is not closed");
    this.#at += quoted.length;
    return JSON.parse(quoted) as string;
  }

  #until(end: RegExp): string {
    end.lastIndex = this.#at;
    const found = end.exec(this.#text);
    if (!found) throw new Error("the braces are not closed");
    const part = this.#text.slice(this.#at, found.index);
    this.#at = found.index;
    return part;
  }

  #blanks(): void {
    while (this.#text[this.#at] === " ") this.#at++;
  }
}

/**
 * Reads a canonical key, or the k6 form `metric{tag:value,tag2:value2}`; values may be quoted with `"` or `'`.
 *
 * @throws MettleError `SELECTOR_INVALID`
 */
export function parseMeasurementKey(key: string): MeasurementName {
  const brace = key.indexOf("{");
  const metric = (brace < 0 ? key : key.slice(0, brace)).trim();
  if (metric === "" || /[\s}",=]/.test(metric)) throw selectorError(key, "it has no metric name");
  if (brace < 0) return { metric, tags: {} };
  try {
    return { metric, tags: new TagReader(key, brace).read() };
  } catch (cause) {
    throw selectorError(key, messageOf(cause), cause);
  }
}

const selectorError = (selector: string, problem: string, cause?: unknown): Error =>
  resultsErrors.create("SELECTOR_INVALID", `"${selector}" does not select a metric: ${problem}.`, {
    details: { selector },
    cause,
  });

/**
 * The measurements that a selector names: those of the metric whose tags include all that it lists. A metric ending in
 * `.*` stands for everything below it: `registry.*` selects a component (`get_baseline(component)`).
 *
 * @throws MettleError `SELECTOR_INVALID`
 */
export function findMeasurements(run: Run, selector: string | MeasurementName): readonly Measurement[] {
  const { metric, tags } = typeof selector === "string" ? parseMeasurementKey(selector) : selector;
  const wanted = Object.entries(tags);
  const isNamed = metric.endsWith(".*")
    ? (name: string): boolean => name.startsWith(metric.slice(0, -1))
    : (name: string): boolean => name === metric;
  return run.measurements.filter(
    (one) =>
      isNamed(one.metric) && wanted.every(([tag, value]) => Object.hasOwn(one.tags, tag) && one.tags[tag] === value),
  );
}
