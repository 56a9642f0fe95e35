import { contest } from "../../measure/contest.ts";
import type { AgentHandle, AgentPlatform } from "../../platform/platform.ts";
import { spawnMany } from "../descriptions.ts";
import { type Scenario, timesBeyondSmoke } from "../scenario.ts";

const common = { suite: "coordination", needs: ["coordination"] } as const;

/** The usual way: ask one, wait for its answer, ask the next. */
async function askInTurn(platform: AgentPlatform, agents: readonly AgentHandle[], proposal: unknown): Promise<number> {
  let answered = 0;
  for (const agent of agents) {
    await platform.ask(agent, { type: "echo", data: proposal }, 5000);
    answered += 1;
  }
  return answered;
}

const proposal = { variable: "temperature", value: 0.7, reason: "latency" } as const;

const concurrent: Scenario = {
  ...common,
  id: "coordination.concurrent",
  group: "scalability_tests",
  title: "Eight coordinations of 100 agents: one agent after the other, and all at once through a collector",
  requirement: ["S3-001", "S3-008"],
  seconds: timesBeyondSmoke(1.5),
  rules: {
    thresholds: {
      "coordination.concurrent.complete": { threshold: "rate == 1", severity: "critical", requirement: ["S3-008"] },
    },
  },
  run: async ({ open, record, seconds, random, signal }) => {
    const platform = await open();
    const groups: AgentHandle[][] = [];
    for (let i = 0; i < 8; i++) groups.push(await spawnMany(platform, 100));
    let complete = 0;
    let rounds = 0;
    await contest(record, {
      metric: "coordination.concurrent",
      operations: groups.length,
      seconds,
      random,
      signal,
      traditional: {
        name: "sequential",
        run: async () => {
          for (const group of groups) await askInTurn(platform, group, proposal);
        },
      },
      ours: {
        name: "collected",
        run: async () => {
          const outcomes = await Promise.all(groups.map((group) => platform.coordination!.consensus(group, 5000)));
          rounds += outcomes.length;
          complete += outcomes.filter(({ succeeded, participated }) => succeeded && participated === 100).length;
        },
      },
    });
    record.rate("coordination.concurrent.complete", complete, rounds);
  },
};

/** Counts how often the caller has to wait: results that were not there when the call returned. */
class Waits {
  count = 0;

  of<T>(result: T | Promise<T>): T | Promise<T> {
    if (result instanceof Promise) this.count += 1;
    return result;
  }
}

/**
 * A step of work as it was and as it is: 20 variables told to 50 agents, a proposal to 50 agents, 50 lookups. What was a request to an
 * agent for each is a batch, a collector, a table that is read.
 */
const waits: Scenario = {
  ...common,
  id: "coordination.waits",
  group: "infrastructure_benchmarks",
  needs: ["coordination", "variables", "registry"],
  title: "How often a caller waits, agent by agent and with batches, collectors and a registry that is read",
  requirement: ["S3-001", "S3-013", "S3-087"],
  seconds: { ci: 0.1, full: 0.5, soak: 1 },
  rules: {
    thresholds: {
      "waits.avoided": { threshold: "rate >= 0.5", requirement: ["S3-013", "S3-087"] },
    },
  },
  run: async ({ open, record, random }) => {
    const platform = await open();
    const agents = await spawnMany(platform, 50);
    const names = agents.map((_, i) => `waits-${i}`);
    for (const [i, agent] of agents.entries()) {
      await platform.registry!.register(names[i]!, agent, {
        type: "worker",
        capabilities: ["plan"],
        health: "healthy",
        region: "us_east",
        resources: { cpu: random.uniform(), memory: random.uniform() },
      });
    }
    const values = Array.from({ length: 20 }, () => random.uniform());
    const [before, after] = [new Waits(), new Waits()];
    // As it was: a registry is an agent that is asked, and everybody is asked in turn.
    const registrar = agents[0]!;
    for (const name of names) await before.of(platform.ask(registrar, { type: "echo", data: name }, 5000));
    for (const agent of agents) await before.of(platform.ask(agent, { type: "echo", data: proposal }, 5000));
    for (const value of values) await before.of(platform.variables!.broadcast(agents, [value]));
    // As it is.
    for (const name of names) await after.of(platform.registry!.lookup(name));
    await after.of(platform.coordination!.consensus(agents, 5000));
    await after.of(platform.variables!.broadcast(agents, values));
    record.value("waits.per-step", before.count, { unit: "count", direction: "lower", tags: { way: "one-by-one" } });
    record.value("waits.per-step", after.count, { unit: "count", direction: "lower", tags: { way: "together" } });
    record.rate("waits.avoided", Math.max(0, before.count - after.count), before.count);
  },
};

export const coordinationContests: readonly Scenario[] = [concurrent, waits];
