import { WeightedChoice } from "@mettle/load";
import { type GeneratedLoad, generateLoad } from "../../measure/generated-load.ts";
import type { OperationTimes, Recorder } from "../../measure/recorder.ts";
import { nowNs } from "../../measure/time.ts";
import type { AgentHandle, AgentPlatform, SignalsFacet } from "../../platform/platform.ts";
import { spawnMany } from "../descriptions.ts";
import { type Scenario, type ScenarioContext, timesOf } from "../scenario.ts";

const common = { suite: "load", group: "infrastructure_benchmarks", needs: ["signals"] } as const;
const TYPE = "load.signal";
/** At once (S1-024). */
const BURST = 10_000;
/** A second (S1-025); it is the expected load, and ten times it is what must be stood (T-16). */
const EXPECTED = 1000;
const AGENTS = 100;

/** A signal that knows when it was published, and what became of it. */
interface Probe {
  publishedNs: number;
  handled: boolean;
}

/** Handles probes: the time from publishing to handling goes to `times`. @returns how many came a second time */
async function listen(signals: SignalsFacet, times?: OperationTimes["times"]): Promise<() => number> {
  let doubled = 0;
  // Hot: once a signal.
  await signals.subscribe(TYPE, (data) => {
    const probe = data as Probe;
    if (probe.handled) doubled += 1;
    probe.handled = true;
    times?.record(Math.max(0, nowNs() - probe.publishedNs));
  });
  return () => doubled;
}

/** Publishes one signal and waits until it was handled. */
async function deliver(signals: SignalsFacet): Promise<void> {
  const probe: Probe = { publishedNs: nowNs(), handled: false };
  const publishing = signals.publish(TYPE, probe);
  if (publishing instanceof Promise) await publishing;
  if (!probe.handled) await signals.delivered();
  if (!probe.handled) throw new Error("a signal was lost");
}

/** @param doubled - signals that came twice: as wrong as those that never came */
function recordLoad(
  record: Recorder,
  metric: string,
  load: GeneratedLoad,
  times: OperationTimes,
  doubled: number,
): void {
  for (const [kind, count] of load.failures) for (let i = 0; i < count; i++) times.fail(kind);
  const wrong = Math.min(load.due, load.due - load.succeeded + doubled);
  record.rate(`${metric}.errors`, wrong, load.due, { direction: "lower" });
  if (load.lateMs !== undefined) {
    record.value(`${metric}.generator.late`, load.lateMs * 1e6, { unit: "ns", direction: "lower" });
  }
}

const errorRule = { threshold: "rate < 0.001", severity: "critical", requirement: ["S1-031"] } as const;

