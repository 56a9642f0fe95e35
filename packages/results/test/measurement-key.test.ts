import fc from "fast-check";
import { expect, test } from "vitest";
import { findMeasurements, measurementKey, parseMeasurementKey } from "../src/measurement-key.ts";
import type { Measurement } from "../src/run.ts";
import { runWith } from "./example-run.ts";

const summary = { count: 1, mean: 1 };
const measured = (metric: string, tags: Record<string, string> = {}): Measurement => ({
  metric,
  unit: "ns",
  direction: "lower",
  tags,
  summary,
});
const run = runWith({
  measurements: [
    measured("registry.lookup.time"),
    measured("registry.lookup.time", { agents: "1000", kind: "a" }),
    measured("registry.lookup.time", { agents: "1000", kind: "b" }),
    measured("registry.match.time"),
    measured("registryx.time"),
  ],
});
const found = (selector: string): string[] => findMeasurements(run, selector).map(measurementKey);

test("the key sorts tags and quotes values", () => {
  expect(measurementKey(measured("a.b"))).toBe("a.b");
  expect(measurementKey(measured("a.b", { z: "1", b: 'say "hi"' }))).toBe('a.b{b="say \\"hi\\"",z="1"}');
});

test("any key is read back, and no two names share one", () => {
  const names = fc.record({
    metric: fc.stringMatching(/^[a-z.]{1,8}$/),
    tags: fc.dictionary(fc.string({ minLength: 1, unit: "binary" }), fc.string({ unit: "binary" }), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  });
  fc.assert(
    fc.property(names, (name) => {
      expect(parseMeasurementKey(measurementKey(name))).toEqual(name);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ["http_req_duration{status:200}", { status: "200" }],
  ["http_req_duration{ status:200 , method:GET }", { status: "200", method: "GET" }],
  ["http_req_duration{url:http://a/b?c=d}", { url: "http://a/b?c=d" }],
  ["http_req_duration{name:'a, b'}", { name: "a, b" }],
  ['http_req_duration{name:"}"}', { name: "}" }],
  ["http_req_duration{group:::setup}", { group: "::setup" }],
  ["http_req_duration{a:}", { a: "" }],
  ["http_req_duration{}", {}],
])("k6's %s is understood", (selector, tags) => {
  expect(parseMeasurementKey(selector)).toEqual({ metric: "http_req_duration", tags });
});

test.each([
  "",
  "{a:b}",
  "m{a:b",
  "m{a}",
  "m{:b}",
  'm{a:"b}',
  "m{a:'b}",
  "m{a:b}x",
  "m{a:1,a:2}",
  'm{a="b"c="d"}',
  'm{a:"\\x"}',
  "a b",
])("%j selects nothing", (selector) => {
  expect(() => parseMeasurementKey(selector)).toThrow(
    expect.objectContaining({ code: "SELECTOR_INVALID", exitCode: 2 }),
  );
});

test("a metric selects every tag set; tags narrow", () => {
  expect(found("registry.lookup.time")).toHaveLength(3);
  expect(found("registry.lookup.time{kind:b}")).toEqual(['registry.lookup.time{agents="1000",kind="b"}']);
  expect(found("registry.lookup.time{agents:1000}")).toHaveLength(2);
  expect(found("registry.lookup.time{kind:c}")).toEqual([]);
  expect(found("registry.lookup.time{toString:x}")).toEqual([]);
});

test("S2-033: a component selects everything below it, and not its namesakes", () => {
  expect(found("registry.*").map((key) => key.split("{")[0])).toEqual([
    "registry.lookup.time",
    "registry.lookup.time",
    "registry.lookup.time",
    "registry.match.time",
  ]);
});
