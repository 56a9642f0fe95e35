import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readRun } from "@mettle/results";
import { expect, test } from "vitest";
import { bin, outcomeOf, Project, quick, workload } from "./project.ts";

const config = (body: string): string =>
  `import { defineConfig } from "mettle";\nexport default defineConfig(${body});\n`;

test("help costs less than 150 ms of CPU", () => {
  // The least of three: a busy machine adds, and never takes away.
  const costs = [1, 2, 3].map(() => {
    const script = `TIMEFORMAT="%U %S"; time "$0" "$1" --help > /dev/null`;
    const { stderr } = spawnSync("bash", ["-c", script, process.execPath, bin], { encoding: "utf8" });
    const [user = Number.NaN, system = Number.NaN] = stderr.trim().split(" ").map(Number);
    return (user + system) * 1000;
  });
  expect(Math.min(...costs)).toBeGreaterThan(5);
  expect(Math.min(...costs)).toBeLessThan(150);
});

test("an unknown flag: what was meant, exit 2, nothing on stdout; as JSON a document", async () => {
  using project = new Project();
  const plain = await project.mettle(["bench", "--agianst", "main"]);
  expect(plain).toMatchObject({ exitCode: 2, stdout: "" });
  expect(plain.stderr).toMatch(/^✗ USAGE_FLAG_UNKNOWN .*Did you mean --against\?\n {2}→ /);
  const json = await project.mettle(["bench", "--agianst", "main", "--json"]);
  expect(json.exitCode).toBe(2);
  expect(JSON.parse(json.stdout)).toMatchObject({ schema: "mettle.error/1", error: { code: "USAGE_FLAG_UNKNOWN" } });
  expect(readdirSync(project.folder)).toEqual(["package.json"]);
});

const oldNode = "/usr/bin/node";
const oldVersion = existsSync(oldNode) ? spawnSync(oldNode, ["--version"], { encoding: "utf8" }).stdout.trim() : "";
test.runIf(oldVersion !== "" && Number.parseInt(oldVersion.slice(1), 10) < 24)(
  "an older Node: one line, exit 2",
  async () => {
    using project = new Project();
    const { exitCode, stdout, stderr } = await project.mettle(["bench"], {}, oldNode);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toBe(
      `Mettle needs Node.js 24 or newer; this is ${oldVersion}. Install it here with: npm install --save-dev node@24, then run npx mettle.\n`,
    );
  },
);

test("bench writes a valid run, a summary and test results; history and baseline follow", async () => {
  using project = new Project({ "work.bench.js": workload });
  const { exitCode, stdout, stderr } = await project.mettle(["bench", ...quick, "--save", "main"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("MEASURED");
  const run = await readRun(project.path("mettle-out/run.json"));
  expect(run.measurements.map(({ metric }) => metric)).toContain("work.time");
  expect(run.validity.state).not.toBe("invalid");
  expect(readdirSync(project.path("mettle-out")).sort()).toEqual([
    "junit.xml",
    "report.html",
    "run.json",
    "summary.md",
  ]);
  expect((await readRun(project.path(".mettle/baselines/main.json"))).id).toBe(run.id);

  const list = await project.mettle(["history", "list", "--json"]);
  expect(JSON.parse(list.stdout)).toMatchObject({ runs: [{ id: run.id, profile: "smoke" }] });
  const series = await project.mettle(["history", "show", "work.time", "--json"]);
  const [shown] = (JSON.parse(series.stdout) as { metrics: { points: { value: number }[] }[] }).metrics;
  expect(shown?.points).toEqual([expect.objectContaining({ runId: run.id, value: run.measurements[0]?.summary.p50 })]);

  const compared = await project.mettle(["compare", "main", run.id, "--json"]);
  const document = JSON.parse(compared.stdout) as { metrics: { metric: string; change?: { ratio: number } }[] };
  expect(document.metrics.find(({ metric }) => metric === "work.time")?.change?.ratio).toBe(1);

  expect((await project.mettle(["baseline", "list"])).stdout).toContain("this machine");
  expect((await project.mettle(["baseline", "delete", "main"])).exitCode).toBe(0);
  const gone = await project.mettle(["baseline", "show", "main"]);
  expect(gone.exitCode).toBe(2);
  expect(gone.stderr).toContain("BASELINE_NOT_FOUND");
});

test("gate: 0 held, 3 missed, 4 regression, 5 no answer, 2 no policy", async () => {
  using project = new Project({ "work.bench.js": workload });
  expect((await project.mettle(["bench", ...quick, "--save", "fast"])).exitCode).toBe(0);
  expect(await project.mettle(["gate"])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("POLICY_MISSING") as string,
  });
  const gateBy = (judge: string): Promise<{ exitCode: number | null; stdout: string }> => {
    project.write("mettle.config.ts", config(`{ judge: ${judge} }`));
    return project.mettle(["gate"]);
  };
  expect(await gateBy('{ thresholds: { "work.time": "p50 < 1s" } }')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining("PASSED") as string,
  });
  expect(await gateBy('{ thresholds: { "work.time": "p50 < 1ns" } }')).toMatchObject({
    exitCode: 3,
    stdout: expect.stringContaining("FAILED") as string,
  });
  expect(await gateBy('{ thresholds: { "other.time": "p50 < 1s" } }')).toMatchObject({
    exitCode: 5,
    stdout: expect.stringContaining("INCONCLUSIVE") as string,
  });
  expect(await gateBy('{ thresholds: { "work.time": "p50 <" } }')).toMatchObject({ exitCode: 2 });
  expect((await project.mettle(["bench", ...quick, "--compare", "fast"], { SLOWER: "3" })).exitCode).toBe(2);
  project.write("mettle.config.ts", config("{ judge: { regressions: {} } }"));
  const slower = await project.mettle(["bench", ...quick, "--compare", "fast"], { SLOWER: "3" });
  expect(slower.exitCode).toBe(4);
  const github = await project.mettle(["gate", "--compare", "fast"], {
    GITHUB_ACTIONS: "true",
    GITHUB_STEP_SUMMARY: project.path("step.md"),
  });
  expect(github.exitCode).toBe(4);
  expect(github.stdout).toContain("::error ");
  expect(readFileSync(project.path("step.md"), "utf8")).toContain("FAILED");
});

