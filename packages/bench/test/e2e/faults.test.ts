import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { expectNumbers, fixture, type Measured, measured, problemsWith } from "../measuring.ts";
import { runBenchmarks } from "../../src/index.ts";

// Real processes, and no assertion on a time. Every file has good cases beside the bad: they must have numbers.
describe("a body that fails", { timeout: 120_000 }, () => {
  test("throws, is rejected, or throws only later: every one is named, the others are measured", async () => {
    const run = await measured("bodies");
    for (const title of ["good", "also good"]) expectNumbers(run.of(title));
    for (const title of ["throws", "rejects", "own kind", "throws late"]) {
      expect(run.codeOf(title), title).toBe("BENCH_BODY_FAILED");
      expect(run.of(title).summary, title).toEqual({ count: 0 });
    }
    expect(run.of("throws").errors).toEqual({ count: 1, kinds: { threw: 1 } });
    expect(run.of("throws").notes).toEqual(["threw: thrown on purpose"]);
    expect(run.of("rejects").errors).toEqual({ count: 1, kinds: { rejected: 1 } });
    // An error that happens to have a field named kind is an error like any other.
    expect(run.of("own kind").errors).toEqual({ count: 1, kinds: { threw: 1 } });
    expect(run.run.validity.state).toBe("degraded");
    expect(run.result.problems).toHaveLength(4);
    expect(run.result.problems[0]?.details["stack"]).not.toContain("?mettle=");
    for (const { next } of run.result.problems) expect(next).toMatch(/ It came from bodies\.bench\.ts:\d+:\d+\.$/);
  });

  test("never settles or loops for ever: ended after its own time limit", async () => {
    const run = await measured("stuck");
    expectNumbers(run.of("good"));
    for (const title of ["never settles", "endless loop"]) {
      expect(run.codeOf(title)).toBe("BENCH_TIMEOUT");
      expect(run.of(title).errors).toEqual({ count: 1, kinds: { timeout: 1 } });
      expect(run.of(title).notes).toEqual(["timeout: one sample did not settle within 250 ms"]);
    }
  });

  test("allocates without end", async () => {
    const run = await measured("memory", { nodeFlags: ["--max-old-space-size=48"] });
    expectNumbers(run.of("good"));
    expect(run.codeOf("hoards")).toBe("BENCH_OUT_OF_MEMORY");
    expect(run.run.environment.node.flags).toContain("--max-old-space-size=48");
  });

  test("ends its process", async () => {
    const run = await measured("deaths");
    for (const title of ["good", "also good"]) expectNumbers(run.of(title));
    expect(run.codeOf("exits")).toBe("BENCH_PROCESS_DIED");
    expect(run.of("exits").notes).toEqual(["died: its process ended (exit code 0)"]);
    expect(run.codeOf("killed")).toBe("BENCH_PROCESS_DIED");
    expect(run.of("killed").notes).toEqual(["died: its process ended (signal SIGKILL)"]);
    const said = problemsWith(run.result, "exits")[0]?.next;
    expect(said).toBe("Find out what ends the process: a body must not. The last line that it wrote: farewell");
  });

  test("fails after its call, in a timer: charged to the case that began it", async () => {
    const run = await measured("late");
    for (const title of ["good", "async good", "also good"]) expectNumbers(run.of(title));
    expect(run.codeOf("forgets a promise")).toBe("BENCH_BODY_FAILED");
    expect(run.result.problems).toHaveLength(1);
    expect(run.result.problems[0]?.message).toContain("outside any call");
    expect(run.result.problems[0]?.message).toContain("nobody waited");
  });

  test("leaves timers running: measured, and told that they ran beside what was measured", async () => {
    const run = await measured("leftovers");
    expectNumbers(run.of("starts timers"));
    expect(run.result.notes).toEqual([]);
    expect(run.result.problems).toMatchObject([
      { code: "BENCH_LEFT_RUNNING", exitCode: 5, details: { left: ["Timeout"] } },
    ]);
    expect(run.run.validity.state).toBe("degraded");
  });

  test("leaves a server open: measured, with a note", async () => {
    const run = await measured("server-left");
    expectNumbers(run.of("beside a server"));
    // What it wrote to stdout and stderr is no remainder.
    expect(run.result.notes).toEqual([`${fixture("server-left")} leaves TCPServerWrap open after its last benchmark`]);
    expect(run.result.problems).toEqual([]);
  });

  test("does nothing: measured as nothing, and told so; a tiny body that does something is not", async () => {
    const run = await measured("removed");
    for (const title of ["empty", "work whose result goes nowhere"]) {
      expectNumbers(run.of(title));
      expect(run.of(title).summary.p50).toBeLessThanOrEqual(0.5);
      expect(run.of(title).notes?.join()).toContain("nothing was measured");
      expect(run.codeOf(title)).toBe("BENCH_BODY_REMOVED");
    }
    expect(run.codeOf("tiny")).toBeUndefined();
    expect(run.result.problems.map(({ exitCode }) => exitCode)).toEqual([5, 5]);
    expect(run.run.validity.state).toBe("degraded");
    expect(run.run.failures?.map(({ code }) => code)).toEqual(["BENCH_BODY_REMOVED", "BENCH_BODY_REMOVED"]);
  });

  test("leaves a child that holds its pipes", async () => {
    await withPids(async (pids, env) => {
      const run = await measured("pipes", { env });
      expect(run.codeOf("leaves a child that holds its output")).toBe("BENCH_PROCESS_DIED");
      expectNumbers(run.of("good"));
      for (const pid of pids()) process.kill(pid, "SIGKILL");
    });
  });
});

