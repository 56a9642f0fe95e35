import { expect, test } from "vitest";
import { recordLeak, recordPerHour } from "../../src/measure/leak-cycles.ts";
import { Recorder } from "../../src/measure/recorder.ts";

test("a growth per hour whose interval is wider than what is allowed is absent, unless it is certainly too much (T-20)", () => {
  const record = new Recorder([], {});
  const growth = { bytesPerHour: 1000, confidence: 0.95 };
  const [budget, paced] = [10_000, true];
  recordPerHour(record, "unknown", undefined, { budget });
  recordPerHour(record, "wide", { ...growth, low: -5000, high: 7000 }, { budget, paced });
  recordPerHour(record, "narrow", { ...growth, low: -2000, high: 4000 }, { budget });
  recordPerHour(record, "too-much", { ...growth, low: 11_000, high: 90_000 }, { budget, paced });
  recordPerHour(record, "back-to-back", { ...growth, low: 11_000, high: 90_000 }, { budget });
  expect(record.measurements()).toMatchObject([
    { metric: "narrow", unit: "bytes/h", summary: { mean: 1000 }, interval: { low: -2000, high: 4000 } },
    { metric: "too-much", interval: { low: 11_000, high: 90_000 } },
  ]);
});

test("cycles back to back give no growth per hour", async () => {
  const record = new Recorder([], {});
  await recordLeak(record, { metric: "cycles", cycles: 12, operations: 1, cycle: () => undefined });
  expect(record.measurements().map(({ metric }) => metric)).toEqual(["cycles.growth", "cycles.without-leak"]);
});
