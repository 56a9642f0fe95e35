import { measureMemoryPerThing } from "@mettle/bench";
import { recordLeak } from "../measure/leak-cycles.ts";
import { failureKind, ratesOf, timeEach } from "../measure/operations.ts";
import type { Recorder } from "../measure/recorder.ts";
import { nowNs } from "../measure/time.ts";
import type { AgentHandle, AgentPlatform } from "../platform/platform.ts";
import { describeAgent, spawnMany, stopAll } from "./descriptions.ts";
import { type Scenario, timesOf } from "./scenario.ts";

const common = { suite: "agents", group: "infrastructure_benchmarks", needs: [] } as const;
const perSecond = { unit: "1/s", direction: "higher" } as const;

/** Creates so many, one after the other or all at once, and stops them; times per agent, rates per second. */
async function createAndStop(platform: AgentPlatform, record: Recorder, count: number, way: string): Promise<void> {
  const tags = { agents: String(count), way };
  const start = nowNs();
  const agents =
    way === "parallel"
      ? await Promise.all(Array.from({ length: count }, async () => platform.spawn()))
      : await spawnMany(platform, count);
  const created = nowNs();
  await stopAll(platform, agents);
  const stopped = nowNs();
  record.operation("agents.creation.time", { tags }).times.record((created - start) / count);
  record.operation("agents.cleanup.time", { tags, requirement: ["S2-059"] }).times.record((stopped - created) / count);
}

