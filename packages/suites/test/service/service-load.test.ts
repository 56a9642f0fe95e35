import { describe, expect, test } from "vitest";
import type { ScenarioOptions } from "@mettle/load";
import type { Profile } from "@mettle/results";
import { serviceMatrix, serviceScenario, serviceScenarios } from "../../src/service/service-catalogue.ts";
import { serviceLoad, type ServiceLoadParameters } from "../../src/service/service-load.ts";
import { testTypes } from "../../src/service/test-types.ts";
import { measured, play } from "./play.ts";

const at = (scenario: string, more: Partial<ServiceLoadParameters> = {}): ServiceLoadParameters => ({
  scenario,
  baseUrl: "http://service/",
  ...more,
});
const optionsOf = (
  scenario: string,
  more: Partial<ServiceLoadParameters> = {},
): Readonly<Record<string, ScenarioOptions>> => serviceLoad(at(scenario, more)).options.scenarios ?? {};
const stagesOf = ({ stages = [] }: ScenarioOptions): unknown =>
  stages.map(({ duration, target }) => [Number(duration) / 60_000, target]);

describe("as written down, in the profile that runs them whole (S0-010)", () => {
  const whole = { profile: "soak" } as const;

  test("S4-038 logins: 0 to 100 and 200 users in stages of 2, 5, 2, 5 and 2 minutes", () => {
    const { logins } = optionsOf("auth_performance", whole);
    expect(logins).toMatchObject({ executor: "ramping-vus", startVUs: 0 });
    expect(stagesOf(logins ?? expect.fail())).toEqual([
      [2, 100],
      [5, 100],
      [2, 200],
      [5, 200],
      [2, 0],
    ]);
  });

  test("S4-040 executions: 50 users with simple and 20 with complex tasks for 10 minutes, tagged", () => {
    expect(optionsOf("agent_execution", whole)).toMatchObject({
      simple_tasks: { executor: "constant-vus", vus: 50, duration: 600_000, tags: { task_type: "simple" } },
      complex_tasks: { executor: "constant-vus", vus: 20, duration: 600_000, tags: { task_type: "complex" } },
    });
  });

  test("S4-044 stress: arrivals from 10/s to 400/s and back", () => {
    const { stress } = optionsOf("stress_test", whole);
    expect(stress).toMatchObject({
      executor: "ramping-arrival-rate",
      startRate: 10,
      preAllocatedVUs: 100,
      maxVUs: 1000,
    });
    expect(stagesOf(stress ?? expect.fail())).toEqual([
      [5, 50],
      [10, 100],
      [5, 200],
      [10, 200],
      [5, 400],
      [5, 400],
      [10, 0],
    ]);
  });

  test("S4-047 endurance: 100 users for 24 hours; S4-116: 100 users for half an hour, tagged with the region", () => {
    expect(optionsOf("endurance_test", whole)).toMatchObject({ users: { vus: 100, duration: 24 * 3_600_000 } });
    const distributed = serviceLoad(at("distributed_test", { ...whole, region: "eu-1" })).options;
    expect(distributed).toMatchObject({
      scenarios: { users: { vus: 100, duration: 1_800_000 } },
      tags: { region: "eu-1" },
    });
  });

  test("S4-105 … S4-107: smoke, load and stress of the base configuration, with any behaviour", () => {
    expect(optionsOf("knowledge_search", { ...whole, testType: "smoke" })).toMatchObject({
      smoke: { executor: "constant-vus", vus: 1, duration: 60_000 },
    });
    const { load } = optionsOf("knowledge_search", { ...whole, testType: "load" });
    expect(stagesOf(load ?? expect.fail())).toEqual([
      [5, 50],
      [10, 50],
      [5, 0],
    ]);
    const { stress } = optionsOf("auth_performance", { ...whole, testType: "stress" });
    expect(stagesOf(stress ?? expect.fail())).toEqual([
      [2, 100],
      [5, 100],
      [2, 200],
      [5, 200],
      [2, 300],
      [5, 300],
      [10, 0],
    ]);
  });

  test("S4-039, 041, 045, 048, 108: thresholds; failures are a thousandth where they are not said to be relaxed (T-01)", () => {
    const thresholds = (id: string, more: Partial<ServiceLoadParameters> = {}) =>
      serviceLoad(at(id, more)).options.thresholds;
    expect(thresholds("auth_performance")).toMatchObject({
      http_req_duration: ["p(95)<200ms"],
      http_req_failed: ["rate<0.001"],
    });
    expect(thresholds("agent_execution")).toMatchObject({
      "http_req_duration{task_type:simple}": expect.arrayContaining(["p(95)<2s"]) as unknown,
      "http_req_duration{task_type:complex}": expect.arrayContaining(["p(95)<8s"]) as unknown,
      http_req_failed: ["rate<0.001"],
    });
    expect(thresholds("stress_test")).toEqual({
      http_req_response_time: ["p(95)<5s"],
      http_req_failed: ["rate<0.05"],
      checks: ["rate>0.8"],
    });
    expect(thresholds("endurance_test")).toEqual({
      http_req_duration: ["p(95)<3s"],
      http_req_failed: ["rate<0.001"],
      checks: ["rate>0.9"],
    });
    expect(thresholds("auth_performance", { testType: "load" })).toEqual({
      http_req_duration: ["p(95)<2s"],
      http_req_failed: ["rate<0.001"],
      checks: ["rate>0.9"],
    });
  });

  test("S4-059 the matrix: four scenarios in each of the four types of test (S4-058)", () => {
    expect(serviceMatrix.map(({ scenario }) => scenario)).toEqual([
      "auth_performance",
      "agent_execution",
      "knowledge_search",
      "multi_user_load",
    ]);
    for (const { scenario, types } of serviceMatrix) {
      expect(types).toEqual(["smoke", "load", "stress", "endurance"]);
      for (const testType of types) expect(Object.keys(optionsOf(scenario, { testType }))).toEqual([testType]);
    }
  });
});

