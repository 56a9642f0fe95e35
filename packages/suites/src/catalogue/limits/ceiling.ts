import { failureKind, timeEach } from "../../measure/operations.ts";
import { nowNs } from "../../measure/time.ts";
import { timed } from "../../measure/timed.ts";
import type { AgentHandle, AgentPlatform } from "../../platform/platform.ts";
import { spawnMany, stopAll } from "../descriptions.ts";
import { type Scenario, type ScenarioContext, timesOf } from "../scenario.ts";

const ceiling = 2000;
/** Percent of the ceiling at which everything is measured. */
const levels = [50, 80, 90, 95, 99] as const;

/** What a platform that is nearly full still does, and how quickly. */
async function atLevel(
  { record, seconds, signal }: ScenarioContext,
  platform: AgentPlatform,
  agents: readonly AgentHandle[],
  level: number,
): Promise<void> {
  const tags = { level: String(level) };
  const extent = { atMost: 5000, atLeast: 40, seconds: seconds / levels.length / 3 };
  const spawns = record.operation("limits.ceiling.spawn.time", { tags });
  await timeEach(
    spawns,
    extent,
    {
      run: async () => platform.stop(await platform.spawn()),
    },
    signal,
  );
  await timeEach(
    record.operation("limits.ceiling.request.time", { tags }),
    extent,
    {
      run: (_none, index) => platform.ask(agents[index % agents.length]!, { type: "add", data: 1 }, 5000),
    },
    signal,
  );
}

const refusals = 100;

/** At the ceiling: how many of the attempts to go beyond it are refused with an error, and how quickly. */
async function beyond({ record }: ScenarioContext, platform: AgentPlatform): Promise<void> {
  const times = record.operation("limits.ceiling.refusal.time", { requirement: ["S2-110"] });
  const admitted: AgentHandle[] = [];
  const kinds = new Set<string>();
  for (let i = 0; i < refusals; i++) {
    const start = nowNs();
    try {
      admitted.push(await platform.spawn());
    } catch (error) {
      times.times.record(nowNs() - start);
      kinds.add(failureKind(error));
    }
  }
  record.rate("limits.ceiling.refused", refusals - admitted.length, refusals, {
    requirement: ["S2-110"],
    notes: [`refused as ${[...kinds].join(", ") || "nothing"}`],
  });
  await stopAll(platform, admitted);
}

/** With a tenth of the agents gone: there is room for as many again, and everyone answers. */
async function afterwards(
  { record }: ScenarioContext,
  platform: AgentPlatform,
  agents: AgentHandle[],
): Promise<AgentHandle[]> {
  const leaving = agents.splice(0, ceiling / 10);
  const { tookNs } = await timed(() => stopAll(platform, leaving));
  record.operation("limits.ceiling.cleanup.time", { requirement: ["S2-109"] }).times.record(tookNs);
  const spawned: AgentHandle[] = [];
  let refused = 0;
  for (let i = 0; i < leaving.length; i++) {
    try {
      spawned.push(await platform.spawn());
    } catch {
      refused += 1; // counted: a place that is free and not given is the fault that is looked for
    }
  }
  record.rate("limits.ceiling.recovered", leaving.length - refused, leaving.length, { requirement: ["S2-111"] });
  return [...agents, ...spawned];
}

const near: Scenario = {
  id: "limits.ceiling",
  suite: "limits",
  group: "scalability_tests",
  needs: ["limits"],
  title: "A platform for 2 000 agents that holds 50 … 100 % of them, is asked for more, and is relieved",
  requirement: ["S2-027", "S2-042", "S2-108", "S2-109", "S2-110", "S2-111"],
  seconds: timesOf(2),
  rules: {
    thresholds: {
      "limits.ceiling.spawn.time": { threshold: "p(95) < 1ms", requirement: ["S2-108"] },
      "limits.ceiling.request.time": { threshold: "p(50) < 10ms", requirement: ["S2-108"] },
      "limits.ceiling.refused": { threshold: "rate == 1", severity: "critical", requirement: ["S2-110"] },
      "limits.ceiling.alive": { threshold: "rate == 1", severity: "critical", requirement: ["S2-108"] },
      "limits.ceiling.recovered": { threshold: "rate == 1", severity: "critical", requirement: ["S2-111"] },
    },
  },
  run: async (context) => {
    const platform = await context.open({ maxAgents: ceiling });
    const agents: AgentHandle[] = [];
    for (const level of levels) {
      agents.push(...(await spawnMany(platform, Math.floor((ceiling * level) / 100) - agents.length)));
      await atLevel(context, platform, agents, level);
    }
    agents.push(...(await spawnMany(platform, ceiling - agents.length)));
    await beyond(context, platform);
    const now = await afterwards(context, platform, agents);
    let alive = 0;
    for (const agent of now) {
      await platform.ask(agent, { type: "total" }, 5000).then(
        () => (alive += 1),
        () => undefined, // counted by not being alive
      );
    }
    context.record.rate("limits.ceiling.alive", alive, ceiling);
  },
};

export const ceilingScenarios: readonly Scenario[] = [near];
