import fc from "fast-check";
import { expect, test } from "vitest";
import { exportBencher, importBencher } from "../../src/formats/bencher.ts";
import { csvRows, fromCell, textCell } from "../../src/formats/csv.ts";
import { exportGithubActionBenchmark, importGithubActionBenchmark } from "../../src/formats/github-action-benchmark.ts";
import { exportCsv, importCsv } from "../../src/formats/long-csv.ts";
import { measurementKey } from "../../src/measurement-key.ts";
import { runs } from "../arbitrary-run.ts";
import { exampleEnvironment, exampleRun, runWith } from "../example-run.ts";
import { inPieces } from "./pieces.ts";

const options = { environment: exampleEnvironment, source: "the file" };
const smaller = "customSmallerIsBetter";

test("cells survive quoting, and no text begins as a formula", async () => {
  const cells = fc.array(fc.string({ unit: "binary" }), { minLength: 2, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(cells, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 9 }),
      async (rows, size) => {
        const wellFormed = rows.map((row) => row.map((cell) => cell.toWellFormed()));
        const text = `${wellFormed.map((row) => row.map(textCell).join(",")).join("\r\n")}\r\n`;
        const read: string[][] = [];
        for await (const { cells: row, ended } of csvRows(inPieces(text, size))) {
          expect(ended).toBe(true);
          read.push(row.map(fromCell));
        }
        expect(read).toEqual(wellFormed);
        for (const cell of wellFormed.flat()) expect(textCell(cell).replace(/^"/, "")).not.toMatch(/^[=+\-@\t\r]/);
      },
    ),
  );
});

test.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'quoted'", "plain"])("%j as a cell is text again", (text) => {
  expect(fromCell(textCell(text).replace(/^"|"$/g, ""))).toBe(text);
});

test("the long CSV round trip keeps every summary, name and revision", async () => {
  await fc.assert(
    fc.asyncProperty(runs, async (run) => {
      fc.pre(run.measurements.length > 0);
      const again = await importCsv(inPieces(exportCsv(run).text, 64), options);
      expect(again.measurements).toEqual(run.measurements);
      expect([again.name, again.durationMs, again.kind]).toEqual([run.name, run.durationMs, run.kind]);
    }),
    { numRuns: 50 },
  );
  const revision = { commit: "abc", branch: "=cmd|' /C calc'!A0", dirty: true };
  const again = await importCsv([exportCsv({ ...exampleRun, revision }).text], options);
  expect(again.revision).toEqual(revision);
  expect(again.measurements[0]?.controlRatio).toBe(1.25);
  expect(Date.parse(again.startedAt)).toBe(Date.parse(exampleRun.startedAt));
});

test("a negative number stays a number in the CSV", () => {
  const { text } = exportCsv(runWith({}, { summary: { count: 1, mean: -5 } }));
  expect(text).toContain(",mean,-5\r\n");
});

const csv = exportCsv(runWith()).text.split("\r\n");
const [header = "", row = "", second = ""] = csv;
test.each<[string, string[], string]>([
  ["no header", [row], "the header lacks"],
  ["another run", [header, row, second.replace("run-1", "run-2")], "line 3: a second run"],
  ["a unit that is none", [header, row.replace(",ns,", ",msec,")], "line 2"],
  ["a direction that is none", [header, row.replace(",lower,", ",down,")], "line 2"],
  ["a statistic that is none", [header, row.replace(",count,", ",speed,")], "line 2"],
  ["a value that is none", [header, row.replace(/,3$/, ",three")], "line 2"],
  ["a figure twice", [header, row, row], "line 3: count of a.time is there twice"],
  ["tags that are none", [header, row.replace(",{},", ",x,")], "line 2: tags"],
  ["two units of a metric", [header, row, second.replace(",ns,", ",bytes,")], "line 3"],
  ["no rows", [header], "the end"],
])("a CSV with %s is refused", async (_, lines, message) => {
  await expect(importCsv([`${lines.join("\r\n")}\r\n`], options)).rejects.toMatchObject({
    code: "IMPORT_INVALID",
    message: expect.stringContaining(message),
  });
});

