import { Random } from "@mettle/core";
import type { Measurement } from "@mettle/results";
import { describe, expect, it } from "vitest";
import { type Contest, contest } from "../../src/measure/contest.ts";
import { recordGrowth } from "../../src/measure/growth.ts";
import { Recorder } from "../../src/measure/recorder.ts";
import { until } from "../../src/measure/until.ts";

const chance = new Random(17);
let clockNs = 0;
/** Takes so long, give or take a tenth, so that the ratio of two is known. */
function spin(ms: number): void {
  clockNs += ms * 1e6 * (0.9 + 0.2 * chance.uniform());
}

async function held(
  options: Partial<Contest> & Pick<Contest, "traditional" | "ours">,
): Promise<readonly Measurement[]> {
  const record = new Recorder([], {});
  await contest(record, {
    metric: "work",
    operations: 1,
    seconds: 0,
    atLeast: 30,
    random: new Random(3),
    now: () => clockNs,
    ...options,
  });
  return record.measurements();
}

const named = (measurements: readonly Measurement[], metric: string): Measurement => {
  const found = measurements.find((each) => each.metric === metric);
  if (found === undefined) throw new Error(`no ${metric}`);
  return found;
};

describe("a contest", () => {
  it("gives the ratio of two known times, its interval around it", async () => {
    const measurements = await held({
      traditional: { name: "slow", run: () => spin(3) },
      ours: { name: "quick", run: () => spin(1) },
    });
    const { summary, interval, direction } = named(measurements, "work.speed-up");
    expect(direction).toBe("higher");
    expect(summary.count).toBe(30);
    expect(Math.abs(summary.p50! - 3)).toBeLessThan(0.15);
    expect(interval?.low).toBeLessThan(summary.p50!);
    expect(interval?.high).toBeGreaterThan(summary.p50!);
    expect(named(measurements, "work.speed-up").notes).toBeUndefined();
  });

  it("turns the ratio round for an overhead", async () => {
    const measurements = await held({
      ratio: "overhead",
      traditional: { name: "less", run: () => spin(1) },
      ours: { name: "more", run: () => spin(3) },
    });
    const { summary, direction } = named(measurements, "work.overhead");
    expect(direction).toBe("lower");
    expect(Math.abs(summary.p50! - 3)).toBeLessThan(0.15);
  });

  it("says that ours is slower when it is", async () => {
    const measurements = await held({
      traditional: { name: "quick", run: () => spin(1) },
      ours: { name: "slow", run: () => spin(3) },
    });
    expect(named(measurements, "work.speed-up").notes).toEqual(["slower than the traditional way"]);
  });

  it("says that no effect is seen where there is none, in nineteen trials of twenty at least", async () => {
    let seen = 0;
    for (let seed = 0; seed < 20; seed++) {
      const random = new Random(seed);
      // The same law for both: their times differ by chance only.
      const run = (): void => spin(0.05 + random.uniform() * 0.1);
      const measurements = await held({
        random: new Random(100 + seed),
        atLeast: 20,
        traditional: { name: "one", run },
        ours: { name: "other", run },
      });
      if (named(measurements, "work.speed-up").notes?.[0] !== "no effect is seen: the interval holds 1") seen += 1;
    }
    // At a confidence of 0.99 a fifth of one is expected; more than three would be one in a million.
    expect(seen).toBeLessThanOrEqual(3);
  });

  it("waits for what a way returns, and divides by its operations", async () => {
    const measurements = await held({
      operations: 10,
      atLeast: 5,
      traditional: { name: "waits", run: () => Promise.resolve().then(() => spin(5)) },
      ours: { name: "returns", run: () => undefined },
    });
    const waits = measurements.find(({ metric, tags }) => metric === "work.time" && tags["way"] === "waits");
    expect(waits?.summary.min).toBeGreaterThan(0.45e6);
  });

  it("ends with what a way throws", async () => {
    const failing = held({
      traditional: { name: "fine", run: () => undefined },
      ours: { name: "broken", run: () => Promise.reject(new Error("broken")) },
    });
    await expect(failing).rejects.toThrow("broken");
  });

  it("stops when nobody waits any more", async () => {
    const aborted = held({
      signal: AbortSignal.abort(new Error("enough")),
      traditional: { name: "one", run: () => undefined },
      ours: { name: "other", run: () => undefined },
    });
    await expect(aborted).rejects.toThrow("enough");
  });
});

describe("growth", () => {
  const growthOf = (costs: readonly number[]): Measurement | undefined => {
    const record = new Recorder([], {});
    recordGrowth(record, "op", [10, 100, 1000, 10_000, 100_000], costs);
    return record.measurements()[0];
  };

  it.each([
    ["not at all", [5, 5, 5, 5, 5], 1],
    ["in proportion", [1, 10, 100, 1000, 10_000], 10],
    ["as the square", [1, 100, 1e4, 1e6, 1e8], 100],
    ["as the root", [1, 10 ** 0.5, 10, 10 ** 1.5, 100], 10 ** 0.5],
  ])("%s", (_how, costs, perTenfold) => {
    expect(growthOf(costs)).toMatchObject({ metric: "op.growth-per-tenfold", direction: "lower" });
    expect(growthOf(costs)?.summary.mean).toBeCloseTo(perTenfold, 6);
  });

  it("is absent where a cost was below the clock", () => {
    expect(growthOf([0, 1, 2, 3, 4])).toBeUndefined();
  });
});

describe("until (S2-006)", () => {
  it("lets turns pass until it is so", async () => {
    let turns = 0;
    setImmediate(() => (turns = 1));
    await until(() => turns === 1, 5000);
    expect(turns).toBe(1);
  });

  it("gives up with an error that has a code", async () => {
    await expect(until(() => false, 1)).rejects.toMatchObject({ code: "PLATFORM_REQUEST_FAILED" });
  });
});
