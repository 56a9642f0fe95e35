import { isDeepStrictEqual } from "node:util";
import { timeEach } from "../measure/operations.ts";
import type { AgentPlatform, VariableHandle, VariablesFacet, VariableUpdate } from "../platform/platform.ts";
import { spawnMany } from "./descriptions.ts";
import { type Scenario, timesOf } from "./scenario.ts";

const common = { suite: "variables", group: "cognitive_variables_benchmarks", needs: ["variables"] } as const;

/** Agents that a variable tells of its changes. */
const affectedAgents = 5;

const creation: Scenario = {
  ...common,
  id: "variables.creation",
  title: "Create and close variables of each type",
  requirement: ["S0-041", "S0-042", "S0-043", "S0-044", "S0-049"],
  seconds: timesOf(1.5),
  rules: {
    targets: [
      {
        operation: "Variable creation",
        metric: "variables.creation.time",
        requirement: ["S0-050"],
        phases: {
          1: { low: "5ms", high: "15ms" },
          2: { low: "3ms", high: "10ms" },
          3: { low: "1ms", high: "7ms" },
        },
      },
    ],
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const variables = platform.variables!;
    const agents = await spawnMany(platform, affectedAgents);
    for (const kind of variables.kinds) {
      let made: VariableHandle | undefined;
      await timeEach(
        record.operation("variables.creation.time", { tags: { kind } }),
        { atMost: 2000, atLeast: 100, seconds: seconds / variables.kinds.length },
        {
          run: async (_nothing, index) => {
            made = await variables.create(kind, `created-${kind}-${index}`, agents);
          },
          after: async () => {
            await made?.close();
            made = undefined;
          },
        },
        signal,
      );
    }
  },
};

/** One variable of each type that the platform has, with agents that it tells. */
async function setUp(platform: AgentPlatform, variables: VariablesFacet): Promise<readonly Held[]> {
  const agents = await spawnMany(platform, affectedAgents);
  const held: Held[] = [];
  for (const kind of variables.kinds) {
    held.push({ kind, variable: await variables.create(kind, `held-${kind}`, agents) });
  }
  return held;
}

interface Held {
  readonly kind: string;
  readonly variable: VariableHandle;
}

const update: Scenario = {
  ...common,
  id: "variables.update",
  title: "Ask a variable for another value, and wait for the news of it",
  requirement: ["S0-045", "S0-048", "S3-065"],
  seconds: timesOf(2),
  rules: {
    targets: [
      {
        operation: "Value update (local)",
        metric: "variables.update.time",
        requirement: ["S0-051"],
        baseline: { high: "1ms" },
        phases: {
          1: { low: "100us", high: "2ms" },
          2: { low: "50us", high: "1.5ms" },
          3: { low: "25us", high: "1ms" },
        },
      },
    ],
    budgets: [
      {
        name: "variable_update",
        metric: "variables.update.time",
        kind: "latency",
        limits: { p99: "10ms", mean: "2ms" },
        requirement: ["S3-050"],
      },
    ],
    thresholds: {
      "variables.update.correct": { threshold: "rate == 1", severity: "critical", requirement: ["S0-045"] },
    },
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    const held = await setUp(platform, platform.variables!);
    let told = 0;
    let right = 0;
    for (const { kind, variable } of held) {
      let news: VariableUpdate | undefined;
      await timeEach(
        record.operation("variables.update.time", { tags: { kind } }),
        { atMost: 5000, atLeast: 200, seconds: seconds / held.length },
        {
          before: async () => ({ old: await variable.read(), position: random.uniform() }),
          // A change that is never told of is given up by the platform after 5 s, as an error.
          run: async ({ position }) => {
            news = await variable.change(position);
          },
          after: async ({ old }) => {
            if (news === undefined) return;
            told += 1;
            const are: VariableUpdate = { old, new: await variable.read() };
            if (isDeepStrictEqual([news.old, news.new], [are.old, are.new])) right += 1;
            news = undefined;
          },
        },
        signal,
      );
    }
    record.rate("variables.update.correct", right, told);
  },
};

