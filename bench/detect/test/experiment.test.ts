import { expect, test } from "vitest";
import { tabulate } from "../report.ts";
import { countTrials, schedule } from "../schedule.ts";
import { type Cell, cellKey, linesOf, pairs, parseLines, type Trial } from "../trial.ts";
import { makeArm, turnsOf } from "../workloads.ts";

const cell: Cell = { harness: "tinybench", workload: "compute", pair: "aa", mode: "together", settings: "default" };
const plan = {
  cells: pairs.map((pair) => ({ ...cell, pair })),
  trials: 4,
  seconds: 10,
  minutes: 1,
  seed: 7,
  out: "",
};

function trialOf(pair: Cell["pair"], at: string, ratio: number, flagged: boolean): Trial {
  const decision = { ratio, p: flagged ? 0.001 : 0.5, flagged, flaggedBeyondMargin: flagged };
  return {
    ...cell,
    pair,
    at,
    candidateFirst: false,
    seconds: 3,
    load: 1,
    decisions: [
      { ...decision, test: "welch" },
      { ...decision, test: "rank", flagged: false },
    ],
  };
}

test("the slow-down is exact in turns", () => {
  expect([turnsOf("compute", "base"), turnsOf("compute", "plus1"), turnsOf("compute", "plus2")]).toEqual([
    10_800, 10_908, 11_016,
  ]);
  expect(turnsOf("allocate", "plus2") - turnsOf("allocate", "base")).toBe(8);
  expect(turnsOf("allocate", "twin")).toBe(turnsOf("allocate", "base"));
});

test("the twin computes what base computes and shares no function with it", () => {
  for (const workload of ["compute", "allocate"] as const) {
    const [base, twin, plus2] = [makeArm(workload, "base"), makeArm(workload, "twin"), makeArm(workload, "plus2")];
    const firstCalls = (call: () => number): number[] => Array.from({ length: 5 }, () => call());
    expect(base.toString()).not.toBe(twin.toString());
    const results = firstCalls(base);
    expect(firstCalls(twin)).toEqual(results);
    expect(firstCalls(plus2)).not.toEqual(results);
  }
});

test("every round holds every cell once; the same seed gives the same order; both sides go first", () => {
  const requests = schedule(plan, new Map());
  expect(schedule(plan, new Map())).toEqual(requests);
  for (let round = 0; round < 4; round++) {
    const inRound = requests.slice(round * 3, round * 3 + 3).map(cellKey);
    expect(new Set(inRound).size).toBe(3);
  }
  expect(new Set(schedule({ ...plan, trials: 20 }, new Map()).map((request) => request.candidateFirst)).size).toBe(2);
});

test("what the file holds is not made again, and the rest is the same as without a break", () => {
  const [first, second] = pairs.map((pair) => cellKey({ ...cell, pair }));
  const made = new Map([
    [first!, 4],
    [second!, 1],
  ]);
  const rest = schedule(plan, made);
  expect(rest.filter((request) => request.pair === "aa")).toEqual([]);
  expect(rest.filter((request) => request.pair === "1%")).toEqual(
    schedule(plan, new Map())
      .filter((request) => request.pair === "1%")
      .slice(1),
  );
});

test("a trial is counted once however many tests decided it, and a line cut short is not read", () => {
  const lines = [trialOf("aa", "t1", 1, false), trialOf("aa", "t2", 1.1, true)].flatMap(linesOf);
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  expect(parseLines(`${text}{"harness":"tiny`)).toEqual(lines);
  expect(countTrials(parseLines(text)).get(cellKey(cell))).toBe(2);
});

test("the table counts false alarms either way, and finds only when the claim is slower", () => {
  const trials = [
    trialOf("aa", "1", 0.9, true),
    trialOf("aa", "2", 1, false),
    trialOf("2%", "3", 1.02, true),
    trialOf("2%", "4", 0.9, true),
  ];
  const { columns, rows } = tabulate(trials.flatMap(linesOf));
  const row = rows.find((cells) => cells[columns.indexOf("test")] === "welch");
  expect(row?.[columns.indexOf("A/A flagged")]).toMatch(/^1\/2 /);
  expect(row?.[columns.indexOf("2 % found")]).toMatch(/^1\/2 /);
  expect(row?.[columns.indexOf("1 % found")]).toBe("");
});
