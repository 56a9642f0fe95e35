import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { measureInstructions } from "../../src/profile/instructions.ts";

describe("with a stand-in for valgrind", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "mettle-test-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const standIn = (script: string): string => {
    const file = join(folder, "valgrind");
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    return file;
  };
  // The last argument is the number of iterations; callgrind's file is named in the second.
  const argumentsFor = (iterations: number): string[] => [String(iterations)];
  const counting = (formula: string): string =>
    standIn(`for last; do :; done; out="\${2#--callgrind-out-file=}"; echo "totals: $((${formula}))" > "$out"`);

  test("what does not depend on the iterations cancels", async () => {
    const valgrind = counting("100000000 + 48 * last");
    const measured = await measureInstructions({ argumentsFor, valgrind, iterations: [100, 1100], repeats: 2 });
    expect(measured).toEqual({
      state: "measured",
      instructionsPerOperation: 48,
      spread: { low: 48, high: 48 },
      pairs: [48, 48],
      iterations: [100, 1100],
    });
  });

  test("absent, with the reason, when it is missing, fails, hangs or says nothing", async () => {
    const reasonOf = async (valgrind: string, timeoutMs = 100_000): Promise<string> => {
      const measured = await measureInstructions({ argumentsFor, valgrind, timeoutMs });
      return measured.state === "absent" ? measured.reason : "measured";
    };
    expect(await reasonOf(join(folder, "none"))).toContain("is not installed");
    expect(await reasonOf(standIn("echo unhandled instruction >&2; exit 1"))).toContain("unhandled instruction");
    const hanging = standIn(`echo $$ > ${folder}/pid.new; mv ${folder}/pid.new ${folder}/pid; exec sleep 1000`);
    // One that is ended before it has begun leaves nothing to look for: it is given more time then.
    for (let timeoutMs = 300; !existsSync(join(folder, "pid")); timeoutMs *= 2)
      expect(await reasonOf(hanging, timeoutMs)).toContain(`longer than ${timeoutMs} ms`);
    expect(() => process.kill(Number(readFileSync(join(folder, "pid"), "utf8")), 0)).toThrow("ESRCH");
    expect(await reasonOf(standIn('echo "nothing" > "${2#--callgrind-out-file=}"'))).toContain("no total");
  });

  test("an aborted signal ends it", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(measureInstructions({ argumentsFor, valgrind: standIn("exit 0"), signal })).rejects.toThrow("enough");
  });

  test("iterations must ascend", async () => {
    await expect(measureInstructions({ argumentsFor, iterations: [10, 10] })).rejects.toMatchObject({
      code: "OPTIONS_INVALID",
    });
  });
});
