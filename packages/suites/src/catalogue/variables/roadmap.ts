import { contest } from "../../measure/contest.ts";
import { ratesOf, timeEach } from "../../measure/operations.ts";
import { spawnMany } from "../descriptions.ts";
import { type Scenario, timesBeyondSmoke, timesOf } from "../scenario.ts";

const common = { suite: "variables", group: "cognitive_variables_benchmarks", needs: ["variables"] } as const;

const update: Scenario = {
  ...common,
  id: "variables.agent-update",
  title: "One variable of an agent changes and its news arrives",
  requirement: ["S3-010", "S3-065"],
  seconds: timesBeyondSmoke(1),
  rules: {
    budgets: [
      {
        name: "agent_variable_update",
        metric: "variables.agent-update.time",
        kind: "latency",
        limits: { p99: "10ms", mean: "2ms" },
        requirement: ["S3-050"],
      },
    ],
    thresholds: {
      "variables.agent-update.correct": { threshold: "rate == 1", severity: "critical", requirement: ["S3-010"] },
    },
  },
  run: async ({ open, record, seconds, random, signal }) => {
    const platform = await open();
    const [agent] = await spawnMany(platform, 1);
    const variable = await platform.variables!.create("float", "temperature", [agent!]);
    let correct = 0;
    let tried = 0;
    await timeEach(
      record.operation("variables.agent-update.time"),
      { atMost: 20_000, atLeast: 150, seconds },
      {
        // Never the value that it has: that is no change, and there is no news of it.
        before: (index) => (index % 2) / 2 + random.uniform() / 4,
        run: async (value) => {
          tried += 1;
          const { new: now } = await variable.change(value);
          if (now === value && (await variable.read()) === value) correct += 1;
        },
      },
      signal,
    );
    record.rate("variables.agent-update.correct", correct, tried);
    await variable.close();
  },
};

const broadcast: Scenario = {
  ...common,
  id: "variables.broadcast",
  title: "A variable's update told to 100 agents, and when all have it",
  requirement: ["S3-011", "S3-015", "S3-018"],
  seconds: timesOf(2),
  rules: {
    budgets: [
      {
        name: "variable_update_broadcast",
        metric: "variables.broadcast.time",
        kind: "latency",
        limits: { p99: "50ms", mean: "10ms" },
        requirement: ["S3-020"],
      },
    ],
    thresholds: {
      // Synchronized within 10 ms over 100 agents and more (S3-015), p99 5 ms (S3-074).
      "variables.broadcast.time": [
        { threshold: "p(99) < 10ms", requirement: ["S3-015"] },
        { threshold: "p(99) < 5ms", requirement: ["S3-074"] },
      ],
      "variables.broadcast.rate": { threshold: "p(50) > 1000", requirement: ["S3-020"] },
      "variables.broadcast.reached": { threshold: "rate == 1", severity: "critical", requirement: ["S3-011"] },
    },
  },
  run: async ({ open, record, seconds, random, signal }) => {
    const platform = await open();
    const agents = await spawnMany(platform, 100);
    let reached = 0;
    let expected = 0;
    const tell = async (): Promise<void> => {
      expected += agents.length;
      reached += (await platform.variables!.broadcast(agents, [random.uniform()])).reached;
    };
    await timeEach(
      record.operation("variables.broadcast.time"),
      { atMost: 20_000, atLeast: 150, seconds: seconds / 2 },
      { run: tell },
      signal,
    );
    const burst = async (size: number): Promise<void> => {
      for (let i = 0; i < size; i++) await tell();
    };
    record.value("variables.broadcast.rate", await ratesOf(100, seconds / 2, burst, signal), {
      unit: "1/s",
      direction: "higher",
    });
    record.rate("variables.broadcast.reached", expected - Math.abs(expected - reached), expected);
  },
};

const batch: Scenario = {
  ...common,
  id: "variables.batch",
  title: "20 updates to 100 agents: one message for each, and one message for all",
  requirement: ["S3-010", "S3-011"],
  seconds: timesBeyondSmoke(1.5),
  rules: {
    thresholds: {
      "variables.batch.speed-up": { threshold: "p(50) > 1", requirement: ["S3-011"] },
      "variables.batch.reached": { threshold: "rate == 1", severity: "critical", requirement: ["S3-011"] },
    },
  },
  run: async ({ open, record, seconds, random, now, signal }) => {
    const platform = await open();
    const agents = await spawnMany(platform, 100);
    const values = Array.from({ length: 20 }, () => random.uniform());
    const variables = platform.variables!;
    let reached = 0;
    let batches = 0;
    await contest(record, {
      metric: "variables.batch",
      operations: values.length,
      seconds,
      random,
      ...(now && { now }),
      signal,
      traditional: {
        name: "one-by-one",
        run: async () => {
          for (const value of values) await variables.broadcast(agents, [value]);
        },
      },
      ours: {
        name: "batch",
        run: async () => {
          batches += 1;
          reached += (await variables.broadcast(agents, values)).reached;
        },
      },
    });
    const expected = batches * agents.length;
    record.rate("variables.batch.reached", expected - Math.abs(expected - reached), expected);
  },
};

/** Variables of S3: single and batched updates, the broadcast and its objectives. */
export const roadmapVariableScenarios: readonly Scenario[] = [update, broadcast, batch];
