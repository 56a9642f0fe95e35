import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type BenchResult, runBenchmarks } from "@mettle/bench";
import { describe, expect, test } from "vitest";
import { promisedOutput } from "../../examples.ts";

// The examples whose figures differ from run to run; scripts/run-examples.ts runs those that print the same every time.
const folder = join(import.meta.dirname, "../../../examples");
const plan = { secondsPerSuite: 0.5, minProcesses: 4, maxProcesses: 4, memory: false };

const measured = async (name: string): Promise<BenchResult> => {
  const result = await runBenchmarks({ files: [join(folder, name)], cwd: folder, plan, seed: 1 });
  expect(result.problems).toEqual([]);
  for (const { metric, summary, errors } of result.measurements) {
    expect(summary.count, metric).toBeGreaterThan(0);
    expect(errors, metric).toBeUndefined();
  }
  return result;
};
const metrics = ({ measurements }: BenchResult): string[] => measurements.map(({ metric }) => metric);

const benchmarks: Readonly<Record<string, (result: BenchResult) => void>> = {
  "first.bench.ts": (result) => {
    const first = "find-an-agent-among-1000";
    expect(metrics(result).sort()).toEqual([
      `${first}.array.time`,
      `${first}.map.time`,
      `${first}.record.time`,
      "sum-the-load-of-the-first-agents.time",
      "sum-the-load-of-the-first-agents.time",
    ]);
    expect(result.measurements.flatMap(({ tags }) => tags["count"] ?? [])).toEqual(["10", "1000"]);
    // A search of 500 entries against one look-up: no machine is busy enough to turn that round.
    const map = result.comparisons.find(({ metric }) => metric === `${first}.map.time`);
    expect(map?.ratio).toBeLessThan(1);
  },
  "async-and-hooks.bench.ts": (result) => {
    expect(metrics(result)).toEqual(
      ["enqueue-and-yield", "sort-a-full-queue", "eight-at-once", "drain-only", "ask-and-be-answered"].map(
        (title) => `mailbox.${title}.time`,
      ),
    );
    expect(result.notes).toEqual([]);
  },
  "records.bench.ts": (result) => {
    const found = result.measurements.map(({ metric, unit, direction }) => [metric.split(".")[1], unit, direction]);
    expect(found).toEqual([
      ["time", "ns", "lower"],
      ["visited", "count", "lower"],
      ["success", "1", "higher"],
    ]);
    expect(result.measurements.slice(1).map(({ summary }) => summary.mean)).toEqual([200, 1]);
  },
  "from-vitest.bench.ts": (result) => {
    expect(metrics(result)).toEqual(["json.parse.time", "json.parse-and-stringify.time"]);
    expect(result.comparisons.map(({ candidate }) => candidate.label)).toEqual(["json > parse and stringify"]);
  },
  "from-tinybench.bench.ts": (result) => {
    expect(metrics(result)).toEqual(["joining-strings.join.time", "joining-strings.concatenate.time"]);
  },
};

const run = promisify(execFile);
const printed = async (name: string): Promise<string> => {
  const flags = ["--expose-gc", "--conditions=mettle-source"];
  const { stdout, stderr } = await run(process.execPath, [...flags, join(folder, name)]);
  expect(stderr).toBe("");
  return stdout;
};

const programs: Readonly<Record<string, (output: string) => void>> = {
  "memory-per-thing.ts": (output) => {
    const [, size, unit] = /^([\d.,]+) (\w+) an agent \(95 % interval /.exec(output) ?? [];
    expect(unit).toMatch(/^Ki?B$/i);
    // A mailbox of 1 KiB and the objects around it.
    expect(Number(size)).toBeGreaterThan(1);
    expect(Number(size)).toBeLessThan(2);
  },
  "leak.ts": (output) => {
    expect(output).toMatch(/^leaking: leak, 6\d([.,]\d+)? Ki?B a cycle\ntidy: none\n$/i);
  },
};

describe("examples", { timeout: 60_000 }, () => {
  test("every file is run, here or by scripts/run-examples.ts", () => {
    const here = [...Object.keys(benchmarks), ...Object.keys(programs)];
    const promised = (name: string): boolean => promisedOutput(readFileSync(join(folder, name), "utf8")) !== undefined;
    // The folders have tests of their own: agents/ all promise what they print, load/ is run by the command's tests.
    const files = readdirSync(folder, { withFileTypes: true }).filter(
      (entry) => entry.isFile() && entry.name.endsWith(".ts"),
    );
    const elsewhere = files.map(({ name }) => name).filter((name) => !here.includes(name));
    expect(elsewhere.filter((name) => !promised(name))).toEqual([]);
    expect(here.filter((name) => promised(name))).toEqual([]);
  });

  test.each(Object.entries(benchmarks))("%s", async (name, expectResult) => {
    expectResult(await measured(name));
  });

  test.each(Object.entries(programs))("%s", async (name, expectOutput) => {
    expectOutput(await printed(name));
  });
});
