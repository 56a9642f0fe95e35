import { describe, expect, it } from "vitest";
import { Recorder } from "../../src/measure/recorder.ts";
import { nowNs } from "../../src/measure/time.ts";
import { timed } from "../../src/measure/timed.ts";

describe("a recorder (S2-130, S2-132)", () => {
  it("makes measurements of times, with what failed beside them", () => {
    const record = new Recorder(["S2-001"], { platform: "tried" });
    const operation = record.operation("a.time", { tags: { kind: "near" }, requirement: ["S2-002"] });
    for (const took of [1000, 2000, 3000]) operation.times.record(took);
    operation.fail("timeout");
    // Asked for again, it is the same operation.
    record.operation("a.time", { tags: { kind: "near" } }).fail("timeout");
    expect(record.measurements()).toMatchObject([
      {
        metric: "a.time",
        unit: "ns",
        direction: "lower",
        tags: { kind: "near", platform: "tried" },
        requirement: ["S2-001", "S2-002"],
        summary: { count: 3, mean: 2000, min: 1000, max: 3000 },
        errors: { count: 2, kinds: { timeout: 2 } },
      },
    ]);
  });

  it("keeps figures, shares and series", () => {
    const record = new Recorder([], {});
    record.value("a.size", [10, 30], { unit: "bytes", direction: "lower" });
    record.rate("a.good", 3, 4);
    const series = { atMs: [0, 1, 2], values: { value: [1, null, 3] } };
    record.series("a.load", series, { unit: "count", direction: "none" });
    expect(record.measurements()).toMatchObject([
      { metric: "a.size", unit: "bytes", summary: { count: 2, mean: 20 } },
      { metric: "a.good", unit: "1", direction: "higher", summary: { count: 4, rate: 0.75 } },
      { metric: "a.load", unit: "count", summary: { count: 2, mean: 2 }, series },
    ]);
  });

  it("has nothing where nothing was measured", () => {
    const record = new Recorder(["S2-001"], {});
    record.value("a.size", [], { unit: "bytes", direction: "lower" });
    record.rate("a.good", 0, 0);
    record.series("a.load", { atMs: [0], values: { value: [null] } }, { unit: "count", direction: "none" });
    expect(record.measurements()).toEqual([]);
  });
});

describe("timed (S2-008)", () => {
  it("gives the result and a time, of a value and of a promise", async () => {
    const busy = (): number => {
      const until = nowNs() + 1e6;
      while (nowNs() < until);
      return 7;
    };
    for (const run of [busy, () => Promise.resolve().then(busy)]) {
      const { result, tookNs } = await timed(run);
      expect(result).toBe(7);
      expect(tookNs).toBeGreaterThanOrEqual(1e6);
    }
  });

  it("has no time for what fails", async () => {
    await expect(timed(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await expect(
      timed(() => {
        throw new Error("never");
      }),
    ).rejects.toThrow("never");
  });
});
