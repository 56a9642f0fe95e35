import { ratesOf } from "../../measure/operations.ts";
import { nowNs } from "../../measure/time.ts";
import type { AgentHandle, AgentPlatform } from "../../platform/platform.ts";
import { baselineOf } from "../baselines.ts";
import { spawnMany, stopAll } from "../descriptions.ts";
import { type Scenario, type ScenarioContext, timesOf } from "../scenario.ts";

/** Agents that answer as new ones do: what was created is counted by what it does, not by what `spawn` says. */
async function working(platform: AgentPlatform, agents: readonly AgentHandle[]): Promise<number> {
  const totals = await Promise.allSettled(agents.map((agent) => platform.ask(agent, { type: "add", data: 1 }, 5000)));
  return totals.filter((total) => total.status === "fulfilled" && total.value === 1).length;
}

/** Creates so many, one after the other or all at once, and stops them; times per agent. @returns those that worked */
async function createAndStop(
  platform: AgentPlatform,
  record: ScenarioContext["record"],
  count: number,
  way: string,
): Promise<number> {
  const tags = { agents: String(count), way };
  const start = nowNs();
  const agents =
    way === "parallel"
      ? await Promise.all(Array.from({ length: count }, async () => platform.spawn()))
      : await spawnMany(platform, count);
  const created = nowNs();
  const good = await working(platform, agents);
  const stopping = nowNs();
  await stopAll(platform, agents);
  const stopped = nowNs();
  record.operation("agents.creation.time", { tags }).times.record((created - start) / count);
  record.operation("agents.cleanup.time", { tags, requirement: ["S2-059"] }).times.record((stopped - stopping) / count);
  return good;
}

const baseline = baselineOf("agent");

export const creation: Scenario = {
  suite: "agents",
  group: "infrastructure_benchmarks",
  needs: [],
  id: "agents.creation",
  title: "Create and stop 10, 100 and 1 000 agents, one by one and all at once",
  requirement: ["S2-001", "S2-014", "S2-039", "S2-056", "S2-057", "S2-120"],
  seconds: timesOf(3),
  rules: {
    thresholds: {
      "agents.creation.time": [
        { threshold: `p(95) < ${baseline.creationMs}ms`, requirement: ["S2-034", "S2-046"] },
        { threshold: "min > 0", requirement: ["S2-120"] },
      ],
      "agents.creation.rate": {
        threshold: `p(50) >= ${0.8 * baseline.agentsPerSecond}`,
        requirement: ["S2-044", "S2-120", "S2-124"],
      },
      "agents.creation.success": { threshold: "rate == 1", severity: "critical", requirement: ["S2-120"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    for (const count of [10, 100, 1000]) {
      for (const way of ["sequential", "parallel"]) {
        const end = nowNs() + (seconds * 1e9) / 8;
        let good = 0;
        let runs = 0;
        for (; runs < 20 || (nowNs() < end && runs < 2000); runs++) {
          signal.throwIfAborted();
          good += await createAndStop(platform, record, count, way);
        }
        record.rate("agents.creation.success", good, runs * count, { tags: { agents: String(count), way } });
      }
    }
    const rates = await ratesOf(100, seconds / 4, async (size) => {
      await stopAll(platform, await spawnMany(platform, size));
    });
    record.value("agents.creation.rate", rates, { unit: "1/s", direction: "higher" });
  },
};
