import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { measureInstructions, moduleArguments } from "../../src/profile/instructions.ts";

// Half a minute of valgrind: with the slow checks.
const hasValgrind = spawnSync("valgrind", ["--version"]).status === 0;

test.runIf(hasValgrind)(
  "under valgrind: repeats within 0.5 %, and twice the work is twice the instructions",
  async () => {
    const source = `let sink = 0;
      const body = (n) => { for (let i = 0; i < n; i++) sink = (sink * 31 + i) | 0; };
      export const once = (n) => body(n * 64);
      export const twice = (n) => body(n * 128);`;
    const module = `data:text/javascript,${encodeURIComponent(source)}`;
    const of = async (exportName: string, repeats: number): Promise<readonly number[]> => {
      const measured = await measureInstructions({
        argumentsFor: moduleArguments(module, exportName, 2000),
        iterations: [2000, 12_000],
        repeats,
      });
      if (measured.state === "absent") throw new Error(measured.reason);
      return measured.pairs;
    };
    const [first = Number.NaN, second = Number.NaN] = await of("once", 2);
    expect(Math.abs(second / first - 1)).toBeLessThan(0.005);
    // At least multiply, add, store, count, compare for each of 64 turns.
    expect(first).toBeGreaterThan(64 * 3);
    const [double = Number.NaN] = await of("twice", 1);
    expect(Math.abs(double / first / 2 - 1)).toBeLessThan(0.01);
  },
  240_000,
);
