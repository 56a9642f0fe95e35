import { type AgentRef, type Runtime, runtimeDefaults, type RuntimeEvent } from "@mettle/agents";
import { runtimeForMeasuring } from "../../adapters/mettle/runtime.ts";
import { failureKind } from "../../measure/operations.ts";
import type { Recorder } from "../../measure/recorder.ts";
import { nowNs } from "../../measure/time.ts";
import { type Scenario, timesBeyondSmoke } from "../scenario.ts";
import { hoarder, type HoarderProtocol, isolatedHoarder } from "./hoarder.ts";

const common = { suite: "limits", group: "resource_efficiency_tests", needs: ["mettle"] } as const;

const limitBytes = 1_000_000;
const pieceBytes = 40_000;

/** What became of one agent that kept more and more. */
interface Overeaten {
  readonly warnedAt: number | undefined;
  readonly stoppedAt: number | undefined;
  readonly detectionNs: number;
}

async function overeat(runtime: Runtime, agent: AgentRef<HoarderProtocol>): Promise<Overeaten> {
  let warnedAt: number | undefined;
  let stoppedAt: number | undefined;
  const end = runtime.observe((event: RuntimeEvent) => {
    if (!("agent" in event) || event.agent !== agent.address) return;
    if (event.kind === "memory-warning") warnedAt = event.bytes;
    if (event.kind === "memory-exceeded") stoppedAt = event.bytes;
  });
  let lastBegun = nowNs();
  try {
    // Twice what is allowed: whoever gets there was not stopped.
    for (let kept = 0; kept < (2 * limitBytes) / pieceBytes && stoppedAt === undefined; kept++) {
      lastBegun = nowNs();
      await agent.ask({ type: "keep", data: pieceBytes }).catch((error: unknown) => failureKind(error));
    }
  } finally {
    end();
  }
  return { warnedAt, stoppedAt, detectionNs: nowNs() - lastBegun };
}

/** The measuring of agents over their limit on any runtime. */
export async function measureMemoryLimits(
  record: Recorder,
  seconds: number,
  signal: AbortSignal,
  create: () => Runtime,
): Promise<void> {
  await using runtime = create();
  const neighbour = runtime.spawn(hoarder);
  await neighbour.ask({ type: "keep", data: 800 });
  const found = { warned: 0, stopped: 0, unharmed: 0, tried: 0 };
  const overshoot: number[] = [];
  const detection = record.operation("limits.agent-memory.detection.time");
  const end = nowNs() + seconds * 1e9;
  while (found.tried < 10 || (nowNs() < end && found.tried < 200)) {
    signal.throwIfAborted();
    found.tried += 1;
    const agent = runtime.spawn(hoarder, { memoryLimitBytes: limitBytes, restart: "temporary" });
    const { warnedAt, stoppedAt, detectionNs } = await overeat(runtime, agent);
    if (warnedAt !== undefined && warnedAt >= 0.8 * limitBytes && warnedAt < limitBytes) found.warned += 1;
    if (stoppedAt !== undefined && agent.status === "stopped") {
      found.stopped += 1;
      overshoot.push(stoppedAt / limitBytes);
      detection.times.record(detectionNs);
    }
    if ((await neighbour.ask({ type: "size" })) === 1) found.unharmed += 1;
  }
  record.rate("limits.agent-memory.warned", found.warned, found.tried);
  record.rate("limits.agent-memory.stopped", found.stopped, found.tried);
  record.rate("limits.agent-memory.neighbours", found.unharmed, found.tried);
  record.value("limits.agent-memory.reached", overshoot, {
    unit: "1",
    direction: "lower",
    notes: ["share of the limit that was in use when the agent was stopped"],
  });
  record.value("limits.agent-memory.default", runtimeDefaults.memoryLimitBytes, { unit: "bytes", direction: "none" });
}

const agentMemory: Scenario = {
  ...common,
  id: "limits.agent-memory",
  title: "An agent that keeps more and more: a warning at 80 % of its limit, the end at 100 %",
  requirement: ["S3-033", "S3-040"],
  seconds: timesBeyondSmoke(1),
  rules: {
    thresholds: {
      "limits.agent-memory.warned": { threshold: "rate == 1", requirement: ["S3-040"] },
      "limits.agent-memory.stopped": {
        threshold: "rate == 1",
        severity: "critical",
        requirement: ["S3-033", "S3-040"],
      },
      "limits.agent-memory.neighbours": { threshold: "rate == 1", severity: "critical", requirement: ["S3-040"] },
      "limits.agent-memory.reached": { threshold: "max < 1.1", requirement: ["S3-040"] },
      // 50 MB where nobody says otherwise.
      "limits.agent-memory.default": { threshold: "value == 52428800", requirement: ["S3-033"] },
    },
  },
  run: ({ record, seconds, signal }) => measureMemoryLimits(record, seconds, signal, runtimeForMeasuring),
};

