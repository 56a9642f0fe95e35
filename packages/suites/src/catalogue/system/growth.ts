import { type AgentDefinition, defineAction, defineAgent, type Runtime } from "@mettle/agents";
import { runtimeForMeasuring } from "../../adapters/mettle/runtime.ts";
import { measureLeak } from "@mettle/bench";
import { recordLeak, recordPerHour } from "../../measure/leak-cycles.ts";
import { timeEach } from "../../measure/operations.ts";
import { nextTurn } from "../../measure/time.ts";
import { populate } from "../descriptions.ts";
import { type Scenario, timesBeyondSmoke } from "../scenario.ts";

const common = { suite: "system", group: "resource_efficiency_tests" } as const;

const megabyte = 1_000_000;

const sustained: Scenario = {
  ...common,
  id: "system.sustained",
  needs: ["in-process"],
  title: "1 000 agents under requests, events and lookups, cycle after cycle",
  requirement: ["S3-038", "S3-042", "S3-090"],
  seconds: { ci: 4, full: 60, soak: 3600 },
  rules: {
    thresholds: {
      "system.sustained.growth": { threshold: "mean < 1024", requirement: ["S3-028", "S3-042"] },
      "system.sustained.without-leak": { threshold: "rate == 1", requirement: ["S3-038", "S3-090"] },
    },
    budgets: [
      {
        name: "agent_memory_per_hour",
        metric: "system.sustained.per-agent-hour",
        kind: "growth",
        limits: { value: "1MB/h" },
        required: false,
        requirement: ["S3-053", "S3-078"],
      },
    ],
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    const count = 1000;
    const { agents, names } = await populate(platform, count, random);
    await platform.signals?.subscribe("sustained.event", () => undefined);
    const cycle = async (): Promise<void> => {
      for (let round = 0; round < 20; round++) {
        await Promise.all(agents.map((agent) => platform.ask(agent, { type: "add", data: 1 }, 5000)));
        for (const name of names) await platform.registry?.lookup(name);
        await platform.signals?.publish("sustained.event", 1);
        await platform.signals?.delivered();
      }
    };
    for (let i = 0; i < 5; i++) await cycle();
    const { growthPerHour } = await recordLeak(record, {
      metric: "system.sustained",
      cycles: Math.min(400, Math.max(16, Math.round(seconds * 2))),
      operations: 20 * count,
      signal,
      cycle,
    });
    const perAgent = growthPerHour && {
      ...growthPerHour,
      bytesPerHour: growthPerHour.bytesPerHour / count,
      low: growthPerHour.low / count,
      high: growthPerHour.high / count,
    };
    recordPerHour(record, "system.sustained.per-agent-hour", perAgent, { budget: megabyte });
  },
};

const idle: Scenario = {
  ...common,
  id: "system.idle",
  needs: ["in-process"],
  title: "1 000 agents at rest: what memory does when nobody asks for anything",
  requirement: ["S3-042"],
  seconds: { ci: 3, full: 60, soak: 3600 },
  rules: {
    budgets: [
      {
        // 10 MB a day.
        name: "system_memory_baseline",
        metric: "system.idle.growth-per-hour",
        kind: "growth",
        limits: { value: "416kB/h" },
        required: false,
        requirement: ["S3-054", "S3-079"],
      },
    ],
    thresholds: {
      "system.idle.flat": { threshold: "rate == 1", requirement: ["S3-042"] },
    },
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    await populate(platform, 1000, random);
    const cycles = Math.min(360, Math.max(12, Math.round(seconds)));
    const found = await measureLeak({
      cycles,
      minimumBytesPerCycle: 4096,
      signal,
      cycle: () =>
        new Promise((resolve) => {
          setTimeout(resolve, (seconds / cycles) * 1000);
        }),
    });
    record.rate("system.idle.flat", found.outcome === "leak" ? 0 : 1, 1);
    recordPerHour(record, "system.idle.growth-per-hour", found.growthPerHour, { budget: 0.416 * megabyte });
  },
};

interface TickerProtocol {
  readonly tick: { readonly input: void; readonly reply: void };
}
const ticker: AgentDefinition<{ readonly ticks: number }, TickerProtocol> = defineAgent({
  name: "ticker",
  state: () => ({ ticks: 0 }),
  signals: { "managed.*": "tick" },
  actions: {
    tick: defineAction({ run: ({ ticks }: { readonly ticks: number }) => ({ state: { ticks: ticks + 1 } }) }),
  },
});

/** What a runtime still holds after it was closed: all of it should have gone with its owner. */
export function heldBy(runtime: Runtime): number {
  return runtime.stats().agents + runtime.registry.size + runtime.bus.statistics.subscriptions;
}

/** Agents with entries, subscriptions and deadlines; used, and closed. @returns what the runtime held while it was open, and after */
export async function openUseClose(create: () => Runtime): Promise<{ readonly open: number; readonly closed: number }> {
  const runtime = create();
  for (let i = 0; i < 20; i++) {
    const agent = runtime.spawn(ticker);
    runtime.registry.register({ namespace: "test", name: `t${i}`, agent, metadata: { type: "ticker" } });
  }
  const subscription = runtime.bus.subscribe("managed.**", () => undefined);
  runtime.bus.emit("managed.event", "suite", 1);
  await runtime.bus.idle();
  const open = heldBy(runtime);
  subscription.unsubscribe();
  await runtime.close({ drain: false });
  return { open, closed: heldBy(runtime) };
}

const managed: Scenario = {
  ...common,
  id: "system.managed",
  needs: ["mettle"],
  title: "Opened, used and closed: agents, subscriptions, entries and deadlines go with their owner",
  requirement: ["S2-005", "S2-071", "S3-032", "S3-039"],
  seconds: timesBeyondSmoke(2),
  rules: {
    thresholds: {
      "system.managed.without-leak": { threshold: "rate == 1", requirement: ["S3-039"] },
      "system.managed.released": { threshold: "rate == 1", severity: "critical", requirement: ["S3-032", "S3-039"] },
      "system.managed.handles": { threshold: "max <= 0", severity: "critical", requirement: ["S3-032", "S3-039"] },
    },
  },
  run: async ({ record, profile, seconds, signal }) => {
    const handles = (): number => process.getActiveResourcesInfo().filter((kind) => kind !== "Immediate").length;
    const before = handles();
    let released = 0;
    let tried = 0;
    const once = async (): Promise<void> => {
      const { open, closed } = await openUseClose(runtimeForMeasuring);
      tried += 1;
      // Twenty agents, entries and their subscriptions, and one more.
      if (open >= 61 && closed === 0) released += 1;
    };
    await timeEach(
      record.operation("system.open-and-close.time"),
      { atMost: 500, atLeast: 20, seconds: seconds / 2 },
      { run: once },
      signal,
    );
    await recordLeak(record, {
      metric: "system.managed",
      cycles: { smoke: 12, ci: 20, full: 60, soak: 200 }[profile],
      operations: 5,
      signal,
      cycle: async () => {
        for (let i = 0; i < 5; i++) await once();
      },
    });
    await nextTurn();
    record.rate("system.managed.released", released, tried);
    record.value("system.managed.handles", Math.max(0, handles() - before), { unit: "count", direction: "lower" });
  },
};

/** Growth of memory over time, under load and at rest, and over lives. */
export const growthScenarios: readonly Scenario[] = [sustained, idle, managed];
