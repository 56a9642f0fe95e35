import type { Signal } from "../../src/signals/signal.ts";

let made = 0;

export function makeSignal(type: string, data: unknown = null, fields: Partial<Signal> = {}): Signal {
  return {
    id: ++made,
    type,
    source: "test",
    time: 0,
    data,
    subject: undefined,
    traceparent: undefined,
    extensions: undefined,
    ...fields,
  };
}

/** The oracle: a pattern as a regular expression over words that each end with a dot. */
export function patternMatches(pattern: string, type: string): boolean {
  const source = pattern
    .split(".")
    .map((word) =>
      word === "**" ? String.raw`(?:[^.]+\.)*` : word === "*" ? String.raw`[^.]+\.` : String.raw`${word}\.`,
    )
    .join("");
  return new RegExp(`^${source}$`).test(`${type}.`);
}