/** Where memory cannot be had: new agents are refused, an isolated agent dies alone. */
const allocationFailure: Scenario = {
  ...common,
  id: "limits.allocation-failure",
  title: "New agents in a heap of 96 MB until they are refused, and an isolated agent that runs out of its own",
  requirement: ["S2-029", "S2-111", "S2-113", "S2-116", "S2-118"],
  seconds: { ci: 2, full: 4, soak: 8 },
  // A small young generation: the heap's limit counts it, and what fills up is the old one.
  nodeFlags: ["--max-old-space-size=96", "--max-semi-space-size=1"],
  rules: {
    thresholds: {
      "limits.heap.refused": { threshold: "rate == 1", severity: "critical", requirement: ["S2-113"] },
      "limits.heap.intact": { threshold: "rate == 1", severity: "critical", requirement: ["S2-118"] },
      "limits.heap.recovered": { threshold: "rate == 1", severity: "critical", requirement: ["S2-111", "S2-116"] },
      "limits.isolated.died-alone": { threshold: "rate == 1", severity: "critical", requirement: ["S2-113"] },
    },
  },
  run: async ({ record, signal }) => {
    await using runtime = runtimeForMeasuring();
    await untilRefused(record, runtime, signal);
    await isolatedDeath(record, runtime);
  },
};

const stateBytes = 2000;

/** States of 2 kB each until no more agents are taken; then half of them go, and there is room again. */
async function untilRefused(record: Recorder, runtime: Runtime, signal: AbortSignal): Promise<void> {
  const agents: AgentRef<HoarderProtocol>[] = [];
  let refusal: unknown;
  while (refusal === undefined && agents.length < 100_000) {
    signal.throwIfAborted();
    try {
      const agent = runtime.spawn(hoarder, { restart: "temporary" });
      agents.push(agent);
      await agent.ask({ type: "keep", data: stateBytes });
    } catch (error) {
      refusal = error;
    }
  }
  const typed = refusal !== undefined && failureKind(refusal) === "AGENT_CEILING_REACHED";
  record.rate("limits.heap.refused", typed ? 1 : 0, 1, { notes: [`at ${agents.length} agents of 2 kB`] });
  let intact = 0;
  for (const agent of agents) if ((await agent.ask({ type: "size" })) === 1) intact += 1;
  record.rate("limits.heap.intact", intact, agents.length);
  for (const agent of agents.splice(0, Math.ceil(agents.length / 2))) await agent.stop();
  let room = 0;
  for (let i = 0; i < 20; i++) {
    const fresh = await spawnWhenRoom(runtime);
    if (fresh !== undefined && (await fresh.ask({ type: "keep", data: 1000 })) === 1) room += 1;
  }
  record.rate("limits.heap.recovered", room, 20);
}

/** The heap counts what the collector has not taken yet: a few attempts give it the occasion. */
async function spawnWhenRoom(runtime: Runtime): Promise<AgentRef<HoarderProtocol> | undefined> {
  for (let attempt = 0; attempt < 50; attempt++) {
    try {
      return runtime.spawn(hoarder, { restart: "temporary" });
    } catch (error) {
      if (failureKind(error) !== "AGENT_CEILING_REACHED") throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
  }
  return undefined;
}

async function isolatedDeath(record: Recorder, runtime: Runtime): Promise<void> {
  const neighbour = runtime.spawn(hoarder, { restart: "temporary" });
  const greedy = runtime.spawn(isolatedHoarder, {
    placement: { isolatedHeapMb: 16 },
    restart: "temporary",
    memoryLimitBytes: 1_000_000_000,
  });
  const times = record.operation("limits.isolated.death.time");
  const start = nowNs();
  let told = false;
  for (let i = 0; i < 200 && !told; i++) {
    await greedy.ask({ type: "keep", data: 1_000_000 }).catch(() => {
      told = true;
    });
  }
  if (told) times.times.record(nowNs() - start);
  const alive = (await neighbour.ask({ type: "keep", data: 1000 })) === 1;
  record.rate("limits.isolated.died-alone", told && alive ? 1 : 0, 1);
}

export const allocationScenarios: readonly Scenario[] = [agentMemory, allocationFailure];
