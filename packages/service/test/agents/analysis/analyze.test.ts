import { Random } from "@mettle/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { analyzeTable } from "../../../src/agents/analysis/analyze.ts";
import { quantileOf } from "../../../src/agents/analysis/describe.ts";
import { readTable } from "../../../src/agents/analysis/table.ts";

const breathe = async (): Promise<void> => undefined;
const analyze = (csv: string, options = {}) => analyzeTable(readTable({ csv }), options, breathe);
const csvOf = (header: string, lines: readonly (readonly unknown[])[]): string =>
  [header, ...lines.map((line) => line.join(","))].join("\n");

test("tells what each column holds", async () => {
  const { columns } = await analyze(
    'when,who,n,ok,note\n2026-01-01,Ada,1,yes,"a, b"\n2026-01-02T10:00:00+02:00,Bo,2.5,no,\n,Ada,NA,yes,c\n',
  );
  expect(columns).toMatchObject([
    { name: "when", type: "time", count: 2, missing: 1, latest: "2026-01-02T08:00:00.000Z" },
    { name: "who", type: "text", distinct: 2, most_frequent: [{ value: "Ada", count: 2 }, { value: "Bo" }] },
    { name: "n", type: "number", count: 2, missing: 1, mean: 1.75, min: 1, max: 2.5 },
    { name: "ok", type: "boolean", distinct: 2 },
    { name: "note", type: "text", count: 2, missing: 1 },
  ]);
});

// R 4.3: x <- c(mtcars$mpg); mean(x), sd(x), quantile(x) ; cor(mtcars$mpg, mtcars$wt)
const mpg = [
  21, 21, 22.8, 21.4, 18.7, 18.1, 14.3, 24.4, 22.8, 19.2, 17.8, 16.4, 17.3, 15.2, 10.4, 10.4, 14.7, 32.4, 30.4, 33.9,
  21.5, 15.5, 15.2, 13.3, 19.2, 27.3, 26, 30.4, 15.8, 19.7, 15, 21.4,
];
const wt = [
  2.62, 2.875, 2.32, 3.215, 3.44, 3.46, 3.57, 3.19, 3.15, 3.44, 3.44, 4.07, 3.73, 3.78, 5.25, 5.424, 5.345, 2.2, 1.615,
  1.835, 2.465, 3.52, 3.435, 3.84, 3.845, 1.935, 2.14, 1.513, 3.17, 2.77, 3.57, 2.78,
];

test("figures are those of the textbook's cars (Henderson and Velleman 1981)", async () => {
  const { columns, correlations } = await analyze(
    csvOf(
      "mpg,wt",
      mpg.map((value, i) => [value, wt[i]]),
    ),
  );
  const [first] = columns;
  expect(first).toMatchObject({ type: "number", min: 10.4, max: 33.9, quartiles: [15.425, 19.2, 22.8] });
  expect((first as { mean: number }).mean).toBeCloseTo(20.090625, 9);
  expect((first as { standard_deviation: number }).standard_deviation).toBeCloseTo(6.026948, 6);
  expect(correlations[0]?.coefficient).toBeCloseTo(-0.8676594, 7);
  // cor.test: 95 percent confidence interval -0.9338264 -0.7440872
  expect(correlations[0]?.interval[0]).toBeCloseTo(-0.9338264, 3);
  expect(correlations[0]?.interval[1]).toBeCloseTo(-0.7440872, 3);
});

test("columns that have nothing to do with each other are rarely said to have", async () => {
  const random = new Random(7);
  let found = 0;
  const trials = 200;
  for (let trial = 0; trial < trials; trial++) {
    const lines = Array.from({ length: 40 }, () => Array.from({ length: 6 }, () => random.normal()));
    found += (await analyze(csvOf("a,b,c,d,e,f", lines))).correlations.length > 0 ? 1 : 0;
  }
  // Five in a hundred are promised; three binomial standard errors above are allowed.
  expect(found / trials).toBeLessThan(0.05 + 3 * Math.sqrt((0.05 * 0.95) / trials));
});

