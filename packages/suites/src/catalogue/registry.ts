import { timeEach } from "../measure/operations.ts";
import { nowNs } from "../measure/time.ts";
import type { AgentHandle, RegistryFacet } from "../platform/platform.ts";
import {
  answers,
  describeAgent,
  discoveryQueries,
  knownCapabilities,
  populate,
  spawnMany,
  stopAll,
} from "./descriptions.ts";
import { type Scenario, type ScenarioContext, timesOf } from "./scenario.ts";

const common = { suite: "registry", group: "infrastructure_benchmarks", needs: ["registry"] } as const;

/** Registration as S0-024 asks: the agent is started before and stopped after; only the registration is timed. */
const single: Scenario = {
  ...common,
  id: "registry.registration.single",
  title: "Register one agent, 1 000 times",
  requirement: ["S0-018", "S0-024", "S0-035", "S0-036"],
  seconds: timesOf(2),
  rules: {
    targets: [
      {
        operation: "Single agent registration",
        metric: "registry.registration.single.time",
        requirement: ["S0-037"],
        baseline: { low: "5ms", high: "10ms" },
        phases: {
          1: { low: "3ms", high: "8ms" },
          2: { low: "2ms", high: "6ms" },
          3: { low: "1ms", high: "4ms" },
        },
      },
    ],
    thresholds: {
      "registry.register.time": { threshold: "mean < 0.5ms", requirement: ["S2-054"] },
      "registry.unregister.time": { threshold: "mean < 0.5ms", requirement: ["S2-055"] },
    },
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    const registry = platform.registry!;
    const operation = record.operation("registry.registration.single.time");
    const unregister = record.operation("registry.unregister.time", { requirement: ["S2-100"] });
    await timeEach(
      operation,
      { atMost: 1000, atLeast: 100, seconds },
      {
        before: async (index) => ({
          agent: await platform.spawn(),
          description: describeAgent(random),
          name: `a${index}`,
        }),
        run: ({ agent, description, name }) => registry.register(name, agent, description),
        after: async ({ agent, name }) => {
          const start = nowNs();
          await registry.unregister(name);
          unregister.times.record(nowNs() - start);
          await platform.stop(agent);
        },
      },
      signal,
    );
    record.operation("registry.register.time", { requirement: ["S2-025", "S2-100"] }).times.merge(operation.times);
  },
};

const bulk: Scenario = {
  ...common,
  id: "registry.registration.bulk",
  title: "Register 100 agents, one after the other",
  requirement: ["S0-019", "S0-025"],
  seconds: timesOf(2),
  rules: {
    targets: [
      {
        operation: "Bulk registration (100)",
        metric: "registry.registration.bulk.time",
        requirement: ["S0-038"],
        baseline: { low: "500ms", high: "1s" },
        phases: {
          1: { low: "400ms", high: "800ms" },
          2: { low: "300ms", high: "600ms" },
          3: { low: "200ms", high: "400ms" },
        },
      },
    ],
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    const agents = await spawnMany(platform, 100);
    const descriptions = agents.map(() => describeAgent(random));
    const registry = platform.registry!;
    await timeEach(
      record.operation("registry.registration.bulk.time"),
      // Ten repetitions were asked for; a p95 needs twenty.
      { atMost: 200, atLeast: 20, seconds },
      {
        run: async () => {
          for (let i = 0; i < agents.length; i++) await registry.register(`bulk-${i}`, agents[i]!, descriptions[i]!);
        },
        after: () => unregisterAll(registry, agents, "bulk"),
      },
      signal,
    );
  },
};

async function unregisterAll(registry: RegistryFacet, agents: readonly AgentHandle[], prefix: string): Promise<void> {
  for (let i = 0; i < agents.length; i++) await registry.unregister(`${prefix}-${i}`);
}

const concurrent: Scenario = {
  ...common,
  id: "registry.registration.concurrent",
  title: "Register 50 agents, 10 at a time",
  requirement: ["S0-020", "S0-026", "S2-102", "S2-106"],
  seconds: timesOf(1.5),
  rules: {
    thresholds: {
      "registry.registration.concurrent.complete": {
        threshold: "rate == 1",
        severity: "critical",
        requirement: ["S2-102", "S2-107"],
      },
    },
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    const agents = await spawnMany(platform, 50);
    const descriptions = agents.map(() => describeAgent(random));
    const registry = platform.registry!;
    const lane = async (first: number): Promise<void> => {
      for (let i = first; i < agents.length; i += 10)
        await registry.register(`lane-${i}`, agents[i]!, descriptions[i]!);
    };
    let incomplete = 0;
    const runs = await timeEach(
      record.operation("registry.registration.concurrent.time"),
      { atMost: 500, atLeast: 20, seconds },
      {
        run: () => Promise.all(Array.from({ length: 10 }, (_, first) => lane(first))),
        after: async () => {
          const found = await Promise.all(agents.map(async (_, i) => registry.lookup(`lane-${i}`)));
          if (!found.every((agent, i) => agent === agents[i])) incomplete += 1;
          await unregisterAll(registry, agents, "lane");
        },
      },
      signal,
    );
    // Rounds of the warm-up are checked as well: what they miss counts against those that were timed.
    record.rate("registry.registration.concurrent.complete", Math.max(0, runs - incomplete), runs);
  },
};

