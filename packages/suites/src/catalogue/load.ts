import { randomBytes } from "node:crypto";
import { measureMemoryPerThing } from "@mettle/bench";
import { SignalFactory } from "@mettle/agents";
import { failureKind, ratesOf, timeEach } from "../measure/operations.ts";
import { pace } from "../measure/pace.ts";
import type { OperationTimes } from "../measure/recorder.ts";
import { nextTurn, nowNs } from "../measure/time.ts";
import type { AgentMessage, AgentPlatform } from "../platform/platform.ts";
import { spawnMany } from "./descriptions.ts";
import { type Rules, type Scenario, type ScenarioContext, timesOf } from "./scenario.ts";

const common = { suite: "load", group: "infrastructure_benchmarks", needs: [] } as const;

/** S1-028 … S1-031 for one scenario of load. The times are of requests: from when they were due to the reply. */
const targetsOf = (scenario: string): Rules => ({
  thresholds: {
    [`load.request.time{scenario=${scenario}}`]: [
      { threshold: "p(50) <= 10us", severity: "medium", requirement: ["S1-028"] },
      { threshold: "p(99) <= 100us", severity: "medium", requirement: ["S1-029"] },
    ],
    [`load.errors{scenario=${scenario}}`]: { threshold: "rate < 0.001", severity: "critical", requirement: ["S1-031"] },
  },
});

interface Tally {
  answered: number;
  failed: number;
}

/** Starts one request and books how it went. */
function start(ask: () => Promise<unknown>, dueNs: number, to: OperationTimes, tally: Tally): void {
  let asked: Promise<unknown>;
  try {
    asked = ask();
  } catch (error) {
    asked = Promise.reject(error);
  }
  asked.then(
    () => {
      to.times.record(Math.max(0, nowNs() - dueNs));
      tally.answered += 1;
    },
    (error: unknown) => {
      to.fail(failureKind(error));
      tally.failed += 1;
    },
  );
}

/** Requests at a fixed rate over agents in turn; resolves when the last is answered. */
async function paced(
  { record, seconds, signal, open }: ScenarioContext,
  scenario: string,
  perSecond: number,
  messageOf: (index: number) => AgentMessage,
): Promise<void> {
  const platform = await open();
  const agents = await spawnMany(platform, 100);
  const operation = record.operation("load.request.time", { tags: { scenario } });
  const tally: Tally = { answered: 0, failed: 0 };
  await warmUp(platform, agents[0]!);
  const begun = nowNs();
  const started = await pace({ perSecond, seconds, signal }, (index, dueNs) =>
    start(() => platform.ask(agents[index % agents.length]!, messageOf(index), 5000), dueNs, operation, tally),
  );
  while (tally.answered + tally.failed < started) await nextTurn();
  const took = (nowNs() - begun) / 1e9;
  record.rate("load.errors", tally.failed, started, { tags: { scenario }, direction: "lower" });
  record.value("load.request.rate", tally.answered / took, { unit: "1/s", direction: "higher", tags: { scenario } });
}

async function warmUp(platform: AgentPlatform, agent: object): Promise<void> {
  for (let i = 0; i < 2000; i++) await platform.ask(agent, { type: "echo", data: i }, 5000);
}

