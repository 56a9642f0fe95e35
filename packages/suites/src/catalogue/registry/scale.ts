import { AgentRegistry, type AnyRef } from "@mettle/agents";
import { measureMemoryPerThing } from "@mettle/bench";
import type { MettlePlatform } from "../../adapters/mettle/mettle-platform.ts";
import { contest } from "../../measure/contest.ts";
import { recordLeak } from "../../measure/leak-cycles.ts";
import { recordGrowth } from "../../measure/growth.ts";
import { timeEach } from "../../measure/operations.ts";
import { nextTurn, nowNs } from "../../measure/time.ts";
import type { AgentPlatform } from "../../platform/platform.ts";
import { baselineOf } from "../baselines.ts";
import { describeAgent, populate, spawnMany, stopAll } from "../descriptions.ts";
import { type Scenario, type ScenarioContext, timesBeyondSmoke } from "../scenario.ts";

const common = { suite: "registry", needs: ["registry"] } as const;

const sizes = [100, 300, 1000, 3000, 10_000, 30_000] as const;

/** One entry more, looked up and removed again, in a registry that holds so many already. */
async function atSize(context: ScenarioContext, platform: AgentPlatform, size: number, names: readonly string[]) {
  const { record, random, seconds, signal } = context;
  const registry = platform.registry!;
  const tags = { agents: String(size) };
  const extent = { atMost: 4000, atLeast: 60, seconds: seconds / sizes.length / 2 };
  const agent = await platform.spawn();
  const register = record.operation("registry.scale.register.time", { tags });
  const unregister = record.operation("registry.scale.unregister.time", { tags });
  await timeEach(
    register,
    extent,
    {
      before: () => describeAgent(random),
      run: (description) => registry.register("one-more", agent, description),
      after: async () => {
        const start = nowNs();
        await registry.unregister("one-more");
        unregister.times.record(nowNs() - start);
      },
    },
    signal,
  );
  const lookup = record.operation("registry.scale.lookup.time", { tags });
  await timeEach(
    lookup,
    extent,
    { before: () => names[random.below(size)]!, run: (name) => registry.lookup(name) },
    signal,
  );
  await platform.stop(agent);
  return [register, lookup].map(({ times }) => times.quantile(0.5) ?? 0) as [number, number];
}

const baseline = baselineOf("registry");

const scale: Scenario = {
  ...common,
  id: "registry.scale",
  group: "scalability_tests",
  title: "Register, look up and unregister in registries of 100 … 30 000 agents",
  requirement: ["S2-025", "S2-026", "S2-100", "S2-101", "S2-104"],
  seconds: timesBeyondSmoke(3),
  rules: {
    thresholds: {
      "registry.scale.register.time": [
        { threshold: "p(95) < 1ms", requirement: ["S2-038"] },
        { threshold: `mean < ${baseline.registerMs}ms`, requirement: ["S2-054"] },
      ],
      "registry.scale.unregister.time": { threshold: `mean < ${baseline.unregisterMs}ms`, requirement: ["S2-055"] },
      "registry.scale.lookup.time": { threshold: `mean < ${baseline.lookupMs}ms`, requirement: ["S2-053"] },
      // Neither should depend on how many there are; in proportion would be 10.
      "registry.scale.lookup.growth-per-tenfold": { threshold: "value < 3", requirement: ["S2-104"] },
    },
  },
  run: async (context) => {
    const { open, record, random } = context;
    const platform = await open();
    const medians: [number, number][] = [];
    const names: string[] = [];
    for (const size of sizes) {
      while (names.length < size) {
        const name = `scale-${names.length}`;
        await platform.registry!.register(name, await platform.spawn(), describeAgent(random));
        names.push(name);
      }
      medians.push(await atSize(context, platform, size, names));
    }
    const costs = (which: 0 | 1): number[] => medians.map((pair) => pair[which]);
    recordGrowth(record, "registry.scale.register", sizes, costs(0));
    recordGrowth(record, "registry.scale.lookup", sizes, costs(1));
  },
};

