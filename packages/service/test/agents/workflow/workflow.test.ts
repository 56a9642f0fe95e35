import { ManualClock, ms, Random } from "@mettle/core";
import fc from "fast-check";
import { Type } from "typebox";
import { expect, test } from "vitest";
import { type AgentTask, type AgentType, TaskFailure } from "../../../src/agents/agent-type.ts";
import { TaskSchemas } from "../../../src/agents/task-schemas.ts";
import { workflowOrchestrator } from "../../../src/agents/workflow-orchestrator.ts";
import type { Outcomes } from "../../../src/agents/workflow/run-workflow.ts";
import type { Workflow } from "../../../src/agents/workflow/workflow.ts";
import { recorded } from "../task-context.ts";

type Work = (input: unknown, signal: AbortSignal) => Promise<unknown>;

/** The orchestrator over one agent `a` whose task `t` is the test's. */
function orchestrating(work: Work): AgentTask {
  const worker: AgentTask = {
    type: "t",
    summary: "",
    input: Type.Unknown(),
    parameters: Type.Object({}),
    run: (input, _parameters, { signal }) => work(input, signal),
  };
  const picky: AgentTask = { ...worker, type: "picky", input: Type.Object({ text: Type.String() }) };
  const types: readonly AgentType[] = [{ name: "a", summary: "", tasks: [worker, picky] }];
  const taskOf = (agentType: string, type: string): AgentTask | undefined =>
    types.find(({ name }) => name === agentType)?.tasks.find((task) => task.type === type);
  return workflowOrchestrator({ taskOf, schemas: new TaskSchemas() }).tasks[0] as AgentTask;
}

interface Given {
  readonly id: string;
  readonly [key: string]: unknown;
}
const steps = (...given: readonly Given[]): Workflow =>
  ({
    steps: given.map(({ input = null, ...rest }) => ({ agent_type: "a", task: { type: "t", input }, ...rest })),
  }) as never;
const run = async (work: Work, workflow: Workflow, context = recorded().context, parameters = {}): Promise<Outcomes> =>
  ((await orchestrating(work).run(workflow as never, parameters as never, context)) as { steps: Outcomes }).steps;
const states = (outcomes: Outcomes): Record<string, string> =>
  Object.fromEntries(Object.entries(outcomes).map(([id, { state }]) => [id, state]));
const echo: Work = async (input) => input;

test("results of steps become inputs of others, by place", async () => {
  const outcomes = await run(
    echo,
    steps(
      { id: "read", input: { texts: ["a", "b"], "x/y": 1 } },
      {
        id: "use",
        input: {
          second: { $from: "read", at: "/texts/1" },
          odd: { $from: "read", at: "/x~1y" },
          all: [{ $from: "read" }],
        },
      },
      { id: "none", input: { $from: "read", at: "/nothing/here" } },
    ),
  );
  expect(outcomes["use"]).toEqual({
    state: "succeeded",
    attempts: 1,
    result: { second: "b", odd: 1, all: [{ texts: ["a", "b"], "x/y": 1 }] },
  });
  expect(outcomes["none"]).toMatchObject({ result: null });
});

test.each([
  ["a circle", steps({ id: "a", after: ["c"] }, { id: "b", after: ["a"] }, { id: "c", after: ["b"] }), /a → c → b → a/],
  ["a step that waits for itself", steps({ id: "a", input: { $from: "a" } }), /a → a/],
  ["an unknown step", steps({ id: "a", after: ["z"] }), /waits for z/],
  ["a name twice", steps({ id: "a" }, { id: "a" }), /called a/],
  ["an unknown task", steps({ id: "a", task: { type: "no", input: 1 } }), /which there is not/],
  ["a workflow in a workflow", steps({ id: "a", agent_type: "workflow_orchestrator" }), /workflow itself/],
  ["an input that is wrong already", steps({ id: "a", task: { type: "picky", input: {} } }), /input must have/],
])("refuses %s before anything runs", (_name, workflow, message) => {
  expect(() => orchestrating(echo).check?.(workflow as never, {} as never)).toThrow(message);
});

test("an input that turns out wrong fails its step, without a retry", async () => {
  const workflow = steps(
    { id: "a", input: 7 },
    { id: "b", task: { type: "picky", input: { text: { $from: "a" } } }, retries: 5, on_failure: "continue" },
  );
  expect((await run(echo, workflow))["b"]).toMatchObject({
    state: "failed",
    attempts: 1,
    error: { code: "TASK_INVALID" },
  });
});

test("of any graph each step runs once, after those before it, and no more at once than may", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 25 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer(),
      async (size, parallel, seed) => {
        const random = new Random(seed);
        const before = Array.from({ length: size }, (_, i) =>
          Array.from({ length: i }, (_unused, j) => `s${j}`).filter(() => random.uniform() < 0.3),
        );
        const given = before.map((after, i) => ({ id: `s${i}`, input: `s${i}`, after }));
        const ended: string[] = [];
        let atOnce = 0;
        let most = 0;
        const work: Work = async (input) => {
          const at = Number(String(input).slice(1));
          for (const one of before[at] ?? []) expect(ended).toContain(one);
          most = Math.max(most, ++atOnce);
          for (let turns = random.below(4); turns > 0; turns--) await new Promise(setImmediate);
          atOnce -= 1;
          ended.push(String(input));
          return input;
        };
        const outcomes = await run(work, steps(...random.shuffle(given)), recorded().context, { parallel });
        expect(ended.toSorted()).toEqual(given.map(({ id }) => id).toSorted());
        expect(new Set(Object.values(states(outcomes)))).toEqual(new Set(["succeeded"]));
        expect(most).toBeLessThanOrEqual(parallel);
      },
    ),
    { numRuns: 40 },
  );
});

