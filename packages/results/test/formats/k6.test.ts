import { Histogram } from "@mettle/stats";
import { expect, test } from "vitest";
import { exportK6Csv, importK6Csv } from "../../src/formats/k6-csv.ts";
import { exportK6Json, importK6Json } from "../../src/formats/k6-json.ts";
import { importK6Summary } from "../../src/formats/k6-summary.ts";
import { findMeasurements } from "../../src/measurement-key.ts";
import type { Measurement, Run } from "../../src/run.ts";
import { exampleEnvironment, runWith } from "../example-run.ts";
import { inPieces } from "./pieces.ts";

const options = { environment: exampleEnvironment, source: "k6.json" };
const line = (item: object): string => JSON.stringify(item);
const metric = (name: string, type: string, contains = "default", submetrics: object[] | null = null): string =>
  line({ type: "Metric", data: { name, type, contains, thresholds: [], submetrics }, metric: name });
const point = (name: string, second: number, value: number, tags: object | null = {}): string =>
  line({
    metric: name,
    type: "Point",
    data: { time: new Date(1_700_000_000_000 + second * 1000).toISOString(), value, tags },
  });
const file = [
  metric("http_req_duration", "trend", "time", [
    { name: "http_req_duration{status:200}", suffix: "status:200", tags: { status: "200" } },
  ]),
  ...[10, 20, 30, 40].map((value, index) =>
    point("http_req_duration", index, value, {
      status: index < 3 ? "200" : "500",
      url: "http://µ/",
      scenario: index % 2 ? "b" : "a",
    }),
  ),
  metric("http_reqs", "counter"),
  ...[0, 1, 2, 4].map((second) => point("http_reqs", second, 1)),
  metric("http_req_failed", "rate"),
  ...[0, 0, 0, 1].map((value, index) => point("http_req_failed", index, value)),
  metric("vus", "gauge"),
  ...[5, 10, 2].map((value, index) => point("vus", index, value, null)),
  metric("data_sent", "counter", "data"),
  point("data_sent", 1, 1000),
].join("\n");

const one = (run: Run, selector: string): Measurement => {
  const [found, ...more] = findMeasurements(run, selector).filter(
    ({ tags }) => selector.includes("{") || Object.keys(tags).length === 0,
  );
  if (!found || more.length > 0) throw new Error(`${selector} is not one measurement`);
  return found;
};

test.each([1, 7, 1_000_000])("k6's JSON becomes a run, in pieces of %i bytes too", async (size) => {
  const run = await importK6Json(inPieces(`${file}\n`, size), options);
  expect(run).toMatchObject({
    kind: "load",
    startedAt: "2023-11-14T22:13:20.000Z",
    durationMs: 4000,
    validity: { state: "valid" },
    imported: { format: "k6-json" },
  });
  expect(one(run, "http_req_duration")).toMatchObject({
    unit: "ns",
    direction: "lower",
    summary: { count: 4, mean: 25e6, min: 10e6, max: 40e6 },
    histogram: { count: 4 },
  });
  expect(one(run, "http_req_duration{status:200}")).toMatchObject({ summary: { count: 3, max: 30e6 } });
  expect(one(run, "http_reqs")).toMatchObject({
    unit: "count",
    direction: "higher",
    summary: { count: 4, sum: 4, perSecond: 1 },
  });
  expect(one(run, "http_req_failed")).toMatchObject({
    unit: "1",
    direction: "lower",
    summary: { count: 4, rate: 0.25 },
  });
  expect(one(run, "vus")).toMatchObject({ unit: "count", summary: { count: 3, min: 2, max: 10, last: 2 } });
  expect(one(run, "data_sent")).toMatchObject({ unit: "bytes", summary: { sum: 1000 } });
});

