import { Random } from "@mettle/core";
import { expect, test } from "vitest";
import { AgentMetrics } from "../../src/agent/agent-metrics.ts";
import { actionWeights, generateActions, userBehaviourPatterns, WeightedChoice } from "../../src/agent/behaviour.ts";
import { CostModel } from "../../src/agent/cost.ts";
import { SessionGenerator } from "../../src/agent/session-profile.ts";
import { sessionWorkload, textOfTokens } from "../../src/agent/session-workload.ts";
import { TaskRecorder } from "../../src/agent/task-recorder.ts";
import { AgentTotals, summarizeTotals } from "../../src/agent/totals.ts";
import type { StepOutcome } from "../../src/drivers/driver.ts";
import { inProcess } from "../../src/drivers/in-process.ts";
import { fakeUser, KeepingRecorder } from "../fake-user.ts";

const costs = new CostModel({ currency: "EUR", models: { m: { inputPerMillion: 1e6, outputPerMillion: 2e6 } } });
const outcome = (startedAt: number, endedAt: number, ok = true): StepOutcome => ({
  ok,
  startedAt,
  endedAt,
  text: "",
  toolCalls: [],
  usage: { input: 10, output: 4 },
});

test("a run's figures, hand-computed: three requests, two good, one failed", () => {
  const recorder = new KeepingRecorder();
  const metrics = new AgentMetrics(recorder, { objectives: { timeToFirstTokenMs: 100 }, costs });
  const runs = [
    { start: 0, first: 50, last: 200, ok: true },
    { start: 100, first: 199, last: 300, ok: true },
    { start: 200, first: 400, last: 2000, ok: true },
  ];
  const recordings = runs.map(({ start }) => metrics.request("m", start, start - 5));
  for (const [index, { start, first, last, ok }] of runs.entries()) {
    const recording = recordings[index] ?? expect.fail("a recording for each run");
    recording.onEvent({ type: "token", at: first, kind: "content", text: "x" });
    recording.onEvent({ type: "token", at: last, kind: "content", text: "y" });
    const { cost } = recording.finish(outcome(start, last, ok));
    expect(cost).toBe(10 + 8);
  }
  expect(metrics.summary()).toMatchObject({
    outputTokensPerSecond: 12 / 2,
    inputTokensPerSecond: 30 / 2,
    requestsPerSecond: 3 / 2,
    goodput: { requestsPerSecond: 1, share: 2 / 3, outputTokensPerSecond: 4 },
    costPerRequest: 18,
  });
  expect(recorder.of("llm_ttft")).toEqual([50, 99, 200]);
  expect(recorder.of("llm_ttft_scheduled")).toEqual([55, 104, 205]);
  expect(recorder.of("llm_schedule_delay")).toEqual([5, 5, 5]);
  expect(recorder.of("llm_itl")).toEqual([150, 101, 1600]);
  expect(recorder.of("llm_tpot")).toEqual([50, 101 / 3, 1600 / 3]);
  expect(recorder.of("llm_good")).toEqual([1, 1, 0]);
  expect(recorder.of("llm_good_output_tokens")).toEqual([4, 4]);
  expect(recorder.samples.every(({ tags }) => tags["model"] === "m")).toBe(true);
});

test("cost per successful task counts the failed ones' cost; without a price for all it is absent", () => {
  const totals = new AgentTotals();
  totals.addTask("a", true, 2);
  totals.addTask("a", false, 4);
  totals.addTask("a", true, 3);
  expect(summarizeTotals(totals, { objectives: false })).toMatchObject({
    successRate: 2 / 3,
    costPerSuccessfulTask: 9 / 2,
    passPower: [
      { k: 1, value: 2 / 3 },
      { k: 2, value: 1 / 3 },
    ],
  });
  totals.addTask("b", true, undefined);
  expect(summarizeTotals(totals, { objectives: false })).not.toHaveProperty("costPerSuccessfulTask");
  const none = summarizeTotals(new AgentTotals(), { objectives: true });
  expect(none).toEqual({ passPower: [] });
});

