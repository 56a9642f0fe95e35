import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { csvRows, jsonRows, parseCsv } from "../../src/scenario/data-files.ts";

const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

test("what is written as CSV is read again, whatever is in the cells", () => {
  const cell = fc.string({ maxLength: 8, unit: fc.constantFrom("a", ",", '"', "\n", "\r\n", " ", "é") });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 20 }), fc.constantFrom("\n", "\r\n"), (rows, end) => {
      const text = ["x,y", ...rows.map((row) => row.map(quoted).join(","))].join(end);
      expect(parseCsv(text, "t")).toEqual(rows.map(([x, y]) => ({ x, y })));
    }),
  );
});

test("cells without quotes, empty ones, empty lines and a byte order mark", () => {
  expect(parseCsv("\ufeffa,b\n1,\n\n,2\r\n3,4,\n".replace("3,4,", "3,4"), "t")).toEqual([
    { a: "1", b: "" },
    { a: "", b: "2" },
    { a: "3", b: "4" },
  ]);
  expect(parseCsv("a,b\n1,", "t")).toEqual([{ a: "1", b: "" }]);
});

test.each([
  ["a,b\n1,2\n3", "1 cells in line 3"],
  ['a\n"open', "open in line 2"],
  ['a\n"x"y', "behind a quote in line 2"],
  ["a,a\n1,2", 'the column "a" twice'],
  ['a,b\n"two\nlines",1\n5', "1 cells in line 4"],
])("bad CSV is refused with the line: %j", (text, reason) => {
  expect(() => parseCsv(text, "t")).toThrow(
    expect.objectContaining({ code: "LOAD_DATA_INVALID", message: expect.stringContaining(reason) }),
  );
});

test("files are read once, and their rows are frozen", () => {
  const folder = mkdtempSync(join(tmpdir(), "mettle-data-"));
  const csv = join(folder, "users.csv");
  writeFileSync(csv, "name\nann\n");
  const rows = csvRows(csv);
  expect(csvRows(csv)).toBe(rows);
  expect(Object.isFrozen(rows[0])).toBe(true);
  const json = join(folder, "rows.json");
  writeFileSync(json, '[{"a":1}]');
  expect(jsonRows<{ a: number }>(json)[0]?.a).toBe(1);
  for (const [name, text] of [
    ["empty.csv", "a,b\n"],
    ["no.json", "{"],
    ["object.json", "{}"],
  ] as const) {
    const file = join(folder, name);
    writeFileSync(file, text);
    expect(() => (name.endsWith("csv") ? csvRows(file) : jsonRows(file))).toThrow(
      expect.objectContaining({ code: "LOAD_DATA_INVALID" }),
    );
  }
  expect(() => csvRows(join(folder, "missing.csv"))).toThrow(expect.objectContaining({ code: "LOAD_DATA_INVALID" }));
});
