import fc from "fast-check";
import { measurementKey } from "../src/measurement-key.ts";
import type { Run } from "../src/run.ts";
import { runWith } from "./example-run.ts";

const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 }).map((value) => value + 0);
const tags = fc.dictionary(fc.string({ minLength: 1 }), fc.string(), { maxKeys: 3, noNullPrototype: true });
const statistics = fc
  .array(finite, { minLength: 1, maxLength: 20 })
  .map((values) => values.sort((a, b) => a - b))
  .map((sorted) => {
    const at = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;
    return { count: sorted.length, min: at(0), p50: at(0.5), p95: at(0.95), max: at(1) };
  });
const measurements = fc.uniqueArray(
  fc.record({
    metric: fc.stringMatching(/^[a-z]{1,5}(\.[a-z_]{1,5}){0,2}$/),
    unit: fc.constantFrom("ns" as const, "bytes" as const, "1/s" as const),
    direction: fc.constantFrom("lower" as const, "higher" as const, "none" as const),
    tags,
    summary: statistics,
  }),
  { selector: ({ metric, tags: each }) => measurementKey({ metric, tags: each }), maxLength: 5 },
);

/** Runs with any names, tags and figures. */
export const runs: fc.Arbitrary<Run> = fc
  .record({ name: fc.string({ minLength: 1 }), durationMs: fc.nat(), measurements })
  .map((parts) => ({ ...runWith(), ...parts }));
