import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { topFunctions } from "../../src/profile/flame.ts";
import { profileCaseCpu, profileCaseHeap } from "../../src/profile/profile-case.ts";

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mettle-profile-"));
  file = join(folder, "some.bench.js");
  writeFileSync(
    file,
    `import { bench } from "@mettle/bench";
     function heavy() { let x = 1; for (let i = 0; i < 3000; i++) x = (Math.imul(x, 31) + i) | 0; return x; }
     bench("spin", heavy);
     function hoard() { const all = []; for (let i = 0; i < 200; i++) all.push({ i }); return all; }
     bench("hoard", hoard);
     bench("broken", () => { throw new Error("no luck"); });`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the benchmark's own function has its time: it does not vanish in the loop", async () => {
  const { flame } = await profileCaseCpu({ file, case: "spin", cwd: folder, durationMs: 400 });
  const [first] = topFunctions(flame, 1);
  expect(first?.name).toBe("heavy");
  expect(first?.selfShare).toBeGreaterThan(0.7);
});

test("the heap profile names who allocates", async () => {
  const { flame } = await profileCaseHeap({ file, case: "hoard", cwd: folder, durationMs: 300 });
  const [first] = topFunctions(flame, 1);
  expect(first?.name).toBe("hoard");
  expect(first?.selfShare).toBeGreaterThan(0.7);
});

test("a benchmark that throws, or that is not there, is a coded error", async () => {
  const failing = profileCaseCpu({ file, case: "broken", cwd: folder, durationMs: 100 });
  await expect(failing).rejects.toMatchObject({
    code: "PROFILE_FAILED",
    message: expect.stringContaining("no luck") as string,
  });
  const missing = profileCaseCpu({ file, case: "missing", cwd: folder, durationMs: 100 });
  await expect(missing).rejects.toMatchObject({ code: "PROFILE_FAILED" });
});

test("an aborted signal ends the process and rejects with its reason", async () => {
  const controller = new AbortController();
  const running = profileCaseCpu({ file, case: "spin", cwd: folder, durationMs: 60_000, signal: controller.signal });
  const reason = new Error("enough");
  controller.abort(reason);
  await expect(running).rejects.toBe(reason);
});
