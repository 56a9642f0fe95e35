import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { constants, getPriority } from "node:os";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { standBack } from "../../../src/service/validate/stand-back.ts";

const lowest = constants.priority.PRIORITY_LOW;

/** A process with another below it that is a session of its own, as PostgreSQL's are; it says the other's number. */
const parent = `
const { spawn } = require("node:child_process");
const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
console.log(child.pid);
process.stdin.resume(); // both end with their standard input
process.stdin.once("end", () => process.exit());
`;

test.runIf(existsSync("/proc/self/stat"))(
  "a process and all below it stand back; whoever asks for it does not",
  async () => {
    const own = getPriority();
    const started = spawn(process.execPath, ["-e", parent], {
      detached: true,
      stdio: ["pipe", "pipe", "inherit"],
    });
    const [line] = (await once(createInterface(started.stdout), "line")) as [string];
    const pids = [started.pid ?? 0, Number(line)];
    try {
      standBack(pids[0] ?? 0);
      expect(pids.map((pid) => getPriority(pid))).toEqual([lowest, lowest]);
      expect(getPriority()).toBe(own);
      for (const pid of pids) {
        const group = `/proc/${pid}/autogroup`;
        if (existsSync(group)) expect(readFileSync(group, "utf8")).toContain(`nice ${lowest}`);
      }
    } finally {
      started.stdin.end();
      await once(started, "exit");
    }
  },
);

test("one that has ended is no trouble", () => {
  expect(() => standBack(2 ** 22 + 1)).not.toThrow();
});