test("trends are found where there are some, and only there", async () => {
  const random = new Random(3);
  const lines = Array.from({ length: 60 }, (_, day) => {
    const date = new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 10);
    return [date, 5 + 2 * day + random.normal(), 5 - 0.5 * day + random.normal(), random.normal()];
  });
  const { trends, findings } = await analyze(csvOf("day,up,down,noise", random.shuffle(lines)));
  expect(trends.map(({ column, direction }) => [column, direction])).toEqual([
    ["up", "rising"],
    ["down", "falling"],
    ["noise", "none"],
  ]);
  expect(trends[0]?.change_per_day).toBeCloseTo(2, 1);
  expect(findings.some((finding) => finding.startsWith("up is rising over day"))).toBe(true);
});

test("outliers are named by row; where half is one value none is", async () => {
  const { columns } = await analyze(
    csvOf(
      "n,same",
      [...Array(20).keys(), 500].map((n) => [n, n === 3 ? 9 : 1]),
    ),
  );
  expect(columns[0]).toMatchObject({ outliers: { count: 1, farthest: [{ row: 21, value: 500 }] } });
  expect(columns[1]).not.toHaveProperty("outliers");
});

test("groups are chosen where values are few, or as asked", async () => {
  const lines = Array.from({ length: 12 }, (_, i) => [i % 2 === 0 ? "a" : "b", `id${i}`, i % 2 === 0 ? 1 : 3]);
  const { groups, findings } = await analyze(csvOf("kind,id,n", lines));
  expect(groups).toEqual([
    {
      by: "kind",
      groups: [
        { value: "a", rows: 6, columns: { n: { count: 6, mean: 1, median: 1, sum: 6 } } },
        { value: "b", rows: 6, columns: { n: { count: 6, mean: 3, median: 3, sum: 18 } } },
      ],
      explains: { n: 1 },
    },
  ]);
  expect(findings).toContain("kind explains 100 % of the variance of n.");
  const byNumber = await analyze(csvOf("kind,id,n", lines), { group_by: "n" });
  expect(byNumber.groups[0]?.groups.map(({ value }) => value)).toEqual(["1", "3"]);
  await expect(analyze(csvOf("kind,id,n", lines), { group_by: "size" })).rejects.toMatchObject({
    code: "COLUMN_UNKNOWN",
  });
});

test.each([
  ["an open quote", 'a,b\n"1,2', "TABLE_UNREADABLE"],
  ["too many values", "a,b\n1,2,3\n", "TABLE_UNREADABLE"],
])("refuses %s", (_name, csv, code) => {
  expect(() => readTable({ csv })).toThrow(expect.objectContaining({ code }) as Error);
});

test("names that an object has by itself are columns like others; a second of a name is kept apart", async () => {
  const { columns } = await analyze("constructor,a,a,\n1,2,3,4\n");
  expect(columns.map(({ name, count }) => [name, count])).toEqual([
    ["constructor", 1],
    ["a", 1],
    ["a (2)", 1],
    ["column 4", 1],
  ]);
  const rows = [{ a: 1 }, JSON.parse('{"__proto__": 5}') as Record<string, unknown>];
  expect(readTable({ rows }).columns).toEqual([
    { name: "a", values: [1, undefined] },
    { name: "__proto__", values: [undefined, 5] },
  ]);
});

test("any rows at all are analyzed, and counts add up", async () => {
  const cell = fc.oneof(
    fc.double(),
    fc.string(),
    fc.constant(null),
    fc.boolean(),
    fc.constantFrom("2026-01-01", "1", "NA"),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ a: cell, b: cell, c: cell }), { maxLength: 30 }), async (rows) => {
      const { columns } = await analyzeTable(readTable({ rows }), {}, breathe);
      for (const column of columns) {
        const unreadable = column.type === "number" ? column.unreadable : 0;
        expect(column.count + column.missing + unreadable).toBe(rows.length);
      }
    }),
  );
});

test("quantiles lie between the least and the most, and rise", () => {
  const numbers = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }), { minLength: 1 });
  fc.assert(
    fc.property(numbers, (values) => {
      const sorted = values.map((value) => value + 0).toSorted((a, b) => a - b); // no negative zeros
      const quantiles = [0, 0.25, 0.5, 0.75, 1].map((share) => quantileOf(sorted, share));
      expect([quantiles[0], quantiles[4]]).toEqual([sorted[0], sorted.at(-1)]);
      for (const [i, value] of quantiles.slice(1).entries())
        expect(value).toBeGreaterThanOrEqual(quantiles[i] as number);
    }),
  );
});