test("totals of two workers merge as if one had had all; the peak does not, and is absent", () => {
  const [one, two, both] = [new AgentTotals(), new AgentTotals(), new AgentTotals()];
  const measures = { ok: true, startedAt: 5, endedAt: 25, endToEnd: 20, outputCounted: true, outputTokens: 3 };
  one.addRequest(measures, true, 1);
  two.addRequest({ ...measures, startedAt: 1, endedAt: 9 }, false, undefined);
  for (const [startedAt, endedAt, good, cost] of [
    [5, 25, true, 1],
    [1, 9, false, undefined],
  ] as const) {
    both.addRequest({ ...measures, startedAt, endedAt }, good, cost);
  }
  both.peakConcurrency = undefined;
  expect(one.merge(two)).toEqual(both);
});

test("a task recorder sees steps, tools, failures, retries and the judgement", async () => {
  const recorder = new KeepingRecorder();
  let now = 0;
  const clock = (): number => (now += 10);
  const metrics = new AgentMetrics(recorder, { costs });
  const session = await inProcess<string>(
    "agent",
    (_step, reporter) => {
      reporter.usage({ input: 10, output: 1 });
      return "x";
    },
    clock,
  ).open(fakeUser());
  const task = new TaskRecorder({ name: "triage", metrics, costs, queuedAt: 4, now: clock });
  await task.llm("m", session, "hi");
  await expect(task.tool("search", () => Promise.reject(new Error("down")))).rejects.toThrow("down");
  expect(await task.tool("search", () => 5)).toBe(5);
  await task.tool("mcp", () => ({ ok: false }));
  const measures = task.finish(true);
  expect(measures).toMatchObject({
    steps: 1,
    llmCalls: 1,
    toolCalls: 3,
    toolErrors: 2,
    toolRetries: 1,
    queueWait: 6,
    tokens: 11,
    cost: 12,
  });
  expect(task.finish(false)).toBe(measures);
  expect(recorder.of("agent_task_passed")).toEqual([1]);
  expect(recorder.of("agent_tool_failed")).toEqual([1, 0, 1]);
  expect(recorder.of("agent_tool_retried")).toEqual([0, 1, 0]);
});

test("weights are shares of their sum (T-22)", () => {
  const choice = new WeightedChoice([
    { name: "a", weight: 3 },
    { name: "none", weight: 0 },
    { name: "b", weight: 9 },
  ]);
  expect([...choice.shares]).toEqual([
    ["a", 0.25],
    ["b", 0.75],
  ]);
  const random = new Random(5);
  const picks = Array.from({ length: 10_000 }, () => choice.pick(random).name);
  // Five binomial standard errors.
  expect(Math.abs(picks.filter((name) => name === "a").length / 10_000 - 0.25)).toBeLessThan(
    5 * Math.sqrt((0.25 * 0.75) / 10_000),
  );
  for (const items of [
    [],
    [{ name: "a", weight: -1 }],
    [{ name: "a", weight: 0 }],
    [
      { name: "a", weight: 1 },
      { name: "a", weight: 1 },
    ],
  ]) {
    expect(() => new WeightedChoice(items)).toThrow(expect.objectContaining({ code: "BEHAVIOUR_INVALID" }));
  }
});

test("behaviour patterns (S4-111, S4-112, S4-113): 0.75 to 1.25 times the actions (S4-114), by the weights of S4-115", () => {
  expect(
    userBehaviourPatterns.map(({ sessionsPerDay, sessionMinutes, actionsPerSession, complexTaskRatio }) => [
      sessionsPerDay,
      sessionMinutes,
      actionsPerSession,
      complexTaskRatio,
    ]),
  ).toEqual([
    [50, 30, 100, 0.3],
    [10, 15, 30, 0.1],
    [2, 5, 10, 0.05],
  ]);
  const power = userBehaviourPatterns[0] ?? expect.fail("there are patterns");
  const random = new Random(11);
  const sessions = Array.from({ length: 400 }, () => generateActions(power, random));
  const lengths = sessions.map(({ length }) => length);
  expect(Math.min(...lengths)).toBeGreaterThanOrEqual(75);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(125);
  expect(Math.min(...lengths)).toBeLessThan(80);
  expect(Math.max(...lengths)).toBeGreaterThan(120);
  const all = sessions.flat();
  for (const { name, weight } of actionWeights(power)) {
    const share = weight / 1.25;
    const found = all.filter((action) => action === name).length / all.length;
    expect(Math.abs(found - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / all.length));
  }
});