test("a metric is split by tags when asked, and the excess is gathered and reported", async () => {
  const split = await importK6Json([file], { ...options, splitBy: ["scenario"] });
  expect(one(split, "http_req_duration{scenario:a}").summary).toMatchObject({ count: 2, min: 10e6, max: 30e6 });
  const capped = await importK6Json([file], { ...options, splitBy: ["scenario"], maxSeries: 1 });
  expect(one(capped, "http_req_duration{series:other}").summary.count).toBe(2);
  expect(capped.imported?.lost.join()).toContain("tags of 2 samples");
});

test("percentiles of many samples are within the histogram's error, in memory that does not grow with them", async () => {
  const samples = 20_000;
  function* lines(): Generator<string, void, void> {
    yield `${metric("http_req_duration", "trend", "time")}\n`;
    for (let index = 1; index <= samples; index++) yield `${point("http_req_duration", index / 100, index / 10)}\n`;
  }
  const { summary, histogram } = one(await importK6Json(lines(), options), "http_req_duration");
  expect(summary.count).toBe(samples);
  for (const [name, exact] of [
    ["p50", 1000e6],
    ["p95", 1900e6],
    ["p99", 1980e6],
  ] as const) {
    expect(Math.abs((summary[name] ?? 0) / exact - 1)).toBeLessThan(2 ** -8);
  }
  expect(histogram?.buckets.length).toBeLessThan(10_000);
});

test.each<[string, string, string]>([
  ["not JSON", `${metric("m", "rate")}\n{oops\n`, "line 2"],
  ["a list", "[]\n", "line 1: not a JSON object"],
  ["an undeclared metric", `${point("m", 0, 1)}\n`, "line 1: m is not declared"],
  ["another type of line", line({ type: "Other", metric: "m", data: {} }), "line 1: type is"],
  ["another type of metric", metric("m", "histogram"), 'line 1: "histogram" is no type'],
  [
    "a value that is none",
    `${metric("m", "rate")}\n\n${line({ type: "Point", metric: "m", data: { time: "2026-01-01T00:00:00Z", value: "1" } })}`,
    "line 3",
  ],
  [
    "a time that is none",
    `${metric("m", "rate")}\n${line({ type: "Point", metric: "m", data: { time: "now", value: 1 } })}`,
    "line 2",
  ],
  ["no sample", metric("m", "rate"), "the end"],
  ["nothing", "", "the end"],
])("%s is refused with its line", async (_, text, message) => {
  await expect(importK6Json([text], options)).rejects.toMatchObject({
    code: "IMPORT_INVALID",
    exitCode: 2,
    message: expect.stringContaining(message),
  });
});

test("cut anywhere after the first sample, the file gives a degraded run or whole lines", async () => {
  const text = [metric("m", "rate"), point("m", 0, 1), point("m", 1, 0)].join("\n");
  const [first = 0, second = 0] = [...text.matchAll(/\n/g)].map(({ index }) => index);
  for (let end = second; end < text.length; end++) {
    const run = await importK6Json([text.slice(0, end)], options);
    const whole = end <= second + 1;
    expect([end, run.validity.state]).toEqual([end, whole ? "valid" : "degraded"]);
    expect(one(run, "m").summary.count).toBe(1);
  }
  for (let end = 0; end < second - 1; end++) {
    await expect(importK6Json([text.slice(0, end)], options), `${first}`).rejects.toMatchObject({
      code: "IMPORT_INVALID",
    });
  }
});

test("a submetric declared late is not counted twice when its tags are split by as well", async () => {
  const text = [
    metric("m", "counter"),
    point("m", 0, 1, { a: "1" }),
    metric("m", "counter", "default", [{ tags: { a: "1" } }]),
    point("m", 1, 1, { a: "1" }),
  ].join("\n");
  const run = await importK6Json([text], { ...options, splitBy: ["a"] });
  expect(one(run, "m{a:1}").summary).toMatchObject({ count: 2, sum: 2 });
});

test("a negative sample is not in a trend's figures, and the run says so", async () => {
  const run = await importK6Json([[metric("m", "trend"), point("m", 0, -1), point("m", 1, 2.5)].join("\n")], options);
  expect(one(run, "m")).toMatchObject({
    summary: { count: 1, max: 2.5 },
    notes: ["1 negative samples are not in these figures"],
  });
});

