import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { resolvePlan } from "../../src/engine/resolve-plan.ts";
import { runLoad } from "../../src/engine/run-load.ts";

test("a script that throws nothing at all outside of an iteration costs its thread and not the process", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mettle-load-"));
  try {
    const file = join(folder, "load.mjs");
    writeFileSync(
      file,
      `export const load = () => ({ workload: { prepare: async () => ({
        run: () => new Promise(() => setImmediate(() => { throw null; })),
      }) } });`,
    );
    const { run } = await runLoad({
      name: "thrown",
      plan: resolvePlan({ vus: 1, duration: "1h" }),
      from: { source: { module: pathToFileURL(file).href, factory: "load", parameters: {} } },
      noiseProbe: false,
      revision: { commit: "0".repeat(40), dirty: false },
    });
    expect(run.validity).toEqual({ state: "invalid", reasons: ["worker 1 was lost: null"] });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