const memory: Scenario = {
  ...common,
  id: "registry.memory",
  needs: ["registry", "in-process"],
  group: "resource_efficiency_tests",
  title: "Memory of an entry in the registry, by slope",
  requirement: ["S2-105"],
  seconds: { ci: 2, full: 8, soak: 16 },
  rules: {
    thresholds: { "registry.memory.per-entry": { threshold: "mean < 100kB", requirement: ["S2-105"] } },
  },
  run: async ({ open, record, random, profile, signal }) => {
    const platform = await open();
    const counts = [500, 2000, 5000];
    const agents = await spawnMany(platform, 5000);
    const slopes = await measureMemoryPerThing({
      counts,
      repeats: profile === "ci" ? 2 : 4,
      signal,
      make: async (count) => {
        for (let i = 0; i < count; i++) await platform.registry!.register(`m-${i}`, agents[i]!, describeAgent(random));
        return count;
      },
      release: async (count) => {
        for (let i = 0; i < count; i++) await platform.registry!.unregister(`m-${i}`);
      },
    });
    const { slopeBytes, low, high, confidence } = slopes.isolate;
    record.value("registry.memory.per-entry", Math.max(0, slopeBytes), {
      unit: "bytes",
      direction: "lower",
      interval: { of: "slope", low, high, confidence, method: "least squares over 500, 2 000 and 5 000 entries" },
    });
  },
};

const cleanup: Scenario = {
  ...common,
  id: "registry.cleanup",
  needs: ["registry", "forgetting"],
  group: "infrastructure_benchmarks",
  title: "Entries of 1 000 agents vanish when they stop",
  requirement: ["S2-103", "S3-025", "S3-039"],
  seconds: timesBeyondSmoke(1),
  rules: {
    thresholds: {
      "registry.cleanup.gone": { threshold: "rate == 1", severity: "critical", requirement: ["S2-103", "S3-025"] },
    },
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    const operation = record.operation("registry.cleanup.time");
    let gone = 0;
    let all = 0;
    const end = nowNs() + seconds * 1e9;
    for (let round = 0; round < 20 || (nowNs() < end && round < 200); round++) {
      signal.throwIfAborted();
      const { agents, names } = await populate(platform, 1000, random);
      const start = nowNs();
      await stopAll(platform, agents);
      operation.times.record((nowNs() - start) / agents.length);
      await nextTurn();
      for (const name of names) {
        all += 1;
        if ((await platform.registry!.lookup(name)) === undefined) gone += 1;
        else await platform.registry!.unregister(name);
      }
    }
    record.rate("registry.cleanup.gone", gone, all);
  },
};

/** Reading beside writing: a registry that is read, and one that is an agent to be asked. */
const reads: Scenario = {
  ...common,
  id: "registry.reads",
  group: "infrastructure_benchmarks",
  title: "100 lookups while entries come and go: read at once, and asked of a registry agent",
  requirement: ["S2-102", "S2-106", "S3-001", "S3-009", "S3-016"],
  seconds: timesBeyondSmoke(1.5),
  rules: {
    thresholds: {
      "registry.reads.speed-up": { threshold: "p(50) > 1", requirement: ["S3-009", "S3-016"] },
      "registry.reads.right": { threshold: "rate == 1", severity: "critical", requirement: ["S2-106"] },
    },
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    const registry = platform.registry!;
    const { agents, names } = await populate(platform, 1000, random);
    const registrar = await platform.spawn();
    const [writer] = await spawnMany(platform, 1);
    let right = 0;
    let all = 0;
    const wanted = Array.from({ length: 100 }, () => random.below(names.length));
    const write = async (i: number): Promise<void> => {
      await registry.register(`writer-${i}`, writer!, describeAgent(random));
      await registry.unregister(`writer-${i}`);
    };
    await contest(record, {
      metric: "registry.reads",
      operations: wanted.length,
      seconds,
      random,
      signal,
      traditional: {
        name: "asked",
        // The owner of the table answers everyone, so that readers wait for it and for one another.
        run: async () => {
          for (const [i, which] of wanted.entries()) {
            if (i % 10 === 0) await write(i);
            await platform.ask(registrar, { type: "echo", data: names[which] }, 5000);
            await registry.lookup(names[which]!);
          }
        },
      },
      ours: {
        name: "read",
        run: async () => {
          for (const [i, which] of wanted.entries()) {
            if (i % 10 === 0) await write(i);
            all += 1;
            if ((await registry.lookup(names[which]!)) === agents[which]) right += 1;
          }
        },
      },
    });
    record.rate("registry.reads.right", right, all);
  },
};