test("synthetic sessions: the observed shape, and the same seed the same session", () => {
  const generator = new SessionGenerator();
  const random = new Random(2);
  const sessions = Array.from({ length: 300 }, () => generator.session(random));
  const turns = sessions.flat();
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(sessions.every(({ length }) => length >= 25 && length <= 57)).toBe(true);
  expect(mean(sessions.map(({ length }) => length))).toBeGreaterThan(36);
  expect(
    turns.every(
      ({ inputTokens, outputTokens }) =>
        inputTokens >= 64 && inputTokens <= 24_000 && outputTokens >= 62 && outputTokens <= 3600,
    ),
  ).toBe(true);
  expect(
    Math.abs(turns.filter(({ toolWaitMs }) => toolWaitMs !== undefined).length / turns.length - 0.617),
  ).toBeLessThan(0.03);
  expect(new SessionGenerator().session(new Random(9))).toEqual(new SessionGenerator().session(new Random(9)));
  expect(() => new SessionGenerator({ toolCallProbability: 2 })).toThrow(
    expect.objectContaining({ code: "SESSION_PROFILE_INVALID" }),
  );
});

test("a session as a workload: turns, tools, think time; a failed turn cancels the rest", async () => {
  const at = (value: number) => ({ kind: "constant", value }) as const;
  const profile = {
    turns: at(4),
    toolCallProbability: 1,
    toolWaitMs: at(100),
    thinkMs: at(50),
    inputTokensPerTurn: at(10),
    outputTokensPerTurn: at(5),
  };
  for (const failAt of [Infinity, 2]) {
    const slept: number[] = [];
    const user = { ...fakeUser(), sleep: (milliseconds: number) => Promise.resolve(void slept.push(milliseconds)) };
    const workload = sessionWorkload<number>({
      name: "chat",
      model: "m",
      seed: 1,
      profile,
      driver: inProcess("agent", (turn, reporter) => {
        if (turn === failAt) throw new Error("down");
        reporter.usage({ input: 10, cachedInput: 5, output: 2 });
        return `answer ${turn}`;
      }),
      step: ({ number }) => number,
      passed: (answers) => answers.length === 4,
    });
    const prepared = await workload.prepare(user, undefined);
    await prepared.run({ number: 0, numberInScenario: 0, scheduledAt: performance.now() });
    const recorder = user.recorder as KeepingRecorder;
    const failed = failAt === 2;
    expect(slept).toEqual(failed ? [100, 50, 100, 50] : [100, 50, 100, 50, 100, 50, 100]);
    expect(recorder.of("agent_session_completed")).toEqual([failed ? 2 : 4]);
    expect(recorder.of("agent_session_cancelled")).toEqual([failed ? 2 : 0]);
    expect(recorder.of("agent_cancelled_after_failure")).toEqual([failed ? 1 : 0]);
    expect(recorder.of("agent_task_passed")).toEqual([failed ? 0 : 1]);
    expect(recorder.of("agent_session_success")).toEqual([failed ? 0 : 1]);
    expect(recorder.of("agent_session_prefix_reuse")).toEqual(failed ? [] : [0.5]);
    expect(recorder.of("llm_requests")).toHaveLength(failed ? 3 : 4);
    expect(recorder.of("llm_ttft_scheduled")).toHaveLength(1);
  }
});

test("text of so many tokens has four characters for each", () => {
  expect(Math.abs(textOfTokens(1000).length - 4000)).toBeLessThanOrEqual(4);
});
