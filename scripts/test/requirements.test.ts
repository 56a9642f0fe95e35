import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  catalogueTable,
  claimsIn,
  coverageTable,
  lastResultsOf,
  orderProblems,
  problemsOf,
  type Requirement,
  textProblems,
  unknownClaims,
} from "../requirements.ts";

const idsIn = (text: string): string[] => claimsIn("f", text).map(({ id }) => id);
const list: readonly Requirement[] = [
  { id: "S0-001", owner: "lab", text: "one" },
  { id: "S0-002", owner: "lab", text: "two", open: "later" },
  { id: "S0-003", owner: "load" },
];

test("ids are found alone and in ranges, each once", () => {
  expect(idsIn('test("this (S1-056, S0-001) and S1-056")')).toEqual(["S1-056", "S0-001"]);
  expect(idsIn("S0-150 … S0-153")).toEqual(["S0-150", "S0-153", "S0-151", "S0-152"]);
  expect(idsIn("S9-001 XS0-001 S0-1 S0-0011")).toEqual([]);
});

test("every way to be dishonest is a problem", () => {
  expect(problemsOf(list, [{ id: "S0-001", file: "a" }], "lab")).toEqual([]);
  expect(problemsOf(list, [], "lab")).toEqual(["S0-001: claimed by nothing"]);
  expect(problemsOf(list, claimsIn("a", "S0-001 S0-002"), "lab")).toEqual(["S0-002: claimed, yet open"]);
  expect(problemsOf(list, [], "load")).toEqual(["S0-003: claimed by nothing"]);
  expect(unknownClaims(list, claimsIn("a", "S0-001 S4-999"))).toEqual(["S4-999: unknown, claimed in a"]);
  expect(textProblems([{ id: "S0-001", owner: "lab", open: "x" }], "lab")).toEqual(["S0-001: has no text"]);
  expect(textProblems(list, "lab")).toEqual([]);
  expect(problemsOf([], [], "lab")).toHaveLength(1);
});

test("the table names the best evidence first", () => {
  const claims = ["docs/x.md", "packages/a/src/x.ts", "packages/bench/src/y.ts", "packages/a/test/x.test.ts"];
  const table = coverageTable(
    list,
    claims.map((file) => ({ id: "S0-001", file })),
    "lab",
  );
  const row = table.split("\n").find((line) => line.startsWith("| S0-001"));
  expect([...(row ?? "").matchAll(/(\w+) \[/g)].map(([, kind]) => kind)).toEqual([
    "test",
    "document",
    "source",
    "source",
  ]);
  expect(table).toContain("| S0-002 | two | open: later |");
  expect(table).toContain("load 1");
});

test("the list has every id once and in order", () => {
  const requirements = JSON.parse(
    readFileSync(new URL("../../docs/requirements.json", import.meta.url), "utf8"),
  ) as readonly Requirement[];
  expect(requirements.length).toBeGreaterThan(600);
  expect(orderProblems(requirements)).toEqual([]);
});

test("the last results hold the worst finding of each requirement, and what was measured without a rule", () => {
  const measurement = (metric: string, requirement: string[], platform = "mettle") => ({
    metric,
    tags: { platform },
    requirement,
  });
  const finding = (state: string, message: string, requirement: string[]) => ({ state, message, requirement });
  const run = {
    startedAt: "2026-01-02T03:04:05.000Z",
    profile: "ci",
    revision: { commit: "0123456789" },
    measurements: [
      measurement("a.time", ["S0-001"]),
      measurement("b.time", ["S0-001", "S0-002"]),
      measurement("c.time", ["S0-003"], "xstate"),
    ],
  };
  const findings = [
    finding("passed", "quick", ["S0-002"]),
    finding("failed", "slow", ["S0-002"]),
    finding("passed", "quick again", ["S0-002"]),
    finding("no-data", "nothing", ["S0-004"]),
    { ...finding("no-data", "nothing, and need not", ["S0-005"]), required: false },
  ];
  expect(lastResultsOf(run, { platform: "mettle", verdict: { findings } })).toEqual({
    at: run.startedAt,
    profile: "ci",
    platform: "mettle",
    commit: "0123456",
    results: {
      "S0-001": { state: "measured", because: "a.time, b.time" },
      "S0-002": { state: "failed", because: "slow" },
      "S0-004": { state: "failed", because: "nothing" },
      "S0-005": { state: "unmeasured", because: "nothing, and need not" },
    },
  });
});

test("the catalogue's table says of each requirement where it is measured, tested or open", () => {
  const own = ["S1-001", "S1-002", "S1-003"].map((id): Requirement => ({ id, owner: "agents" }));
  const claims = [
    ...claimsIn("packages/suites/src/catalogue/x.ts", "S1-001"),
    ...claimsIn("packages/agents/test/x.test.ts", "S1-001 S1-002"),
  ];
  const table = catalogueTable(own, claims, "agents", {
    at: "2026-01-02T03:04:05.000Z",
    profile: "ci",
    platform: "mettle",
    commit: "0123456",
    results: { "S1-001": { state: "passed", because: "a | b" } },
  });
  expect(table).toContain("1 measured, 1 tested, 0 documented, 1 open");
  expect(table).toMatch(/\| S1-001 \| measured \| \[packages\/suites.*passed: a \\\| b \|/);
  expect(table).toMatch(/\| S1-003 \| open \| {2}\| {2}\|/);
});
