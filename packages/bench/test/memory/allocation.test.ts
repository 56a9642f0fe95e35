import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ManualClock, ms } from "@mettle/core";
import { beforeAll, describe, expect, test } from "vitest";
import { type AllocationMeasurement, measureAllocation } from "../../src/memory/allocation.ts";

const within = (measured: number, known: number): number => Math.abs(measured / known - 1);

// Sizes hold for 64-bit V8 without pointer compression, which is every official build of Node.
describe("bytes per operation against V8's object layout", () => {
  let results: Record<string, AllocationMeasurement>;
  const resultOf = (name: string): AllocationMeasurement => {
    const result = results[name];
    if (!result) throw new Error(`no result for ${name}`);
    return result;
  };
  beforeAll(async () => {
    const script = fileURLToPath(new URL("allocation-cases.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=mettle-source", script]);
    ({ results } = JSON.parse(stdout) as { results: Record<string, AllocationMeasurement> });
  });

  test.each([
    ["pair", 40],
    ["double", 48],
    ["array", 56],
    ["surviving", 40],
    ["asyncPair", 40],
  ])("%s is %i bytes within 0.5 %%", (name, known) => {
    expect(within(resultOf(name).bytesPerOperation, known)).toBeLessThan(0.005);
    expect(resultOf(name).settled).toBe(true);
  });

  test("an empty body allocates nothing", () => {
    expect(Math.abs(resultOf("empty").bytesPerOperation)).toBeLessThan(0.05);
    expect(resultOf("empty").gcPauseNs).toBeLessThan(1e6);
  });

  test("collections are counted by kind and timed", () => {
    const { gcCount, gcCountByType, gcPauseNs, gcPausePerOperationNs, iterations, windows } = resultOf("surviving");
    expect(gcCount).toBeGreaterThan(0);
    expect(Object.values(gcCountByType).reduce((sum, count) => sum + count, 0)).toBe(gcCount);
    expect(gcPauseNs / gcCount).toBeGreaterThan(1e3);
    expect(gcPausePerOperationNs).toBeCloseTo(gcPauseNs / (iterations * windows.length), 9);
  });

  test("bytes outside the heap come from windows without a collection", () => {
    expect(resultOf("buffer").gcCount).toBeGreaterThan(0);
    expect(resultOf("buffer").offHeapBytesPerOperation).toBe(4096);
    expect(resultOf("pair").offHeapBytesPerOperation).toBe(0);
  });
});

describe("measureAllocation", () => {
  const quick = { warmup: ms(0), windows: 3, timeBudget: ms(1), clock: new ManualClock() };

  test("stops at maxIterations and says that it did not settle", async () => {
    let calls = 0;
    const kept: unknown[] = [];
    // Grows and shrinks from window to window, so that no two windows agree.
    const run = (n: number): void => {
      calls += 1;
      kept.length = 0;
      for (let i = 0; i < n * (calls % 5); i++) kept.push(Array.from({ length: 64 }, () => i));
    };
    const measured = await measureAllocation(run, 10, { ...quick, maxIterations: 40, relativeError: 1e-6 });
    expect(measured.settled).toBe(false);
    expect(measured.iterations).toBe(40);
    expect(measured.spread.low).toBe(Math.min(...measured.windows));
  });

  test("subtracts what the caller's own loop allocates", async () => {
    let sink: unknown;
    const run = (n: number): void => {
      for (let i = 0; i < n; i++) sink = { a: i, b: i };
    };
    const measured = await measureAllocation(run, 1000, { emptyRun: (n) => run(n), warmup: ms(50) });
    expect(Math.abs(measured.bytesPerOperation)).toBeLessThan(1);
    expect(sink).toBeDefined();
  });

  test("a body's exception reaches the caller", async () => {
    const fail = (): void => {
      throw new RangeError("no");
    };
    await expect(measureAllocation(fail, 1)).rejects.toThrow(RangeError);
    await expect(measureAllocation(() => Promise.reject(new RangeError("later")), 1)).rejects.toThrow("later");
  });

  test("names every wrong option at once", async () => {
    const wrong = measureAllocation(() => {}, 0, { windows: 2, relativeError: 0 });
    await expect(wrong).rejects.toMatchObject({ code: "OPTIONS_INVALID" });
    await expect(wrong).rejects.toThrow(/iterations.*windows.*relativeError/);
  });

  test("an aborted signal ends it", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(measureAllocation(() => {}, 1, { signal })).rejects.toThrow("enough");
  });
});