/** The same name in two namespaces is two agents, each with its metadata. */
const namespaces: Scenario = {
  ...common,
  id: "registry.namespaces",
  needs: ["mettle"],
  group: "infrastructure_benchmarks",
  title: "500 names, each in production and in test, with their own agents and metadata",
  requirement: ["S3-009"],
  seconds: timesBeyondSmoke(0.3),
  rules: {
    thresholds: {
      "registry.namespaces.apart": { threshold: "rate == 1", severity: "critical", requirement: ["S3-009"] },
    },
  },
  run: async ({ open, record }) => {
    const { runtime } = (await open()) as MettlePlatform;
    const registry = new AgentRegistry<AnyRef>();
    record.rate("registry.namespaces.apart", ...namespacesApart(registry, await refs(runtime)));
  },
};

async function refs(runtime: MettlePlatform["runtime"]): Promise<readonly AnyRef[]> {
  const { worker } = await import("../../adapters/mettle/agents.ts");
  return Array.from({ length: 1000 }, () => runtime.spawn(worker) as AnyRef);
}

/** @returns names whose entries in both namespaces are right, and names */
export function namespacesApart(registry: AgentRegistry<AnyRef>, agents: readonly AnyRef[]): [number, number] {
  const count = agents.length / 2;
  const agentOf = (namespace: string, i: number): AnyRef => agents[namespace === "production" ? i : count + i]!;
  const both = ["production", "test"] as const;
  for (let i = 0; i < count; i++) {
    for (const namespace of both) {
      const metadata = { type: "worker", region: `${namespace}-${i}` };
      registry.register({ namespace, name: `n${i}`, agent: agentOf(namespace, i), metadata });
    }
  }
  // Every third leaves production; the other one of its name stays.
  for (let i = 0; i < count; i += 3) registry.unregister("production", `n${i}`);
  let right = 0;
  for (let i = 0; i < count; i++) {
    const holds = both.every((namespace) => {
      const entry = registry.lookup(namespace, `n${i}`);
      if (namespace === "production" && i % 3 === 0) return entry === undefined;
      return entry?.agent === agentOf(namespace, i) && entry.region === `${namespace}-${i}`;
    });
    if (holds) right += 1;
  }
  return [right, count];
}

/** Registrations of one cycle at most (S3-023). */
const mostOperations = 1000;

/** Any number of entries that come and go leave nothing behind. */
const growth: Scenario = {
  ...common,
  id: "registry.growth",
  needs: ["registry", "in-process"],
  group: "resource_efficiency_tests",
  title: "Memory after 1 … 1 000 registrations and their ends, again and again",
  requirement: ["S3-023", "S3-028"],
  seconds: timesBeyondSmoke(1),
  rules: {
    thresholds: {
      "registry.growth.growth": { threshold: "mean < 1024", requirement: ["S3-023", "S3-028"] },
      "registry.growth.without-leak": { threshold: "rate == 1", requirement: ["S3-023"] },
    },
  },
  run: async ({ open, record, random, profile, signal }) => {
    const platform = await open();
    const registry = platform.registry!;
    const [agent] = await spawnMany(platform, 1);
    const cycles = { smoke: 12, ci: 24, full: 100, soak: 400 }[profile];
    const operations = Array.from({ length: cycles }, () => 1 + random.below(mostOperations));
    await recordLeak(record, {
      metric: "registry.growth",
      cycles,
      operations: operations.reduce((sum, each) => sum + each, 0) / cycles,
      signal,
      cycle: async (index) => {
        const count = operations[index % cycles]!;
        for (let i = 0; i < count; i++) await registry.register(`passing-${i}`, agent!, describeAgent(random));
        for (let i = 0; i < count; i++) await registry.unregister(`passing-${i}`);
      },
    });
  },
};

/** The registry of S2 and S3: scale, memory, growth, cleanup, reads beside writes. */
export const registryScaleScenarios: readonly Scenario[] = [scale, memory, growth, cleanup, reads, namespaces];