describe("a file that fails", { timeout: 120_000 }, () => {
  test("does not load: a problem of the file, and the other files are measured", async () => {
    const files = ["syntax", "missing-export", "throws-at-load", "duplicate", "removed"];
    const run = await measured(files);
    for (const name of ["syntax", "missing-export", "throws-at-load"]) {
      expect(run.codeOf(`${name}.bench.ts`), name).toBe("BENCH_FILE_FAILED");
    }
    expect(run.codeOf("duplicate.bench.ts")).toBe("BENCH_DEFINITION_INVALID");
    expect(problemsWith(run.result, "throws-at-load.bench.ts")[0]?.message).toContain("thrown at load");
    expectNumbers(run.of("empty"));
  });

  test("defines nothing", async () => {
    await expect(measured("empty")).rejects.toMatchObject({ code: "BENCH_NOTHING_FOUND", exitCode: 2 });
    const run = await measured(["empty", "removed"]);
    expect(run.result.notes).toContain(`${fixture("empty")} defines no benchmark`);
    await expect(measured("removed", { filter: "nothing of the kind" })).rejects.toMatchObject({
      code: "BENCH_NOTHING_FOUND",
    });
  });

  test("has hooks that throw: their cases are named, with the hook", async () => {
    const run = await measured("hooks-fail");
    expect(run.of("never runs").summary).toEqual({ count: 0 });
    expect(run.of("never runs").notes).toEqual(["hook: beforeAll: no database"]);
    // What was measured before its hook failed is kept, beside the error.
    for (const [title, note] of [
      ["measured once", "hook: afterAll: cannot close"],
      ["teardown fails", "hook: teardown: stuck open"],
    ] as const) {
      expect(run.of(title).summary.count, title).toBeGreaterThan(0);
      expect(run.of(title).notes, title).toContain(note);
      expect(run.codeOf(title)).toBe("BENCH_BODY_FAILED");
    }
    expect(run.of("setup fails").notes).toEqual(["hook: setup: no fixture"]);
    expect(run.of("beforeEach fails").notes).toEqual(["threw: no input"]);
    expectNumbers(run.of("good"));
  });

  test.each(["port", "port-unwatched"])("holds a port (%s): no self-check, a note, and numbers", async (name) => {
    const run = await measured(name, { env: { METTLE_TEST_PORT: String(await freePort()) }, plan: comparing });
    expectOnce(run, "EADDRINUSE");
  });

  test("has a hook that cannot run twice: no self-check, a note, and numbers", async () => {
    expectOnce(await measured("lock", { plan: comparing }), "the lock is taken");
  });

  test("defines something else each time: said of that case alone", async () => {
    const run = await measured("unstable");
    expectNumbers(run.of("always"));
    expect(run.result.problems).toHaveLength(1);
    expect(run.result.problems[0]?.message).toContain("does not define it when it is loaded again");
  });
});

const comparing = { secondsPerSuite: 0.5, minProcesses: 4, maxProcesses: 4, memory: false };

function expectOnce(run: Measured, why: string): void {
  for (const title of ["good", "also good"]) expectNumbers(run.of(title));
  expect(run.result.problems).toEqual([]);
  expect(run.result.notes.filter((note) => note.startsWith("no self-check"))).toHaveLength(1);
  expect(run.result.notes.join()).toContain(why);
  expect(run.result.comparisons).toHaveLength(1);
  expect(run.result.comparisons[0]).not.toHaveProperty("selfCheck");
}