const discovery: Scenario = {
  ...common,
  id: "registry.discovery",
  title: "Discovery queries of five kinds over 1 000 agents",
  requirement: ["S0-021", "S0-027", "S0-030", "S0-031", "S0-032", "S0-033", "S0-034", "S0-036"],
  seconds: timesOf(2),
  rules: {
    targets: [
      {
        operation: "Discovery query",
        metric: "registry.discovery.time",
        requirement: ["S0-039"],
        baseline: { low: "10ms", high: "30ms" },
        phases: {
          1: { low: "8ms", high: "25ms" },
          2: { low: "5ms", high: "20ms" },
          3: { low: "2ms", high: "15ms" },
        },
      },
    ],
    thresholds: {
      "registry.discovery.correct": { threshold: "rate == 1", severity: "critical", requirement: ["S2-107"] },
    },
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    const { names, descriptions } = await populate(platform, 1000, random);
    const registry = platform.registry!;
    const kinds = Object.entries(discoveryQueries).map(([kind, query]) => ({
      query,
      times: record.operation("registry.discovery.time", { tags: { kind } }).times,
      expected: names.filter((_, i) => answers(descriptions[i]!, query)).toSorted(),
      results: 0,
      kind,
    }));
    const all = record.operation("registry.discovery.time");
    let correct = 0;
    let checked = 0;
    await timeEach(
      all,
      { atMost: 5000, atLeast: 500, seconds },
      {
        before: () => kinds[random.below(kinds.length)]!,
        run: async (kind) => {
          const start = nowNs();
          const found = await registry.discover(kind.query);
          kind.times.record(nowNs() - start);
          kind.results = found.length;
          if (checked >= 50) return;
          checked += 1;
          if (found.toSorted().every((name, i) => name === kind.expected[i]) && found.length === kind.expected.length) {
            correct += 1;
          }
        },
      },
      signal,
    );
    record.rate("registry.discovery.correct", correct, checked);
    for (const { kind, results } of kinds) {
      record.value("registry.discovery.results", results, { unit: "count", direction: "none", tags: { kind } });
    }
  },
};

const matching: Scenario = {
  ...common,
  id: "registry.capability-matching",
  title: "Match 20 capabilities over 500 agents",
  requirement: ["S0-022", "S0-028"],
  seconds: timesOf(1),
  rules: { thresholds: { "registry.capability-matching.correct": { threshold: "rate == 1", severity: "critical" } } },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    const { descriptions } = await populate(platform, 500, random);
    const registry = platform.registry!;
    const expected = knownCapabilities.map(
      (capability) => descriptions.filter(({ capabilities }) => capabilities.includes(capability)).length,
    );
    let correct = 0;
    let total = 0;
    await timeEach(
      record.operation("registry.capability-matching.time"),
      { atMost: 4000, atLeast: 200, seconds },
      {
        before: (index) => index % knownCapabilities.length,
        run: async (which) => {
          const found = await registry.discover({ capability: knownCapabilities[which]! });
          total += 1;
          if (found.length === expected[which]) correct += 1;
        },
      },
      signal,
    );
    record.rate("registry.capability-matching.correct", correct, total);
  },
};

/** Lookups by name among so many, in random order. */
async function timeLookups(context: ScenarioContext, size: number, seconds: number): Promise<void> {
  const { open, record, random, signal } = context;
  const platform = await open();
  const { names } = await populate(platform, size, random);
  const registry = platform.registry!;
  await timeEach(
    record.operation("registry.lookup.time", { tags: { agents: String(size) } }),
    { atMost: 100_000, atLeast: 2000, seconds },
    { before: () => names[random.below(size)]!, run: (name) => registry.lookup(name) },
    signal,
  );
}

const lookup: Scenario = {
  ...common,
  id: "registry.lookup",
  title: "Look up by name among 100, 1 000 and 10 000 agents",
  requirement: ["S2-025", "S2-026", "S2-038", "S2-101", "S2-104", "S3-009", "S3-016", "S3-062"],
  seconds: timesOf(3),
  rules: {
    budgets: [
      {
        name: "service_discovery",
        metric: "registry.lookup.time",
        kind: "latency",
        limits: { p99: "1ms", mean: "0.5ms" },
        requirement: ["S3-052", "S3-071"],
      },
    ],
    thresholds: {
      "registry.lookup.time": [
        { threshold: "p(95) < 1ms", requirement: ["S2-038"] },
        { threshold: "mean < 0.1ms", requirement: ["S2-053"] },
      ],
    },
  },
  run: async (context) => {
    for (const size of [100, 1000, 10_000]) await timeLookups(context, size, context.seconds / 3);
  },
};

const consistency: Scenario = {
  ...common,
  id: "registry.consistency",
  title: "Random registrations, removals and lookups against a plain map",
  requirement: ["S2-107", "S2-103", "S3-032", "S3-039"],
  seconds: timesOf(1),
  rules: {
    thresholds: { "registry.consistent": { threshold: "rate == 1", severity: "critical", requirement: ["S2-107"] } },
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    const registry = platform.registry!;
    const model = new Map<string, AgentHandle>();
    const agents = await spawnMany(platform, 200);
    let wrong = 0;
    const tried = await timeEach(
      record.operation("registry.mixed.time"),
      { atMost: 50_000, atLeast: 2000, seconds },
      {
        before: () => ({
          name: `n${random.below(300)}`,
          agent: agents[random.below(agents.length)]!,
          dice: random.below(3),
        }),
        run: async ({ name, agent, dice }) => {
          if (dice === 0 && !model.has(name)) {
            await registry.register(name, agent, describeAgent(random));
            model.set(name, agent);
          } else if (dice === 1) wrong += (await registry.unregister(name)) === model.delete(name) ? 0 : 1;
          else wrong += (await registry.lookup(name)) === model.get(name) ? 0 : 1;
        },
      },
      signal,
    );
    record.rate("registry.consistent", Math.max(0, tried - wrong), tried);
    await stopAll(platform, agents);
  },
};

/** S0-018 … S0-039 in one process, the registry of S2 and S3. */
export const registryScenarios: readonly Scenario[] = [
  single,
  bulk,
  concurrent,
  discovery,
  matching,
  lookup,
  consistency,
];
