import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Measurement, type Run, readRun } from "@mettle/results";
import { afterEach, describe, expect, test } from "vitest";
import { bin, outcomeOf, Project } from "./project.ts";

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

const canPin = spawnSync("taskset", ["-c", "0", "true"]).status === 0;
const program = fileURLToPath(new URL("./fixtures/server.mjs", import.meta.url));

async function serve(env: Readonly<Record<string, string>> = {}): Promise<string> {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return line.toString().trim();
}

function measurement(run: Run, metric: string, tags: Record<string, string> = {}): Measurement {
  const found = run.measurements.find(
    (each) => each.metric === metric && JSON.stringify(each.tags) === JSON.stringify(tags),
  );
  if (!found) throw new Error(`${metric} was not measured`);
  return found;
}

/** Asks a server when it gave its answers. @returns how long after it was due each answer went out, in ms, at 500 a second */
async function accountOf(server: ChildProcess): Promise<number[]> {
  let text = "";
  server.stdout!.on("data", (part: Buffer) => (text += part.toString()));
  server.kill("SIGTERM");
  await once(server.stdout!, "end");
  const { firstAt, answeredAt } = JSON.parse(text) as { firstAt: number; answeredAt: number[] };
  return answeredAt.map((at, k) => at - firstAt - 2 * k);
}

/** Asks for so many users, and again until that many are there. */
async function scaleTo(url: string, vus: number): Promise<void> {
  const body = JSON.stringify({ data: { attributes: { vus } } });
  for (;;) {
    const answer = (await (await fetch(url, { method: "PATCH", body })).json()) as {
      data: { attributes: { vus: number } };
    };
    if (answer.data.attributes.vus === vus) return;
  }
}

const quietly: readonly string[] = ["--no-history", "--quiet"];