const histogram = new Histogram();
for (let value = 1; value <= 2000; value++) histogram.record(value * 1e5);
const load = runWith({
  kind: "load",
  startedAt: "2026-01-01T00:00:00.000Z",
  durationMs: 10_000,
  measurements: [
    {
      metric: "http_req_duration",
      unit: "ns",
      direction: "lower",
      tags: {},
      summary: histogram.summary(),
      histogram: histogram.encode(),
    },
    {
      metric: "http_reqs",
      unit: "count",
      direction: "higher",
      tags: {},
      summary: { count: 2000, sum: 2000, perSecond: 200 },
    },
    { metric: "http_req_failed", unit: "1", direction: "lower", tags: {}, summary: { count: 2000, rate: 0.25 } },
    {
      metric: "vus",
      unit: "count",
      direction: "none",
      tags: { scenario: "a b" },
      summary: { count: 9, min: 1, max: 10, last: 7 },
    },
    { metric: "only.summary", unit: "ns", direction: "lower", tags: {}, summary: { count: 5, p95: 1 } },
  ],
});

test.each([
  ["JSON", exportK6Json, importK6Json],
  ["CSV", exportK6Csv, importK6Csv],
] as const)(
  "k6's %s round trip keeps distributions, totals and rates, and names what it lost",
  async (_, write, read) => {
    const { lines, lost } = write(load);
    expect(lost.join("\n")).toContain("only.summary: it has no samples");
    const splitBy = ["scenario"];
    const run = await read(inPieces([...lines].join("\n"), 4096), { ...options, splitBy });
    expect(run).toMatchObject({ startedAt: load.startedAt, durationMs: load.durationMs, kind: "load" });
    const before = one(load, "http_req_duration").summary;
    const after = one(run, "http_req_duration").summary;
    expect(after.count).toBe(before.count);
    for (const name of ["min", "p50", "p75", "p90", "p95", "p99", "max", "mean"] as const) {
      expect([name, Math.abs((after[name] ?? 0) / (before[name] ?? 0) - 1) < 0.01]).toEqual([name, true]);
    }
    expect(one(run, "http_reqs").summary).toMatchObject({ sum: 2000, perSecond: 200 });
    expect(one(run, "http_req_failed").summary).toEqual({ count: 2000, rate: 0.25 });
    expect(one(run, "vus{scenario:'a b'}").summary).toMatchObject({ min: 1, max: 10, last: 7 });
  },
);

test("raw blocks are exported value by value", () => {
  const values = Float32Array.of(1_000_000, 3_000_000, 2_000_000);
  const raw = { encoding: "f32le/base64" as const, processes: [Buffer.from(values.buffer).toString("base64")] };
  const run = runWith({}, { metric: "m", summary: { count: 3, p50: 2e6 }, raw });
  const points = [...exportK6Json(run).lines]
    .slice(1)
    .map((text) => (JSON.parse(text) as { data: { value: number } }).data.value);
  expect(points).toEqual([1, 3, 2]);
});

test("more samples than the limit are thinned at evenly spread ranks, and that is said", () => {
  const { lines, lost } = exportK6Json(load, { maxSamples: 100 });
  const durations = [...lines].filter((text) => text.includes('"http_req_duration","type":"Point"'));
  expect(durations).toHaveLength(100);
  expect(lost).toContain("http_req_duration: 100 of 2000 samples are written");
});