test("branches are taken by condition, and join where one will do", async () => {
  const workflow = (score: number): Workflow =>
    steps(
      { id: "judge", input: { score } },
      { id: "good", when: { step: "judge", at: "/score", above: 5 } },
      { id: "bad", when: { step: "judge", at: "/score", below: 5.1 } },
      { id: "afterBad", after: ["bad"] },
      { id: "both", after: ["good", "bad"] },
      { id: "either", after: ["good", "bad"], join: "any" },
    );
  const base = { judge: "succeeded", both: "skipped", either: "succeeded" };
  expect(states(await run(echo, workflow(9)))).toEqual({
    ...base,
    good: "succeeded",
    bad: "skipped",
    afterBad: "skipped",
  });
  expect(states(await run(echo, workflow(2)))).toEqual({
    ...base,
    good: "skipped",
    bad: "succeeded",
    afterBad: "succeeded",
  });
});

test.each([
  [{ is: { a: [1] } }, { a: [1] }, true],
  [{ is: 1 }, "1", false],
  [{ is_not: 1 }, 2, true],
  [{ exists: true }, null, false],
  [{ exists: false }, null, true],
  [{ above: 1, below: 3 }, 2, true],
  [{ above: 1, below: 3 }, 3, false],
  [{ above: 1 }, "5", false],
])("the condition %j of %j is %j", async (said, value, expected) => {
  const outcomes = await run(echo, steps({ id: "a", input: value }, { id: "b", when: { step: "a", ...said } }));
  expect(outcomes["b"]?.state).toBe(expected ? "succeeded" : "skipped");
});

test("a step is tried again, each time after twice as long; what never helps is not", async () => {
  const clock = new ManualClock();
  const at: number[] = [];
  const flaky: Work = async () => {
    at.push(clock.wallTime());
    if (at.length < 4) throw new Error("not yet");
    return "there";
  };
  const { context } = recorded({ clock });
  const running = run(flaky, steps({ id: "a", retries: 3, backoff_ms: 100 }), context);
  for (let i = 0; i < 10; i++) {
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate); // until it sleeps again
    await clock.advance(ms(100));
  }
  expect((await running)["a"]).toEqual({ state: "succeeded", attempts: 4, result: "there" });
  expect(at).toEqual([0, 100, 300, 700]);
  let calls = 0;
  const hopeless: Work = async () => {
    calls += 1;
    throw new TaskFailure("NO_USE", "It never works.");
  };
  await expect(run(hopeless, steps({ id: "a", retries: 3 }))).rejects.toMatchObject({
    code: "WORKFLOW_STEP_FAILED",
    message: "Step a failed: NO_USE: It never works.",
  });
  expect(calls).toBe(1);
});

test("a failing step ends the others, or only those that need it", async () => {
  let ended = false;
  const work: Work = async (input, signal) => {
    if (input === "fail") throw new TaskFailure("BROKEN", "No.");
    if (input === "wait") {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      ended = true;
    }
    return input;
  };
  const failing = { id: "a", input: "fail" };
  await expect(run(work, steps(failing, { id: "b", input: "wait" }))).rejects.toMatchObject({
    code: "WORKFLOW_STEP_FAILED",
  });
  await new Promise(setImmediate);
  expect(ended).toBe(true);
  const outcomes = await run(
    work,
    steps({ ...failing, on_failure: "continue" }, { id: "b" }, { id: "c", after: ["a"] }),
  );
  expect(states(outcomes)).toEqual({ a: "failed", b: "succeeded", c: "skipped" });
});

test("a step that takes too long is ended, and may be tried again", async () => {
  const clock = new ManualClock();
  let calls = 0;
  const work: Work = (_input, signal) => {
    calls += 1;
    if (calls > 1) return Promise.resolve("quick");
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }),
    );
  };
  const running = run(work, steps({ id: "a", timeout_ms: 50, retries: 1, backoff_ms: 0 }), recorded({ clock }).context);
  for (let i = 0; i < 5; i++) await clock.advance(ms(25));
  expect((await running)["a"]).toEqual({ state: "succeeded", attempts: 2, result: "quick" });
});

test("an attempt goes on where the one before was cut off, wherever that was", async () => {
  const graph = steps(
    { id: "a", input: 1 },
    { id: "b", input: 2 },
    { id: "c", input: [{ $from: "a" }, { $from: "b" }] },
  );
  const whole = recorded();
  const expected = await run(echo, graph, whole.context);
  expect(whole.saves.map((state) => Object.keys(state as object).length)).toEqual([1, 2, 3]);
  for (const saved of whole.saves) {
    const again: unknown[] = [];
    const work: Work = async (input) => {
      again.push(input);
      return input;
    };
    expect(await run(work, graph, recorded({ saved }).context)).toEqual(expected);
    expect(again).toHaveLength(3 - Object.keys(saved as object).length);
  }
});

test("an execution that is ended ends its steps", async () => {
  const controller = new AbortController();
  const { context } = recorded({ signal: controller.signal });
  const running = run(() => new Promise(() => undefined), steps({ id: "a" }), context);
  controller.abort(new Error("cancelled"));
  await expect(running).rejects.toThrow("cancelled");
});
