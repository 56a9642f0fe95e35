import { measureMemoryPerThing } from "@mettle/bench";
import type { AgentHandle } from "../../platform/platform.ts";
import { baselineOf } from "../baselines.ts";
import { describeAgent, spawnMany, stopAll } from "../descriptions.ts";
import { type Scenario, timesBeyondSmoke } from "../scenario.ts";

export const memory: Scenario = {
  suite: "agents",
  needs: ["in-process"],
  id: "agents.memory",
  group: "resource_efficiency_tests",
  title: "Memory of an idle agent, of one with a mailbox and of a registered one, by slope",
  requirement: ["S2-007", "S2-016", "S2-058", "S2-067", "S2-084", "S2-121", "S2-142", "S3-003", "S3-006"],
  seconds: timesBeyondSmoke(4),
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
        { threshold: `mean <= ${1.2 * baselineOf("agent").bytesPerAgent}`, requirement: ["S2-045", "S2-125"] },
      ],
    },
  },
  run: async ({ open, record, random, profile, signal }) => {
    const platform = await open();
    const counts = profile === "smoke" ? [200, 1000] : [100, 1000, 5000];
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
