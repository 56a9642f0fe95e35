import { median } from "@mettle/stats";
import { recordLeak } from "../../measure/leak-cycles.ts";
import { failureKind, timeEach } from "../../measure/operations.ts";
import { nowNs } from "../../measure/time.ts";
import type { AgentHandle, AgentPlatform } from "../../platform/platform.ts";
import { describeAgent } from "../descriptions.ts";
import { type Scenario, timesBeyondSmoke } from "../scenario.ts";

const common = { suite: "agents", group: "infrastructure_benchmarks" } as const;
const doNothing = (): void => undefined;

/** Lives that go on at the same time. */
const lanes = 50;

/**
 * How much longer the last third of cycles takes than the first, by their medians. The first tenth is for the compiler.
 *
 * @param took - of each cycle, in their order; three at least
 */
export function slowdownOf(took: readonly number[]): number {
  const steady = took.slice(Math.floor(took.length / 10));
  const third = Math.max(1, Math.floor(steady.length / 3));
  return median(steady.slice(-third)) / median(steady.slice(0, third));
}

const lifecycle: Scenario = {
  ...common,
  id: "agents.lifecycle",
  needs: ["in-process"],
  title: "Create, use and stop 1 000 agents, 50 at a time, cycle after cycle",
  requirement: ["S2-005", "S2-009", "S2-017", "S2-065", "S2-068", "S2-069", "S2-071", "S3-022", "S3-038", "S3-090"],
  seconds: timesBeyondSmoke(5),
  rules: {
    thresholds: {
      "agents.lifecycle.success": { threshold: "rate > 0.95", severity: "critical", requirement: ["S2-127"] },
      "agents.lifecycle.time": { threshold: "mean < 10ms", requirement: ["S2-128"] },
      "agents.lifecycle.growth": { threshold: "mean < 1024", requirement: ["S3-028", "S2-126"] },
      // What the last third of the cycles takes, against the first: lives become no slower by those before them.
      "agents.lifecycle.slowdown": { threshold: "value < 2", requirement: ["S2-070"] },
      "agents.lifecycle.without-leak": { threshold: "rate == 1", requirement: ["S2-128", "S2-126", "S3-090"] },
    },
  },
  run: async ({ open, record, profile, signal }) => {
    const platform = await open();
    const times = record.operation("agents.lifecycle.time");
    const size = profile === "smoke" ? 100 : 1000;
    let good = 0;
    let all = 0;
    const took: number[] = [];
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
      signal,
      cycle: async () => {
        const begun = nowNs();
        let left = size;
        const lane = async (): Promise<void> => {
          while (left-- > 0) await one();
        };
        await Promise.all(Array.from({ length: lanes }, lane));
        took.push(nowNs() - begun);
      },
    });
    record.value("agents.lifecycle.slowdown", slowdownOf(took), {
      unit: "1",
      direction: "lower",
      requirement: ["S2-070"],
      notes: [`median of the last third of ${took.length} cycles, against the third after the warm-up`],
    });
    record.rate("agents.lifecycle.success", good, all);
  },
};

/** Lets an agent fail, and resolves when its watcher is told. Rejects when it is not told within the second of S3-025. */
function newsOfDeath(platform: AgentPlatform, agent: AgentHandle): Promise<void> {
  return new Promise((resolve, reject) => {
    const untold = setTimeout(() => reject(new Error("the watcher was not told")), 1000);
    const told = (): void => {
      clearTimeout(untold);
      resolve();
    };
    void Promise.resolve(platform.supervision!.monitor(agent, told)).catch(reject);
    // Whoever asked learns of it too; here only the watcher's news counts.
    platform.ask(agent, { type: "fail" }, 1000).then(doNothing, doNothing);
  });
}

const monitoring: Scenario = {
  ...common,
  id: "agents.monitoring",
  needs: ["supervision"],
  title: "A watcher learns of a crash, and the registry forgets the agent",
  requirement: ["S3-024", "S3-025", "S3-029", "S3-030"],
  seconds: timesBeyondSmoke(1),
  rules: {
    thresholds: {
      "agents.down.time": { threshold: "max < 1000ms", requirement: ["S3-025"] },
      "agents.down.noticed": { threshold: "rate == 1", severity: "critical", requirement: ["S3-025"] },
    },
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    const noticed = { died: 0, down: 0, gone: 0 };
    await timeEach(
      record.operation("agents.down.time"),
      { atMost: 5000, atLeast: 50, seconds },
      {
        before: async (index) => {
          noticed.died += 1;
          const agent = await platform.spawn({ onFailure: "stop" });
          await platform.registry?.register(`mortal-${index}`, agent, describeAgent(random));
          return agent;
        },
        run: async (agent) => {
          await newsOfDeath(platform, agent);
          noticed.down += 1;
        },
        after: async (_agent, index) => {
          if (platform.registry?.forgetsDead === true) {
            if ((await platform.registry.lookup(`mortal-${index}`)) === undefined) noticed.gone += 1;
          } else await platform.registry?.unregister(`mortal-${index}`);
        },
      },
      signal,
    );
    record.rate("agents.down.noticed", noticed.down, noticed.died);
    if (platform.registry?.forgetsDead === true) record.rate("agents.down.unregistered", noticed.gone, noticed.died);
  },
};

/** Life and death of agents. */
export const lifeScenarios: readonly Scenario[] = [lifecycle, monitoring];