const creation: Scenario = {
  ...common,
  id: "agents.creation",
  title: "Create and stop 10, 100 and 1 000 agents, one by one and all at once",
  requirement: ["S2-001", "S2-014", "S2-039", "S2-056", "S2-057", "S2-120"],
  seconds: timesOf(3),
  rules: {
    thresholds: {
      "agents.creation.time": { threshold: "p(95) < 1ms", requirement: ["S2-034", "S2-046"] },
      // 0.8 of the baseline of 1 000 agents a second (S2-044).
      "agents.creation.rate": { threshold: "p(50) >= 800", requirement: ["S2-044", "S2-124"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    await createAndStop(platform, record, 10, "sequential");
    for (const count of [10, 100, 1000]) {
      for (const way of ["sequential", "parallel"]) {
        const end = nowNs() + (seconds * 1e9) / 8;
        for (let runs = 0; runs < 20 || (nowNs() < end && runs < 2000); runs++) {
          signal.throwIfAborted();
          await createAndStop(platform, record, count, way);
        }
      }
    }
    const rates = await ratesOf(100, seconds / 4, async (size) => {
      await stopAll(platform, await spawnMany(platform, size));
    });
    record.value("agents.creation.rate", rates, perSecond);
  },
};

const action: Scenario = {
  ...common,
  id: "agents.action",
  title: "Requests of different weight, alone and 100 at a time",
  requirement: ["S2-002", "S2-015", "S2-060", "S2-061"],
  seconds: timesOf(3),
  rules: {
    thresholds: { "agents.action.time": { threshold: "p(95) < 10ms", requirement: ["S2-035"] } },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const agent = await platform.spawn();
    const kinds = {
      add: { type: "add", data: 1 },
      total: { type: "total" },
      echo: { type: "echo", data: { text: "hello", list: [1, 2, 3] } },
      "compute-1000": { type: "compute", data: 1000 },
      "compute-20000": { type: "compute", data: 20_000 },
    } as const;
    for (const [kind, message] of Object.entries(kinds)) {
      await timeEach(
        record.operation("agents.action.time", { tags: { action: kind } }),
        { atMost: 20_000, atLeast: 200, seconds: seconds / 8 },
        { run: () => platform.ask(agent, message, 5000) },
        signal,
      );
    }
    const agents = await spawnMany(platform, 100);
    await timeEach(
      record.operation("agents.action.concurrent.time"),
      { atMost: 2000, atLeast: 50, seconds: seconds / 4 },
      { run: () => Promise.all(agents.map((each) => platform.ask(each, { type: "add", data: 1 }, 5000))) },
      signal,
    );
  },
};

const throughput: Scenario = {
  ...common,
  id: "agents.throughput",
  title: "Messages and requests a second, to one agent and to 100",
  requirement: ["S3-075", "S3-077"],
  seconds: timesOf(3),
  rules: {
    thresholds: {
      "agents.send.rate": { threshold: "p(50) >= 10000", requirement: ["S3-075"] },
      "agents.request.rate": { threshold: "p(50) >= 50000", requirement: ["S3-077"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const agents = await spawnMany(platform, 100);
    const first = agents[0]!;
    const sends = async (size: number): Promise<void> => {
      for (let i = 0; i < size; i++) await passOn(platform.send(first, { type: "note", data: 1 }));
      await platform.ask(first, { type: "total" }, 5000);
    };
    record.value("agents.send.rate", await ratesOf(5000, seconds / 3, sends, signal), perSecond);
    const requests = async (size: number): Promise<void> => {
      for (let i = 0; i < size; i += agents.length) {
        await Promise.all(agents.map((agent) => platform.ask(agent, { type: "add", data: 1 }, 5000)));
      }
    };
    record.value("agents.request.rate", await ratesOf(5000, seconds / 3, requests, signal), perSecond);
    const alone = async (size: number): Promise<void> => {
      for (let i = 0; i < size; i++) await platform.ask(first, { type: "add", data: 1 }, 5000);
    };
    record.value("agents.request.alone.rate", await ratesOf(2000, seconds / 3, alone, signal), perSecond);
  },
};

/** Awaited only where there is something to wait for. */
const passOn = (result: void | Promise<void>): void | Promise<void> => result;

const failures: Scenario = {
  ...common,
  id: "agents.failures",
  title: "Requests that fail, and requests that are never answered",
  requirement: ["S2-062", "S2-063"],
  seconds: timesOf(1.5),
  rules: {
    thresholds: {
      "agents.failure.reported": { threshold: "rate == 1", severity: "critical", requirement: ["S2-063"] },
      "agents.timeout.reported": { threshold: "rate == 1", severity: "critical", requirement: ["S2-062"] },
      "agents.failure.state-kept": { threshold: "rate == 1", severity: "critical", requirement: ["S2-118"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const agent = await platform.spawn();
    let reported = 0;
    let kept = 0;
    const attempts = await timeEach(
      record.operation("agents.failure.time"),
      { atMost: 5000, atLeast: 100, seconds: seconds / 2 },
      {
        before: () => platform.ask(agent, { type: "add", data: 1 }, 5000),
        run: () => platform.ask(agent, { type: "fail" }, 5000).then(doNothing, () => (reported += 1)),
        after: async (total) => {
          if ((await platform.ask(agent, { type: "total" }, 5000)) === total) kept += 1;
        },
      },
      signal,
    );
    record.rate("agents.failure.reported", Math.min(reported, attempts), attempts);
    record.rate("agents.failure.state-kept", Math.min(kept, attempts), attempts);
    await timeOuts(platform, record, 40);
  },
};

const doNothing = (): void => undefined;

/** How late a request that nobody answers is given up, beyond its deadline. */
async function timeOuts(platform: AgentPlatform, record: Recorder, count: number): Promise<void> {
  const agents = await spawnMany(platform, count);
  const late = record.operation("agents.timeout.lateness.time");
  let reported = 0;
  const wait = async (agent: AgentHandle): Promise<void> => {
    const start = nowNs();
    await platform.ask(agent, { type: "silent" }, 50).then(doNothing, () => {
      reported += 1;
      late.times.record(Math.max(0, nowNs() - start - 50e6));
    });
  };
  await Promise.all(agents.map(wait));
  record.rate("agents.timeout.reported", reported, count);
}

const memory: Scenario = {
  ...common,
  id: "agents.memory",
  group: "resource_efficiency_tests",
  title: "Memory of an idle agent, of one with a mailbox and of a registered one, by slope",
  requirement: ["S2-007", "S2-016", "S2-058", "S2-067", "S2-084", "S2-121", "S2-142", "S3-003", "S3-006"],
  seconds: timesOf(4),
  rules: {
    targets: [
      {
        operation: "Memory per agent",
        metric: "agents.memory.per-agent",
        statistic: "mean",
        requirement: ["S0-136"],
        baseline: { low: "2MB", high: "5MB" },
        phases: {
          1: { low: "1.5MB", high: "4MB" },
          2: { low: "1MB", high: "3MB" },
          3: { low: "0.5MB", high: "2MB" },
        },
      },
    ],
    thresholds: {
      // 1.2 of the baseline of 1 MB an agent (S2-045).
      "agents.memory.per-agent": [
        { threshold: "mean < 1MB", requirement: ["S2-037"] },
        { threshold: "mean <= 1.2MB", requirement: ["S2-045", "S2-125"] },
      ],
    },
  },
  run: async ({ open, record, random, profile, signal }) => {
    const platform = await open();
    const counts = profile === "smoke" ? [200, 1000] : [500, 2000, 5000];
    const kinds = {
      simple: (agents: readonly AgentHandle[]) => void agents,
      complex: async (agents: readonly AgentHandle[]) => {
        for (const agent of agents) await platform.ask(agent, { type: "add", data: 1 }, 5000);
      },
      registered: async (agents: readonly AgentHandle[]) => {
        for (const [i, agent] of agents.entries())
          await platform.registry?.register(`m${i}`, agent, describeAgent(random));
      },
    };
    for (const [kind, prepare] of Object.entries(kinds)) {
      if (kind === "registered" && platform.registry === undefined) continue;
      const slopes = await measureMemoryPerThing({
        counts,
        repeats: 2,
        signal,
        make: async (count) => {
          const agents = await spawnMany(platform, count);
          await prepare(agents);
          return agents;
        },
        release: async (agents) => {
          if (kind === "registered")
            for (let i = 0; i < agents.length; i++) await platform.registry?.unregister(`m${i}`);
          await stopAll(platform, agents);
        },
      });
      const { slopeBytes, low, high, confidence } = slopes.isolate;
      record.value("agents.memory.per-agent", Math.max(0, slopeBytes), {
        unit: "bytes",
        direction: "lower",
        tags: { kind },
        interval: { of: "slope", low, high, confidence, method: "least squares over several numbers of agents" },
      });
    }
  },
};

const lifecycle: Scenario = {
  ...common,
  id: "agents.lifecycle",
  title: "Create, use and stop 1 000 agents in parallel, cycle after cycle",
  requirement: [
    "S2-005",
    "S2-009",
    "S2-017",
    "S2-065",
    "S2-068",
    "S2-069",
    "S2-071",
    "S3-022",
    "S3-023",
    "S3-038",
    "S3-090",
  ],
  seconds: timesOf(5),
  rules: {
    thresholds: {
      "agents.lifecycle.success": { threshold: "rate > 0.95", severity: "critical", requirement: ["S2-127"] },
      "agents.lifecycle.time": { threshold: "mean < 10ms", requirement: ["S2-128"] },
      "agents.lifecycle.growth": { threshold: "mean < 1024", requirement: ["S3-023", "S3-028", "S2-126"] },
      "agents.lifecycle.without-leak": { threshold: "rate == 1", requirement: ["S2-128", "S2-126", "S3-090"] },
    },
  },
  run: async ({ open, record, profile, signal }) => {
    const platform = await open();
    const times = record.operation("agents.lifecycle.time");
    const size = profile === "smoke" ? 100 : 1000;
    let good = 0;
    let all = 0;
    const one = async (): Promise<void> => {
      const start = nowNs();
      all += 1;
      try {
        const agent = await platform.spawn();
        if ((await platform.ask(agent, { type: "add", data: 1 }, 5000)) === 1) good += 1;
        await platform.stop(agent);
        times.times.record(nowNs() - start);
      } catch (error) {
        times.fail(failureKind(error));
      }
    };
    await recordLeak(record, {
      metric: "agents.lifecycle",
      cycles: profile === "smoke" ? 12 : profile === "ci" ? 30 : 120,
      operations: size,
      requirement: ["S2-070"],
      signal,
      cycle: async () => {
        await Promise.all(Array.from({ length: size }, one));
      },
    });
    record.rate("agents.lifecycle.success", good, all);
  },
};

const monitoring: Scenario = {
  ...common,
  id: "agents.monitoring",
  needs: ["supervision"],
  title: "A watcher learns of a crash, and the registry forgets the agent",
  requirement: ["S3-024", "S3-025", "S3-029", "S3-030"],
  seconds: timesOf(1),
  rules: {
    thresholds: {
      "agents.down.time": { threshold: "max < 1000ms", requirement: ["S3-025"] },
      "agents.down.noticed": { threshold: "rate == 1", severity: "critical", requirement: ["S3-025"] },
    },
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    const noticed = { down: 0, gone: 0 };
    const attempts = await timeEach(
      record.operation("agents.down.time"),
      { atMost: 5000, atLeast: 50, seconds },
      {
        before: async (index) => {
          const agent = await platform.spawn({ onFailure: "stop" });
          await platform.registry?.register(`mortal-${index}`, agent, describeAgent(random));
          return agent;
        },
        run: (agent) =>
          new Promise<void>((resolve, reject) => {
            void Promise.resolve(platform.supervision!.monitor(agent, () => resolve())).catch(reject);
            // Whoever asked learns of it too; here only the watcher's news counts.
            platform.ask(agent, { type: "fail" }, 1000).then(doNothing, doNothing);
          }),
        after: async (_agent, index) => {
          noticed.down += 1;
          if (platform.registry?.forgetsDead === true) {
            if ((await platform.registry.lookup(`mortal-${index}`)) === undefined) noticed.gone += 1;
          } else await platform.registry?.unregister(`mortal-${index}`);
        },
      },
      signal,
    );
    record.rate("agents.down.noticed", Math.min(noticed.down, attempts), attempts);
    if (platform.registry?.forgetsDead === true)
      record.rate("agents.down.unregistered", Math.min(noticed.gone, attempts), attempts);
  },
};

/** Agents of S2 and S3: creation, actions, memory, life and death. */
export const agentScenarios: readonly Scenario[] = [
  creation,
  action,
  throughput,
  failures,
  memory,
  lifecycle,
  monitoring,
];