describe("profiles", () => {
  const lengthMs = (options: Readonly<Record<string, ScenarioOptions>>): number =>
    Math.max(
      ...Object.values(options).map(
        ({ duration = 0, stages = [] }) =>
          Number(duration) + stages.reduce((sum, stage) => sum + Number(stage.duration), 0),
      ),
    );
  const without = (options: object): string =>
    JSON.stringify(options, (key, value: unknown) => (key === "duration" ? 0 : value));
  const longest: readonly (readonly [Profile, number])[] = [
    ["smoke", 10_000],
    ["ci", 60_000],
    ["full", 3_600_000],
  ];

  test.each(longest)("%s: at most so long, with users and rates as they are (T-17)", (profile, most) => {
    for (const { id } of serviceScenarios) {
      for (const testType of [undefined, ...testTypes]) {
        const more = testType ? { testType } : {};
        const options = optionsOf(id, { ...more, profile });
        const whole = optionsOf(id, { ...more, profile: "soak" });
        expect(lengthMs(options)).toBeCloseTo(Math.min(most, lengthMs(whole)), 6);
        expect(without(options)).toBe(without(whole));
      }
    }
  });
});

describe("against a service", () => {
  const smoke = (scenario: string, more: Partial<ServiceLoadParameters> = {}) =>
    serviceLoad(at(scenario, { profile: "smoke", ...more }));

  test("logins: each user its own name, a second between two of them, token checked", async () => {
    const run = await play(smoke("auth_performance"));
    expect(run.errors).toEqual([]);
    expect(run.missed).toEqual([]);
    const { seen } = run.service;
    // 20 ms of answer and a second of thought: nobody logs in twice within a second.
    const ofUser = seen.filter(({ user, scenario }) => user === 7 && scenario === "logins");
    expect(ofUser.length).toBeGreaterThan(4);
    expect(new Set(ofUser.map(({ body }) => JSON.stringify(body)))).toEqual(
      new Set(['{"username":"user7","password":"password7"}']),
    );
    for (const [index, { atMs }] of ofUser.slice(1).entries()) {
      expect(atMs - (ofUser[index]?.atMs ?? 0)).toBeGreaterThanOrEqual(1020);
    }
    expect(measured(run, "checks", { check: "has token" }).summary.rate).toBe(1);
    expect(measured(run, "vus").summary.max).toBeGreaterThan(190);
  });

  test("a service that forgets tokens, is slow, or fails, misses what it should", async () => {
    const forgetful = await play(smoke("auth_performance"), {
      answer: (_, number) => (number > 1 && number % 2 === 0 ? { status: 200, body: "{}" } : undefined),
    });
    expect(measured(forgetful, "checks", { check: "has token" }).summary.rate).toBeCloseTo(0.5, 1);
    const slow = await play(smoke("auth_performance"), { takesMs: () => 250 });
    expect(slow.missed).toContainEqual(expect.stringMatching(/^http_req_duration p\(?95\)? ?< ?200/));
    expect(measured(slow, "checks", { check: "response time < 200ms" }).summary.rate).toBe(0);
    const failing = await play(smoke("auth_performance"), {
      answer: (_, number) => (number % 100 === 50 ? { status: 503, body: "busy" } : undefined),
    });
    // One in a hundred is ten times what is promised.
    expect(failing.missed).toContainEqual(expect.stringMatching(/^http_req_failed/));
  });

  test("executions: both kinds as the service takes them, told apart, with one to four seconds of thought", async () => {
    const run = await play(smoke("agent_execution"), {
      takesMs: ({ body }) => (String(body).includes("multi_step_processor") ? 2500 : 500),
    });
    expect(run.errors).toEqual([]);
    expect(run.missed).toEqual([]);
    const simple = run.service.seen.filter(({ scenario }) => scenario === "simple_tasks");
    expect(new Set(simple.map(({ body }) => JSON.stringify(body)))).toEqual(
      new Set([
        JSON.stringify({
          agent_type: "text_processor",
          task: {
            type: "summarize",
            input: "Agents measure what they do, and report what they measured.",
            parameters: { max_length: 100 },
          },
        }),
      ]),
    );
    const complex = run.service.seen.find(({ scenario }) => scenario === "complex_tasks");
    expect(complex?.body).toMatchObject({
      agent_type: "multi_step_processor",
      task: {
        type: "research_and_analyze",
        parameters: { depth: "comprehensive", sources: ["web", "databases", "reports"], analysis_type: "competitive" },
      },
    });
    const gaps = [1, 2, 3].flatMap((user) => {
      const times = simple.filter((each) => each.user === user).map(({ atMs }) => atMs);
      return times.slice(1).map((time, index) => time - (times[index] ?? 0) - 500);
    });
    expect(gaps.length).toBeGreaterThan(5);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(4010);
    const simpleP95 = measured(run, "http_req_duration", { task_type: "simple" }).summary.p95 ?? 0;
    const complexP95 = measured(run, "http_req_duration", { task_type: "complex" }).summary.p95 ?? 0;
    expect([simpleP95, complexP95].map((value) => Math.round(value / 1e8))).toEqual([5, 25]);
    const slow = await play(smoke("agent_execution"), {
      takesMs: ({ body }) => (String(body).includes("text_processor") ? 2100 : 100),
    });
    expect(slow.missed.filter((text) => text.includes("p(95)") || text.includes("p95"))).toHaveLength(1);
  });

  test("searches come at 200 a second, however slow the service is; what waits counts from when it was due", async () => {
    const run = await play(smoke("knowledge_search"), { takesMs: () => 100 });
    expect(run.missed).toEqual([]);
    const searches = run.service.seen.filter(({ path }) => path === "/knowledge/search");
    expect(Math.abs(searches.length - 2000)).toBeLessThanOrEqual(1);
    const overloaded = await play(smoke("knowledge_search"), { takesMs: () => 6000 });
    expect(overloaded.missed.join("\n")).toMatch(/http_req_response_time/);
  });

  test("users of three kinds: sessions begin with a login; their actions are drawn by the pattern's weights", async () => {
    const run = await play(smoke("multi_user_load"));
    expect(run.errors).toEqual([]);
    expect(run.missed).toEqual([]);
    for (const pattern of ["power_user", "regular_user", "casual_user"]) {
      const seen = run.service.seen.filter(({ scenario }) => scenario === pattern);
      const users = new Set(seen.map(({ user }) => user));
      expect(users.size).toBe(40);
      for (const user of users) {
        const [first, second] = seen.filter((each) => each.user === user);
        expect(first?.path).toBe("/auth/login");
        expect(second?.path).not.toBe("/auth/login");
      }
    }
  });

  test("endurance: the five actions in their shares; a distributed test does the same", async () => {
    // At a thousandth of the thought the shares show within the smoke profile's ten seconds.
    const run = await play(smoke("endurance_test"));
    expect(run.errors).toEqual([]);
    expect(run.missed).toEqual([]);
    const counts = new Map<string, number>();
    for (const { path, scenario } of run.service.seen) {
      if (scenario === "users") counts.set(path, (counts.get(path) ?? 0) + 1);
    }
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    expect(total).toBeGreaterThan(100);
    const share = (path: string): number => (counts.get(path) ?? 0) / total;
    // Three binomial standard errors of about 150 draws.
    expect(Math.abs(share("/auth/login") - 0.3)).toBeLessThan(0.115);
    expect(Math.abs(share("/agents/execute") - 0.45)).toBeLessThan(0.125);
    expect(Math.abs(share("/knowledge/search") - 0.2)).toBeLessThan(0.1);
    expect(Math.abs(share("/agents/status") - 0.05)).toBeLessThan(0.055);
  });

  test("stress: the rate that the stages say at every moment, in a tenth of a percent of their time", async () => {
    const run = await play(smoke("stress_test"));
    expect(run.missed).toEqual([]);
    const executions = run.service.seen.filter(({ path }) => path === "/agents/execute");
    // The area under the stages as written, in 10 s instead of 50 minutes.
    const area = (30 * 5 + 75 * 10 + 150 * 5 + 200 * 10 + 300 * 5 + 400 * 5 + 200 * 10) * 60;
    expect(Math.abs(executions.length - (area * 10) / (50 * 60))).toBeLessThanOrEqual(2);
  });

  test("any behaviour in any type of test: one user of the smoke test takes the groups' turns", async () => {
    const run = await play(smoke("agent_execution", { testType: "smoke" }));
    expect(run.missed).toEqual([]);
    expect(new Set(run.service.seen.map(({ scenario }) => scenario))).toEqual(new Set(["setup", "smoke"]));
    expect(measured(run, "vus").summary.max).toBe(1);
  });
});

