import { expect, test } from "vitest";
import { ManualClock } from "../src/clock.ts";
import { timeOrderedId } from "../src/ids.ts";
import { Random } from "../src/random.ts";
import { ms } from "../src/units.ts";

const version7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("is a UUID of version 7 that holds the time", () => {
  // The time of the example in RFC 9562, appendix A.6.
  const id = timeOrderedId(new ManualClock(0x017f22e279b0), () => 0xffff_ffff);
  expect(id).toBe("017f22e2-79b0-7fff-bfff-ffffffffffff");
  expect(timeOrderedId()).toMatch(version7);
});

test("no bit of what the system draws stands still, however many are drawn", () => {
  const clock = new ManualClock(0);
  const ids = Array.from({ length: 2000 }, () => BigInt(`0x${timeOrderedId(clock).replaceAll("-", "")}`));
  // All but version, variant and time: 74 bits, each of them on in half of the ids, within six standard errors.
  for (let bit = 0n; bit < 76n; bit++) {
    if (bit === 62n || bit === 63n) continue;
    const on = ids.filter((id) => ((id >> bit) & 1n) === 1n).length;
    expect(Math.abs(on - 1000), `bit ${bit}`).toBeLessThan(135);
  }
});

test("sorts by the time it was made, and does not repeat within a millisecond", async () => {
  const clock = new ManualClock(1_700_000_000_000);
  const random = new Random(1);
  const ids: string[] = [];
  for (let i = 0; i < 300; i++) {
    ids.push(timeOrderedId(clock, () => random.uint32()));
    await clock.advance(ms(1));
  }
  expect(ids.toSorted()).toEqual(ids);
  expect(ids.every((id) => version7.test(id))).toBe(true);
  const atOnce = Array.from({ length: 10_000 }, () => timeOrderedId(clock));
  expect(new Set(atOnce).size).toBe(10_000);
});
