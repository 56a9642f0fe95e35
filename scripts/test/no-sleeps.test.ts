import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** Sleeping is what these test, on a manual clock and once on the real one. */
const exempt = new Set(["packages/core/test/clock.test.ts", "scripts/test/no-sleeps.test.ts"]);
const waiting = /\bsetTimeout\(|\bsetInterval\(|timers\/promises|Atomics\.wait|\bsystemClock\.sleep\(/;

test("no test waits for a while instead of for an event (S3-029, S3-030)", () => {
  const files = globSync(["packages/*/test/**/*.ts", "scripts/test/**/*.ts", "bench/**/test/**/*.ts"]);
  expect(files.length).toBeGreaterThan(70);
  const kept = files.map((file) => file.replaceAll("\\", "/")).filter((file) => !exempt.has(file));
  expect(kept.filter((file) => !file.includes("/fixtures/") && waiting.test(readFileSync(file, "utf8")))).toEqual([]);
});
