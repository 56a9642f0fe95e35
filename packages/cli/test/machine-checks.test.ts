import { captureEnvironment, type Comparison } from "@mettle/results";
import { expect, test } from "vitest";
import { conclusion, environmentChecks, selfCheckChecks, toolChecks } from "../src/machine-checks.ts";

const environment = { ...captureEnvironment({ noiseProbe: false }), container: { cpus: 4 } };
const stateOf = (checks: ReturnType<typeof environmentChecks>, name: string): string | undefined =>
  checks.find((check) => check.name === name)?.state;

test("grades noise, waiting, load and governor", () => {
  const noise = { samples: 400, medianNs: 1e5, spread: 0.01, interruptedShare: 0.01, cpuWaitShare: 0.01 };
  const quiet = environmentChecks({ ...environment, noise, loadAverage1m: 0.5, governor: "performance" });
  expect(quiet.filter(({ state }) => state !== "good")).toEqual([]);
  const busy = environmentChecks({
    ...environment,
    noise: { ...noise, interruptedShare: 0.3, cpuWaitShare: 0.1 },
    loadAverage1m: 3,
    governor: "powersave",
  });
  expect([stateOf(busy, "noise"), stateOf(busy, "waiting"), stateOf(busy, "load"), stateOf(busy, "governor")]).toEqual([
    "bad",
    "note",
    "note",
    "note",
  ]);
});

test("a crowded machine is not fit, unless what was measured proves that nothing is disturbed", () => {
  const noise = { samples: 400, medianNs: 1e5, spread: 0.01, interruptedShare: 0.01, cpuWaitShare: 0.01 };
  const load = (changes: object, detectable?: number) => {
    const checks = environmentChecks({ ...environment, loadAverage1m: 13, ...changes }, detectable);
    return { state: stateOf(checks, "load"), end: conclusion(checks, detectable) };
  };
  expect(load({ noise }, 0.02).state).toBe("note");
  expect(load({ noise }, 0.02).end).toMatch(/can measure: a short run finds changes of 2.00 % and more. Mind: .*load/);
  for (const [changes, detectable] of [
    [{}, 0.02],
    [{ noise }, undefined],
    [{ noise }, 0.12],
    [{ noise: { ...noise, interruptedShare: 0.15 } }, 0.02],
    [{ noise: { ...noise, cpuWaitShare: 0.1 } }, 0.02],
  ] as const) {
    expect(load(changes, detectable)).toMatchObject({
      state: "bad",
      end: expect.stringMatching(/^Not fit to measure on now: .*load/) as string,
    });
  }
  expect(load({ loadAverage1m: 11.9, noise }, 0.5).state).toBe("note");
});

test("what the machine does not say has no line", () => {
  const { governor: _, loadAverage1m: __, noise: ___, ...silent } = environment;
  expect(environmentChecks(silent).map(({ name }) => name)).toEqual(["node", "processor", "limits"]);
});

test("missing tools are remarks that say what goes without them", () => {
  const checks = toolChecks(() => false);
  expect(stateOf(checks, "git")).toBe("note");
  expect(checks.find(({ name }) => name === "git")?.text).toContain("--against");
  expect(
    stateOf(
      toolChecks(() => true),
      "valgrind",
    ),
  ).toBe("good");
});

const comparison: Comparison = {
  metric: "self-check.time",
  unit: "ns",
  direction: "lower",
  tags: {},
  baseline: { label: "one" },
  candidate: { label: "the same" },
  ratio: 1.001,
  interval: { of: "ratio", low: 0.99, high: 1.01, confidence: 0.99, method: "t" },
  margin: 0.01,
  pairs: 12,
  outcome: "same",
  selfCheck: { ratio: 1, low: 0.99, high: 1.01, detectable: 0.012 },
  logRatios: [],
};

test("the self-check: identical code must look the same, and what is detectable is graded", () => {
  expect(selfCheckChecks(comparison).map(({ state }) => state)).toEqual(["good", "good"]);
  expect(selfCheckChecks(comparison)[0]?.text).toMatch(/^identical code looks the same: 0\.10 % apart/);
  // "The same" is a finding of its own, and not what is left when nothing was found.
  const open = selfCheckChecks({ ...comparison, outcome: "undecided" })[0];
  expect(open).toMatchObject({ state: "good", text: expect.stringMatching(/^no sure difference/) as string });
  expect(selfCheckChecks({ ...comparison, outcome: "worse" })[0]).toMatchObject({ state: "bad" });
  const coarse = { ...comparison, selfCheck: { ratio: 1, low: 0.5, high: 1.5, detectable: 0.3 } };
  expect(selfCheckChecks(coarse)[1]).toMatchObject({ name: "detects", state: "bad" });
  expect(selfCheckChecks(undefined)).toEqual([expect.objectContaining({ state: "bad" })]);
});
