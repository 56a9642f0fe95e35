import type { Measurement } from "@mettle/results";
import { builtIn } from "./built-in.ts";
import type { OperationSamples } from "./sample-book.ts";

const NS_PER_MS = 1e6;

/** Each operation's times with its slowest samples, and its failures by kind with one example each. */
export function withSamples(
  measured: readonly Measurement[],
  operations: readonly OperationSamples[],
): readonly Measurement[] {
  if (operations.length === 0) return measured;
  // Scripts of k6 have no response times: what they measure begins when a request is sent.
  const times = [builtIn.httpResponseTime.name, builtIn.httpDuration.name].find((name) =>
    measured.some(({ metric }) => metric === name),
  );
  return measured.map((measurement) => {
    const { metric, tags } = measurement;
    if (metric !== times || Object.keys(tags).length !== 2) return measurement;
    const own = operations.find(({ scenario, name }) => tags["scenario"] === scenario && tags["name"] === name);
    return own ? { ...measurement, ...slowestOf(own), ...errorsOf(own) } : measurement;
  });
}

function slowestOf({ slow }: OperationSamples): Pick<Measurement, "slowest"> {
  if (slow.length === 0) return {};
  return {
    slowest: slow.map(({ at, value, phases, label }) => ({
      atMs: at,
      value: value * NS_PER_MS,
      phases: phases.map(([name, ms]) => [name, ms * NS_PER_MS] as const),
      label,
    })),
  };
}

function errorsOf({ failures }: OperationSamples): Pick<Measurement, "errors"> {
  if (failures.length === 0) return {};
  return {
    errors: {
      count: failures.reduce((sum, { count }) => sum + count, 0),
      kinds: Object.fromEntries(failures.map(({ kind, count }) => [kind, count])),
      examples: failures.map(({ kind, at, label }) => ({ kind, atMs: at, label })),
    },
  };
}
