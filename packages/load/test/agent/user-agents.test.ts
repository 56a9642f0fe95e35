import { checkRun } from "@mettle/results";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CostModel } from "../../src/agent/cost.ts";
import { inProcess } from "../../src/drivers/in-process.ts";
import { parseFault } from "../../src/mock-model/faults.ts";
import { type MockModel, startMockModel } from "../../src/mock-model/server.ts";
import { defineLoad } from "../../src/scenario/define-load.ts";
import { measured } from "../engine/virtual-run.ts";
import { quick } from "../mock-model/quick.ts";
import { runHere } from "./run-load-here.ts";

let model: MockModel;
beforeAll(async () => {
  model = await startMockModel(quick);
});
afterAll(() => model.close());

const targets = (url: string = model.url) => ({
  chat: { url: `${url}/v1`, model: "m" },
  responses: { url: `${url}/v1`, model: "r" },
  mcp: { url: `${url}/mcp` },
  a2a: { url: `${url}/a2a` },
});

describe("a user's models, tools and agents", () => {
  test("one line each, outside of any task", async () => {
    const texts: string[] = [];
    const run = await runHere(
      defineLoad({
        agents: targets(),
        scenarios: {
          s: {
            iterations: 3,
            run: async (user) => {
              texts.push((await user.chat("hi")).text);
              texts.push((await user.respond("hi")).text);
              texts.push((await user.message("hi")).text);
              texts.push((await user.tool("echo", { query: "found" })).text);
            },
          },
        },
      }),
    );
    expect(run.errors).toEqual([]);
    expect(texts.map((text) => text.split(" ").length)).toEqual([5, 5, 5, 1, 5, 5, 5, 1, 5, 5, 5, 1]);
    for (const name of ["m", "r", "a2a"]) {
      expect(measured(run, "llm_requests", { model: name }).summary.sum).toBe(3);
      expect(measured(run, "llm_ttft", { model: name }).summary.count).toBe(3);
    }
    expect(measured(run, "llm_failed").summary).toMatchObject({ count: 9, rate: 0 });
    expect(measured(run, "agent_tool_duration", { tool: "echo" }).summary.count).toBe(3);
    expect(run.run.measurements.some(({ metric }) => metric.startsWith("agent_task"))).toBe(false);
    expect(checkRun(run.run)).toEqual(run.run);
  });

  test("a task has the calls made in it as parts, and is passed where the function says so", async () => {
    const costs = new CostModel({
      currency: "EUR",
      models: { m: { inputPerMillion: 1e6, outputPerMillion: 2e6 } },
      tools: { echo: 3 },
    });
    const run = await runHere(
      defineLoad({
        agents: { ...targets(), costs },
        scenarios: {
          s: {
            iterations: 8,
            run: (user) =>
              user.task("triage", async () => {
                const answer = await user.chat({ messages: [{ role: "user", content: "eight ch" }] });
                await user.tool("echo", { query: answer.text });
                return user.iterationInScenario % 4 !== 0;
              }),
          },
        },
      }),
    );
    expect(run.errors).toEqual([]);
    expect(measured(run, "agent_task_passed", { task: "triage" }).summary).toEqual({ count: 8, rate: 0.75 });
    expect(measured(run, "agent_task_llm_calls").summary).toMatchObject({ count: 8, mean: 1 });
    expect(measured(run, "agent_task_tool_calls").summary).toMatchObject({ count: 8, mean: 1 });
    // Two tokens of text and three of the message cost 5; five tokens of answer 10; the tool 3: 18, for 8 tasks, 6 passed.
    const each = measured(run, "agent_task_cost").summary.mean;
    expect(each).toBeCloseTo(18, 6);
    expect(measured(run, "agent_cost_per_passed_task").summary).toEqual({ count: 6, last: ((each ?? 0) * 8) / 6 });
    // C(6,k)/C(8,k) of the one task there is.
    expect(measured(run, "agent_pass_power", { k: "1" }).summary.last).toBeCloseTo(6 / 8, 12);
    expect(measured(run, "agent_pass_power", { k: "2" }).summary.last).toBeCloseTo(15 / 28, 12);
    expect(measured(run, "agent_pass_power", { k: "8" }).summary.last).toBe(0);
    const tokens = measured(run, "llm_output_tokens").summary.sum ?? 0;
    expect(tokens).toBe(40);
    // Its span lies within the run, so that the rate is above that over the run.
    const rate = measured(run, "llm_output_tokens_per_second").summary.last ?? 0;
    expect(rate).toBeGreaterThanOrEqual(tokens / (run.run.durationMs / 1000));
    expect(run.run.measurements.some(({ metric }) => metric === "llm_active_at")).toBe(false);
  });

  test("what a server does wrong is counted by its code, and the iteration goes on", async () => {
    await using faulty = await startMockModel({
      ...quick,
      faults: [parseFault("status=429 #2 chat"), parseFault("truncate #3 chat")],
    });
    let ended = 0;
    const run = await runHere(
      defineLoad({
        agents: targets(faulty.url),
        scenarios: {
          s: {
            iterations: 4,
            run: async (user) => {
              await user.chat("hi");
              ended++;
            },
          },
        },
      }),
    );
    expect(ended).toBe(4);
    expect(measured(run, "llm_failed").summary).toMatchObject({ count: 4, rate: 0.5 });
    expect(measured(run, "llm_errors", { code: "HTTP_429" }).summary.sum).toBe(1);
    expect(measured(run, "llm_errors", { code: "STREAM_TRUNCATED" }).summary.sum).toBe(1);
  });

  test("any driver; tags of scenario and group reach its metrics; two scenarios keep theirs apart", async () => {
    const driver = inProcess("words", async function* (step: string) {
      for (const word of step.split(" ")) yield await Promise.resolve(word);
    });
    const run = await runHere(
      defineLoad({
        splitBy: { llm_requests: ["scenario", "group"] },
        scenarios: {
          one: { iterations: 2, run: (user) => user.send(driver, "a b c") },
          two: { iterations: 3, run: (user) => user.group("g", () => user.send(driver, "a b", "renamed")) },
        },
      }),
    );
    expect(run.errors).toEqual([]);
    expect(measured(run, "llm_requests", { scenario: "one" }).summary.sum).toBe(2);
    expect(measured(run, "llm_requests", { scenario: "two", group: "::g" }).summary.sum).toBe(3);
  });

  test("only the first request of a scheduled iteration was due", async () => {
    const run = await runHere(
      defineLoad({
        agents: targets(),
        scenarios: {
          s: {
            rate: 50,
            duration: "200ms",
            run: async (user) => {
              await user.chat("hi");
              await user.chat("again");
            },
          },
        },
      }),
    );
    const begun = measured(run, "iterations").summary.sum ?? 0;
    expect(begun).toBeGreaterThan(5);
    expect(measured(run, "llm_requests").summary.sum).toBe(2 * begun);
    expect(measured(run, "llm_schedule_delay").summary.count).toBe(begun);
    expect(measured(run, "llm_ttft_scheduled").summary.count).toBe(begun);
  });

  test("a session of tools that the server has forgotten is begun anew", async () => {
    const outcomes: (string | undefined)[] = [];
    let server = await startMockModel(quick);
    const { port } = new URL(server.url);
    const run = await runHere(
      defineLoad({
        agents: { mcp: { url: `${server.url}/mcp` } },
        scenarios: {
          s: {
            iterations: 5,
            run: async (user) => {
              if (user.iteration === 1) {
                await server.close();
                server = await startMockModel({ ...quick, port: Number(port) });
              }
              outcomes.push((await user.tool("echo", { query: "x" })).error?.code ?? "ok");
            },
          },
        },
      }),
    );
    await server.close();
    expect(run.errors).toEqual([]);
    // A request may also have met the connection that went with the first server.
    const answered = outcomes.filter((outcome) => !outcome?.startsWith("NETWORK_"));
    expect(answered.slice(0, 3)).toEqual(["ok", "RPC_-32001", "ok"]);
  });

  test("a target that was not given, or cannot be reached, fails the iteration with its code", async () => {
    const run = await runHere(
      defineLoad({
        agents: { mcp: { url: "http://127.0.0.1:1/mcp" } },
        scenarios: {
          missing: { iterations: 1, run: (user) => user.chat("hi") },
          unreachable: { iterations: 2, run: (user) => user.tool("echo") },
        },
      }),
    );
    const said = run.errors.map(({ message, count }) => `${count}× ${message}`).join("\n");
    expect(said).toContain("does not say where chat is");
    expect(said).toContain("2× mcp: http://127.0.0.1:1/mcp did not begin a session");
    expect(measured(run, "agent_tool_failed", { tool: "echo" }).summary).toMatchObject({ count: 2, rate: 1 });
    expect(() => defineLoad({ agents: { chat: { url: "nowhere", model: "m" } }, scenarios: {} })).toThrow(
      expect.objectContaining({ code: "DRIVER_OPTIONS_INVALID" }) as Error,
    );
  });

  test("what the end of a run cuts off is an interrupted iteration, and no failure of the model or the task", async () => {
    await using slow = await startMockModel({ ...quick, timeToFirstToken: { kind: "constant", value: 60_000 } });
    const run = await runHere(
      defineLoad({
        agents: targets(slow.url),
        scenarios: {
          s: {
            vus: 3,
            duration: "300ms",
            gracefulStop: 0,
            run: (user) => user.task("t", async () => (await user.chat("hi")).ok),
          },
        },
      }),
    );
    expect(measured(run, "interrupted_iterations").summary.sum).toBe(3);
    expect(run.run.measurements.filter(({ metric }) => /^llm_failed|^llm_errors|^agent_task/.test(metric))).toEqual([]);
  });
});

test("a step that its driver throws on is not in flight afterwards", async () => {
  let sent = 0;
  const works = inProcess("m", () => "fine");
  const driver: typeof works = {
    name: "m",
    open: async (user) => {
      const session = await works.open(user);
      return {
        close: () => session.close(),
        send: async (step, onEvent) => {
          if (sent++ < 4) throw new Error("no such step");
          return await session.send(step, onEvent);
        },
      };
    },
  };
  const run = await runHere(
    defineLoad({
      scenarios: {
        s: {
          iterations: 5,
          run: async (user) => {
            const send = () => user.send(driver, "hi");
            if (user.iterationInScenario % 2 === 0) await send();
            else await user.task("t", send);
          },
        },
      },
    }),
  );
  expect(sent).toBe(5);
  expect(measured(run, "llm_in_flight").summary.max).toBe(1);
});