const csvHeader = "metric_name,timestamp,metric_value,check,error,group,status,extra_tags,metadata";
test("k6's CSV: built-in metrics are known, others are as told or guessed, and times come in k6's forms", async () => {
  const rows = [
    csvHeader,
    'http_req_duration,1700000000,10,,,"::a,b",200,,',
    "http_req_duration,1700000001000,20,,,,200,x=1&y=2,",
    "mine,1700000002000000,5,,,,,,",
    "told,2023-11-14T22:13:23Z,1000,,,,,,",
  ].join("\r\n");
  const run = await importK6Csv(inPieces(rows, 5), {
    ...options,
    metrics: { told: { type: "counter", contains: "data" } },
    splitBy: ["group", "x"],
  });
  expect(run.durationMs).toBe(3000);
  expect(one(run, "http_req_duration").summary).toMatchObject({ count: 2, min: 10e6, max: 20e6 });
  expect(one(run, "http_req_duration{group:'::a,b'}").summary.count).toBe(1);
  expect(one(run, "http_req_duration{x:1}").summary.count).toBe(1);
  expect(one(run, "mine")).toMatchObject({ unit: "1", summary: { count: 1, max: 5 } });
  expect(one(run, "told")).toMatchObject({ unit: "bytes", summary: { sum: 1000 } });
  expect(run.imported?.lost).toContain("what mine is: read as a trend of numbers");
});

test.each([
  ["no header", "a,b\n1,2\n", "line 1: the header has no column metric_name"],
  ["a short row", `${csvHeader}\nvus,1\nvus,1,1,,,,,,\n`, "line 2: it has 2 cells"],
  ["no number", `${csvHeader}\nvus,1700000000,,,,,,,\n`, "line 2"],
  ["no time", `${csvHeader}\nvus,soon,1,,,,,,\n`, "line 2"],
  ["a metric that is none", `${csvHeader}\n"a b",1700000000,1,,,,,,\n`, "line 2"],
])("k6's CSV with %s is refused with its line", async (_, text, message) => {
  await expect(importK6Csv([text], options)).rejects.toMatchObject({
    code: "IMPORT_INVALID",
    message: expect.stringContaining(message),
  });
});

const trend = { avg: 25, min: 10, med: 22, max: 40, "p(90)": 38, "p(95)": 39 };
const handleSummary = {
  state: { testRunDurationMs: 5000 },
  metrics: {
    http_req_duration: { type: "trend", contains: "time", values: trend, thresholds: { "p(95)<200": { ok: true } } },
    "http_req_duration{status:200}": { type: "trend", contains: "time", values: trend },
    http_reqs: { type: "counter", contains: "default", values: { count: 40, rate: 8 } },
    checks: { type: "rate", contains: "default", values: { rate: 0.75, passes: 30, fails: 10 } },
    vus: { type: "gauge", contains: "default", values: { value: 3, min: 1, max: 5 } },
  },
};
const summaryExport = {
  metrics: Object.fromEntries(
    Object.entries(handleSummary.metrics).map(([name, { values }]) =>
      "passes" in values ? [name, { value: values.rate, passes: values.passes, fails: values.fails }] : [name, values],
    ),
  ),
};

test.each([
  ["handleSummary", handleSummary],
  ["--summary-export", summaryExport],
])("k6's summary by %s becomes a run", (_, data) => {
  const run = importK6Summary(JSON.stringify(data), options);
  expect(run.durationMs).toBe(5000);
  expect(one(run, "http_req_duration")).toMatchObject({
    unit: "ns",
    summary: { count: 40, mean: 25e6, p50: 22e6, p95: 39e6, max: 40e6 },
  });
  expect(one(run, "http_req_duration{status:200}").notes?.[0]).toContain("does not say how many");
  expect(one(run, "http_reqs").summary).toEqual({ count: 40, sum: 40, perSecond: 8 });
  expect(one(run, "checks").summary).toEqual({ count: 40, rate: 0.75 });
  expect(one(run, "vus").summary).toMatchObject({ last: 3, min: 1, max: 5 });
});

test.each(["", "[]", "{}", '{"metrics":{"m":1}}', '{"metrics":{"m":{"avg":"x"}}}'])(
  "%j is no summary of k6",
  (text) => {
    expect(() => importK6Summary(text, options)).toThrow(expect.objectContaining({ code: "IMPORT_INVALID" }));
  },
);
