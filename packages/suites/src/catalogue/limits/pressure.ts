import { collectGarbage, readMemory } from "@mettle/bench";
import { PerformanceObserver } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { failureKind } from "../../measure/operations.ts";
import { nextTurn, nowNs } from "../../measure/time.ts";
import type { AgentHandle, AgentPlatform } from "../../platform/platform.ts";
import { spawnMany, stopAll } from "../descriptions.ts";
import type { Scenario, ScenarioContext } from "../scenario.ts";

/** Time that the collector takes, from here on. */
class CollectorTime {
  #ns = 0;
  readonly #observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) this.#ns += duration * 1e6;
  });

  constructor() {
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  /** Ends; entries come in a turn of their own. */
  async end(): Promise<number> {
    await nextTurn();
    await nextTurn();
    this.#observer.disconnect();
    return this.#ns;
  }
}

const ballastBytes = 50_000_000;

/** Memory that is in use and stays so, in pieces that are all objects. */
function fillHeap(bytes: number): unknown[] {
  const ballast: unknown[] = [];
  const before = getHeapStatistics().used_heap_size;
  while (getHeapStatistics().used_heap_size - before < bytes) {
    for (let i = 0; i < 100; i++) ballast.push(Array.from({ length: 64 }, (_, k) => ({ k, i })));
  }
  return ballast;
}

/** Requests to 1 000 agents, turn by turn. */
async function work(
  { record, signal }: ScenarioContext,
  platform: AgentPlatform,
  agents: readonly AgentHandle[],
  when: string,
  seconds: number,
): Promise<{ readonly good: number; readonly all: number; readonly median: number }> {
  const tags = { when };
  const operation = record.operation("limits.memory.request.time", { tags });
  const collector = new CollectorTime();
  const start = nowNs();
  let good = 0;
  let all = 0;
  while (nowNs() - start < seconds * 1e9 || all < 2000) {
    signal.throwIfAborted();
    await Promise.all(
      agents.map(async (agent) => {
        const begun = nowNs();
        all += 1;
        try {
          await platform.ask(agent, { type: "echo", data: { begun, list: [1, 2, 3] } }, 5000);
          operation.times.record(nowNs() - begun);
          good += 1;
        } catch (error) {
          operation.fail(failureKind(error));
        }
      }),
    );
    await nextTurn();
  }
  const took = nowNs() - start;
  record.value("limits.memory.collector-share", (await collector.end()) / took, {
    unit: "1",
    direction: "lower",
    tags,
    requirement: ["S2-066", "S2-114"],
  });
  return { good, all, median: operation.times.quantile(0.5) ?? 0 };
}

const pressure: Scenario = {
  id: "limits.memory-pressure",
  suite: "limits",
  group: "resource_efficiency_tests",
  needs: ["in-process"],
  title: "1 000 agents at work in a heap of 128 MB, with 50 MB of it taken, and after they were given back",
  requirement: ["S2-028", "S2-041", "S2-087", "S2-112", "S2-114", "S2-115", "S2-119"],
  seconds: { ci: 2.4, full: 12, soak: 60 },
  // The nursery as small as the heap asks for. At V8's default of 16 MiB its halves and the pages that it keeps for later
  // count towards the 128 MB: once 50 MB were in use V8 collected without end, also after they were given back, and requests
  // took 5 to 30 times as long. That measures V8, and not a platform.
  nodeFlags: ["--max-old-space-size=128", "--max-semi-space-size=4"],
  rules: {
    thresholds: {
      "limits.memory.success": { threshold: "rate == 1", severity: "critical", requirement: ["S2-028", "S2-112"] },
      "limits.memory.returned": { threshold: "rate > 0.9", requirement: ["S2-087", "S2-115"] },
      "limits.memory.after": { threshold: "value < 3", requirement: ["S2-119"] },
    },
  },
  run: async (context) => {
    const { open, record, seconds } = context;
    const platform = await open();
    const agents = await spawnMany(platform, 1000);
    await work(context, platform, agents, "warm-up", seconds / 6);
    await collectGarbage();
    const empty = readMemory().isolate;
    const before = await work(context, platform, agents, "before", seconds / 3.6);
    let ballast: unknown[] = fillHeap(ballastBytes);
    const full = readMemory().isolate;
    const during = await work(context, platform, agents, "pressure", seconds / 3.6);
    // Alive until here, so that the collector had to keep it.
    record.value("limits.memory.ballast", ballast.length, { unit: "count", direction: "none" });
    ballast = [];
    await collectGarbage();
    const emptied = readMemory().isolate;
    const after = await work(context, platform, agents, "after", seconds / 3.6);
    record.rate("limits.memory.success", before.good + during.good + after.good, before.all + during.all + after.all);
    record.rate("limits.memory.returned", Math.min(full - empty, Math.max(0, full - emptied)), full - empty);
    if (before.median > 0 && after.median > 0)
      record.value("limits.memory.after", after.median / before.median, { unit: "1", direction: "lower" });
    await stopAll(platform, agents);
  },
};

export const pressureScenarios: readonly Scenario[] = [pressure];
