import { readFileSync } from "node:fs";
import { budgetProblems, parseSelector, parseThreshold, targetProblems } from "@mettle/judge";
import { describe, expect, it } from "vitest";
import { baselineOf } from "../../src/catalogue/baselines.ts";
import { catalogue } from "../../src/catalogue/catalogue.ts";
import type { Scenario } from "../../src/catalogue/scenario.ts";

interface Rule {
  readonly scenario: string;
  readonly metric: string;
  readonly text: string;
  readonly requirement: readonly string[];
}

function rulesOf({ id, rules = {} }: Scenario): Rule[] {
  const { budgets = [], targets = [], objectives = [], thresholds = {} } = rules;
  const rule = (metric: string, text: string, requirement: readonly string[] = []): Rule => ({
    scenario: id,
    metric,
    text,
    requirement,
  });
  return [
    ...budgets.map(({ metric, limits, requirement }) => rule(metric, JSON.stringify(limits), requirement)),
    ...targets.map(({ metric, operation, requirement }) => rule(metric, operation, requirement)),
    ...objectives.map(({ metric, requirement }) => rule(metric, "objective", requirement)),
    ...Object.entries(thresholds).flatMap(([metric, entries]) =>
      [entries]
        .flat()
        .map((entry) =>
          typeof entry === "string" ? rule(metric, entry) : rule(metric, entry.threshold, entry.requirement),
        ),
    ),
  ];
}

const rules = catalogue.flatMap(rulesOf);
const ids = (prefix: string, from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `${prefix}-${String(from + i).padStart(3, "0")}`);

describe("the catalogue", () => {
  it("names each scenario once", () => {
    const names = catalogue.map(({ id }) => id);
    expect(new Set(names).size).toBe(names.length);
  });

  it("claims only requirements that there are", () => {
    const known = new Set(
      (JSON.parse(readFileSync("docs/requirements.json", "utf8")) as { id: string }[]).map(({ id }) => id),
    );
    const claimed = [
      ...catalogue.flatMap(({ requirement }) => requirement),
      ...rules.flatMap((rule) => rule.requirement),
    ];
    expect([...new Set(claimed)].filter((id) => !known.has(id))).toEqual([]);
    expect(known.size).toBeGreaterThan(500);
  });

  it("has rules that can be read", () => {
    for (const { rules: own = {} } of catalogue) {
      for (const budget of own.budgets ?? []) expect(budgetProblems(budget)).toEqual([]);
      for (const target of own.targets ?? []) expect(targetProblems(target)).toEqual([]);
      for (const [metric, entries] of Object.entries(own.thresholds ?? {})) {
        expect(() => parseSelector(metric)).not.toThrow();
        for (const entry of [entries].flat())
          expect(() => parseThreshold(typeof entry === "string" ? entry : entry.threshold)).not.toThrow();
      }
    }
    expect(rules.length).toBeGreaterThan(100);
  });

  it("judges a figure in one scenario only: rules speak of a metric wherever it comes from", () => {
    const homes = new Map<string, Set<string>>();
    for (const { metric, scenario } of rules) {
      homes.set(metric, (homes.get(metric) ?? new Set()).add(scenario));
    }
    expect([...homes].filter(([, scenarios]) => scenarios.size > 1)).toEqual([]);
  });

  it("grows only in time from profile to profile", () => {
    for (const { seconds } of catalogue) {
      const given = (["smoke", "ci", "full", "soak"] as const).map((profile) => seconds[profile] ?? 0);
      expect(given).toEqual(given.toSorted((a, b) => a - b));
      expect(given.at(-1)).toBeGreaterThan(0);
    }
  });
});

describe("what was asked for is there (S2-139, S2-140)", () => {
  // Creation, actions, memory, lifecycle, startup, coordination, load, memory of the system, events, propagation, stress of events,
  // registry, its scale, process limits, memory pressure, exhaustion.
  it.each([...ids("S2", 7, 7), ...ids("S2", 9, 29)])("%s is measured by a scenario", (id) => {
    expect(catalogue.filter(({ requirement }) => requirement.includes(id)).length).toBeGreaterThan(0);
  });

  it.each([
    ...ids("S2", 34, 38),
    ...ids("S2", 44, 55),
    ...ids("S2", 120, 129).filter((id) => id !== "S2-121"),
    ...ids("S3", 50, 54),
    ...ids("S3", 71, 81).filter((id) => id !== "S3-079"),
  ])("%s is a limit that is judged (S3-005)", (id) => {
    expect(rules.filter(({ requirement }) => requirement.includes(id)).length).toBeGreaterThan(0);
  });

  it("with benchmarks and stress for all major components (S2-143)", () => {
    const stressed = {
      agents: ["agents.lifecycle", "agents.failures"],
      events: ["events.sustained", "events.overload"],
      registry: ["registry.scale", "registry.consistency"],
      coordination: ["coordination.load", "coordination.failures"],
      system: ["system.load", "system.sustained"],
      limits: ["limits.ceiling", "limits.mailbox", "limits.crash-loop", "limits.memory-pressure"],
    };
    for (const [suite, scenarios] of Object.entries(stressed))
      for (const id of scenarios) expect(catalogue.find((each) => each.id === id)).toMatchObject({ suite });
  });

  it("with the baselines of the components that its rules are made of", () => {
    expect(baselineOf("agent")).toEqual({ agentsPerSecond: 1000, bytesPerAgent: 1_000_000, creationMs: 1 });
    expect(baselineOf("system")).toEqual({ startupMs: 100, componentInitializationMs: 50, readyMs: 200 });
    expect(baselineOf("event_system")).toEqual({ eventsPerSecond: 10_000, averageLatencyMs: 1, maxLatencyMs: 10 });
    expect(baselineOf("registry")).toEqual({ lookupMs: 0.1, registerMs: 0.5, unregisterMs: 0.5 });
    const texts = rules.map(({ metric, text }) => `${metric} ${text}`);
    expect(texts).toEqual(
      expect.arrayContaining([
        "agents.creation.rate p(50) >= 800",
        "agents.memory.per-agent mean <= 1200000",
        "events.rate p(50) >= 10000",
        "registry.scale.lookup.time mean < 0.1ms",
        "system.ready.time min < 200ms",
      ]),
    );
  });
});
