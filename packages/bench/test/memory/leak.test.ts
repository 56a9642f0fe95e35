import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ManualClock, ms, ns, Random } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { steadyFlags } from "../../src/host.ts";
import { findLeak, type LeakFinding, type LeakPoint, measureLeak, warmupLength } from "../../src/memory/leak.ts";
import type { LeakCycle } from "./leak-process.ts";

const series = (n: number, size: (cycle: number) => number, cycleNs = 1e9): LeakPoint[] =>
  Array.from({ length: n }, (_, cycle) => ({ cycle, bytes: 1e7 + size(cycle), cycleNs: ns(cycleNs) }));

interface Printed extends Omit<LeakFinding, "points"> {
  readonly kept: number;
  readonly cached: number;
}

async function inProcess(cycle: LeakCycle, cycles: number): Promise<Printed> {
  const entry = fileURLToPath(new URL("./leak-process.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--conditions=mettle-source",
    "--disable-warning=ExperimentalWarning",
    // As measuring processes run: code that is compiled beside the cycles arrives, and stays, in whichever it is done.
    ...steadyFlags,
    entry,
    cycle,
    String(cycles),
  ]);
  return JSON.parse(stdout) as Printed;
}

describe("measureLeak (S3-022)", () => {
  test("a leak of known size is found, and its size", async () => {
    const found = await inProcess("leak", 24);
    expect(found.outcome).toBe("leak");
    expect(Math.abs(found.slopeBytesPerCycle / 100_000 - 1)).toBeLessThan(0.02);
    expect(found.kept).toBe(24);
  });

  test("garbage is no leak", async () => {
    expect((await inProcess("garbage", 24)).outcome).toBe("none");
  });

  test("a cache that fills and then stops is no leak", async () => {
    const found = await inProcess("cache that fills", 40);
    expect(found.outcome).toBe("none");
    expect(found.droppedCycles).toBeGreaterThanOrEqual(9);
    expect(found.cached).toBe(10);
  });

  test("growth per hour follows from the cycles' own time", async () => {
    const clock = new ManualClock();
    const leaked: unknown[] = [];
    const cycle = async (): Promise<void> => {
      leaked.push(new Uint8Array(50_000));
      await clock.advance(ms(60_000));
    };
    const { growthPerHour, slopeBytesPerCycle } = await measureLeak({ cycle, cycles: 16, clock });
    expect(growthPerHour?.bytesPerHour).toBeCloseTo(slopeBytesPerCycle * 60, 3);
    expect(leaked).toHaveLength(16);
  });

  test("cycles that take no time on the clock have no growth per hour", async () => {
    const found = await measureLeak({ cycle: () => {}, cycles: 12, clock: new ManualClock() });
    expect(found.growthPerHour).toBeUndefined();
  });
});

describe("findLeak (S3-028)", () => {
  const noise = (random: Random, sd: number, correlation: number): (() => number) => {
    let last = 0;
    return () => {
      last = correlation * last + sd * Math.sqrt(1 - correlation ** 2) * random.normal();
      return last;
    };
  };

  test.each([
    [0, 0.02],
    [0.5, 0.04],
  ])("noise with correlation %d is seldom called a leak", (correlation, most) => {
    const random = new Random(5);
    const leaks = Array.from({ length: 500 }, () => {
      const next = noise(random, 20_000, correlation);
      // No least size: the interval alone decides.
      const points = series(40, next);
      return findLeak(points, { minimumBytesPerCycle: 0 }).outcome === "leak";
    }).filter(Boolean).length;
    expect(leaks / 500).toBeLessThan(most);
  });

  test("a leak of a fifth of the noise per cycle is found nearly always", () => {
    const random = new Random(6);
    const found = Array.from({ length: 200 }, () => {
      const next = noise(random, 20_000, 0);
      return findLeak(series(40, (cycle) => 4000 * cycle + next())).outcome === "leak";
    }).filter(Boolean).length;
    expect(found / 200).toBeGreaterThan(0.95);
  });

  test("a slope below the named size is none; one whose interval straddles it is undecided", () => {
    const random = new Random(7);
    const small = series(40, (cycle) => 100 * cycle + 50 * random.normal());
    expect(findLeak(small, { minimumBytesPerCycle: 1024 }).outcome).toBe("none");
    expect(findLeak(small, { minimumBytesPerCycle: 10 }).outcome).toBe("leak");
    const vague = series(14, () => 1e6 * random.normal());
    expect(findLeak(vague).outcome).toBe("undecided");
  });

  test("a shrinking heap is no leak", () => {
    expect(findLeak(series(40, (cycle) => -5000 * cycle)).outcome).toBe("none");
  });

  test("a perfectly straight leak has its exact slope and a narrow interval", () => {
    const found = findLeak(series(40, (cycle) => 2048 * cycle, 1e9));
    expect(found.slopeBytesPerCycle).toBeCloseTo(2048, 6);
    expect(found.high - found.low).toBeLessThan(1e-3);
    expect(found.growthPerHour?.bytesPerHour).toBeCloseTo(2048 * 3600, 1);
  });

  test("warm-up is at least a tenth and at most half", () => {
    expect(warmupLength(series(40, (cycle) => 2048 * cycle).map(({ bytes }) => bytes))).toBe(4);
    expect(warmupLength(series(40, (cycle) => 1e5 * Math.min(cycle, 15)).map(({ bytes }) => bytes))).toBe(15);
    const late = series(40, (cycle) => 1e5 * Math.min(cycle, 35));
    expect(warmupLength(late.map(({ bytes }) => bytes))).toBeLessThanOrEqual(20);
    expect(findLeak(late).outcome).not.toBe("none");
    expect(findLeak(late.slice(0, 35)).outcome).toBe("leak");
  });

  test("too few cycles are refused", () => {
    expect(() => findLeak(series(11, () => 0))).toThrow(expect.objectContaining({ code: "MEMORY_POINTS_TOO_FEW" }));
  });
});
