import { type AgentDefinition, defineAction, defineAgent, type Runtime } from "@mettle/agents";
import { runtimeForMeasuring } from "../../adapters/mettle/runtime.ts";
import { mortalWorker } from "../../adapters/mettle/agents.ts";
import { failureKind } from "../../measure/operations.ts";
import type { Recorder } from "../../measure/recorder.ts";
import { nextTurn, nowNs } from "../../measure/time.ts";
import { until } from "../../measure/until.ts";
import type { AgentHandle, AgentPlatform } from "../../platform/platform.ts";
import { AskedToFail } from "../../platform/work.ts";
import { spawnMany } from "../descriptions.ts";
import { type Scenario, timesBeyondSmoke, timesOf } from "../scenario.ts";

const common = { suite: "limits", group: "infrastructure_benchmarks" } as const;
const mailboxLimit = 1000;
const flood = 1500;

/** Requests to a neighbour, one after the other. */
async function neighbourTimes(
  platform: AgentPlatform,
  neighbour: AgentHandle,
  record: Recorder,
  when: string,
): Promise<number> {
  const operation = record.operation("limits.mailbox.neighbour.time", { tags: { when } });
  for (let i = 0; i < 500; i++) {
    const start = nowNs();
    await platform.ask(neighbour, { type: "add", data: 1 }, 5000);
    operation.times.record(nowNs() - start);
    if (i % 20 === 0) await nextTurn();
  }
  return operation.times.quantile(0.5) ?? 0;
}

/**
 * Messages without a turn in between, so that the mailbox must take them.
 *
 * @returns those refused, by kind; complete only after a turn where a platform refuses later
 */
function overfill(platform: AgentPlatform, agent: AgentHandle): ReadonlyMap<string, number> {
  const refused = new Map<string, number>();
  for (let i = 0; i < flood; i++) {
    try {
      const sending = platform.send(agent, { type: "note", data: 1 });
      // One that refuses later refuses all the same; who sends 1 500 in one turn learns of it in the next.
      if (sending instanceof Promise) void sending.catch((error: unknown) => count(refused, failureKind(error)));
    } catch (error) {
      count(refused, failureKind(error));
    }
  }
  return refused;
}

const count = (kinds: Map<string, number>, kind: string): void => void kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
const totalOf = (kinds: ReadonlyMap<string, number>): number =>
  [...kinds.values()].reduce((sum, each) => sum + each, 0);

