import { expect, test } from "vitest";
import { recordLeak, recordPerHour } from "../../src/measure/leak-cycles.ts";
import { Recorder } from "../../src/measure/recorder.ts";

test("a growth per hour whose interval is wider than what is allowed is absent (T-20)", () => {
  const record = new Recorder([], {});
  const growth = { bytesPerHour: 1000, confidence: 0.95 };
  recordPerHour(record, "wide", { ...growth, low: -5000, high: 7000 }, 10_000);
  recordPerHour(record, "unknown", undefined, 10_000);
  recordPerHour(record, "narrow", { ...growth, low: -2000, high: 4000 }, 10_000);
  expect(record.measurements()).toMatchObject([
    { metric: "narrow", unit: "bytes/h", summary: { mean: 1000 }, interval: { low: -2000, high: 4000 } },
  ]);
});

test("cycles back to back give no growth per hour; those that are paced give one when it is certainly too much", async () => {
  const metricsOf = async (perHour?: number): Promise<readonly string[]> => {
    const record = new Recorder([], {});
    const kept: unknown[] = [];
    const cycle = (): void => void kept.push(Array.from({ length: 20_000 }, (_, i) => ({ i })));
    await recordLeak(record, { metric: "leaking", cycles: 12, operations: 1, cycle, ...(perHour && { perHour }) });
    return record.measurements().map(({ metric }) => metric);
  };
  expect(await metricsOf()).toEqual(["leaking.growth", "leaking.without-leak"]);
  expect(await metricsOf(1000)).toContain("leaking.growth-per-hour");
});
