import { readFileSync } from "node:fs";
import { budgetProblems, parseSelector, parseThresholdRule, resolvePolicy, targetProblems } from "@mettle/judge";
import { describe, expect, it } from "vitest";
import { catalogue, expectInProfile, scenariosOf } from "../../src/catalogue/catalogue.ts";
import { suiteNames } from "../../src/catalogue/scenario.ts";
import { serviceChecks } from "../../src/service/validate/checks.ts";
import { policyOf } from "../../src/validate/rules.ts";

const requirements = JSON.parse(
  readFileSync(new URL("../../../../docs/requirements.json", import.meta.url), "utf8"),
) as readonly { readonly id: string }[];
const known = new Set(requirements.map(({ id }) => id));

const targets = catalogue.flatMap(({ rules }) => rules?.targets ?? []);
const budgets = catalogue.flatMap(({ rules }) => rules?.budgets ?? []);
const thresholds = catalogue.flatMap(({ rules }) =>
  Object.entries(rules?.thresholds ?? {}).flatMap(([metric, entries]) =>
    [entries].flat().map((entry) => ({ metric, entry: typeof entry === "string" ? { threshold: entry } : entry })),
  ),
);

describe("the catalogue", () => {
  it("has every scenario once, in a suite that exists", () => {
    const ids = catalogue.map(({ id }) => id);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
    for (const { suite } of catalogue) expect(suiteNames).toContain(suite);
    const entries = [...catalogue, ...serviceChecks];
    for (const suite of suiteNames) expect(entries.some((entry) => entry.suite === suite)).toBe(true);
  });

  it("answers requirements that exist, each scenario at least one (S0-191)", () => {
    for (const { id, requirement } of catalogue) {
      expect(requirement.length, id).toBeGreaterThan(0);
      for (const each of requirement) expect(known, `${id} claims ${each}`).toContain(each);
    }
  });

  it("has rules that can be judged, for requirements that exist", () => {
    for (const target of targets) expect(targetProblems(target), target.operation).toEqual([]);
    for (const budget of budgets) expect(budgetProblems(budget), budget.name).toEqual([]);
    for (const { metric, entry } of thresholds) {
      expect(() => parseThresholdRule(metric, entry)).not.toThrow();
      for (const each of entry.requirement ?? []) expect(known).toContain(each);
    }
    for (const { requirement } of [...targets, ...budgets])
      for (const each of requirement ?? []) expect(known).toContain(each);
  });

  it("has rules that go together: all scenarios at once make a policy that holds", () => {
    for (const phase of [1, 2, 3] as const)
      expect(() => resolvePolicy(policyOf(catalogue, "mettle", phase))).not.toThrow();
  });

  it("rules on one platform at a time: no rule names one", () => {
    for (const { metric } of [...targets, ...budgets, ...thresholds]) {
      expect(parseSelector(metric).tags["platform"]).toBeUndefined();
    }
  });

  it("takes no longer than its profiles promise on a machine of its own (S1-055)", () => {
    const secondsIn = (profile: "smoke" | "ci"): number =>
      catalogue.reduce((sum, { seconds }) => sum + (seconds[profile] ?? 0), 0);
    const processes = catalogue.filter(({ seconds }) => seconds.ci !== undefined).length;
    expect(secondsIn("smoke")).toBeLessThan(27);
    expect(secondsIn("ci") + processes * 0.4).toBeLessThan(280);
  });

  it("finds suites and single scenarios by name, and says which it does not know", () => {
    expect(scenariosOf([])).toBe(catalogue);
    expect(scenariosOf(["registry"]).every(({ suite }) => suite === "registry")).toBe(true);
    expect(scenariosOf(["registry.lookup"]).map(({ id }) => id)).toEqual(["registry.lookup"]);
    expect(() => scenariosOf(["registry", "nosuch"])).toThrow(
      expect.objectContaining({ code: "SUITE_UNKNOWN" }) as Error,
    );
    expect(() => scenariosOf(["registry.lokup"])).toThrow(/no scenario registry\.lokup; .*registry\.lookup/);
    expect(() => scenariosOf(["xstate"])).toThrow("--platform xstate");
  });

  it("refuses a name of which the profile measures nothing, and says which do", () => {
    expect(() => expectInProfile([], "smoke")).not.toThrow();
    expect(() => expectInProfile(["optimizations", "registry.lookup"], "smoke")).not.toThrow();
    expect(() => expectInProfile(["registry.lookup", "pools.agents", "service.peak_load"], "smoke")).toThrow(
      expect.objectContaining({
        code: "SUITE_NOT_IN_PROFILE",
        message: expect.stringMatching(/^pools\.agents .* ci, full, soak\. service\.peak_load .* full\b/) as string,
      }) as Error,
    );
  });
});

// The figures of the requirements, written down a second time: a slip of the pen in the catalogue shows.
const expected: Readonly<Record<string, readonly [string, string, string]>> = {
  "S0-037": ["3ms-8ms", "2ms-6ms", "1ms-4ms"],
  "S0-038": ["400ms-800ms", "300ms-600ms", "200ms-400ms"],
  "S0-039": ["8ms-25ms", "5ms-20ms", "2ms-15ms"],
  "S0-050": ["5ms-15ms", "3ms-10ms", "1ms-7ms"],
  "S0-051": ["100us-2ms", "50us-1.5ms", "25us-1ms"],
  "S0-053": ["50ms-200ms", "30ms-150ms", "10ms-100ms"],
  "S0-054": ["20ms-100ms", "10ms-75ms", "5ms-50ms"],
  "S0-136": ["1.5MB-4MB", "1MB-3MB", "0.5MB-2MB"],
  "S0-137": ["100kB-500kB", "50kB-300kB", "25kB-200kB"],
  "S0-138": ["0.5%-2%", "0.3%-1.5%", "0.1%-1%"],
  "S0-139": ["50%-70%", "40%-60%", "30%-50%"],
  "S0-140": ["-500kB/h", "-200kB/h", "-100kB/h"],
};

const limits: Readonly<Record<string, readonly string[]>> = {
  "S0-117": ["p(95) < 100ms", "rate > 0.99", "mean > 0.8"],
  "S0-118": ["p(95) < 500ms", "rate > 0.98", "mean > 0.75"],
  "S0-119": ["p(95) < 2s", "rate > 0.95", "mean > 0.7"],
  "S0-120": ["p(95) < 5s", "rate > 0.9", "mean > 0.65"],
  "S1-031": ["rate < 0.001"],
  "S1-036": ["mean < 1024"],
  "S1-052": ["rate >= 0.8"],
};

describe("the catalogue's figures", () => {
  it.each(Object.entries(expected))("%s is the target asked for", (id, phases) => {
    const own = targets.filter(({ requirement }) => requirement.includes(id));
    expect(own.length).toBeGreaterThan(0);
    for (const { phases: ranges } of own) {
      const written = ([1, 2, 3] as const).map((phase) => `${ranges[phase]?.low ?? ""}-${ranges[phase]?.high ?? ""}`);
      expect(written).toEqual(phases);
    }
  });

  it("asks every operation that has a target for one in each phase (S0-002)", () => {
    expect(targets.length).toBeGreaterThanOrEqual(Object.keys(expected).length);
    for (const { operation, phases } of targets) expect(Object.keys(phases), operation).toEqual(["1", "2", "3"]);
  });

  it.each(Object.entries(limits))("%s is the limit asked for", (id, wanted) => {
    const own = thresholds.filter(({ entry }) => entry.requirement?.includes(id));
    expect([...new Set(own.map(({ entry }) => entry.threshold))]).toEqual(wanted);
  });
});