const mailbox: Scenario = {
  ...common,
  id: "limits.mailbox",
  needs: ["limits"],
  title: "1 500 messages at once to agents whose mailboxes take 1 000",
  requirement: ["S2-029", "S2-110", "S2-116", "S2-118", "S2-119"],
  seconds: timesOf(1),
  rules: {
    thresholds: {
      "limits.mailbox.refused": { threshold: "rate == 1", severity: "critical", requirement: ["S2-110"] },
      "limits.mailbox.intact": { threshold: "rate == 1", severity: "critical", requirement: ["S2-118"] },
      "limits.mailbox.recovery.time": { threshold: "p(95) < 1s", requirement: ["S2-116"] },
      "limits.mailbox.after": { threshold: "value < 3", requirement: ["S2-119"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open({ mailboxLimit });
    const [neighbour] = await spawnMany(platform, 1);
    await neighbourTimes(platform, neighbour!, record, "warm-up");
    const before = await neighbourTimes(platform, neighbour!, record, "before");
    const recovery = record.operation("limits.mailbox.recovery.time");
    const found = { refused: 0, intact: 0, tried: 0 };
    const end = nowNs() + seconds * 1e9;
    while (found.tried < 20 || (nowNs() < end && found.tried < 500)) {
      signal.throwIfAborted();
      const agent = await platform.spawn();
      await platform.ask(agent, { type: "add", data: 7 }, 5000);
      const refused = overfill(platform, agent);
      const start = nowNs();
      found.tried += 1;
      const total = await answered(platform, agent);
      recovery.times.record(nowNs() - start);
      // What was over the limit was refused, none was swallowed.
      if (totalOf(refused) >= flood - mailboxLimit - 1) found.refused += 1;
      if (total === 7 + flood - totalOf(refused)) found.intact += 1;
      await platform.stop(agent);
    }
    record.rate("limits.mailbox.refused", found.refused, found.tried);
    record.rate("limits.mailbox.intact", found.intact, found.tried);
    const after = await neighbourTimes(platform, neighbour!, record, "after");
    if (before > 0 && after > 0)
      record.value("limits.mailbox.after", after / before, { unit: "1", direction: "lower" });
  },
};

/** The total once the mailbox has room for the question. */
async function answered(platform: AgentPlatform, agent: AgentHandle): Promise<unknown> {
  for (let attempt = 0; ; attempt++) {
    await nextTurn();
    try {
      return await platform.ask(agent, { type: "total" }, 5000);
    } catch (error) {
      if (attempt === 1000) throw error;
    }
  }
}

interface CrashingProtocol {
  readonly fail: { readonly input: void; readonly reply: undefined };
}
/** Leaves what follows a failure to its supervisor. */
const crashing: AgentDefinition<null, CrashingProtocol> = defineAgent({
  name: "crashing",
  state: () => null,
  actions: {
    fail: defineAction({
      run: (_state: null): { reply: undefined } => {
        throw new AskedToFail();
      },
    }),
  },
});

/** Agents that fail without end: the supervisor gives up within its limits, and what is beside it goes on. */
const crashes: Scenario = {
  ...common,
  id: "limits.crash-loop",
  needs: ["mettle"],
  title: "An agent that fails at every message, until its supervisor gives up; and a system beside it",
  requirement: ["S2-029", "S2-116", "S2-117", "S2-119"],
  seconds: timesBeyondSmoke(1),
  rules: {
    thresholds: {
      "limits.crash-loop.ended": { threshold: "rate == 1", severity: "critical", requirement: ["S2-117"] },
      "limits.crash-loop.bystanders": { threshold: "rate == 1", severity: "critical", requirement: ["S2-117"] },
      "limits.crash-loop.again": { threshold: "rate == 1", severity: "critical", requirement: ["S2-116"] },
    },
  },
  run: async ({ record, seconds, signal }) => {
    await measureCrashLoops(record, seconds, signal, runtimeForMeasuring);
  },
};

const maxRestarts = 3;

/** The measuring of {@link crashes} on any runtime. */
export async function measureCrashLoops(
  record: Recorder,
  seconds: number,
  signal: AbortSignal,
  create: () => Runtime,
): Promise<void> {
  await using runtime = create();
  const bystander = runtime.spawn(mortalWorker);
  const restarts: number[] = [];
  const times = record.operation("limits.crash-loop.time");
  const found = { ended: 0, bystanders: 0, again: 0, tried: 0 };
  const end = nowNs() + seconds * 1e9;
  let restarted = 0;
  const stopWatching = runtime.observe(({ kind }) => {
    if (kind === "agent-restarted") restarted += 1;
  });
  while (found.tried < 10 || (nowNs() < end && found.tried < 200)) {
    signal.throwIfAborted();
    found.tried += 1;
    restarted = 0;
    const supervisor = runtime.supervisor({ maxRestarts, backoffMs: 1, restart: "temporary" });
    const loop = supervisor.spawn(crashing, { restart: "permanent" });
    const start = nowNs();
    while (supervisor.state === "running" && nowNs() - start < 2e9) {
      await loop.ask({ type: "fail" }, { timeout: 100 }).then(
        () => undefined,
        () => undefined, // it is asked to fail; how often it may is what is counted
      );
      await nextTurn();
    }
    times.times.record(nowNs() - start);
    restarts.push(restarted);
    if (supervisor.state === "ended" && restarted <= maxRestarts) found.ended += 1;
    if ((await bystander.ask({ type: "add", data: 1 })) === found.tried) found.bystanders += 1;
    const fresh = runtime.spawn(mortalWorker);
    if ((await fresh.ask({ type: "add", data: 5 })) === 5) found.again += 1;
    await fresh.stop();
    await until(() => loop.status === "stopped", 2000);
  }
  stopWatching();
  record.value("limits.crash-loop.restarts", restarts, { unit: "count", direction: "none" });
  record.rate("limits.crash-loop.ended", found.ended, found.tried);
  record.rate("limits.crash-loop.bystanders", found.bystanders, found.tried);
  record.rate("limits.crash-loop.again", found.again, found.tried);
}

export const exhaustionScenarios: readonly Scenario[] = [mailbox, crashes];