const burst: Scenario = {
  ...common,
  id: "load.burst",
  title: "10 000 signals at once",
  requirement: ["S1-024", "S1-027"],
  seconds: timesOf(1),
  rules: {
    thresholds: {
      "load.burst.throughput": { threshold: "p(50) > 10000/s", severity: "high", requirement: ["S1-030"] },
      "load.burst.errors": errorRule,
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const signals = platform.signals!;
    // Of signals that all come at once the last waits for all others: the time of one says what a burst is, not a signal.
    const wait = record.operation("load.burst.wait.time");
    const doubled = await listen(signals, wait.times);
    const rates: number[] = [];
    let published = 0;
    let lost = 0;
    await generateLoad(
      { vus: 1, duration: seconds * 1000 },
      async () => {
        const probes = Array.from({ length: BURST }, (): Probe => ({ publishedNs: 0, handled: false }));
        published += BURST;
        const start = nowNs();
        try {
          await publishAll(signals, probes, start);
        } finally {
          const handled = probes.filter((probe) => probe.handled).length;
          lost += BURST - handled;
          rates.push((handled * 1e9) / (nowNs() - start));
        }
      },
      signal,
    );
    record.value("load.burst.throughput", rates, { unit: "1/s", direction: "higher" });
    record.rate("load.burst.errors", Math.min(published, lost + doubled()), published, { direction: "lower" });
  },
};

async function publishAll(signals: SignalsFacet, probes: readonly Probe[], atNs: number): Promise<void> {
  const publishing: Promise<void>[] = [];
  for (const probe of probes) {
    probe.publishedNs = atNs;
    const result = signals.publish(TYPE, probe);
    if (result instanceof Promise) publishing.push(result);
  }
  await Promise.all(publishing);
  await signals.delivered();
}

/** Signals at a steady rate, each timed from publishing to handling. */
async function steady(
  { open, record, seconds, signal }: ScenarioContext,
  metric: string,
  perSecond: number,
): Promise<void> {
  const platform = await open();
  const signals = platform.signals!;
  const times = record.operation(`${metric}.time`);
  const doubled = await listen(signals, times.times);
  const load = await generateLoad(
    { rate: perSecond, duration: seconds * 1000, preAllocatedVUs: 10, maxVUs: 200 },
    () => deliver(signals),
    signal,
  );
  recordLoad(record, metric, load, times, doubled());
  record.value(`${metric}.throughput`, load.perSecond, { unit: "1/s", direction: "higher" });
}

const latencyRules = [
  { threshold: "p(50) < 10us", requirement: ["S1-028"] },
  { threshold: "p(99) < 100us", severity: "medium", requirement: ["S1-029"] },
] as const;

const sustained: Scenario = {
  ...common,
  id: "load.sustained",
  title: "1 000 signals a second",
  requirement: ["S1-025", "S1-027"],
  // A minute is asked for; the ci profile takes a twentieth of it (T-17).
  seconds: { smoke: 0.3, ci: 3, full: 60, soak: 600 },
  rules: { thresholds: { "load.sustained.time": latencyRules, "load.sustained.errors": errorRule } },
  run: (context) => steady(context, "load.sustained", EXPECTED),
};

const tenfold: Scenario = {
  ...common,
  id: "load.tenfold",
  title: "10 000 signals a second: ten times what is expected",
  requirement: ["S1-059", "S1-027"],
  seconds: { smoke: 0.3, ci: 3, full: 60, soak: 600 },
  rules: {
    thresholds: {
      "load.tenfold.time": latencyRules,
      // The generator may begin a little after its second, so that a hundredth is left to it.
      "load.tenfold.throughput": { threshold: "value > 9900/s", requirement: ["S1-030", "S1-059"] },
      "load.tenfold.errors": errorRule,
    },
  },
  run: (context) => steady(context, "load.tenfold", 10 * EXPECTED),
};

/** What a platform does all day, by how often. */
export const mixedWeights = [
  { name: "signal", weight: 0.5 },
  { name: "request", weight: 0.25 },
  { name: "note", weight: 0.15 },
  { name: "lookup", weight: 0.08 },
  { name: "life", weight: 0.02 },
] as const;
type MixedAction = (typeof mixedWeights)[number]["name"];

class Mixed {
  readonly #platform: AgentPlatform;
  readonly #agents: readonly AgentHandle[];

  constructor(platform: AgentPlatform, agents: readonly AgentHandle[]) {
    this.#platform = platform;
    this.#agents = agents;
  }

  async act(action: MixedAction, at: number): Promise<void> {
    const platform = this.#platform;
    const agent = this.#agents[at % this.#agents.length]!;
    switch (action) {
      case "signal":
        return await deliver(platform.signals!);
      case "request":
        if ((await platform.ask(agent, { type: "echo", data: at }, 5000)) !== at) throw new Error("a wrong answer");
        return;
      case "note":
        return await platform.send(agent, { type: "note", data: 1 });
      case "lookup":
        if ((await platform.registry!.lookup(`agent-${at % this.#agents.length}`)) === undefined) {
          throw new Error("a registered agent was not found");
        }
        return;
      case "life":
        return await platform.stop(await platform.spawn());
    }
  }
}

const mixed: Scenario = {
  ...common,
  id: "load.mixed",
  needs: ["signals", "registry"],
  title: "Signals, requests, notes, lookups and short lives, 1 000 a second",
  requirement: ["S0-003", "S1-026", "S1-027"],
  seconds: timesOf(3),
  rules: {
    thresholds: {
      "load.mixed.time{action:signal}": latencyRules,
      "load.mixed.errors": errorRule,
    },
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    const agents = await spawnMany(platform, AGENTS);
    for (const [index, agent] of agents.entries()) {
      await platform.registry!.register(`agent-${index}`, agent, {
        type: "worker",
        capabilities: [],
        health: "healthy",
        region: "here",
        resources: { cpu: 1, memory: 1 },
      });
    }
    const times = new Map(
      mixedWeights.map(({ name }) => [name, record.operation("load.mixed.time", { tags: { action: name } })]),
    );
    // As under a load of signals alone: from publishing to handling. Of the others, until they are done.
    const doubled = await listen(platform.signals!, times.get("signal")?.times);
    const choice = new WeightedChoice(mixedWeights);
    const doing = new Mixed(platform, agents);
    const load = await generateLoad(
      { rate: EXPECTED, duration: seconds * 1000, preAllocatedVUs: 10, maxVUs: 200 },
      async (number) => {
        const action = choice.pick(random).name;
        const start = nowNs();
        await doing.act(action, number);
        if (action !== "signal") times.get(action)?.times.record(nowNs() - start);
      },
      signal,
    );
    recordLoad(record, "load.mixed", load, record.operation("load.mixed.failed"), doubled());
    record.value("load.mixed.throughput", load.perSecond, { unit: "1/s", direction: "higher" });
  },
};

export const signalLoadScenarios: readonly Scenario[] = [burst, sustained, tenfold, mixed];
