import { existsSync, readFileSync } from "node:fs";
import { readRun } from "@mettle/results";
import { expect, test } from "vitest";
import { outcomeOf, Project } from "./project.ts";

const smoke = ["validate", "--profile", "smoke"] as const;

test("validate: measures, judges, tells how far it is, and leaves everything in its folder", async () => {
  using project = new Project();
  const outcome = await project.mettle([...smoke, "registry.consistency", "registry.capability-matching"]);
  expect(outcome.stderr).toContain("validate");
  expect(outcome.stdout).toContain("registry.consistent");
  const run = await readRun(project.path("mettle-out/run.json"));
  expect(run).toMatchObject({
    kind: "validate",
    profile: "smoke",
    validity: { state: expect.not.stringMatching("invalid") as string },
  });
  expect(new Set(run.measurements.map(({ tags }) => tags["platform"]))).toEqual(new Set(["mettle"]));
  for (const file of ["summary.md", "junit.xml"]) expect(existsSync(project.path(`mettle-out/${file}`))).toBe(true);
  const { results, status, recommendations } = JSON.parse(
    readFileSync(project.path("mettle-out/validation.json"), "utf8"),
  ) as { results: Record<string, { status: string }>; status: string; recommendations: unknown[] };
  // Both scenarios only ask whether answers are right: no machine is too slow for that.
  expect(status).toBe("passed");
  expect(outcome.exitCode).toBe(0);
  expect(recommendations).toEqual([]);
  expect(Object.keys(results)).toHaveLength(7);
  expect(results["infrastructure_benchmarks"]!.status).toBe("passed");
  expect(results["ml_workflow_benchmarks"]!.status).toBe("absent");
});

test("validate: a run saved as a baseline is a file that the next one is compared with (S1-005, S1-006)", async () => {
  using project = new Project();
  const scenario = [...smoke, "registry.consistency", "--quiet"] as const;
  expect((await project.mettle([...scenario, "--save", "v1"])).exitCode).toBe(0);
  const saved = await readRun(project.path(".mettle/baselines/v1.json"));
  expect(saved.measurements.map(({ metric }) => metric)).toContain("registry.consistent");
  // Whether times got worse is the machine's to say; that they were compared, and answers are as right as they were, is not.
  expect([0, 4]).toContain((await project.mettle([...scenario, "--compare", "v1"])).exitCode);
  const { results } = JSON.parse(readFileSync(project.path("mettle-out/validation.json"), "utf8")) as {
    results: Record<string, { findings: { metric: string; state: string; message: string }[] }>;
  };
  const { findings } = results["regression_tests"]!;
  expect(findings).toContainEqual(expect.objectContaining({ metric: "registry.consistent", state: "passed" }));
  const unknown = await project.mettle([...scenario, "--compare", "nosuch"]);
  expect(unknown).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("BASELINE_") as string });
});

test("validate: platforms side by side in one run, of which one is judged", async () => {
  using project = new Project();
  const outcome = await project.mettle([
    ...smoke,
    "registry.consistency",
    "--platform",
    "event-emitter",
    "--versus",
    "--quiet",
  ]);
  expect(outcome.exitCode).toBe(0);
  const run = await readRun(project.path("mettle-out/run.json"));
  const platforms = new Set(run.measurements.map(({ tags }) => tags["platform"]));
  expect(platforms).toEqual(new Set(["event-emitter", "mettle"])); // the others have no registry
  const { platform, results } = JSON.parse(readFileSync(project.path("mettle-out/validation.json"), "utf8")) as {
    platform: string;
    results: Record<
      string,
      { scenarios: { platform: string; state: string }[]; findings: { tags?: Record<string, string> }[] }
    >;
  };
  expect(platform).toBe("event-emitter");
  const { scenarios, findings } = results["infrastructure_benchmarks"]!;
  expect(scenarios).toContainEqual(expect.objectContaining({ platform: "xstate", state: "unsupported" }));
  for (const { tags } of findings) expect(tags?.["platform"]).toBe("event-emitter");
});

test("validate: a name that does not exist is a usage error that lists those that do", async () => {
  using project = new Project();
  const suite = await project.mettle([...smoke, "nosuch"]);
  expect(suite).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("SUITE_UNKNOWN") as string });
  expect(suite.stderr).toContain("scalability");
  const platform = await project.mettle([...smoke, "--platform", "nosuch"]);
  expect(platform).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("PLATFORM_UNKNOWN") as string });
  const profile = await project.mettle([...smoke, "pools.agents"]);
  expect(profile).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("SUITE_NOT_IN_PROFILE") as string });
  const phase = await project.mettle([...smoke, "--phase", "4"]);
  expect(phase.exitCode).toBe(2);
  // A mistake in the command leaves what an earlier run has written alone.
  expect(existsSync(project.path("mettle-out/run.json"))).toBe(false);
});

test("validate: interrupted when all is measured, it keeps all of it and says what came of it", async () => {
  using project = new Project();
  const child = project.start([...smoke, "registry.consistency"]);
  let stopped = false;
  const outcome = await outcomeOf(child, (stderr) => {
    if (stopped || !stderr.includes("measured")) return;
    stopped = true;
    child.kill("SIGINT");
  });
  expect(outcome.exitCode).toBe(0);
  expect(outcome.stdout).toMatch(/exit {2}0$/m);
  expect((await readRun(project.path("mettle-out/run.json"))).validity.state).not.toBe("invalid");
});

test("validate: interrupted, it keeps what was measured and exits with 130", async () => {
  using project = new Project();
  const child = project.start(["validate", "registry.consistency", "load.sustained", "--profile", "ci"]);
  let stopped = false;
  const outcome = await outcomeOf(child, (stderr) => {
    if (stopped || !stderr.includes("validate")) return;
    stopped = true;
    child.kill("SIGINT");
  });
  expect(outcome.exitCode).toBe(130);
  expect(outcome.stdout).toMatch(/exit {2}130$/m);
  const run = await readRun(project.path("mettle-out/run.json"));
  expect(run.validity).toMatchObject({ state: "invalid" });
});