test("files that cannot be written are not named, are told once, and do not hide the answer", async () => {
  using project = new Project({
    "work.bench.js": workload,
    "mettle.config.ts": config('{ judge: { thresholds: { "work.time": "p50 < 1s" } } }'),
    "mettle-out/summary.md/in-the-way": "",
  });
  const measured = await project.mettle(["bench", ...quick]);
  const held = await project.mettle(["gate"]);
  project.write("mettle.config.ts", config('{ judge: { thresholds: { "work.time": "p50 < 1ns" } } }'));
  const missed = await project.mettle(["gate"]);
  expect([measured.exitCode, held.exitCode, missed.exitCode]).toEqual([2, 2, 3]);
  for (const { stdout, stderr, exitCode } of [measured, held, missed]) {
    expect(stdout).toContain(`exit  ${exitCode}\n`);
    expect(stdout).toContain("mettle-out/report.html");
    expect(stdout).toContain("mettle-out/junit.xml");
    expect(stdout).not.toContain("summary.md");
    expect(stderr.match(/OUTPUT_WRITE_FAILED/g)).toHaveLength(1);
  }
  expect(measured.stdout).toContain("mettle-out/run.json");
});

test("the slower of two ways in a suite is no regression", async () => {
  using project = new Project({
    "two.bench.js": `import { bench, suite } from "mettle";
      const work = (turns) => { let x = 1; for (let i = 0; i < turns; i++) x = (x * 31 + i) | 0; return x; };
      suite("ways", () => { bench("short", () => work(1000)); bench("long", () => work(3000)); });`,
    "mettle.config.ts": config('{ judge: { thresholds: { "ways.long.time": "p50 < 1s" } } }'),
  });
  const { exitCode, stdout } = await project.mettle(["bench", ...quick]);
  expect(stdout).toContain("slower");
  expect(exitCode).toBe(0);
  expect((await project.mettle(["gate"])).exitCode).toBe(0);
});

test("a run file that is cut off, foreign or of another version: exit 2 and the reason", async () => {
  using project = new Project({
    "mettle.config.ts": config('{ judge: { thresholds: { "a": "p50 < 1s" } } }'),
    "cut.json": '{ "schema": "mettle.run/1", "id": ',
    "foreign.json": '{ "hello": 1 }',
    "newer.json": '{ "schema": "mettle.run/9" }',
  });
  for (const [file, code] of [
    ["cut.json", "RUN_TRUNCATED"],
    ["foreign.json", "RUN_"],
    ["newer.json", "RUN_VERSION_UNSUPPORTED"],
    ["missing.json", "RUN_UNREADABLE"],
    ["nothing", "RUN_NOT_FOUND"],
  ] as const) {
    const { exitCode, stdout, stderr } = await project.mettle(["gate", file]);
    expect({ file, exitCode, stdout }).toEqual({ file, exitCode: 2, stdout: "" });
    expect(stderr).toContain(`✗ ${code}`);
  }
});

