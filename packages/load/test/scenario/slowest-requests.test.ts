import { ms } from "@mettle/core";
import { checkRun } from "@mettle/results";
import { describe, expect, test } from "vitest";
import { failureCodes } from "../../src/http/failure.ts";
import type { HttpClient, HttpResponse } from "../../src/http/exchange.ts";
import { HttpMetrics, isExpected, requestTags } from "../../src/scenario/http-metrics.ts";
import { runVirtually } from "../engine/virtual-run.ts";

/** Answers request n as it is told, in virtual time. */
function runOf(answer: (n: number) => { readonly status: number; readonly wait: number; readonly failure?: string }) {
  let n = 0;
  let metrics: HttpMetrics | undefined;
  const client: HttpClient = {
    send: () => Promise.reject(new Error("not asked")),
    closeIdle: () => {},
    close: () => {},
  };
  return runVirtually(
    { scenarios: { s: { executor: "constant-arrival-rate", rate: 10, duration: "10s", preAllocatedVUs: 20 } } },
    async (user, { scheduledAt = Number.NaN }) => {
      metrics ??= new HttpMetrics(user.recorder);
      const { status, wait, failure } = answer(n++);
      const startedAt = user.clock.now() / 1e6;
      await user.clock.sleep(ms(wait + 8));
      const outcome: Pick<HttpResponse, "status" | "protocol" | "bytesSent" | "bytesReceived"> = {
        status,
        protocol: "HTTP/1.1",
        bytesSent: 1,
        bytesReceived: 1,
      };
      metrics.record(
        { ...outcome, ...(failure !== undefined && { failure: { code: failureCodes.dialRefused, message: failure } }) },
        {
          startedAt,
          blocked: 6,
          lookingUp: 1,
          connecting: 2,
          tlsHandshaking: 0,
          sending: 1,
          waiting: wait,
          receiving: 1,
          duration: wait + 2,
        },
        requestTags({ scenario: "s", name: "search", method: "GET", url: "http://x/search" }),
        scheduledAt,
        isExpected(status),
      );
    },
    { client },
  );
}

describe("the slowest requests of a load test", () => {
  test("are in the run document with the parts of their time, which add up", async () => {
    const { run } = await runOf((n) => ({ status: 200, wait: n === 37 ? 900 : n === 12 ? 500 : 10 }));
    const times = run.measurements.find(
      ({ metric, tags }) => metric === "http_req_response_time" && tags["name"] === "search",
    );
    expect(times?.slowest).toHaveLength(5);
    const [first, second, third] = times?.slowest ?? [];
    expect(first).toMatchObject({ value: 908e6, label: "GET http://x/search → 200" });
    expect(first?.atMs).toBeCloseTo(3700, 0);
    expect(Object.fromEntries(first?.phases ?? [])).toEqual({
      lookup: 1e6,
      connect: 2e6,
      queue: 3e6,
      send: 1e6,
      wait: 900e6,
      receive: 1e6,
    });
    expect([second?.value, third?.value]).toEqual([508e6, 18e6]);
    expect(first?.value).toBe(times?.summary.max);
    for (const { value, phases } of times?.slowest ?? [])
      expect(phases.reduce((sum, [, part]) => sum + part, 0)).toBeCloseTo(value, -2);
    expect(checkRun(run).id).toBe(run.id);
  });

  test("failures are counted by kind, each with its first, in the times of their operation", async () => {
    const { run } = await runOf((n) => {
      if (n % 10 === 3) return { status: 503, wait: 10 };
      return n % 20 === 5 ? { status: 0, wait: 1, failure: "dial: connection refused" } : { status: 200, wait: 10 };
    });
    const of = (metric: string) =>
      run.measurements.find((each) => each.metric === metric && each.tags["name"] === "search");
    const errors = of("http_req_response_time")?.errors;
    expect(errors).toMatchObject({ count: 15, kinds: { "status 503": 10, "dial: connection refused": 5 } });
    const failed = of("http_req_failed")?.summary;
    expect(errors?.count).toBe(Math.round((failed?.rate ?? 0) * (failed?.count ?? 0)));
    expect(errors?.examples?.map(({ kind, label, atMs }) => [kind, label, Math.round(atMs)])).toEqual([
      ["status 503", "GET http://x/search → 503", 300],
      ["dial: connection refused", "GET http://x/search → dial: connection refused", 500],
    ]);
    expect(checkRun(run).id).toBe(run.id);
  });

  test("no failure, no errors: absent, not zero", async () => {
    const { run } = await runOf(() => ({ status: 200, wait: 10 }));
    expect(run.measurements.some(({ errors }) => errors !== undefined)).toBe(false);
  });
});