describe("samples that fail", { timeout: 120_000 }, () => {
  test("a missed deadline is counted, and the case is still measured", async () => {
    const run = await measured("deadline");
    const often = run.of("often");
    expect(often.summary.count).toBeGreaterThan(0);
    expect(often.errors?.kinds["deadline"]).toBeGreaterThan(0);
    const never = run.of("never");
    expect(never.summary).toEqual({ count: 0 });
    expect(never.errors?.kinds["deadline"]).toBeGreaterThan(0);
    expect(run.codeOf("subscribe fails")).toBe("BENCH_BODY_FAILED");
    expect(run.of("subscribe fails").notes?.join()).toContain("cannot subscribe");
    expect(run.of("subscribe rejects").notes?.join()).toContain("cannot connect");
  });

  test("a record that is not finite is a counted error, never a number", async () => {
    const run = await measured("records");
    const mixed = run.of("mixed");
    expect(mixed.summary).toMatchObject({ min: 7, max: 7, mean: 7 });
    // Of every 40 calls 32 were good: the ratio holds for any number of processes.
    expect((mixed.errors?.count ?? 0) * 4).toBe(mixed.summary.count);
    expect(Object.keys(mixed.errors?.kinds ?? {})).toEqual(["not-finite"]);
    expect(run.of("never finite").summary).toEqual({ count: 0 });
    expect(run.of("never finite").notes?.join()).toContain("the value of nodes is NaN");
    expect(run.of("before it began").summary).toEqual({ count: 0 });
    expect(run.of("before it began").notes).toEqual([
      "negative: the value of value is -5.00 ns, less than nothing; see the option units",
    ]);
    expect(run.codeOf("before it began")).toBe("BENCH_BODY_FAILED");
    expect(run.of("shrinks").summary.p50).toBe(-5);
    expect(run.of("returns nothing").summary).toEqual({ count: 0 });
    expect(Object.keys(run.of("rejects").errors?.kinds ?? {})).toEqual(["rejected"]);
    const discovery = run.result.measurements.filter(({ tags }) => tags["case"] === "discovery");
    expect(discovery.map(({ metric, unit, direction }) => [metric, unit, direction])).toEqual([
      ["discovery.time", "ns", "lower"],
      ["discovery.nodes", "count", "higher"],
    ]);
    expect(discovery.map(({ summary }) => summary.p50)).toEqual([1500, 12]);
  });
});

describe("kinds of benchmark", { timeout: 120_000 }, () => {
  test("async, parallel, hooks at every level, manual timing, parameters", async () => {
    const run = await measured("kinds");
    for (const title of ["sync", "async", "parallel", "each", "sample", "manual", "manual each", "thenable", "size"]) {
      expectNumbers(run.of(title));
    }
    expect(run.codeOf("manual forgotten")).toBe("BENCH_BODY_FAILED");
    expect(run.result.problems).toHaveLength(1);
    const sizes = run.result.measurements.filter(({ tags }) => tags["case"] === "size").map(({ tags }) => tags["size"]);
    expect(sizes).toEqual(["1", "1000"]);
    expect(run.result.comparisons).toEqual([]);
    expect(run.result.notes).toEqual([]);
  });

  test("suites of the same title are different suites", async () => {
    const run = await measured("same-titles");
    for (const title of ["first", "second"]) expectNumbers(run.of(title));
    expect(run.result.problems).toEqual([]);
  });

  test("a file written for vitest, as it stands", async () => {
    const run = await measured("from-vitest");
    for (const title of ["parse", "revive"]) expectNumbers(run.of(title));
    expect(run.result.problems).toEqual([]);
    expect(run.result.measurements.map(({ metric }) => metric)).toEqual(["json.parse.time", "json.revive.time"]);
  });

  test("a file written for tinybench, as it stands", async () => {
    const run = await measured("from-tinybench");
    expect(run.result.problems).toEqual([]);
    expect(run.result.measurements.map(({ metric }) => metric)).toEqual([
      "simple-benchmark.faster-task.time",
      "simple-benchmark.slower-task.time",
      "simple-benchmark.hooked.time",
      "bench.one.time",
      "bench-2.one.time",
    ]);
    for (const measurement of run.result.measurements) expectNumbers(measurement);
  });
});

describe("interrupted", { timeout: 120_000 }, () => {
  test.each([
    ["while it looks the file up", "plan"],
    ["in the middle of a suite", "process-done"],
  ])("%s: what was measured is kept as invalid, and no process is left", async (_, kind) => {
    await withPids(async (pids, env) => {
      const abort = new AbortController();
      const onEvent = (event: { kind: string }): void => {
        if (event.kind === kind) queueMicrotask(() => abort.abort());
      };
      const plan = { secondsPerSuite: 60, minProcesses: 50, maxProcesses: 60, memory: true };
      const run = await measured("interrupted", { env, plan, onEvent, signal: abort.signal });
      expect(run.result.interrupted).toBe(true);
      expect(run.result.problems).toEqual([]);
      expect(run.run.validity).toEqual({ state: "invalid", reasons: ["interrupted: only a part was measured"] });
      if (kind === "process-done") expect(run.of("slow").summary.count).toBeGreaterThan(0);
      for (const pid of pids()) expect(() => process.kill(pid, 0), String(pid)).toThrow("ESRCH");
    });
  });

  test("before it began", async () => {
    const options = { files: [fixture("removed")], cwd: import.meta.dirname, signal: AbortSignal.abort() };
    expect(await runBenchmarks(options)).toMatchObject({ interrupted: true, measurements: [], problems: [] });
  });
});

/** A file for fixtures to write process ids to, and the environment that tells them of it. */
async function withPids(use: (pids: () => number[], env: Record<string, string>) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "mettle-test-"));
  const file = join(folder, "pids");
  writeFileSync(file, "");
  const pids = (): number[] => {
    const lines = readFileSync(file, "utf8").split("\n");
    return lines.filter((line) => line !== "").map(Number);
  };
  try {
    await use(pids, { METTLE_TEST_PIDS: file });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
