import { expect, test } from "vitest";
import { type FlameNode, topFunctions } from "../../src/profile/flame.ts";
import { profileHeap } from "../../src/profile/heap.ts";

const kept: unknown[] = [];
let sink: unknown;
function keepObjects(): void {
  for (let i = 0; i < 50_000; i++) kept.push({ a: i, b: i });
}
function dropObjects(): void {
  for (let i = 0; i < 500_000; i++) sink = { a: i, b: i };
}
const body = (): void => {
  keepObjects();
  dropObjects();
};
const bytesIn = (flame: FlameNode, name: string): number =>
  topFunctions(flame).find((entry) => entry.name === name)?.self ?? 0;

test("what was allocated and what is retained, each within the sampling error of its known size", async () => {
  const allocated = await profileHeap(body, { intervalBytes: 512 });
  // 500 000 objects of 40 bytes are some 40 000 samples: standard error 0.5 %; V8's estimate is coarser.
  expect(Math.abs(bytesIn(allocated.flame, "dropObjects") / 20e6 - 1)).toBeLessThan(0.1);
  expect(sink).toBeDefined();
  kept.length = 0;
  const retained = await profileHeap(body, { of: "retained", intervalBytes: 512 });
  expect(bytesIn(retained.flame, "keepObjects")).toBeGreaterThan(50_000 * 40 * 0.9);
  expect(bytesIn(retained.flame, "dropObjects")).toBeLessThan(20_000);
  expect(retained.profile.head.callFrame.functionName).toBe("(root)");
});

test("a senseless interval is refused, an exception passes", async () => {
  await expect(profileHeap(() => {}, { intervalBytes: 0 })).rejects.toMatchObject({ code: "OPTIONS_INVALID" });
  await expect(
    profileHeap(() => {
      throw new RangeError("no");
    }),
  ).rejects.toThrow(RangeError);
});