test("cut anywhere, a CSV is refused or ends with a whole row", async () => {
  const { text } = exportCsv(runWith());
  for (let end = 0; end < text.length; end++) {
    const outcome = await importCsv([text.slice(0, end)], options).then(
      () => "a run",
      (refused: { code?: string }) => refused.code,
    );
    // A run only where the cut is just behind a row.
    expect([end, outcome]).toEqual([
      end,
      text[end - 1] === "\n" && end > header.length + 2 ? "a run" : "IMPORT_INVALID",
    ]);
  }
});

test("Bencher: the value with its interval goes out, and value, name and tags come back", () => {
  const { text, lost } = exportBencher(exampleRun);
  const key = 'registry.lookup.time{agents="1000"}';
  expect(JSON.parse(text)).toEqual({
    [key]: { latency: { value: 100, lower_value: 95, upper_value: 105 } },
    http_reqs: { throughput: { value: 25 } },
  });
  expect(lost).not.toEqual([]);
  const again = importBencher(text, options);
  expect(again.measurements.map((one) => [measurementKey(one), one.unit, one.direction, one.summary])).toEqual([
    [key, "ns", "lower", { count: 1, mean: 100 }],
    ["http_reqs", "1/s", "higher", { count: 1, mean: 25 }],
  ]);
  expect(again.measurements[0]?.notes).toEqual(["lower_value 95", "upper_value 105"]);
});

test("Bencher: several measures of one benchmark are told apart, foreign names kept", () => {
  const run = importBencher(
    '{"my bench, n=5":{"latency":{"value":1},"throughput":{"value":2}},"x":{"own":{"value":3}}}',
    options,
  );
  expect(run.measurements.map(({ metric, tags, unit, direction }) => [metric, tags, unit, direction])).toEqual([
    ["my_bench_n_5", { name: "my bench, n=5", measure: "latency" }, "ns", "lower"],
    ["my_bench_n_5", { name: "my bench, n=5", measure: "throughput" }, "1/s", "higher"],
    ["x", {}, "1", "none"],
  ]);
});

test.each(["", "[]", '{"a":1}', '{"a":{"b":{}}}', '{"a":{"b":{"value":"1"}}}'])(
  "%j is no Bencher metric format",
  (text) => {
    expect(() => importBencher(text, options)).toThrow(expect.objectContaining({ code: "IMPORT_INVALID" }));
  },
);

test("github-action-benchmark: each file has one direction, and names what it leaves out", () => {
  const out = exportGithubActionBenchmark(exampleRun, smaller);
  expect(JSON.parse(out.text)).toEqual([
    { name: 'registry.lookup.time{agents="1000"}', unit: "ns", value: 100, range: "± 5", extra: "samples 6" },
  ]);
  expect(out.lost).toContain("http_reqs: its better direction is higher");
  const bigger = exportGithubActionBenchmark(exampleRun, "customBiggerIsBetter");
  expect(JSON.parse(bigger.text)).toEqual([{ name: "http_reqs", unit: "1/s", value: 25, extra: "samples 50" }]);
  const again = importGithubActionBenchmark(out.text, smaller, options);
  expect(again.measurements).toEqual([
    {
      metric: "registry.lookup.time",
      tags: { agents: "1000" },
      unit: "ns",
      direction: "lower",
      summary: { count: 1, mean: 100 },
      notes: ["range ± 5 ns", "samples 6"],
    },
  ]);
});

test.each<[string, string, number]>([
  ["ms", "ns", 5e6],
  ["us/op", "ns", 5e3],
  ["ops/sec", "1/s", 5],
  ["MB", "bytes", 5e6],
  ["Percent", "1", 5],
  ["%", "1", 0.05],
  ["toString", "1", 5],
])("github-action-benchmark: 5 %s is read in %s", (unit, ours, value) => {
  const run = importGithubActionBenchmark(JSON.stringify([{ name: "x", unit, value: 5 }]), smaller, options);
  expect(run.measurements[0]).toMatchObject({ unit: ours, summary: { mean: value } });
  const isKnown = !["Percent", "toString"].includes(unit);
  expect(run.measurements[0]?.notes).toEqual(isKnown ? undefined : [`unit ${unit}`]);
});

test.each([
  "",
  "{}",
  "[1]",
  '[{"name":"a","unit":"ms"}]',
  '[{"name":"a","unit":"s","value":1},{"name":"a","unit":"s","value":2}]',
])("%j is no file of github-action-benchmark", (text) => {
  expect(() => importGithubActionBenchmark(text, smaller, options)).toThrow(
    expect.objectContaining({ code: "IMPORT_INVALID" }),
  );
});
