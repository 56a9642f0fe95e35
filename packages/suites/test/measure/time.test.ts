import { describe, expect, it } from "vitest";
import { repeat } from "../../src/measure/time.ts";

/** How many repetitions were said to be for the compiler, and how many counted. */
async function counted(extent: Parameters<typeof repeat>[0]): Promise<readonly [warmups: number, counted: number]> {
  let warmups = 0;
  const done = await repeat(extent, (_index, warmingUp) => {
    if (warmingUp) warmups += 1;
  });
  return [warmups, done];
}

describe("repetitions", () => {
  it("are warmed up for as often as is asked, though no time is left (S1-007)", async () => {
    expect(await counted({ atMost: 10_000, atLeast: 1000, seconds: 0, warmups: 1000 })).toEqual([1000, 1000]);
  });

  it("otherwise for no longer than there is time", async () => {
    expect(await counted({ atMost: 10_000, atLeast: 5, seconds: 0 })).toEqual([0, 5]);
    expect(await counted({ atMost: 50, atLeast: 5, seconds: 60 })).toEqual([5, 50]);
    expect(await counted({ atMost: 3000, atLeast: 5, seconds: 60 })).toEqual([200, 3000]);
  });
});
