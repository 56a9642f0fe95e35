import { parseQuantity } from "@mettle/core";
import { type Distribution, samplerOf } from "./distribution.ts";
import { workloadErrors } from "./errors.ts";

const call = /^([a-z]+)\((.*)\)$/s;
const range = /^(.*)\.\.(.*)$/;

/**
 * Reads a distribution as written on a command line: `20ms`, `uniform(10ms, 30ms)`, `normal(38, 6, 25..57)`,
 * `lognormal(300ms, 150ms)` (mean and standard deviation of the values), `exponential(20ms)`, `empirical(1, 2, 5)`. A range
 * at the end truncates.
 *
 * @param kind - `ms`: every number needs a unit of time and becomes milliseconds; `count`: plain numbers
 * @throws MettleError `DISTRIBUTION_INVALID`
 */
export function parseDistribution(text: string, kind: "ms" | "count"): Distribution {
  const distribution = read(text.trim(), text, kind);
  samplerOf(distribution, text);
  return distribution;
}

function read(trimmed: string, text: string, kind: "ms" | "count"): Distribution {
  const [, name, inside] = call.exec(trimmed) ?? [];
  if (name === undefined || inside === undefined) return { kind: "constant", value: number(trimmed, text, kind) };
  const words = inside.split(",").map((word) => word.trim());
  const bounds = range.exec(words.at(-1) ?? "");
  if (bounds) words.pop();
  const [low = "", high = ""] = bounds?.slice(1) ?? [];
  const limits = {
    ...(low.trim() !== "" && { min: number(low, text, kind) }),
    ...(high.trim() !== "" && { max: number(high, text, kind) }),
  };
  const numbers = words.map((word) => number(word, text, kind));
  const [first = Number.NaN, second = Number.NaN] = numbers;
  const arity = (count: number): void => {
    if (numbers.length !== count) throw invalid(text, `${name} takes ${count} number${count === 1 ? "" : "s"}`);
  };
  if (bounds && (name === "uniform" || name === "empirical")) throw invalid(text, `${name} takes no range`);
  switch (name) {
    case "uniform":
      arity(2);
      return { kind: "uniform", low: first, high: second };
    case "normal":
    case "lognormal":
      arity(2);
      return { kind: name, mean: first, stddev: second, ...limits };
    case "exponential":
      arity(1);
      return { kind: "exponential", mean: first, ...limits };
    case "empirical":
      return { kind: "empirical", values: numbers };
    default:
      throw invalid(text, `there is no distribution "${name}"`);
  }
}

function number(word: string, text: string, kind: "ms" | "count"): number {
  let quantity: ReturnType<typeof parseQuantity>;
  try {
    quantity = parseQuantity(word);
  } catch (cause) {
    throw invalid(text, `"${word.trim()}" is not a number`, cause);
  }
  if (kind === "count" && quantity.unit === undefined) return quantity.value;
  if (kind === "ms" && quantity.unit === "ns") return quantity.value / 1e6;
  throw invalid(text, `"${word.trim()}" needs ${kind === "ms" ? "a unit of time, such as 20ms" : "no unit"}`);
}

function invalid(text: string, problem: string, cause?: unknown): Error {
  return workloadErrors.create("DISTRIBUTION_INVALID", `"${text}" is not a distribution: ${problem}.`, {
    details: { text, problem },
    ...(cause !== undefined && { cause }),
  });
}
