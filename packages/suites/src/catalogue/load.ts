import { randomBytes } from "node:crypto";
import { measureMemoryPerThing } from "@mettle/bench";
import { SignalFactory } from "@mettle/agents";
import { ratesOf, timeEach } from "../measure/operations.ts";
import { type Scenario, timesOf } from "./scenario.ts";

const common = { suite: "load", group: "infrastructure_benchmarks", needs: [] } as const;

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
export const loadScenarios: readonly Scenario[] = [signalCosts, signalMemory];
