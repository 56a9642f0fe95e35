import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@mettle/core";
import { judge, type Verdict } from "@mettle/judge";
import { type Measurement, runSchema } from "@mettle/results";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { serviceChecks } from "../../../src/service/validate/checks.ts";
import { measureService, type MeasureServiceOptions } from "../../../src/service/validate/measure-service.ts";
import type { ScenarioOutcome } from "../../../src/validate/result.ts";
import { policyOf } from "../../../src/validate/rules.ts";
import { validate } from "../../../src/validate/validate.ts";
import { calmGenerator, fakeService, type Trouble } from "./fake.ts";

const seconds: Readonly<Record<string, number>> = { "service.start": 0.01, "service.auth_performance": 1 };

function measure(
  names: readonly string[],
  trouble: Trouble,
  more: Partial<MeasureServiceOptions> = {},
): Promise<readonly ScenarioOutcome[]> {
  return measureService(
    serviceChecks.filter(({ id }) => names.includes(id)),
    {
      service: fakeService(trouble),
      profile: "smoke",
      secondsOf: ({ id }) => seconds[id] ?? 0.3,
      clock: systemClock,
      revision: undefined,
      generator: calmGenerator,
      ...more,
    },
  );
}

const stateOf = (outcomes: readonly ScenarioOutcome[]): readonly unknown[] =>
  outcomes.map(({ scenario, state }) => [scenario.id, state]);

function judged(outcomes: readonly ScenarioOutcome[]): Verdict {
  const measurements = outcomes.flatMap((each): readonly Measurement[] => each.measurements);
  return judge(
    {
      schema: runSchema,
      id: "r",
      startedAt: "2026-01-01T00:00:00.000Z",
      durationMs: 10,
      name: "test",
      kind: "validate",
      environment: {} as never,
      validity: { state: "valid", reasons: [] },
      measurements,
    },
    {
      policy: policyOf(
        outcomes.map(({ scenario }) => scenario),
        "service",
        1,
      ),
    },
  );
}

// A temporary folder for these tests alone: what others leave, or are using just now, is not theirs.
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mettle-measured-"));
  vi.stubEnv("TMPDIR", folder);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});
const leftovers = (): readonly string[] => readdirSync(folder).filter((name) => name.startsWith("mettle-validate-"));

describe("a service that keeps its promises", () => {
  test("is started, loaded, read and ended, and leaves nothing behind", async () => {
    let most = 0;
    const outcomes = await measure(
      [
        "service.start",
        "service.auth_performance",
        "service.contexts",
        "service.components",
        "service.availability",
        "service.usage",
      ],
      "none",
      { onEnded: () => (most = Math.max(most, leftovers().length)) },
    );
    expect(stateOf(outcomes)).toEqual([
      ["service.start", "measured"],
      ["service.auth_performance", "measured"],
      ["service.contexts", "measured"],
      ["service.components", "measured"],
      ["service.availability", "measured"],
      ["service.usage", "measured"],
    ]);
    const metrics = new Map(outcomes.flatMap(({ measurements }) => measurements.map((each) => [each.metric, each])));
    for (const { tags } of metrics.values()) expect(tags["platform"]).toBe("service");
    expect(metrics.get("service.start.time")?.summary.count).toBe(1);
    // The fake's figures.
    expect(metrics.get("service.http_req_failed")?.summary.rate).toBe(0);
    expect(metrics.get("service.availability")?.summary.rate).toBe(1);
    expect(metrics.get("service.usage.pool")?.summary).toMatchObject({ mean: 0.25, max: 0.25 });
    // How fast the fake is, is the machine's; that nothing failed is not.
    const missed = judged(outcomes).findings.filter(({ state }) => state === "failed");
    expect(missed.filter(({ metric = "" }) => /failed|errors|availability/.test(metric))).toEqual([]);
    expect([most, leftovers()]).toEqual([1, []]);
  });

  test("its parts' times are those under load, and not those of what made its users", async () => {
    const outcomes = await measure(
      ["service.start", "service.contexts", "service.auth_performance", "service.components"],
      "none",
    );
    const routing = outcomes
      .flatMap(({ measurements }) => measurements)
      .find(({ metric }) => metric === "service.gateway.routing");
    // 40 contexts; logging in is no request with a token.
    expect(routing?.summary).toMatchObject({ count: 40, p50: 1e6, p95: 1e6, mean: 0.5e6 });
  });
});

