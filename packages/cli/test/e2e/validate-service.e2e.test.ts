import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { findMeasurements, readRun, type Run } from "@mettle/results";
import { expect, test } from "vitest";
import { outcomeOf, Project } from "./project.ts";

interface ShownScenario {
  readonly id: string;
  readonly state: string;
  readonly failure?: { readonly code: string; readonly message: string };
}

const smoke = ["validate", "service", "--profile", "smoke", "--quiet"] as const;
const leftovers = (): readonly string[] => readdirSync(tmpdir()).filter((name) => name.startsWith("mettle-validate-"));
const read = (project: Project): { platform: string; scenarios: readonly ShownScenario[] } => {
  const { platform, results } = JSON.parse(readFileSync(project.path("mettle-out/validation.json"), "utf8")) as {
    platform: string;
    results: Readonly<Record<string, { scenarios: readonly ShownScenario[] }>>;
  };
  return { platform, scenarios: Object.values(results).flatMap(({ scenarios }) => scenarios) };
};
const figure = (run: Run, metric: string): Run["measurements"][number]["summary"] =>
  findMeasurements(run, { metric, tags: {} })[0]?.summary ?? expect.fail(`${metric} was not measured`);

test("validate service: the real one is started, filled, loaded, judged and ended, and nothing of it is left", async () => {
  using project = new Project();
  const before = leftovers();
  const outcome = await project.mettle(smoke);
  const { platform, scenarios } = read(project);
  expect(platform).toBe("service");
  // On a crowded machine loads prove nothing, and figures miss their limits; but nothing else may go wrong.
  expect([0, 3, 5]).toContain(outcome.exitCode);
  const wrong = scenarios.filter(({ failure }) => failure && failure.code !== "SERVICE_LOAD_INVALID");
  expect(wrong).toEqual([]);
  const stateOf = (id: string): string | undefined => scenarios.find((each) => each.id === id)?.state;
  for (const id of ["service.start", "service.contexts", "service.at-once"]) expect(stateOf(id)).toBe("measured");
  const run = await readRun(project.path("mettle-out/run.json"));
  expect(run).toMatchObject({ kind: "validate", profile: "smoke" });
  expect(figure(run, "service.start.time").count).toBe(1);
  // S4-016, S4-090: so many at once, and each of them ended well.
  expect(figure(run, "service.executions.at-once").mean).toBeGreaterThanOrEqual(100);
  expect(figure(run, "service.executions.succeeded").rate).toBe(1);
  expect(figure(run, "service.context.errors").rate).toBe(0);
  const measuredLoads = scenarios.filter(({ id, state }) => state === "measured" && /_/.test(id));
  for (const { id } of measuredLoads) {
    const load = id.slice("service.".length);
    const [failed] = findMeasurements(run, { metric: "service.http_req_failed", tags: { load } });
    expect(failed?.summary.rate, id).toBe(0);
  }
  if (measuredLoads.length > 1) {
    // The service told of its parts while it was loaded.
    for (const part of ["gateway.routing", "gateway.token-validation", "gateway.rate-limit"]) {
      expect(figure(run, `service.${part}`).count).toBeGreaterThan(10);
    }
  }
  for (const file of ["summary.md", "junit.xml", "report.html"])
    expect(existsSync(project.path(`mettle-out/${file}`))).toBe(true);
  expect(leftovers()).toEqual(before);
}, 300_000); // on a crowded machine it takes minutes

test("validate service: interrupted, it ends the service, keeps what was measured, and exits with 130", async () => {
  using project = new Project();
  const before = leftovers();
  const child = project.start(["validate", "service", "--profile", "smoke"]);
  let stopped = false;
  const outcome = await outcomeOf(child, () => {
    // There is a service to end from the moment that its folder is there.
    if (stopped || leftovers().length === before.length) return;
    stopped = true;
    child.kill("SIGINT");
  });
  expect(outcome.exitCode).toBe(130);
  expect(stopped).toBe(true);
  expect(await readRun(project.path("mettle-out/run.json"))).toMatchObject({ validity: { state: "invalid" } });
  expect(leftovers()).toEqual(before);
});

test("validate service: where nothing listens it exits with 2 and says so in its files; wrong flags change nothing", async () => {
  using project = new Project();
  const wrong = await project.mettle([...smoke, "--base-url", "nowhere"]);
  expect(wrong).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("--base-url needs an http address") as string,
  });
  const users = await project.mettle([...smoke, "--base-url", "http://127.0.0.1:1"], { TEST_USERS: "many" });
  expect(users).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("TEST_USERS") as string });
  expect(existsSync(project.path("mettle-out/run.json"))).toBe(false);
  const outcome = await project.mettle([...smoke, "--base-url", "http://127.0.0.1:1"]);
  expect(outcome.exitCode).toBe(2);
  expect(outcome.stdout).toContain("SERVICE_UNREACHABLE");
  expect(read(project).scenarios).toMatchObject([{ id: "service.start", state: "failed" }]);
});
