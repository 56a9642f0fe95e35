import { type AgentRef, type Runtime } from "@mettle/agents";
import { runtimeForMeasuring } from "../../adapters/mettle/runtime.ts";
import { worker } from "../../adapters/mettle/agents.ts";
import type { WorkerProtocol } from "../../adapters/mettle/agents.ts";
import type { Recorder } from "../../measure/recorder.ts";
import { nextTurn, nowNs } from "../../measure/time.ts";
import { type Scenario, timesBeyondSmoke } from "../scenario.ts";

/** Work of others that waits already when the requests come: about a millisecond of it in all. */
const busyAgents = 50;
const rounds = 5000;

/** The measuring of priorities on any runtime. */
export async function measurePriority(
  record: Recorder,
  seconds: number,
  signal: AbortSignal,
  create: () => Runtime,
): Promise<void> {
  await using runtime = create();
  const others = Array.from({ length: busyAgents }, () => runtime.spawn(worker));
  // Before the normal one would be served in any case, if it came first.
  const normal = runtime.spawn(worker, { priority: "normal" });
  const high = runtime.spawn(worker, { priority: "high" });
  const times = {
    normal: record.operation("limits.priority.time", { tags: { priority: "normal" } }),
    high: record.operation("limits.priority.time", { tags: { priority: "high" } }),
  };
  // Which was answered first is told by the order of the answers: the times begin a few microseconds apart.
  let answered: keyof typeof times | undefined;
  const queued = async (agent: AgentRef<WorkerProtocol>, priority: keyof typeof times): Promise<void> => {
    const start = nowNs();
    // By message, so that it waits its turn: a request to an agent at rest may be answered at once.
    agent.send({ type: "note", data: 1 });
    await agent.ask({ type: "total" });
    times[priority].times.record(nowNs() - start);
    answered ??= priority;
  };
  let first = 0;
  let all = 0;
  const end = nowNs() + seconds * 1e9;
  while (all < 50 || (nowNs() < end && all < 5000)) {
    signal.throwIfAborted();
    for (const other of others) other.send({ type: "compute", data: rounds });
    answered = undefined;
    await Promise.all([queued(normal, "normal"), queued(high, "high")]);
    all += 1;
    if (answered === "high") first += 1;
    await nextTurn();
  }
  record.rate("limits.priority.first", first, all);
}

const priority: Scenario = {
  id: "limits.priority",
  suite: "limits",
  group: "infrastructure_benchmarks",
  needs: ["mettle"],
  title: "A request to an agent of high priority and to one without, behind 50 agents that compute",
  requirement: ["S3-034"],
  seconds: timesBeyondSmoke(1),
  rules: {
    thresholds: {
      "limits.priority.first": { threshold: "rate > 0.95", requirement: ["S3-034"] },
    },
  },
  run: ({ record, seconds, signal }) => measurePriority(record, seconds, signal, runtimeForMeasuring),
};

export const priorityScenarios: readonly Scenario[] = [priority];
