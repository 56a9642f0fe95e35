import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { describing, list, number, object, text } from "../src/json-schema.ts";
import { runDocumentSchema } from "../src/schema.ts";
import { schemaProblems } from "../src/validate.ts";
import { edited, exampleRun } from "./example-run.ts";

// The published file is this schema, formatted. To write it again:
// node -C mettle-source --input-type=module -e "import { runDocumentSchema as s } from '@mettle/results'; console.log(JSON.stringify(s))" \
//   > packages/results/schema/run.schema.json && npx biome format --write packages/results/schema
test("the published schema is the one that readers enforce", () => {
  const published = readFileSync(new URL("../schema/run.schema.json", import.meta.url), "utf8");
  expect(JSON.stringify(JSON.parse(published))).toBe(JSON.stringify(runDocumentSchema));
});

test("the schema is a JSON Schema, which readers take for granted", () => {
  expect(new Ajv2020().validateSchema(runDocumentSchema)).toBe(true);
  expect(new Ajv2020({ logger: false }).validateSchema({ ...runDocumentSchema, required: "all" })).toBe(false);
});

test("the compiler refuses a schema that differs from the type in any way", () => {
  interface Declared {
    readonly a: string;
    readonly b?: readonly number[];
  }
  const describes = describing<Declared>();
  describes(object({ a: text() }, { b: list(number()) }));
  // @ts-expect-error b is required in the schema only
  describes(object({ a: text(), b: list(number()) }));
  // @ts-expect-error a is a number in the schema
  describes(object({ a: number() }, { b: list(number()) }));
  // @ts-expect-error the schema knows nothing of b
  describes(object({ a: text() }));
  // @ts-expect-error the schema has one more
  expect(describes(object({ a: text() }, { b: list(number()), c: text() }))).toHaveProperty("properties.c");
});

test("a run that uses every part of the document is valid", () => {
  expect(schemaProblems(exampleRun)).toEqual([]);
});

test("the example leaves no property of the schema unused, so that each is tried", () => {
  const unused: string[] = [];
  const visit = (schema: Record<string, unknown>, values: unknown[], path: string): void => {
    const objects = values.filter((value) => typeof value === "object" && value !== null) as Record<string, unknown>[];
    for (const [name, inner] of Object.entries(
      (schema["properties"] ?? {}) as Record<string, Record<string, unknown>>,
    )) {
      const present = objects.filter((value) => value[name] !== undefined).map((value) => value[name]);
      if (present.length === 0) unused.push(`${path}.${name}`);
      else visit(inner, present, `${path}.${name}`);
    }
    const items = schema["items"];
    if (typeof items === "object") visit(items as Record<string, unknown>, values.flat(), `${path}[]`);
  };
  const [first, ...others] = exampleRun.measurements;
  const summary = { ...first?.summary, p75: 101, p90: 102, p95: 103, p99: 104, p999: 105, rate: 1, last: 100 };
  const histogram = { ...first?.histogram, limits: [[100, 4]], rejected: 1 };
  const full = {
    ...exampleRun,
    measurements: [{ ...first, summary, histogram }, ...others],
    imported: { format: "x", lost: [] },
    environment: {
      ...exampleRun.environment,
      container: { cpus: 1, memoryBytes: 1 },
      ci: "CI",
      loadAverage1m: 1,
      governor: "performance",
      noise: { samples: 1, medianNs: 1, spread: 0, interruptedShare: 0, cpuWaitShare: 0 },
    },
  };
  visit(runDocumentSchema, [full], "$");
  expect(unused).toEqual([]);
  expect(schemaProblems(full)).toEqual([]);
});

test.each<[string, readonly (string | number)[], unknown, string]>([
  ["a unit that is none", ["measurements", 0, "unit"], "msec", "$.measurements[0].unit"],
  ["a null for a number", ["measurements", 0, "summary", "mean"], null, "$.measurements[0].summary.mean"],
  [
    "an infinite number",
    ["measurements", 0, "summary", "mean"],
    Number.POSITIVE_INFINITY,
    "$.measurements[0].summary.mean",
  ],
  ["a NaN", ["durationMs"], Number.NaN, "$.durationMs"],
  ["half a sample", ["measurements", 0, "summary", "count"], 1.5, "$.measurements[0].summary.count"],
  ["a rate above one", ["measurements", 0, "summary", "rate"], 1.1, "$.measurements[0].summary.rate"],
  ["a tag that is no text", ["measurements", 0, "tags", "odd key"], 1, '$.measurements[0].tags["odd key"]'],
  ["a time without zone", ["startedAt"], "2026-01-01T00:00:00", "$.startedAt"],
  ["a metric with a blank", ["measurements", 0, "metric"], "a b", "$.measurements[0].metric"],
  ["an unknown kind", ["kind"], "other", "$.kind"],
  ["a list for an object", ["validity"], [], "$.validity"],
  ["a confidence of one", ["measurements", 0, "interval", "confidence"], 1, "$.measurements[0].interval.confidence"],
])("%s is refused where it stands", (_, path, value, place) => {
  expect(schemaProblems(edited(exampleRun, path, value)).map((problem) => problem.path)).toEqual([place]);
});

test("unknown properties are allowed: a later version may add some", () => {
  expect(schemaProblems(edited(exampleRun, ["measurements", 0, "later"], 1))).toEqual([]);
});
