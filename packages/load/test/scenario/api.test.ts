import { checkRun } from "@mettle/results";
import { describe, expect, test } from "vitest";
import { ManualClock, ms } from "@mettle/core";
import { resolvePlan } from "../../src/engine/resolve-plan.ts";
import { type LoadResult, runLoad } from "../../src/engine/run-load.ts";
import type { HttpClient, HttpRequest, HttpResponse } from "../../src/http/exchange.ts";
import { type DefinedLoad, defineLoad } from "../../src/scenario/define-load.ts";
import { measured } from "../engine/virtual-run.ts";

type Answer = (request: HttpRequest) => Partial<HttpResponse> & { readonly takes?: number };

interface ScenarioRun extends LoadResult {
  readonly requests: readonly HttpRequest[];
}

/** Runs a load test against a made-up server in virtual time: `takes` ms for each answer. */
async function play(load: DefinedLoad, answer: Answer): Promise<ScenarioRun> {
  const clock = new ManualClock(1_700_000_000_000);
  const requests: HttpRequest[] = [];
  const client: HttpClient = {
    send: async (request) => {
      requests.push(request);
      const startedAt = clock.now() / 1e6;
      const { takes = 10, ...given } = answer(request);
      await clock.sleep(ms(takes));
      const spent = clock.now() / 1e6 - startedAt;
      const timings = { scheduledAt: startedAt, startedAt, blocked: 0, lookingUp: 0, connecting: 0, tlsHandshaking: 0 };
      return {
        status: 200,
        statusText: "OK",
        protocol: "HTTP/1.1",
        headers: [],
        body: "",
        bytesSent: 100,
        bytesReceived: 200,
        ...given,
        timings: { ...timings, sending: 0, waiting: spent, receiving: 0, duration: spent },
      };
    },
    closeIdle: () => {},
    close: () => {},
  };
  let done = false;
  const result = runLoad({
    name: "played",
    plan: resolvePlan({ ...load.options, punctuality: "timer" }),
    from: { inline: { test: { ...load, client: () => client }, clock } },
    submetrics: [{ metric: "http_req_duration", tags: { status: "500" } }],
    noiseProbe: false,
    revision: { commit: "0".repeat(40), dirty: false },
  }).finally(() => {
    done = true;
  });
  result.catch(() => undefined);
  while (!done) {
    await clock.advance(ms(5));
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
  return { ...(await result), requests };
}

describe("our own scenario API", () => {
  test("requests go where they are told, with defaults, JSON bodies and queries", async () => {
    const run = await play(
      defineLoad({
        http: { baseUrl: "http://x:1/api/", headers: { Authorization: "Bearer t" } },
        scenarios: {
          s: {
            iterations: 1,
            run: async (user) => {
              await user.http.get("/agents", { query: { page: 2, deep: true } });
              await user.http.post("/agents", { type: "text" });
              await user.http.put("http://other/", "plain", { headers: { "content-type": "text/x" } });
              await user.http.delete("/agents/7");
            },
          },
        },
      }),
      () => ({}),
    );
    expect(run.errors).toEqual([]);
    expect(run.requests.map(({ method, url, body }) => [method, url, body])).toEqual([
      ["GET", "http://x:1/api/agents?page=2&deep=true", undefined],
      ["POST", "http://x:1/api/agents", '{"type":"text"}'],
      ["PUT", "http://other/", "plain"],
      ["DELETE", "http://x:1/api/agents/7", undefined],
    ]);
    expect(run.requests[1]?.headers).toEqual([
      ["Authorization", "Bearer t"],
      ["Content-Type", "application/json"],
    ]);
    expect(run.requests[2]?.headers).toEqual([
      ["Authorization", "Bearer t"],
      ["content-type", "text/x"],
    ]);
    expect(run.requests[0]?.timeoutMs).toBe(60_000);
    expect(checkRun(run.run)).toEqual(run.run);
  });

  test("every exchange is recorded under k6's names, told apart by scenario and name", async () => {
    const run = await play(
      defineLoad({
        scenarios: {
          s: {
            iterations: 4,
            run: async (user) => {
              await user.http.get("http://x/a?id=1");
              await user.http.get("http://x/b/77", { name: "b" });
            },
          },
        },
      }),
      ({ url }) => (url.endsWith("77") ? { status: 500, takes: 50 } : { takes: 10 }),
    );
    expect(measured(run, "http_reqs").summary.sum).toBe(8);
    expect(measured(run, "http_req_failed").summary.rate).toBe(0.5);
    expect(measured(run, "http_reqs", { scenario: "s", name: "GET /a" }).summary.sum).toBe(4);
    const slow = measured(run, "http_req_duration", { scenario: "s", name: "b" }).summary;
    expect(slow.min! / 1e6).toBeGreaterThanOrEqual(50);
    expect(measured(run, "http_req_duration", { status: "500" }).summary.count).toBe(4);
    expect(measured(run, "data_sent").summary.sum).toBe(800);
    expect(measured(run, "data_received").summary.sum).toBe(1600);
  });

  test("a request that got no answer is an outcome: status 0, its reason, and not expected", async () => {
    const seen: unknown[] = [];
    const run = await play(
      defineLoad({
        scenarios: {
          s: {
            iterations: 1,
            run: async (user) => {
              const response = await user.http.get("http://x/");
              seen.push(response.status, response.ok, response.failure?.code, response.text);
            },
          },
        },
      }),
      () => ({ status: 0, protocol: "", failure: { code: 1212, message: "dial: connection refused" } }),
    );
    expect(seen).toEqual([0, false, 1212, ""]);
    expect(measured(run, "http_req_failed").summary.rate).toBe(1);
    expect(run.errors).toEqual([]);
  });

  test("expected statuses are the author's", async () => {
    const run = await play(
      defineLoad({
        scenarios: {
          s: {
            iterations: 1,
            run: async (user) => {
              expect((await user.http.get("http://x/", { expect: [404] })).ok).toBe(true);
              expect((await user.http.get("http://x/", { expect: (status) => status < 400 })).ok).toBe(false);
            },
          },
        },
      }),
      () => ({ status: 404 }),
    );
    expect(run.errors).toEqual([]);
    expect(measured(run, "http_req_failed").summary.rate).toBe(0.5);
  });

  test("the first request of a scheduled iteration is due when the iteration is", async () => {
    const run = await play(
      defineLoad({
        scenarios: {
          s: {
            executor: "constant-arrival-rate",
            rate: 10,
            duration: "1s",
            preAllocatedVUs: 1,
            maxVUs: 1,
            run: async (user) => {
              await user.http.get("http://x/first");
              await user.http.get("http://x/second");
            },
          },
        },
      }),
      () => ({ takes: 150 }),
    );
    // One user, 300 ms each, ten a second: the last waits 9 · 200 ms.
    const first = measured(run, "http_req_response_time", { scenario: "s", name: "GET /first" }).summary;
    const second = measured(run, "http_req_response_time", { scenario: "s", name: "GET /second" }).summary;
    expect(first.max! / 1e6).toBeGreaterThan(150 + 9 * 200 - 1);
    expect(second.max! / 1e6).toBeLessThan(170);
    expect(measured(run, "http_req_duration").summary.max! / 1e6).toBeLessThan(170);
  });

  test("checks count what holds; one that throws does not hold; nothing stops", async () => {
    const results: boolean[] = [];
    const run = await play(
      defineLoad({
        scenarios: {
          s: {
            iterations: 2,
            run: async (user) => {
              const response = await user.http.get("http://x/");
              results.push(
                user.check(response, {
                  "is 200": (r) => r.status === 200,
                  "has id": (r) => r.json<{ id: number }>().id === 1,
                }),
                user.check("named", true),
              );
            },
          },
        },
      }),
      () => ({ body: "no json" }),
    );
    expect(results).toEqual([false, true, false, true]);
    expect(measured(run, "checks").summary).toMatchObject({ count: 6, rate: 4 / 6 });
    expect(measured(run, "checks", { check: "has id" }).summary.rate).toBe(0);
    expect(measured(run, "iteration_failed").summary.rate).toBe(0);
  });

  test("groups nest, are timed, and tag what is in them", async () => {
    const run = await play(
      defineLoad({
        scenarios: {
          s: {
            iterations: 1,
            run: async (user) => {
              const value = await user.group("outer", async () => {
                await user.http.get("http://x/");
                return user.group("inner", async () => {
                  await user.sleep("40ms");
                  return 7;
                });
              });
              expect(value).toBe(7);
              expect(user.tags["group"]).toBeUndefined();
            },
          },
        },
      }),
      () => ({ takes: 20 }),
    );
    expect(run.errors).toEqual([]);
    expect(measured(run, "group_duration", { group: "::outer" }).summary.min! / 1e6).toBeGreaterThanOrEqual(60);
    expect(measured(run, "group_duration", { group: "::outer::inner" }).summary.min! / 1e6).toBeLessThan(60);
  });

  test("metrics of one's own", async () => {
    const run = await play(
      defineLoad({
        scenarios: {
          s: {
            iterations: 3,
            run: async (user) => {
              user.trend("tokens").add(user.iterationInScenario * 10);
              user.trend("wait", "time").add(5);
              user.counter("calls").add();
              user.gauge("depth").add(user.iterationInScenario);
              user.rate("hit").add(user.iterationInScenario === 0);
              await user.sleep(1);
            },
          },
        },
      }),
      () => ({}),
    );
    expect(measured(run, "tokens").summary).toMatchObject({ count: 3, min: 0, max: 20 });
    expect(measured(run, "wait")).toMatchObject({ unit: "ns", summary: { min: 5e6, max: 5e6 } });
    expect(measured(run, "calls").summary.sum).toBe(3);
    expect(measured(run, "depth").summary).toMatchObject({ last: 2, min: 0, max: 2 });
    expect(measured(run, "hit").summary.rate).toBeCloseTo(1 / 3);
  });

  test("setup's data is typed and copied; users have state, a seed, rows, and choices by weight (T-22, S4-114, S4-115)", async () => {
    const rows: number[] = [];
    const chosen: string[] = [];
    const load = () =>
      defineLoad({
        seed: 42,
        setup: async (user) => ({ token: (await user.http.get("http://x/login")).text }),
        scenarios: {
          s: {
            vus: 2,
            iterations: 400,
            run: async (user) => {
              expect(user.data.token).toBe("secret");
              user.state["count"] = Number(user.state["count"] ?? 0) + 1;
              rows.push(user.row([0, 1, 2]));
              chosen.push(user.choose({ search: 3, read: 6, write: 1 }));
              await user.think("1ms", "3ms");
            },
          },
        },
      });
    const run = await play(load(), () => ({ body: "secret" }));
    expect(run.errors).toEqual([]);
    expect(rows.filter((row) => row === 0).length).toBe(134);
    const share = (name: string): number => chosen.filter((each) => each === name).length / chosen.length;
    // Four binomial standard errors at 400.
    expect(Math.abs(share("search") - 0.3)).toBeLessThan(0.092);
    expect(Math.abs(share("read") - 0.6)).toBeLessThan(0.098);
    const first = [...chosen];
    chosen.length = 0;
    await play(load(), () => ({ body: "secret" }));
    expect(chosen).toEqual(first);
  });

  test("the executor follows from what is given", () => {
    const run = () => {};
    const { scenarios } = defineLoad({
      scenarios: {
        a: { rate: 5, duration: "1s", run },
        b: { stages: [{ duration: "1s", target: 2 }], run },
        c: { iterations: 3, run },
        d: { vus: 3, duration: "1s", run },
        e: { rate: 5, shape: 0.5, duration: "1s", run },
        f: { times: [1, 2], run },
        g: { startRate: 1, stages: [{ duration: "1s", target: 2 }], run },
      },
    }).options;
    expect(Object.values(scenarios ?? {}).map(({ executor }) => executor)).toEqual([
      "constant-arrival-rate",
      "ramping-vus",
      "shared-iterations",
      "constant-vus",
      "gamma",
      "trace",
      "ramping-arrival-rate",
    ]);
    expect(() => resolvePlan({ scenarios: scenarios ?? {} })).not.toThrow();
  });
});