describe("mettle load", () => {
  test("the test of honesty: a stall of 2 s shows for everyone who was due in it, with 50 connections", async () => {
    using project = new Project();
    const url = await serve({ STALL_AFTER: "4000", STALL: "2000", DELAY: "1" });
    const { stderr } = await project.mettle([
      "load",
      `${url}/stalling`,
      "-r",
      "500",
      "-c",
      "50",
      "-d",
      "10s",
      ...quietly,
    ]);
    const run = await readRun(project.path("mettle-out/run.json"));
    expect(stderr).toBe("");
    const { summary } = measurement(run, "http_req_response_time");
    expect(summary.count).toBe(5000);
    // The server's own account: answer k went to the request due k · 2 ms after the first. On an idle machine that is
    // 1.0, 1.9 and 2.0 s: a fifth of the requests was due in the stall, and waited from 2 s down to nothing.
    const waits = (await accountOf(children[0]!)).sort((x, y) => x - y);
    expect(waits).toHaveLength(5000);
    const truth = (q: number): number => waits[Math.ceil(q * waits.length) - 1]!;
    expect(truth(0.9)).toBeGreaterThan(900);
    expect(truth(0.9)).toBeLessThan(1500);
    for (const [got, q] of [
      [summary.p90, 0.9],
      [summary.p99, 0.99],
      [summary.max, 1],
    ] as const) {
      expect(Math.abs((got ?? Number.NaN) / 1e6 / truth(q) - 1)).toBeLessThan(0.05);
    }
    // What others report: only those 50 that were on their way.
    const service = measurement(run, "http_req_duration").summary;
    expect((service.p90 ?? 0) / 1e6).toBeLessThan(truth(0.9) / 2);
  });

  test("a script: setup, checks, thresholds; a missed one exits with 3, and the run is kept", async () => {
    using project = new Project({
      "shop.load.ts": `
        import { defineLoad } from "@mettle/load";
        export default defineLoad({
          http: { baseUrl: process.env["URL"]! },
          setup: async (user) => ({ token: (await user.http.get("/login")).json<{ token: string }>().token }),
          scenarios: { shop: { vus: 3, iterations: 60, run: async (user) => {
            const response = await user.http.get("/items", { headers: { Authorization: user.data.token } });
            user.check(response, { "is 200": (r) => r.status === 200 });
            if (user.iterationInScenario % 3 === 0) await user.http.get("/fail", { name: "failing" });
            if (user.env["BREAK"] && user.iteration === 5) throw new Error("broken on purpose");
          } } },
          thresholds: { checks: "rate == 1", "http_req_failed{name:failing}": "rate < 0.5" },
        });`,
    });
    const url = await serve();
    const { exitCode, stdout, stderr } = await project.mettle(
      [
        "load",
        "shop.load.ts",
        "--no-history",
        "-w",
        "2",
        "-e",
        "BREAK=1",
        "--out",
        "json=samples.json",
        "--summary-export",
        "sum.json",
      ],
      { URL: url },
    );
    const run = await readRun(project.path("mettle-out/run.json"));
    // A machine at its limits may call the run invalid, which then outranks the threshold.
    expect(exitCode).toBe(run.validity.state === "invalid" ? 5 : 3);
    expect(stdout).toContain("http_req_failed{name:failing}");
    expect(stderr).toContain("broken on purpose");
    expect(measurement(run, "iterations").summary.sum).toBe(60);
    expect(measurement(run, "checks").summary).toMatchObject({ rate: 1, count: 60 });
    expect(measurement(run, "http_req_failed", { name: "failing" }).summary.rate).toBe(1);
    const samples = readFileSync(project.path("samples.json"), "utf8").trimEnd().split("\n");
    const points = samples.map((line) => JSON.parse(line) as { type: string; metric: string });
    expect(points.filter(({ type, metric }) => type === "Point" && metric === "checks")).toHaveLength(60);
    expect(JSON.parse(readFileSync(project.path("sum.json"), "utf8"))).toMatchObject({
      metrics: { checks: { passes: 60 }, "http_req_failed{name:failing}": { thresholds: { "rate < 0.5": true } } },
    });
    expect(existsSync(project.path("mettle-out/junit.xml"))).toBe(true);
  });

  test("a threshold that aborts ends the run when it is missed, not before its delay", async () => {
    using project = new Project({
      "abort.yaml": `
scenarios: { a: { vus: 2, duration: 60s, steps: [{ get: "\${URL}/fail" }, { think: 20ms }] } }
thresholds:
  http_req_failed: [{ threshold: rate < 0.1, abortOnFail: true, delayAbortEval: 2s }]
`,
    });
    const url = await serve();
    const { stderr } = await project.mettle(["load", "abort.yaml", "--no-history", "-e", `URL=${url}`]);
    const run = await readRun(project.path("mettle-out/run.json"));
    expect(run.durationMs).toBeGreaterThan(1900);
    expect(run.durationMs).toBeLessThan(50_000); // of 60 s
    expect(stderr).toContain("Aborted: http_req_failed");
  });

  test("Ctrl-C ends gracefully with the summary of what was measured, exit 130", async () => {
    using project = new Project();
    const url = await serve();
    const child = project.start(["load", `${url}/`, "-c", "2", "--rps", "50", "-d", "60s", "--no-history"]);
    let interrupted = false;
    const { exitCode, stdout, stderr } = await outcomeOf(child, (text) => {
      if (!interrupted && text.includes("it/s")) {
        interrupted = true;
        child.kill("SIGINT");
      }
    });
    expect(exitCode).toBe(130);
    expect(stderr).toContain("Interrupted");
    expect(stdout).toContain("iterations");
    const run = await readRun(project.path("mettle-out/run.json"));
    expect(measurement(run, "iterations").summary.sum).toBeGreaterThan(10);
  });

  test("Ctrl-C twice ends at once, whatever is in flight", async () => {
    using project = new Project({
      "patient.load.js": `
        import { defineLoad } from "@mettle/load";
        export default defineLoad({ scenarios: { a: { vus: 1, duration: "60s", gracefulStop: "60s", run: (user) => user.sleep("60s") } } });`,
    });
    const child = project.start(["load", "patient.load.js", "--no-history"]);
    let sent = 0;
    const { exitCode } = await outcomeOf(child, (text) => {
      if ((sent === 0 && text.includes("it/s")) || (sent === 1 && text.includes("Interrupted"))) {
        sent += 1;
        child.kill("SIGINT");
      }
    });
    expect([sent, exitCode]).toEqual([2, 130]);
  });

  test("--control tells how it stands and scales a scenario that waits to be told", async () => {
    using project = new Project({
      "scaled.load.js": `
        import { defineLoad } from "@mettle/load";
        export default defineLoad({ scenarios: { a: { executor: "externally-controlled", vus: 1, maxVUs: 9, run: (user) => user.sleep(20) } } });`,
    });
    const child = project.start(["load", "scaled.load.js", "--control", "127.0.0.1:0", "--no-history"]);
    let asked = false;
    const { exitCode } = await outcomeOf(child, (text) => {
      const url = /Controlled at (\S+)/.exec(text)?.[1];
      if (url === undefined || !text.includes("it/s") || asked) return;
      asked = true;
      void scaleTo(url, 5).then(() => child.kill("SIGINT"));
    });
    expect(exitCode).toBe(130);
    const run = await readRun(project.path("mettle-out/run.json"));
    expect(measurement(run, "vus").summary.max).toBe(5);
  });

  test("an endless loop in a script loses its worker, not the run: exit 5 with the reason", async () => {
    using project = new Project({
      "stuck.load.js": `
        import { defineLoad } from "@mettle/load";
        export default defineLoad({ scenarios: { a: { vus: 1, duration: "3s", run: async (user) => {
          await user.sleep(100);
          if (user.iteration === 3) for (;;);
        } } } });`,
    });
    const { exitCode, stdout } = await project.mettle(["load", "stuck.load.js", ...quietly]);
    expect(exitCode).toBe(5);
    expect(stdout).toContain("endless loop");
  });

  test.each([
    ["import nothing from './missing.js'; export default 1;", "LOAD_SCRIPT_UNREADABLE"],
    ["export default {", "LOAD_SCRIPT_UNREADABLE"],
    ["export const x = 1;", "LOAD_SCRIPT_INVALID"],
    [
      "import { defineLoad } from '@mettle/load'; export default defineLoad({ scenarios: { a: { vus: 0, run() {} } } });",
      "LOAD_OPTIONS_INVALID",
    ],
    [
      "import { defineLoad } from '@mettle/load'; export default defineLoad({ scenarios: { a: { run() {} } }, thresholds: { checks: 'rate <' } });",
      "POLICY_INVALID",
    ],
    [
      "import { defineLoad } from '@mettle/load'; export default defineLoad({ setup() { throw new Error('no db'); }, scenarios: { a: { iterations: 1, run() {} } } });",
      "LOAD_SETUP_FAILED",
    ],
  ])("what cannot run is refused with its code: %s", async (text, code) => {
    using project = new Project({ "bad.load.js": text });
    const { exitCode, stdout, stderr } = await project.mettle(["load", "bad.load.js", ...quietly]);
    expect(stderr).toContain(`✗ ${code} `);
    expect(stdout).toBe("");
    expect(exitCode).toBe(code === "LOAD_SETUP_FAILED" ? 5 : 2);
  });

  test("refused connections at full rate: counted with their code, without a storm", async () => {
    using project = new Project();
    const url = await serve();
    for (const child of children.splice(0)) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    const { exitCode } = await project.mettle(["load", `${url}/`, "-c", "5", "-d", "2s", "--json", ...quietly]);
    const run = await readRun(project.path("mettle-out/run.json"));
    expect(measurement(run, "http_req_failed").summary.rate).toBe(1);
    expect(measurement(run, "iterations").summary.sum).toBeGreaterThan(5);
    expect([0, 5]).toContain(exitCode);
  });

  test.runIf(canPin)("starved of its core by another process: marked invalid, exit 5", async () => {
    using project = new Project();
    const url = await serve();
    const hog = spawn("taskset", ["-c", "0", process.execPath, "-e", "for (;;);"], { stdio: "ignore" });
    children.push(hog);
    const child = spawn(
      "taskset",
      ["-c", "0", process.execPath, bin, "load", `${url}/`, "-c", "20", "-d", "3s", ...quietly],
      {
        cwd: project.folder,
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const { exitCode, stdout } = await outcomeOf(child);
    expect(exitCode).toBe(5);
    expect(stdout).toMatch(/generator-bound: a worker got \d+ % of a core/);
  });
});
