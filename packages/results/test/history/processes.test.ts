import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openHistory } from "../../src/history/history.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const writerFile = fileURLToPath(new URL("writer.ts", import.meta.url));

interface Writer {
  readonly child: ChildProcess;
  readonly lines: AsyncIterator<string>;
  readonly exited: Promise<unknown>;
}

function startWriter(path: string, name: string, count: number): Writer {
  const child = spawn(process.execPath, ["-C", "mettle-source", writerFile, path, name, String(count)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](), exited };
}
const begin = ({ child }: Writer): void => void child.stdin?.write("go\n");

async function drain({ lines }: Writer): Promise<number> {
  let count = 0;
  while (!(await lines.next()).done) count++;
  return count;
}

test("processes that open a new file and write at once lose nothing", async () => {
  const path = join(temporaryFolder(), "history.db");
  const each = 100;
  const writers = ["a", "b", "c"].map((name) => startWriter(path, name, each));
  for (const writer of writers) expect((await writer.lines.next()).value).toBe("open");
  for (const writer of writers) begin(writer);
  expect(await Promise.all(writers.map(drain))).toEqual([each, each, each]);
  expect((await Promise.all(writers.map(({ exited }) => exited))).map((exit) => (exit as unknown[])[0])).toEqual([
    0, 0, 0,
  ]);
  using history = openHistory(path);
  expect(history.check()).toEqual([]);
  for (const name of ["a", "b", "c"]) {
    const values = history.series({ metric: "a.time", statistic: "p95", name }).map(({ value }) => value);
    expect(values.toSorted((a, b) => a - b)).toEqual(Array.from({ length: each }, (_, index) => index));
  }
  expect(new Set(history.runs().map(({ ordinal }) => ordinal)).size).toBe(3 * each);
});

test("a process killed while appending leaves whole runs, at least those it reported", async () => {
  const path = join(temporaryFolder(), "history.db");
  let least = 0;
  for (const [round, after] of [1, 7, 20].entries()) {
    const writer = startWriter(path, `round-${round}`, 1_000_000);
    expect((await writer.lines.next()).value).toBe("open");
    begin(writer);
    for (let reported = 0; reported < after; reported++) await writer.lines.next();
    writer.child.kill("SIGKILL");
    expect(await writer.exited).toEqual([null, "SIGKILL"]);
    least += after;
    using history = openHistory(path);
    expect(history.check()).toEqual([]);
    const entries = history.runs();
    expect(entries.length).toBeGreaterThanOrEqual(least);
    // Every run is whole: its document reads, and its point is there.
    expect(history.series({ metric: "a.time", statistic: "p95" })).toHaveLength(entries.length);
    for (const { id } of entries) expect(history.get(id)?.id).toBe(id);
  }
});
