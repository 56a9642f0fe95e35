import { randomBytes } from "node:crypto";
import { measureMemoryPerThing } from "@mettle/bench";
import { SignalFactory } from "@mettle/agents";
import { failureKind, ratesOf, timeEach } from "../../measure/operations.ts";
import { pace } from "../../measure/pace.ts";
import { type OperationTimes, Recorder } from "../../measure/recorder.ts";
import { nextTurn, nowNs } from "../../measure/time.ts";
import { spawnMany } from "../descriptions.ts";
import { type Scenario, timesOf } from "../scenario.ts";

const common = { suite: "load", group: "infrastructure_benchmarks", needs: [] } as const;

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

const agentCount = 10_000;

const requests: Scenario = {
  ...common,
  id: "load.requests",
  title: "10 000 requests a second to 10 000 agents",
  requirement: ["S2-002"],
  seconds: { smoke: 0.3, ci: 3, full: 60, soak: 600 },
  rules: {
    thresholds: {
      "load.request.time": { threshold: "p(99) <= 100us", severity: "medium", requirement: ["S1-029"] },
      "load.request.errors": { threshold: "rate < 0.001", severity: "critical", requirement: ["S1-031"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const agents = await spawnMany(platform, agentCount);
    const load = async (forSeconds: number, to: OperationTimes): Promise<Tally> => {
      const tally: Tally = { answered: 0, failed: 0 };
      const started = await pace({ perSecond: 10_000, seconds: forSeconds, signal }, (index, dueNs) =>
        start(
          () => platform.ask(agents[(index * 7919) % agentCount]!, { type: "add", data: 1 }, 5000),
          dueNs,
          to,
          tally,
        ),
      );
      while (tally.answered + tally.failed < started) await nextTurn();
      return tally;
    };
    // For the compiler, in the same way: what it has not seen yet it compiles while requests wait.
    await load(Math.min(1, seconds / 3), new Recorder([], {}).operation("warm-up"));
    const begun = nowNs();
    const tally = await load(seconds, record.operation("load.request.time"));
    const took = (nowNs() - begun) / 1e9;
    record.rate("load.request.errors", tally.failed, tally.answered + tally.failed, { direction: "lower" });
    record.value("load.request.rate", tally.answered / took, { unit: "1/s", direction: "higher" });
  },
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
    let last: unknown; // kept, so that no compiler may leave out the making of what nobody looks at
    const make = (size: number): void => {
      for (let i = 0; i < size; i++) last = factory.create("orders.eu.created", "suite", payload);
    };
    const made = await ratesOf(5000, seconds / 2, make, signal);
    if (last === undefined) throw new Error("no signal was made");
    record.value("load.signal.creation.rate", made, { unit: "1/s", direction: "higher" });
    const agent = await platform.spawn();
    await timeEach(
      record.operation("load.signal.dispatch.time"),
      { atMost: 10_000, atLeast: 1000, seconds: seconds / 2, warmups: 1000 }, // as many as S1-007 asks for
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

/** Requests under load, and what a signal costs. */
export const requestLoadScenarios: readonly Scenario[] = [requests, signalCosts, signalMemory];