test("a failing benchmark: the others are measured, the error told, exit 5; a file that does not load: exit 2", async () => {
  using project = new Project({
    "some.bench.js": `${workload}\nbench("broken", () => { throw new Error("no luck"); });`,
  });
  const { exitCode, stderr } = await project.mettle(["bench", ...quick]);
  expect(exitCode).toBe(5);
  expect(stderr).toMatch(/✗ BENCH_BODY_FAILED "broken".*no luck/);
  const run = await readRun(project.path("mettle-out/run.json"));
  expect(run.validity.state).toBe("degraded");
  // What failed when it was measured does not pass when it is judged later.
  project.write("mettle.config.ts", config('{ judge: { thresholds: { "work.time": "p50 < 1s" } } }'));
  const gated = await project.mettle(["gate"]);
  expect(gated).toMatchObject({ exitCode: 5, stdout: expect.stringContaining("BENCH_BODY_FAILED") as string });
  expect(run.measurements.find(({ metric }) => metric === "work.time")?.summary.count).toBeGreaterThan(0);
  project.write("some.bench.js", "syntax error here");
  const unloaded = await project.mettle(["bench", ...quick]);
  expect(unloaded.exitCode).toBe(2);
  expect(unloaded.stderr).toContain("BENCH_FILE_FAILED");
  expect(await project.mettle(["bench", "nowhere/*.ts"])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("BENCH_NOTHING_FOUND") as string,
  });
});

test("a body that does nothing: exit 5, now and at the gate; one that adds two numbers is measured", async () => {
  using project = new Project({
    "empty.bench.js": `import { bench } from "mettle"; let n = 0; bench("empty", () => {}); bench("tiny", () => n++ + 1);`,
    "mettle.config.ts": config('{ judge: { thresholds: { "empty.time": "p50 < 1s", "tiny.time": "p50 < 1s" } } }'),
  });
  const { exitCode, stderr } = await project.mettle(["bench", ...quick]);
  expect(exitCode).toBe(5);
  expect(stderr).toMatch(/✗ BENCH_BODY_REMOVED "empty": nothing was measured.*\n {2}→ Return a value/);
  expect(stderr).not.toContain("tiny");
  expect((await project.mettle(["gate"])).exitCode).toBe(5);
});

test("Ctrl-C: what was measured is written and marked invalid, exit 130, no history", async () => {
  using project = new Project({ "work.bench.js": workload });
  const child = project.start(["bench", "--profile", "full", "--json"]);
  let sent = false;
  const { exitCode, stdout, stderr } = await outcomeOf(child, (text) => {
    if (sent || !text.includes('"process-done"')) return;
    sent = true;
    child.kill("SIGINT");
  });
  expect(exitCode).toBe(130);
  expect(sent).toBe(true);
  const run = await readRun(project.path("mettle-out/run.json"));
  expect(run.validity).toMatchObject({ state: "invalid", reasons: [expect.stringContaining("interrupted") as string] });
  expect(run.measurements.find(({ metric }) => metric === "work.time")?.summary.count).toBeGreaterThan(0);
  expect(JSON.parse(stdout)).toMatchObject({ verdict: { exitCode: 130, status: "invalid" } });
  for (const line of stderr.trim().split("\n")) expect(() => JSON.parse(line) as unknown).not.toThrow();
  expect(existsSync(project.path(".mettle"))).toBe(false);
  expect(await project.mettle(["baseline", "save", "main"])).toMatchObject({ exitCode: 5 });
});

