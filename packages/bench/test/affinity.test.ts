import { spawn, spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { Random } from "@mettle/core";
import { expect, test } from "vitest";
import { processorsIn, SharedProcessor } from "../src/affinity.ts";

test.each([
  ["pid 7's current affinity list: 0,1\n", [0, 1]],
  ["pid 7's current affinity list: 0-3,8\n", [0, 1, 2, 3, 8]],
  ["pid 7's current affinity list: 5\n", [5]],
  ["taskset: failed to get pid 7's affinity: No such process\n", []],
  ["", []],
])("the processors in %j", (printed, processors) => {
  expect(processorsIn(printed)).toEqual(processors);
});

const allowedOf = (pid: number): readonly number[] =>
  processorsIn(spawnSync("taskset", ["-pc", String(pid)], { encoding: "utf8" }).stdout);

test.runIf(process.platform === "linux" && availableParallelism() > 1)(
  "processes share one processor while they are held, whatever happens meanwhile, and are free afterwards",
  async () => {
    const waiting = [0, 1].map(() => spawn(process.execPath, ["-e", "process.stdin.resume()"]));
    const pids = waiting.map(({ pid }) => pid as number);
    const gone = 2 ** 22 + 1; // above the largest pid that Linux gives
    const processor = SharedProcessor.find();
    const free = allowedOf(process.pid);
    const drawn = new Set<number>();
    for (let seed = 0; seed < 12; seed++) {
      const held = await processor?.hold([...pids, gone], new Random(seed), async () => pids.map(allowedOf));
      expect(held?.[0]).toHaveLength(1);
      expect(held?.[1]).toEqual(held?.[0]);
      drawn.add(held?.[0]?.[0] ?? -1);
    }
    expect(drawn.size).toBeGreaterThan(1);
    const failing = processor?.hold(pids, new Random(1), async () => Promise.reject(new Error("broken")));
    await expect(failing).rejects.toThrow("broken");
    expect(pids.map(allowedOf)).toEqual([free, free]);
    for (const child of waiting) child.kill();
  },
);
