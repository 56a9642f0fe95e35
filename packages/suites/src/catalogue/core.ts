import { measureMemoryPerThing, memorySlope } from "@mettle/bench";
import type { Recorder } from "../measure/recorder.ts";
import { nextTurn, nowNs } from "../measure/time.ts";
import { until } from "../measure/until.ts";
import {
  type AgentHandle,
  type AgentPlatform,
  capabilitiesOf,
  type CoreOperation,
  type Crowd,
} from "../platform/platform.ts";
import { baselineOf } from "./baselines.ts";
import { describeAgent, spawnMany, stopAll } from "./descriptions.ts";
import { type Scenario, type ScenarioContext, timesOf } from "./scenario.ts";

/** What one sample of an operation is, and what it is done among; in words in docs/validation.md. */
interface Core {
  readonly operation: CoreOperation;
  /** Agents, subscribers or members. */
  readonly size: number;
  /** Operations in one sample. */
  readonly count: number;
}

const cores: readonly Core[] = [
  { operation: "create", size: 1, count: 5000 },
  { operation: "send", size: 1, count: 5000 },
  { operation: "request", size: 1, count: 5000 },
  { operation: "lookup", size: 100_000, count: 20_000 },
  { operation: "publish", size: 1000, count: 10 },
  { operation: "propose", size: 1000, count: 5 },
  { operation: "propose", size: 10_000, count: 1 },
];

/** Does the operations of one sample; resolves when all have taken effect. What it returns undoes them, untimed. */
type Sample = () => Promise<(() => Promise<void>) | undefined>;

/** The loop for platforms of this process; one that lives elsewhere has its own. */
async function loopOf(
  platform: AgentPlatform,
  { operation, size, count }: Core,
  context: ScenarioContext,
): Promise<Sample> {
  switch (operation) {
    case "create":
      return async () => {
        const made: AgentHandle[] = [];
        for (let i = 0; i < count; i++) {
          const agent = platform.spawn();
          made.push(agent instanceof Promise ? await agent : agent);
        }
        return () => stopAll(platform, made);
      };
    case "send":
      return sends(platform, count);
    case "request": {
      const agent = await platform.spawn();
      return async () => {
        for (let i = 0; i < count; i++) await platform.ask(agent, { type: "add", data: 1 }, 5000);
        return undefined;
      };
    }
    case "lookup":
      return lookups(platform, size, count, context);
    case "publish":
      return publishes(platform, size, count);
    case "propose": {
      const members = await spawnMany(platform, size);
      return async () => {
        for (let i = 0; i < count; i++) {
          const { participated } = await platform.coordination!.consensus(members, 5000);
          if (participated !== size) throw new Error(`${participated} of ${size} members took part`);
        }
        return undefined;
      };
    }
  }
}

async function sends(platform: AgentPlatform, count: number): Promise<Sample> {
  const agent = await platform.spawn();
  let sent = 0;
  return async () => {
    for (let i = 0; i < count; i++) {
      const result = platform.send(agent, { type: "note", data: 1 });
      if (result instanceof Promise) await result;
    }
    sent += count;
    const total = await platform.ask(agent, { type: "total" }, 5000);
    if (total !== sent) throw new Error(`${String(total)} of ${sent} messages were handled`);
    return undefined;
  };
}

async function lookups(
  platform: AgentPlatform,
  size: number,
  count: number,
  { random }: ScenarioContext,
): Promise<Sample> {
  const registry = platform.registry!;
  const agents = await spawnMany(platform, 100);
  const names = Array.from({ length: size }, (_, i) => `agent-${i}`);
  for (const [i, name] of names.entries()) await registry.register(name, agents[i % 100]!, describeAgent(random));
  let at = 0;
  return async () => {
    for (let i = 0; i < count; i++) {
      // A stride that shares no factor with any round number visits names far apart.
      at = (at + 7919) % size;
      const found = registry.lookup(names[at]!);
      if ((found instanceof Promise ? await found : found) === undefined) throw new Error(`${names[at]} was not found`);
    }
    return undefined;
  };
}

async function publishes(platform: AgentPlatform, size: number, count: number): Promise<Sample> {
  const signals = platform.signals!;
  let received = 0;
  for (let i = 0; i < size; i++) await signals.subscribe("orders.eu.created", () => void (received += 1));
  return async () => {
    for (let i = 0; i < count; i++) {
      const wanted = received + size;
      const published = signals.publish("orders.eu.created", 1);
      if (published instanceof Promise) await published;
      if (received < wanted) await signals.delivered();
      if (received < wanted) await until(() => received >= wanted, 5000);
    }
    return undefined;
  };
}

const needsOf: Readonly<Partial<Record<CoreOperation, "registry" | "signals" | "coordination">>> = {
  lookup: "registry",
  publish: "signals",
  propose: "coordination",
};

