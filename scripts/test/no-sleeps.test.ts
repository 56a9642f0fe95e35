import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** Where the word stands for something else than a test that waits. */
const exempt = new Set([
  "packages/core/test/clock.test.ts", // sleeping is what it tests, on a manual clock and once on the real one
  "scripts/test/no-sleeps.test.ts",
  // Timers of k6 scripts, in their text.
  "packages/load/test/k6/hostile.test.ts",
  "packages/load/test/k6/modules.test.ts",
  "packages/load/test/k6/refused.test.ts",
  // What is measured is slow on purpose: the test awaits its end.
  "packages/load/test/http/http-session.test.ts",
  // Timers of code in a sandbox, in its text; memory that is looked at while a document is read.
  "packages/service/test/tools/code/run-code.test.ts",
  "packages/service/test/knowledge/documents/prepare.test.ts",
  // Callers that send byte by byte take their time.
  "packages/service/test/http/limits.test.ts",
  // What is killed is killed at a moment; callers who got no answer try again a little later.
  "packages/service/test/e2e/kill-trial.ts",
  "packages/suites/test/catalogue/coordination.test.ts",
  "packages/suites/test/catalogue/events.test.ts",
]);
const waiting = /\bsetTimeout\(|\bsetInterval\(|timers\/promises|Atomics\.wait|\bsystemClock\.sleep\(/;

test("no test waits for a while instead of for an event (S3-029, S3-030)", () => {
  const files = globSync(["packages/*/test/**/*.ts", "scripts/test/**/*.ts", "bench/**/test/**/*.ts"]);
  expect(files.length).toBeGreaterThan(70);
  const kept = files.map((file) => file.replaceAll("\\", "/")).filter((file) => !exempt.has(file));
  expect(kept.filter((file) => !file.includes("/fixtures/") && waiting.test(readFileSync(file, "utf8")))).toEqual([]);
});