describe("bad input", () => {
  test("names, addresses and types that are none", () => {
    expect(() => serviceScenario("nothing")).toThrow(
      expect.objectContaining({ code: "SERVICE_SCENARIO_UNKNOWN" }) as Error,
    );
    for (const more of [
      { baseUrl: "nowhere" },
      { baseUrl: "ftp://x" },
      { testType: "heavy" as never },
      { credentials: { users: 0 } },
      { credentials: { users: Number.NaN } },
    ]) {
      expect(() => serviceLoad(at("auth_performance", more))).toThrow(
        expect.objectContaining({ code: "SERVICE_OPTIONS_INVALID" }) as Error,
      );
    }
  });

  test.each([
    ["status 500", { status: 500, body: "" }],
    ["no token", { status: 200, body: "{}" }],
  ])("a service that gives no first token (%s) is no measurement", async (_, answer) => {
    await expect(
      play(serviceLoad(at("endurance_test", { profile: "smoke" })), { answer: () => answer }),
    ).rejects.toThrow(/gave no token/);
  });

  test("a login whose answer is no JSON fails with its reason", async () => {
    const answer = { status: 200, body: "<html>" };
    await expect(
      play(serviceLoad(at("endurance_test", { profile: "smoke" })), { answer: () => answer }),
    ).rejects.toThrow();
  });
});
