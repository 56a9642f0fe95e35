import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Random } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { steadyFlags } from "../../src/host.ts";
import { measureMemoryPerThing, type MemoryPerThing, memorySlope } from "../../src/memory/per-thing.ts";
import type { Thing } from "./per-thing-process.ts";

const covers = (slope: { low: number; high: number }, known: number): boolean =>
  slope.low <= known * 1.005 && known * 0.995 <= slope.high;

async function inProcess(thing: Thing): Promise<MemoryPerThing> {
  const entry = fileURLToPath(new URL("./per-thing-process.ts", import.meta.url));
  // As measuring processes run: code that is compiled beside the things arrives whenever it is done.
  const flags = ["--conditions=mettle-source", "--disable-warning=ExperimentalWarning", ...steadyFlags];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, entry, thing]);
  return JSON.parse(stdout) as MemoryPerThing;
}

describe("measureMemoryPerThing", () => {
  test("finds the size of an object, slot in its list included", async () => {
    const measured = await inProcess("object");
    expect(Math.abs(measured.accounted.slopeBytes / 48 - 1)).toBeLessThan(0.01);
    expect(covers(measured.accounted, 48)).toBe(true);
    expect(measured.accounted.points).toHaveLength(9);
  });

  test("buffers are outside the heap: in `isolate`, hardly in `accounted`", async () => {
    const measured = await inProcess("buffer");
    expect(measured.isolate.slopeBytes - measured.accounted.slopeBytes).toBeGreaterThan(16_384 * 0.99);
    expect(measured.isolate.slopeBytes - measured.accounted.slopeBytes).toBeLessThan(16_384 * 1.01);
    expect(measured.accounted.slopeBytes).toBeLessThan(1000);
  });

  test("every count is made, read while alive, and released, in an order that the seed fixes", async () => {
    const order = async (seed: number): Promise<number[]> => {
      const made: number[] = [];
      let alive = 0;
      await measureMemoryPerThing({
        counts: [1, 2, 3, 4],
        repeats: 2,
        random: new Random(seed),
        make: (count) => {
          made.push(count);
          alive += 1;
          return Promise.resolve({ count });
        },
        release: () => {
          alive -= 1;
        },
      });
      expect(alive).toBe(0);
      return made;
    };
    const made = await order(7);
    expect(made).toEqual(await order(7));
    expect(made).not.toEqual(await order(8));
    expect(made[0]).toBe(1);
    expect(made.slice(1).sort((a, b) => a - b)).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
  });

  test("one count gives no slope", async () => {
    const measured = measureMemoryPerThing({ counts: [5, 5, 5], make: () => 0 });
    await expect(measured).rejects.toMatchObject({ code: "OPTIONS_INVALID" });
    expect(() => memorySlope("accounted", [{ count: 1, bytes: 1 }], 0.95)).toThrow(
      expect.objectContaining({ code: "MEMORY_POINTS_TOO_FEW" }),
    );
  });

  test("the interval holds the truth as often as it promises", () => {
    const random = new Random(11);
    const hits = Array.from({ length: 500 }, () => {
      const points = [10, 20, 40, 80, 10, 20, 40, 80].map((count) => ({
        count,
        bytes: 5000 + 128 * count + 300 * random.normal(),
      }));
      const { low, high } = memorySlope("accounted", points, 0.95);
      return low <= 128 && 128 <= high;
    }).filter(Boolean).length;
    // Three binomial standard errors about 0.95.
    expect(hits / 500).toBeGreaterThan(0.92);
    expect(hits / 500).toBeLessThan(0.98);
  });
});