describe("a service that does not", () => {
  test("S4-072 misses the limit of its logins: a failure with what was seen", async () => {
    const outcomes = await measure(["service.start", "service.auth_performance"], "slow");
    const { status, exitCode, findings } = judged(outcomes);
    expect([status, exitCode]).toEqual(["failed", 3]);
    const missed = findings.find(({ rule, state }) => rule === "p(95)<200ms" && state === "failed");
    expect(missed?.actual).toBeGreaterThanOrEqual(300e6);
    expect(missed).toMatchObject({
      metric: "service.http_req_duration",
      limit: 200e6,
      requirement: expect.arrayContaining(["S4-072"]) as unknown,
    });
  });

  test("dies while it is loaded: that is the last outcome, with its last lines", async () => {
    const outcomes = await measure(["service.start", "service.auth_performance", "service.availability"], "dies");
    expect(outcomes.at(-1)).toMatchObject({
      state: "failed",
      failure: { code: "SERVICE_DIED", message: expect.stringContaining("fake: out of memory") as string },
    });
    expect(outcomes.some(({ scenario }) => scenario.id === "service.availability")).toBe(false);
  });

  test("dies while it is asked something: the same, however soon the broken connection is noticed", async () => {
    // The users of the profile take more requests than it lives for.
    const outcomes = await measure(["service.start", "service.contexts", "service.at-once"], "dies");
    expect(outcomes.at(-1)).toMatchObject({ state: "failed", failure: { code: "SERVICE_DIED" } });
    expect(outcomes.at(-1)?.scenario.id).not.toBe("service.start");
  });

  test("never starts: exit code 2, and no pass", async () => {
    const { run, verdict, results, platform } = await validate({
      name: "test",
      suites: ["service"],
      profile: "smoke",
      platforms: ["mettle"],
      phase: 1,
      service: fakeService("exits"),
      cwd: process.cwd(),
    });
    expect(verdict).toMatchObject({ exitCode: 2, status: "invalid" });
    expect(run.failures).toMatchObject([
      { code: "SERVICE_NOT_READY", message: expect.stringContaining("the disk is full") as string },
    ]);
    expect(platform).toBe("service");
    expect(results.infrastructure_benchmarks).toMatchObject({ status: "failed", scenarios: [{ id: "service.start" }] });
  });

  test("is nowhere: exit code 2", async () => {
    const outcomes = await measure(["service.start"], "none", {
      service: { kind: "running", baseUrl: "http://127.0.0.1:1", credentials: {} },
    });
    expect(outcomes).toMatchObject([{ state: "failed", failure: { code: "SERVICE_UNREACHABLE" } }]);
  });
});

describe("a service that runs already", () => {
  test("is used as it is: nothing is made or started in it, and what it does not tell is unsupported", async () => {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      request.resume().on("end", () => {
        response
          .writeHead(request.url === "/metrics" ? 404 : 200, { "content-type": "application/json" })
          .end('{"token":"t"}');
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    try {
      const outcomes = await measure(
        ["service.start", "service.auth_performance", "service.components", "service.restart"],
        "none",
        { service: { kind: "running", baseUrl: `http://127.0.0.1:${port}`, credentials: { users: 3 } } },
      );
      expect(stateOf(outcomes)).toEqual([
        ["service.start", "measured"],
        ["service.auth_performance", "measured"],
        ["service.components", "unsupported"],
        ["service.restart", "unsupported"],
      ]);
      expect(outcomes[3]).toMatchObject({ missing: ["a service that was started here"] });
      expect(seen).not.toContain("POST /users");
      expect(seen).toContain("POST /auth/login");
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

test("an interruption ends the service, and what was measured before is kept", async () => {
  const interruption = new AbortController();
  const outcomes = await measure(["service.start", "service.auth_performance", "service.availability"], "none", {
    signal: interruption.signal,
    onStarted: ({ id }) => {
      if (id === "service.auth_performance") interruption.abort(new Error("enough"));
    },
  });
  expect(stateOf(outcomes)).toEqual([["service.start", "measured"]]);
  expect(leftovers()).toEqual([]);
});