/** Nanoseconds per operation, one figure for each sample. */
async function samplesOf(core: Core, context: ScenarioContext, seconds: number): Promise<readonly number[]> {
  const platform = await context.open();
  if (platform.outside !== undefined) {
    const [once = 1] = await platform.outside.time(core.operation, core.size, core.count, 1);
    const samples = Math.max(12, Math.min(500, Math.floor((seconds * 1e9) / (once * core.count))));
    return platform.outside.time(core.operation, core.size, core.count, samples);
  }
  const sample = await loopOf(platform, core, context);
  for (let warmUp = 0; warmUp < 3; warmUp++) await (await sample())?.();
  const times: number[] = [];
  const end = nowNs() + seconds * 1e9;
  while (times.length < 12 || (nowNs() < end && times.length < 500)) {
    context.signal.throwIfAborted();
    await nextTurn();
    const start = nowNs();
    const undo = await sample();
    times.push((nowNs() - start) / core.count);
    await undo?.();
  }
  return times;
}

/** A registry of its own is no condition for being timed in there. */
function canDo(platform: AgentPlatform, operation: CoreOperation): boolean {
  const needed = needsOf[operation];
  return platform.outside !== undefined || needed === undefined || capabilitiesOf(platform).has(needed);
}

const operations: Scenario = {
  id: "core.operations",
  suite: "core",
  group: "infrastructure_benchmarks",
  needs: [],
  title: "What every runtime of agents does, each where it lives: create, send, request, look up, publish, propose",
  requirement: ["S0-001", "S2-014"],
  seconds: timesOf(5),
  // What is asked of a platform alone; how it stands beside others is no limit.
  rules: {
    thresholds: {
      "core.operation.time{operation=create}": {
        threshold: `p(50) < ${baselineOf("agent").creationMs}ms`,
        requirement: ["S2-034", "S2-046"],
      },
    },
  },
  run: async (context) => {
    const platform = await context.open();
    for (const each of cores) {
      if (!canDo(platform, each.operation)) continue;
      const core = inCrowd(each, platform.crowd);
      if (core === undefined) continue;
      const times = await samplesOf(core, context, context.seconds / cores.length);
      record(context.record, core, times, notesOf(each, core, platform.crowd));
    }
  },
};

/** The operation as it can be measured on a platform that carries only so many agents; undefined when it cannot. */
function inCrowd(core: Core, crowd: Crowd | undefined): Core | undefined {
  if (crowd === undefined) return core;
  // What is looked up among many names needs no agent for each.
  if (core.operation !== "lookup" && core.size > crowd.agents) return undefined;
  return core.operation === "create" ? { ...core, count: Math.min(core.count, crowd.created) } : core;
}

function notesOf(asked: Core, done: Core, crowd: Crowd | undefined): readonly string[] {
  if (crowd === undefined) return [];
  const larger = cores.filter((core) => core.operation === asked.operation && inCrowd(core, crowd) === undefined);
  return [
    ...(done.count < asked.count ? [`${done.count} at a time instead of ${asked.count}: ${crowd.because}`] : []),
    ...larger.map(({ size }) => `not measured among ${size}: ${crowd.because}`),
  ];
}

function record(
  recorder: Recorder,
  { operation, size }: Core,
  times: readonly number[],
  notes: readonly string[],
): void {
  recorder.value("core.operation.time", times, {
    unit: "ns",
    direction: "lower",
    tags: { operation, ...(size > 1 && { size: String(size) }) },
    notes,
  });
}

const idle: Scenario = {
  id: "core.idle-memory",
  suite: "core",
  group: "resource_efficiency_tests",
  needs: [],
  title: "Memory of an idle agent, by slope, wherever it lives",
  requirement: ["S3-006"],
  seconds: timesOf(2),
  rules: { thresholds: { "core.idle-agent.memory": { threshold: "mean < 1MB", requirement: ["S2-037", "S3-006"] } } },
  run: async ({ open, record, profile, random, signal }) => {
    const platform = await open();
    const wanted = profile === "smoke" ? [500, 2000] : [1000, 5000, 10_000];
    const { crowd } = platform;
    const counts = crowd === undefined ? wanted : [crowd.agents / 8, crowd.agents / 4, crowd.agents / 2];
    const { slopeBytes, low, high, confidence } =
      platform.outside === undefined
        ? (
            await measureMemoryPerThing({
              counts,
              repeats: 2,
              signal,
              random,
              make: (count) => spawnMany(platform, count),
              release: (agents) => stopAll(platform, agents),
            })
          ).isolate
        : memorySlope("process", await pointsOutside(platform, counts), 0.95);
    recordSlope(record, slopeBytes, {
      of: "slope",
      low,
      high,
      confidence,
      method: "least squares over several counts",
    });
  },
};

function recordSlope(recorder: Recorder, slope: number, interval: Parameters<Recorder["value"]>[2]["interval"]): void {
  recorder.value("core.idle-agent.memory", Math.max(0, slope), {
    unit: "bytes",
    direction: "lower",
    ...(interval && { interval }),
  });
}

async function pointsOutside(
  platform: AgentPlatform,
  counts: readonly number[],
): Promise<{ count: number; bytes: number }[]> {
  const points: { count: number; bytes: number }[] = [];
  await stopAll(platform, await spawnMany(platform, counts[0]!));
  for (const count of [...counts, ...counts.toReversed()]) {
    const before = await platform.outside!.memory();
    const agents = await spawnMany(platform, count);
    points.push({ count, bytes: (await platform.outside!.memory()) - before });
    await stopAll(platform, agents);
  }
  return points;
}

/** What platforms are put side by side by. */
export const coreScenarios: readonly Scenario[] = [operations, idle];
