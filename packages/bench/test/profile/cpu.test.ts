import { describe, expect, test } from "vitest";
import { cpuFlame, profileCpu } from "../../src/profile/cpu.ts";
import { topFunctions } from "../../src/profile/flame.ts";

const frame = (functionName: string) => ({ functionName, scriptId: "1", url: "", lineNumber: -1, columnNumber: -1 });

describe("cpuFlame", () => {
  const nodes = [
    { id: 1, callFrame: frame("(root)"), children: [2, 3] },
    { id: 2, callFrame: frame("a"), children: [4] },
    { id: 3, callFrame: frame("b") },
    { id: 4, callFrame: frame("c") },
  ];

  test("a sample lasts until the next one, the last until the end", () => {
    const flame = cpuFlame({ nodes, startTime: 1000, endTime: 1100, samples: [2, 4, 3], timeDeltas: [10, 20, 30] });
    // a: 1010–1030, c: 1030–1060, b: 1060–1100; microseconds in the file, nanoseconds here.
    expect(flame.total).toBe(90_000);
    expect(topFunctions(flame).map(({ name, self, total }) => [name, self, total])).toEqual([
      ["b", 40_000, 40_000],
      ["c", 30_000, 30_000],
      ["a", 20_000, 50_000],
    ]);
  });

  test("samples written late are put in order", () => {
    const flame = cpuFlame({ nodes, startTime: 0, endTime: 100, samples: [2, 3, 4], timeDeltas: [10, 50, -30] });
    // a: 10–30, c: 30–60, b: 60–100
    expect(Object.fromEntries(topFunctions(flame).map(({ name, self }) => [name, self]))).toEqual({
      a: 20_000,
      c: 30_000,
      b: 40_000,
    });
  });

  test("no samples, no profile", () => {
    expect(() => cpuFlame({ nodes, startTime: 0, endTime: 1, samples: [], timeDeltas: [] })).toThrow(
      expect.objectContaining({ code: "PROFILE_EMPTY" }),
    );
  });
});

describe("profileCpu (S1-004)", () => {
  test("the function that does the work stands at the top", async () => {
    let sink = 0;
    function heavyWork(): void {
      for (let i = 0; i < 4e7; i++) sink = (sink * 31 + i) | 0;
    }
    function lightWork(): void {
      for (let i = 0; i < 4e5; i++) sink = (sink * 31 + i) | 0;
    }
    const { flame, samples, profile } = await profileCpu(
      () => {
        for (let round = 0; round < 4; round++) {
          heavyWork();
          lightWork();
        }
      },
      { intervalUs: 200 },
    );
    expect(samples).toBeGreaterThan(20);
    expect(profile.nodes[0]?.callFrame.functionName).toBe("(root)");
    const ours = topFunctions(flame).filter(({ name }) => !name.startsWith("("));
    expect(ours[0]?.name).toBe("heavyWork");
    expect(ours[0]?.location).toContain("cpu.test.ts");
  });

  test("an exception of the body reaches the caller and leaves no profile running", async () => {
    await expect(profileCpu(() => Promise.reject(new RangeError("no")))).rejects.toThrow(RangeError);
    expect((await profileCpu(() => {})).samples).toBeGreaterThan(0);
  });

  test("a senseless interval is refused", async () => {
    await expect(profileCpu(() => {}, { intervalUs: 0 })).rejects.toMatchObject({ code: "OPTIONS_INVALID" });
  });
});