const adaptation: Scenario = {
  ...common,
  id: "variables.adaptation",
  needs: ["variables", "adaptation"],
  title: "Give a variable feedback, and wait until it has adapted",
  requirement: ["S0-047", "S0-048", "S0-049"],
  seconds: timesOf(2),
  rules: {
    targets: [
      {
        operation: "Adaptation cycle",
        metric: "variables.adaptation.time",
        requirement: ["S0-053"],
        phases: {
          1: { low: "50ms", high: "200ms" },
          2: { low: "30ms", high: "150ms" },
          3: { low: "10ms", high: "100ms" },
        },
      },
    ],
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    const held = await setUp(platform, platform.variables!);
    for (const { kind, variable } of held) {
      const seen = { all: 0, changed: 0, coordinated: 0 };
      const magnitudes: number[] = [];
      await timeEach(
        record.operation("variables.adaptation.time", { tags: { kind } }),
        { atMost: 3000, atLeast: 100, seconds: seconds / held.length },
        {
          // A performance that drifts and jumps, so that there is something to adapt to.
          before: (index) => ({
            performance: 0.5 + 0.4 * Math.sin(index / 10) + 0.1 * random.uniform(),
            cost: random.uniform(),
          }),
          run: async ({ performance, cost }) => {
            const news = await variable.feedback!(performance, cost);
            seen.all += 1;
            if (news.valueChanged) seen.changed += 1;
            if (news.coordinationTriggered) seen.coordinated += 1;
            magnitudes.push(news.magnitude);
          },
        },
        signal,
      );
      const tags = { kind };
      record.rate("variables.adaptation.changed", seen.changed, seen.all, { tags, direction: "none" });
      record.rate("variables.adaptation.coordinated", seen.coordinated, seen.all, { tags, direction: "none" });
      record.value("variables.adaptation.magnitude", magnitudes, { unit: "1", direction: "none", tags });
    }
  },
};

/** Agents affected by a coordinated change, from a pair to a hundred. */
const coordinationSizes = { pair: 2, team: 10, department: 100 };

const coordination: Scenario = {
  ...common,
  id: "variables.coordination",
  needs: ["variables", "adaptation"],
  title: "A change that the affected agents vote on, and are told of",
  requirement: ["S0-046", "S0-049"],
  seconds: timesOf(2),
  rules: {
    targets: [
      {
        operation: "Coordination event",
        metric: "variables.coordination.time",
        requirement: ["S0-054"],
        phases: {
          1: { low: "20ms", high: "100ms" },
          2: { low: "10ms", high: "75ms" },
          3: { low: "5ms", high: "50ms" },
        },
      },
    ],
    thresholds: {
      "variables.coordination.success": { threshold: "rate >= 0.99", requirement: ["S0-046"] },
    },
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    const sizes = Object.entries(coordinationSizes);
    for (const [scenario, affected] of sizes) {
      const agents = await spawnMany(platform, affected);
      const variable = await platform.variables!.create("float", `voted-${scenario}`, agents);
      if (variable.coordinate === undefined) throw new Error("a variable that adapts has no vote");
      const tags = { scenario, affected: String(affected) };
      let committed = 0;
      let events = 0;
      await timeEach(
        record.operation("variables.coordination.time", { tags }),
        { atMost: 2000, atLeast: 50, seconds: seconds / sizes.length },
        {
          run: async () => {
            events += 1;
            if ((await variable.coordinate!(random.uniform())).committed) committed += 1;
          },
        },
        signal,
      );
      record.rate("variables.coordination.success", committed, events, { tags });
      // What telling the agents costs by itself, beside the vote.
      await timeEach(
        record.operation("variables.notification.time", { tags }),
        { atMost: 500, atLeast: 50, seconds: seconds / sizes.length / 4 },
        { run: () => platform.variables!.broadcast(agents, [random.uniform()]) },
        signal,
      );
      await variable.close();
    }
  },
};

/** S0 1.2: cognitive variables. */
export const variableScenarios: readonly Scenario[] = [creation, update, adaptation, coordination];
