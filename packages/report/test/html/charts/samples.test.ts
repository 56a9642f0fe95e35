import { Random } from "@mettle/core";
import { Histogram } from "@mettle/stats";
import { describe, expect, test } from "vitest";
import { blockOf, valuesOf } from "../../../src/html/charts/samples.ts";
import { measurement } from "../../builders.ts";

const random = new Random(3);
const samples = Array.from({ length: 4000 }, () => Math.round(1e6 * Math.exp(2 * random.uniform())));
const sorted = samples.toSorted((a, b) => a - b);
const shareAtOrBelow = (value: number): number => samples.filter((each) => each <= value).length / samples.length;

const histogram = new Histogram({ bits: 7, resolution: 1 });
for (const sample of samples) histogram.record(sample);
const encoded = Buffer.from(Float32Array.from(samples).buffer);
const base64 = (from: number, to: number): string => encoded.subarray(from * 4, to * 4).toString("base64");

describe("valuesOf", () => {
  test.each([
    ["a histogram", measurement("a.time", 1, { histogram: histogram.encode() }), 0.005],
    [
      "blocks of processes",
      measurement("a.time", 1, { raw: { encoding: "f32le/base64", processes: [base64(0, 1500), base64(1500, 4000)] } }),
      1e-6,
    ],
  ])("%s answers as the sorted samples do", (_, given, tolerance) => {
    const values = valuesOf(given);
    expect(values?.count).toBe(4000);
    for (const q of [0, 0.1, 0.5, 0.95, 0.99, 0.999, 1]) {
      const exact = sorted[Math.max(0, Math.ceil(q * 4000) - 1)] ?? 0;
      expect(Math.abs((values?.quantile(q) ?? 0) / exact - 1)).toBeLessThan(tolerance + 1e-9);
    }
    for (const value of [1, 1.5e6, 3e6, 7e6, 9e9])
      expect(Math.abs((values?.shareAtOrBelow(value) ?? 9) - shareAtOrBelow(value))).toBeLessThan(0.01);
  });

  test("a summary alone gives none, nor does a single value", () => {
    expect(valuesOf(measurement("a.time", 1))).toBeUndefined();
    expect(
      valuesOf(measurement("a.time", 1, { raw: { encoding: "f32le/base64", processes: [base64(0, 1)] } })),
    ).toBeUndefined();
  });

  test("blocks keep the order measured", () => {
    expect([...blockOf(base64(0, 3))]).toEqual(samples.slice(0, 3));
  });
});
