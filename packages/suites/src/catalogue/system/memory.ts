import { collectGarbage, measureMemoryPerThing, readMemory } from "@mettle/bench";
import { getHeapSpaceStatistics } from "node:v8";
import type { Recorder } from "../../measure/recorder.ts";
import { nextTurn, nowNs } from "../../measure/time.ts";
import { timed } from "../../measure/timed.ts";
import type { AgentHandle, AgentPlatform } from "../../platform/platform.ts";
import { spawnMany, stopAll } from "../descriptions.ts";
import type { Scenario } from "../scenario.ts";

const common = { suite: "system", group: "resource_efficiency_tests", needs: ["in-process"] } as const;

/** Agents that have worked: each has a mailbox, a state and an entry in the registry, if there is one. */
async function workingAgents(platform: AgentPlatform, count: number): Promise<AgentHandle[]> {
  const agents = await spawnMany(platform, count);
  for (const agent of agents) await platform.ask(agent, { type: "add", data: 1 }, 5000);
  return agents;
}

/**
 * Share of the pages that V8 holds for objects and does not fill, after a collection: what was freed between objects that live. The new
 * space is left out: it is empty after a collection by construction.
 */
function unfilledShare(): number {
  const spaces = getHeapSpaceStatistics().filter(({ space_name }) => /^(old|code|map|trusted)_space$/.test(space_name));
  const held = spaces.reduce((sum, { physical_space_size }) => sum + physical_space_size, 0);
  const used = spaces.reduce((sum, { space_used_size }) => sum + space_used_size, 0);
  return held > 0 ? Math.max(0, 1 - used / held) : 0;
}

const efficiency: Scenario = {
  ...common,
  id: "system.memory",
  title: "Memory of 100 … 5 000 working agents, what is left when they have gone, and the holes between",
  requirement: ["S2-004", "S2-021", "S2-084", "S2-085", "S2-086"],
  seconds: { ci: 4, full: 12, soak: 24 },
  rules: {
    thresholds: {
      "system.memory.per-agent": { threshold: "mean < 1MB", requirement: ["S2-084"] },
      "system.memory.returned": { threshold: "rate > 0.9", requirement: ["S2-085"] },
      "system.memory.unfilled": { threshold: "value < 0.5", severity: "medium", requirement: ["S2-086"] },
    },
  },
  run: async ({ open, record, profile, signal }) => {
    const platform = await open();
    const slopes = await measureMemoryPerThing({
      counts: [100, 500, 1000, 5000],
      repeats: profile === "ci" ? 2 : 4,
      signal,
      make: (count) => workingAgents(platform, count),
      release: (agents) => stopAll(platform, agents),
    });
    const { slopeBytes, low, high, confidence } = slopes.isolate;
    record.value("system.memory.per-agent", Math.max(0, slopeBytes), {
      unit: "bytes",
      direction: "lower",
      interval: { of: "slope", low, high, confidence, method: "least squares over 100, 500, 1 000 and 5 000 agents" },
    });
    await cleanup(platform, record);
    await fragmentation(platform, record);
  },
};

/** Of what 5 000 agents took, how much comes back when they stop. */
async function cleanup(platform: AgentPlatform, record: Recorder): Promise<void> {
  await collectGarbage();
  const before = readMemory().isolate;
  let agents: AgentHandle[] = await workingAgents(platform, 5000);
  await collectGarbage();
  const during = readMemory().isolate;
  await stopAll(platform, agents);
  agents = [];
  await nextTurn();
  await collectGarbage();
  const after = readMemory().isolate;
  const taken = during - before;
  if (taken <= 0) return;
  record.rate("system.memory.returned", Math.min(taken, Math.max(0, during - after)), taken);
}

/** Every second one of 10 000 agents stops: their memory is free, but between others. */
async function fragmentation(platform: AgentPlatform, record: Recorder): Promise<void> {
  const agents = await workingAgents(platform, 10_000);
  await stopAll(
    platform,
    agents.filter((_, i) => i % 2 === 0),
  );
  const staying = agents.filter((_, i) => i % 2 === 1);
  agents.length = 0;
  await nextTurn();
  await collectGarbage();
  record.value("system.memory.unfilled", unfilledShare(), { unit: "1", direction: "lower" });
  await stopAll(platform, staying);
}

const footprint: Scenario = {
  ...common,
  id: "system.memory.over-time",
  title: "50 agents at work: memory every 100 ms, a forced collection every second",
  requirement: ["S2-007", "S2-013", "S2-064", "S2-066", "S2-126"],
  // Five seconds are asked for (S2-126).
  seconds: { ci: 5, full: 30, soak: 600 },
  rules: {
    thresholds: {
      // Of what is in use after a collection, how much more at the end than at the beginning.
      "system.memory.over-time.growth": { threshold: "value < 1.1", requirement: ["S2-126"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const agents = await workingAgents(platform, 50);
    const start = nowNs();
    const samples = { atMs: [] as number[], bytes: [] as number[] };
    const collected: number[] = [];
    const collections = record.operation("system.memory.collection.time", { requirement: ["S2-066"] });
    let nextSample = 0;
    let nextCollection = 0;
    for (let turn = 0; ; turn++) {
      signal.throwIfAborted();
      const ms = (nowNs() - start) / 1e6;
      if (ms >= seconds * 1000) break;
      if (ms >= nextSample) {
        samples.atMs.push(ms);
        samples.bytes.push(process.memoryUsage().heapUsed);
        nextSample += 100;
      }
      if (ms >= nextCollection) {
        collections.times.record((await timed(collectGarbage)).tookNs);
        collected.push(readMemory().isolate);
        nextCollection += 1000;
      }
      await Promise.all(agents.map((agent) => platform.ask(agent, { type: "add", data: 1 }, 5000)));
      await nextTurn();
    }
    const options = { unit: "bytes", direction: "lower" } as const;
    record.series("system.memory.heap", { atMs: samples.atMs, values: { value: samples.bytes } }, options);
    // The first is before the compiler has done its work.
    const [first, last] = [collected[1] ?? collected[0], collected.at(-1)];
    if (first !== undefined && last !== undefined && collected.length >= 3) {
      record.value("system.memory.over-time.growth", last / first, { unit: "1", direction: "lower" });
    }
  },
};

export const memoryScenarios: readonly Scenario[] = [efficiency, footprint];
