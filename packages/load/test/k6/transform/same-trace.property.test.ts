import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MettleError } from "@mettle/core";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomProgram } from "./random-program.ts";
import { isFinished, runOriginal, runTransformed, type Trace } from "./trace.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mettle-k6-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a random program does the same, in the same order, as with calls that block, or is refused", async () => {
  let refused = 0;
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(randomProgram, async (body) => {
      const file = join(folder, "program.js");
      const source = `import http from "k6/http";\nimport { sleep, check, group } from "k6";\n${body}`;
      // Programs without an end come by chance; waiting, they would run on where a stack of calls overflows.
      const expected = runOriginal(source);
      fc.pre(isFinished(expected));
      writeFileSync(file, source);
      let actual: Trace;
      try {
        actual = await runTransformed(file);
      } catch (error) {
        if (!(error instanceof MettleError) || error.code !== "K6_REFUSED") throw error;
        refused += 1;
        return;
      }
      compared += 1;
      expect(actual).toEqual(expected);
    }),
    {
      numRuns: Number(process.env["METTLE_PROPERTY_RUNS"] ?? 60),
      seed: Number(process.env["METTLE_PROPERTY_SEED"] ?? 6),
    },
  );
  // A transform that refuses everything would pass as well.
  expect(compared).toBeGreaterThan(refused);
});
