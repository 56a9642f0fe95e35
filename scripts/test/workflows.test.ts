import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serviceMatrix } from "@mettle/suites";
import { describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";

type Step = Readonly<{ name?: string; id?: string; if?: string; uses?: string; run?: string; shell?: string }>;
const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
const workflow = parse(read(".github/workflows/performance.yml")) as {
  on: Record<string, { branches?: string[]; inputs?: { test_type: { options: string[]; default: string } } }> & {
    schedule: { cron: string }[];
  };
  jobs: Record<
    "tests" | "benchmarks" | "load" | "alert",
    {
      steps: Step[];
      if?: string;
      needs?: string | string[];
      strategy?: { matrix: Record<string, string[]> };
      services?: { postgres: { options: string } };
    }
  >;
};
const action = parse(read("action.yml")) as {
  inputs: Record<string, { description: string; default: string }>;
  runs: { using: string; steps: Step[] };
};
const gitlab = parse(read("deploy/ci/gitlab.yml")) as Record<string, { script?: string[] }>;

describe("the workflow (S0-004, S0-197, S1-062)", () => {
  test("runs on pull requests, on main, daily at 02:00, and by hand (S0-182, S0-183, S0-184)", () => {
    expect(workflow.on["pull_request"]?.branches).toEqual(["main", "develop"]);
    expect(workflow.on["push"]?.branches).toEqual(["main"]);
    expect(workflow.on.schedule).toEqual([{ cron: "0 2 * * *" }]);
    const choice = workflow.on["workflow_dispatch"]?.inputs?.test_type;
    expect([choice?.options, choice?.default]).toEqual([["smoke", "load", "stress", "endurance"], "smoke"]);
  });

  test("measures only what compiled and passed its tests, beside a healthy PostgreSQL (S0-190)", () => {
    expect(workflow.jobs.benchmarks.needs).toBe("tests");
    expect(workflow.jobs.benchmarks.services?.postgres.options).toContain("pg_isready");
    expect(workflow.jobs.tests.steps.map(({ run }) => run).join("\n")).toContain("--deny-warnings");
  });

  test("measures more by night than on a push, and little by hand", () => {
    const script = workflow.jobs.benchmarks.steps.find(({ id }) => id === "plan")?.run ?? "";
    const folder = temporaryFolder();
    const planOf = (event: string): string | undefined => {
      const output = join(folder, event);
      const env = { ...process.env, EVENT: event, GITHUB_OUTPUT: output };
      expect(spawnSync("bash", ["-eo", "pipefail", "-c", script], { env })).toMatchObject({ status: 0 });
      return /^profile=(\w+)$/m.exec(readFileSync(output, "utf8"))?.[1];
    };
    expect(["workflow_dispatch", "schedule", "push", "pull_request"].map(planOf)).toEqual([
      "smoke",
      "full",
      "ci",
      "ci",
    ]);
  });

  test("load tests run every night and by hand: each scenario of the matrix, in the shape that was chosen (S4-057, S4-058, S4-059)", () => {
    const { benchmarks, load } = workflow.jobs;
    expect(benchmarks.if).toBe("github.event_name != 'workflow_dispatch' || inputs.test_type == 'smoke'");
    expect(load.if).toBe("github.event_name == 'workflow_dispatch' || github.event_name == 'schedule'");
    expect(load.strategy?.matrix["scenario"]).toEqual(serviceMatrix.map(({ scenario }) => scenario));
    const options = workflow.on["workflow_dispatch"]?.inputs?.test_type.options;
    for (const { types } of serviceMatrix) expect(types).toEqual(options);
  });

  // The steps of the load test in their order, with stand-ins that write down how they were called.
  const loaded = (exit: number, env: Readonly<Record<string, string>> = {}, baseline = false) => {
    const folder = temporaryFolder();
    const npx = `echo "$@" >> calls
      case "$2" in
        serve) exec sleep 60 ;;
        load) mkdir -p performance_reports; echo {} > performance_reports/run.json; exit ${exit} ;;
        report) echo "$4" ;;
        gate) cat .mettle/baselines/$SCENARIO.json >> calls; exit 4 ;;
      esac`;
    for (const [name, script] of [
      ["npx", npx],
      ["curl", "exit 0"],
    ] as const) {
      writeFileSync(join(folder, name), `#!/bin/bash\n${script}\n`, { mode: 0o755 });
    }
    if (baseline) {
      mkdirSync(join(folder, "performance-baselines"));
      writeFileSync(join(folder, "performance-baselines/agent_execution.json"), "the baseline\n");
    }
    const output = join(folder, "output");
    const given = {
      PATH: `${folder}:${process.env["PATH"] ?? ""}`,
      API_BASE_URL: "http://127.0.0.1:8080",
      SCENARIO: "agent_execution",
      TEST_TYPE: "stress",
      TEST_PASSWORD: "twelve or more",
      GITHUB_STEP_SUMMARY: join(folder, "summary"),
      GITHUB_OUTPUT: output,
      ...env,
    };
    const run = (begins: string): number | null => {
      const script = workflow.jobs.load.steps.find(({ name }) => name?.startsWith(begins))?.run ?? "exit 99";
      const status = /^status=(\d+)$/m.exec(existsSync(output) ? readFileSync(output, "utf8") : "")?.[1] ?? "";
      return spawnSync("bash", ["-eo", "pipefail", "-c", script], {
        cwd: folder,
        env: { ...given, STATUS: status },
        stdio: "ignore",
      }).status;
    };
    const started = run("Start");
    const statuses = { load: run("Load"), report: run("Report"), check: run("Check"), cleanUp: run("Clean up") };
    return { started, ...statuses, folder, calls: readFileSync(join(folder, "calls"), "utf8") };
  };

  test("the service has its data before it is loaded; the load gets scenario, shape and address (S4-060, S4-061)", () => {
    const { calls, started } = loaded(0, { METRICS_URL: "http://influx.example/api/v1/prom/write" });
    expect(started).toBe(0);
    expect(calls).toContain("mettle serve --port 8080 --seed-data");
    const load = calls.split("\n").find((line) => line.startsWith("mettle load")) ?? "";
    expect(load).toContain("service:agent_execution --profile full");
    expect(load).toContain("--out prometheus=http://influx.example/api/v1/prom/write");
    for (const given of ["TEST_TYPE=stress", "API_BASE_URL=http://127.0.0.1:8080"]) expect(load).toContain(given);
    expect(loaded(0).calls).not.toContain("prometheus");
    expect(loaded(0, { TEST_TYPE: "endurance" }).calls).toContain("service:agent_execution --profile ci");
  });

  test("a load test ends as its thresholds say, with its reports made, and everything kept and ended (S4-062, S4-064)", () => {
    expect(loaded(0)).toMatchObject({ load: 0, report: 0, check: 0, cleanUp: 0 });
    const missed = loaded(3);
    expect(missed).toMatchObject({ load: 0, report: 0, check: 3, cleanUp: 0 });
    for (const file of ["results.json", "results.csv"]) {
      expect(existsSync(join(missed.folder, "performance_reports", file))).toBe(true);
    }
    expect(loaded(5)).toMatchObject({ load: 5, report: 0, cleanUp: 0 });
    const always = workflow.jobs.load.steps.filter((step) => step.if === "always()");
    expect(always.map(({ name, uses }) => name ?? uses)).toEqual(["Clean up", "actions/upload-artifact@v4"]);
  });

  test("a scenario with a baseline is checked against it (S4-063)", () => {
    const { check, calls } = loaded(0, {}, true);
    expect(check).toBe(4);
    expect(calls).toMatch(/gate performance_reports\/run.json --compare agent_execution .*\nthe baseline/);
  });
});

describe("watching by night, and telling of it (S0-193, S0-195)", () => {
  const title = "Performance: the nightly run fails";
  const told = (tests: string, benchmarks: string, status = "", open = "", load = "success"): string => {
    const folder = temporaryFolder();
    // A stand-in that knows which issue is open and writes down what it was asked to do.
    const gh = `if [[ $2 == list ]]; then echo "$OPEN"; else echo "$2 $*" >> calls; fi`;
    writeFileSync(join(folder, "gh"), `#!/bin/bash\n${gh}\n`, { mode: 0o755 });
    writeFileSync(join(folder, "calls"), "");
    const env = {
      PATH: `${folder}:${process.env["PATH"] ?? ""}`,
      TESTS: tests,
      BENCHMARKS: benchmarks,
      LOAD: load,
      STATUS: status,
      OPEN: open,
      RUN: "https://example.org/runs/1",
    };
    const script = workflow.jobs.alert.steps[0]?.run ?? "exit 99";
    expect(spawnSync("bash", ["-eo", "pipefail", "-c", script], { cwd: folder, env })).toMatchObject({ status: 0 });
    return readFileSync(join(folder, "calls"), "utf8");
  };

  test("runs after every nightly run, whatever came of it", () => {
    expect(workflow.jobs.alert.if).toBe("always() && github.event_name == 'schedule'");
    expect(workflow.jobs.alert.needs).toEqual(["tests", "benchmarks", "load"]);
  });

  test("a regression opens an issue that says why and where; the next one continues it", () => {
    const first = told("success", "failure", "4");
    expect(first).toMatch(/^create /);
    expect(first).toContain(title);
    expect(first).toContain("something got slower, against the baseline or over the history. Summary");
    expect(first).toContain("https://example.org/runs/1");
    expect(told("success", "failure", "3", "12")).toMatch(
      /^comment issue comment 12 --body Again: an objective is missed/,
    );
  });

  test("what kept it from measuring is told too", () => {
    expect(told("failure", "skipped")).toContain("the tests ended as failure");
    expect(told("success", "cancelled")).toContain("the benchmarks ended as cancelled");
    expect(told("success", "failure", "5")).toContain("the measurement is invalid");
    expect(told("success", "failure", "1")).toContain("the benchmarks ended as failure");
    expect(told("success", "success", "0", "", "failure")).toContain("the load tests ended as failure");
  });

  test("a night that passes closes the issue, and says nothing where there is none", () => {
    expect(told("success", "success", "0", "12")).toMatch(/^close issue close 12 /);
    expect(told("success", "success", "0")).toBe("");
  });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "mettle-workflow-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe("the action", () => {
  test("validates, reports, gates, comments and keeps the files (S0-185 … S0-189, S2-144, S3-059, S3-060)", () => {
    expect(action.runs.using).toBe("composite");
    const names = action.runs.steps.map(({ name, uses }) => name ?? uses);
    for (const name of ["Measure", "Judge", "Report", "Comment on the pull request", "Keep the reports", "Gate"]) {
      expect(names).toContain(name);
    }
    expect(read("action.yml")).toContain("performance_reports/performance_summary.md");
  });

  // The steps themselves, with a stand-in for the command that writes down how it was called.
  const stand = `echo "$@" >> calls
    case $1 in
      bench) if [[ "$NO_RUN" != 1 ]]; then mkdir -p performance_reports; echo {} > performance_reports/run.json; fi; exit "$BENCH" ;;
      gate) exit "$GATED" ;;
      history) exit "$CHECKED" ;;
    esac`;
  const acted = (exits: Readonly<Record<string, string>>) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "mettle"), `#!/bin/bash\n${stand}\n`, { mode: 0o755 });
    const output = join(folder, "output");
    const run = (name: string, env: Readonly<Record<string, string>>): number | null => {
      const script = action.runs.steps.find((step) => step.name === name)?.run ?? "exit 99";
      const defaults = {
        COMMAND: "./mettle",
        FILES: "",
        PROFILE: "ci",
        AGAINST: "v1",
        COMPARE: "",
        CONFIG: "",
        BASE: "",
        SHA: "abc",
      };
      const given = { BENCH: "0", GATED: "0", CHECKED: "0", NO_RUN: "", GATE: "true", HISTORY: "true", ...exits };
      return spawnSync("bash", ["-eo", "pipefail", "-c", script], {
        cwd: folder,
        env: { PATH: process.env["PATH"] ?? "", GITHUB_OUTPUT: output, ...defaults, ...given, ...env },
      }).status;
    };
    const told = (): string => /^status=(\d+)$/m.exec(readFileSync(output, "utf8"))?.[1] ?? "";
    const measured = run("Measure", {});
    if (measured !== 0) return { measured };
    const status = told();
    writeFileSync(output, "");
    expect(run("Judge", { MEASURED: status })).toBe(0);
    const calls = readFileSync(join(folder, "calls"), "utf8");
    return { measured, gate: run("Gate", { STATUS: told() }), calls };
  };

  test("ends as the worst of measuring, gate and history says, and as nothing else (S3-059, S3-060, S0-188)", () => {
    expect(acted({})).toMatchObject({ measured: 0, gate: 0 });
    expect(acted({ BENCH: "4", GATED: "4" }).gate).toBe(4);
    expect(acted({ BENCH: "3", GATED: "3", CHECKED: "4" }).gate).toBe(3);
    // A step in the history that no single comparison shows.
    expect(acted({ CHECKED: "4" }).gate).toBe(4);
    // A benchmark that failed, and an answer that could not be had.
    expect(acted({ BENCH: "5" }).gate).toBe(5);
    expect(acted({ GATED: "5" }).gate).toBe(5);
    // Only measured: what was missed is told and fails nothing, trouble does.
    expect(acted({ BENCH: "3", GATE: "false" }).gate).toBe(0);
    expect(acted({ BENCH: "5", GATE: "false" }).gate).toBe(5);
    // No run document: nothing to judge, and never a pass.
    expect(acted({ BENCH: "2", NO_RUN: "1" })).toEqual({ measured: 2 });
    expect(acted({ NO_RUN: "1" })).toEqual({ measured: 1 });
    expect(acted({}).calls).toBe(
      `${[
        "bench --profile ci --out performance_reports --against v1",
        "gate performance_reports/run.json --out performance_reports",
        "history check --out performance_reports",
      ].join("\n")}\n`,
    );
  });

  test("describes every input, and uses none that it does not declare", () => {
    const used = new Set([...read("action.yml").matchAll(/inputs\.([\w-]+)/g)].map(([, name]) => name));
    expect(used).toEqual(new Set(Object.keys(action.inputs)));
    for (const { description } of Object.values(action.inputs)) expect(description.length).toBeGreaterThan(10);
  });

  // What comes from outside reaches the shell as a variable only, never as text of the script.
  test.each(
    [...Object.values(workflow.jobs).flatMap(({ steps }) => steps), ...action.runs.steps].filter(({ run }) => run),
  )("step $name is valid bash without expressions", ({ run = "" }) => {
    expect(run).not.toContain("${{");
    expect(spawnSync("bash", ["-n", "-c", run], { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
  });

  test("pins every action to a major version", () => {
    const uses = [...Object.values(workflow.jobs).flatMap(({ steps }) => steps), ...action.runs.steps].flatMap(
      (step) => step.uses ?? [],
    );
    expect(uses.filter((name) => !/^(\.\/|actions\/[\w-]+@v\d+$)/.test(name))).toEqual([]);
  });
});

test("the GitLab template is valid and its script is valid shell", () => {
  const script = gitlab[".mettle"]?.script?.join("\n") ?? "";
  expect(script).toContain("mettle gate");
  expect(spawnSync("sh", ["-n", "-c", script], { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
});