const burst: Scenario = {
  ...common,
  id: "load.burst",
  title: "10 000 requests at once",
  requirement: ["S1-024", "S1-027"],
  seconds: timesOf(1.5),
  rules: {
    thresholds: {
      "load.burst.errors": { threshold: "rate < 0.001", severity: "critical", requirement: ["S1-031"] },
      "load.burst.rate": { threshold: "p(50) >= 10000", requirement: ["S1-030"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const agents = await spawnMany(platform, 100);
    const operation = record.operation("load.burst.time");
    const tally: Tally = { answered: 0, failed: 0 };
    const size = 10_000;
    const rates = await ratesOf(
      size,
      seconds,
      async () => {
        const before = tally.answered + tally.failed;
        const now = nowNs();
        for (let i = 0; i < size; i++) {
          start(() => platform.ask(agents[i % 100]!, { type: "add", data: 1 }, 5000), now, operation, tally);
        }
        while (tally.answered + tally.failed < before + size) await nextTurn();
      },
      signal,
    );
    record.value("load.burst.rate", rates, { unit: "1/s", direction: "higher" });
    record.rate("load.burst.errors", tally.failed, tally.answered + tally.failed, { direction: "lower" });
  },
};

/** S1-025: a minute in the full profile; its rate is the same in all (T-17). */
const sustained: Scenario = {
  ...common,
  id: "load.sustained",
  title: "1 000 requests a second",
  requirement: ["S1-025", "S1-027"],
  seconds: { smoke: 0.5, ci: 4, full: 60, soak: 3600 },
  rules: targetsOf("sustained"),
  run: (context) => paced(context, "sustained", 1000, () => ({ type: "add", data: 1 })),
};

const tenfold: Scenario = {
  ...common,
  id: "load.tenfold",
  title: "Ten times the expected traffic: 10 000 requests a second (T-16)",
  requirement: ["S1-059", "S1-027"],
  seconds: { smoke: 0.5, ci: 4, full: 60, soak: 600 },
  rules: {
    thresholds: {
      ...targetsOf("tenfold").thresholds,
      "load.request.rate{scenario=tenfold}": { threshold: "mean >= 9500", requirement: ["S1-059", "S1-030"] },
    },
  },
  run: (context) => paced(context, "tenfold", 10_000, () => ({ type: "add", data: 1 })),
};

/** Reads, writes, payloads and a little work, as a node of agents sees them. */
function mixedMessage(dice: number, index: number): AgentMessage {
  if (dice < 0.5) return { type: "total" };
  if (dice < 0.8) return { type: "add", data: index & 7 };
  if (dice < 0.95) return { type: "echo", data: { index, text: "a message of ordinary length", list: [1, 2, 3] } };
  return { type: "compute", data: 200 };
}

const mixed: Scenario = {
  ...common,
  id: "load.mixed",
  title: "1 000 requests a second: half reads, writes, payloads, a little work",
  requirement: ["S1-026", "S1-027", "S0-003"],
  seconds: { smoke: 0.5, ci: 4, full: 60, soak: 600 },
  rules: targetsOf("mixed"),
  run: (context) => paced(context, "mixed", 1000, (index) => mixedMessage(context.random.uniform(), index)),
};

const payload = randomBytes(1024).toString("latin1");

const signalCosts: Scenario = {
  ...common,
  id: "load.signals",
  needs: ["mettle"],
  title: "A signal of 1 024 random bytes: made, and handed to a local agent",
  requirement: ["S1-010", "S1-011"],
  seconds: timesOf(1),
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const factory = new SignalFactory();
    const made = await ratesOf(5000, seconds / 2, (size) => {
      for (let i = 0; i < size; i++) factory.create("orders.eu.created", "suite", payload);
    });
    record.value("load.signal.creation.rate", made, { unit: "1/s", direction: "higher" });
    const agent = await platform.spawn();
    await timeEach(
      record.operation("load.signal.dispatch.time"),
      // Warm-up of 1 000 as S1-007 asks: a tenth of so many.
      { atMost: 10_000, atLeast: 1000, seconds: seconds / 2 },
      { run: () => platform.ask(agent, { type: "echo", data: payload }, 5000) },
      signal,
    );
  },
};

const signalMemory: Scenario = {
  ...common,
  id: "load.signal-memory",
  group: "resource_efficiency_tests",
  needs: ["mettle"],
  title: "Memory of a signal that is kept, by slope",
  requirement: ["S1-035"],
  seconds: timesOf(1),
  rules: {
    thresholds: { "load.signal.memory": { threshold: "mean < 1024", requirement: ["S1-036"] } },
  },
  run: async ({ record, random, signal }) => {
    const factory = new SignalFactory();
    const { isolate } = await measureMemoryPerThing({
      counts: [1000, 5000, 20_000],
      repeats: 2,
      random,
      signal,
      make: (count) => Array.from({ length: count }, (_, i) => factory.create("orders.eu.created", "suite", i)),
    });
    const { slopeBytes, low, high, confidence } = isolate;
    record.value("load.signal.memory", Math.max(0, slopeBytes), {
      unit: "bytes",
      direction: "lower",
      interval: { of: "slope", low, high, confidence, method: "least squares over several counts" },
    });
  },
};

/** S1: load, and what a signal costs. */
export const loadScenarios: readonly Scenario[] = [burst, sustained, tenfold, mixed, signalCosts, signalMemory];