test("titles from outside stay text: no file outside the output folder, no escape sequence, no markup", async () => {
  const title = "../../../evil\u001b[2J<script>";
  using project = new Project({
    "evil.bench.js": `import { bench } from "@mettle/bench"; let x = 1;
      bench(${JSON.stringify(title)}, () => { for (let i = 0; i < 500; i++) x = (x * 31 + i) | 0; return x; });`,
  });
  const { exitCode, stdout } = await project.mettle(["bench", ...quick]);
  expect(exitCode).toBe(0);
  expect(stdout).not.toContain("\u001b");
  const profiled = await project.mettle(["profile", "evil.bench.js", "--seconds", "0.3", "--quiet"]);
  expect(profiled.exitCode).toBe(0);
  expect(profiled.stdout).not.toContain("\u001b");
  expect(readdirSync(project.folder).sort()).toEqual([".mettle", "evil.bench.js", "mettle-out", "package.json"]);
  const page = readdirSync(project.path("mettle-out")).find((name) => name.endsWith("_flame.html"));
  expect(page).toBeDefined();
  const html = readFileSync(project.path(`mettle-out/${page}`), "utf8");
  expect(html).not.toContain("<script>alert");
  expect(html.match(/<script/g)).toHaveLength(2);
  expect(html).toContain("evil.bench.js");
});

test("a folder that refuses: exit 2 before anything is measured, and not for ever", async () => {
  using project = new Project({ "work.bench.js": workload, "mettle-out": "a file is in the way" });
  // A file system that answers "no such folder" for one whose parent is there: Node's recursive mkdir never returns.
  for (const out of [[], ...(existsSync("/proc/self") ? [["--out", "/proc/nope"]] : [])]) {
    const refused = await project.mettle(["bench", ...quick, ...out]);
    expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
    expect(refused.stderr).toContain("✗ OUTPUT_WRITE_FAILED");
  }
  expect(existsSync(project.path(".mettle"))).toBe(false);
});

test("a run that cannot be saved where it should be: the table is shown, the run kept where the message says, exit 2", async () => {
  using project = new Project({ "work.bench.js": workload, "mettle-out/run.json/in-the-way": "" });
  const { exitCode, stdout, stderr } = await project.mettle(["bench", ...quick], { TMPDIR: project.folder });
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("RUN_WRITE_FAILED") as string,
  });
  expect(stdout).toMatch(/^ +work +\d/m);
  const kept = /safe in (\S+\.json)\./.exec(stderr)?.[1] ?? "";
  const { id, measurements } = await readRun(kept);
  expect(measurements.length).toBeGreaterThan(0);
  const list = await project.mettle(["history", "list", "--json"]);
  expect(JSON.parse(list.stdout)).toMatchObject({ runs: [{ id }] });
});

test("configuration: unknown keys are named, a broken file says so, --config must exist", async () => {
  using project = new Project({ "work.bench.js": workload, "mettle.config.ts": config("{ benhc: {} }") });
  expect(await project.mettle(["bench"])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/CONFIG_INVALID .*benhc.*bench/) as string,
  });
  project.write("mettle.config.ts", "export default {");
  expect(await project.mettle(["bench"])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("CONFIG_UNREADABLE") as string,
  });
  expect(await project.mettle(["gate", "--config", "no.ts"])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("no.ts") as string,
  });
});

test("init writes once and only once; what it writes runs and passes its own gate", async () => {
  using project = new Project();
  expect((await project.mettle(["init"])).exitCode).toBe(0);
  expect(await project.mettle(["init"])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("FILES_EXIST") as string,
  });
  expect((await project.mettle(["bench", ...quick])).exitCode).toBe(0);
  expect((await project.mettle(["gate"])).exitCode).toBe(0);
  const junit = readFileSync(project.path("mettle-out/junit.xml"), "utf8");
  expect(junit).toContain('failures="0"');
});

test("report renders one format to stdout and several to files; import reads what report wrote", async () => {
  using project = new Project({ "work.bench.js": workload });
  expect((await project.mettle(["bench", ...quick])).exitCode).toBe(0);
  const csv = await project.mettle(["report", "--csv"]);
  expect(csv.stdout).toMatch(/^run_id,/);
  project.write("run.csv", csv.stdout);
  const imported = await project.mettle([
    "import",
    "run.csv",
    "--from",
    "csv",
    "--out",
    "again",
    "--no-history",
    "--json",
  ]);
  expect(imported.exitCode).toBe(0);
  const [before, after] = await Promise.all([
    readRun(project.path("mettle-out/run.json")),
    readRun(project.path("again/run.json")),
  ]);
  expect(after.measurements[0]?.summary).toEqual(before.measurements[0]?.summary);
  expect((await project.mettle(["report", "--md", "--ctrf", "--k6-csv"])).stdout).toBe("");
  expect(readdirSync(project.path("mettle-out"))).toEqual(
    expect.arrayContaining(["summary.md", "ctrf.json", "k6.csv"]),
  );
  expect((await project.mettle(["report"])).exitCode).toBe(2);
});
