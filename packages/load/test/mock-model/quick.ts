import type { MockModelOptions } from "../../src/mock-model/options.ts";

const at = (value: number): { kind: "constant"; value: number } => ({ kind: "constant", value });

/** A model that answers at once, with a known number of tokens. */
export const quick: MockModelOptions = {
  timeToFirstToken: at(0),
  gap: at(0),
  outputTokens: at(5),
  tools: [
    { name: "echo", latency: at(0) },
    { name: "broken", latency: at(0), errorProbability: 1 },
  ],
};
