import { describe, expect, test } from "vitest";
import { burnNow, burnRates, worstSpent } from "../../src/live/live-burn.ts";
import { LiveModel } from "../../src/live/live-model.ts";
import type { LiveStanding, SpendingRow } from "../../src/live/wire.ts";

const RULE = 3;
/** Seconds with so many bad of so many, where 1 % is allowed. */
const spending = (seconds: readonly (readonly [bad: number, total: number] | undefined)[]): SpendingRow[][] =>
  seconds.map((second) => (second ? [[RULE, 0.01, ...second]] : []));

function modelOf(seconds: SpendingRow[][]): LiveModel {
  const model = new LiveModel();
  seconds.forEach((rows, i) => {
    model.tick({ seq: i + 1, atMs: 1000 * (i + 1), second: [], slots: [], spending: rows });
  });
  model.standing = standingOf([RULE, 7]);
  return model;
}

/** With rules of these places, all held. */
const standingOf = (places: readonly number[]): LiveStanding => ({
  phase: 0,
  plannedMs: null,
  iterations: null,
  cpuShare: null,
  lateP99Ns: null,
  validity: "valid",
  reasons: [],
  rules: places.map((place) => [0, "held", null, null, null, null, place, null, 0]),
  ruleCounts: { missed: 0, held: places.length, all: places.length },
  operations: [],
  operationCount: 0,
  errors: [],
});

describe("how fast a budget burns", () => {
  test("is the share that went wrong in a window over the share that may: by counting each window anew", () => {
    const seconds = spending(
      Array.from({ length: 40 }, (_, i) => (i % 7 === 3 ? undefined : ([(i * 5) % 11, 50 + (i % 4)] as const))),
    );
    for (const [from, to, window] of [
      [0, 40, 5],
      [10, 30, 5],
      [10, 30, 60],
      [39, 40, 1],
    ] as const) {
      const expected = Array.from({ length: to - from }, (_, k) => {
        const rows = seconds.slice(Math.max(0, from + k - window + 1), from + k + 1).flat();
        const [bad, total] = [2, 3].map((column) => rows.reduce((sum, row) => sum + (row[column] ?? 0), 0));
        return total === 0 ? null : (bad ?? 0) / (total ?? 1) / 0.01;
      });
      const rates = burnRates(seconds, RULE, window, from, to);
      expect(rates).toHaveLength(expected.length);
      rates.forEach((rate, i) => {
        const wanted = expected[i] ?? null;
        if (wanted === null) expect(rate).toBeNull();
        else expect(rate).toBeCloseTo(wanted, 9);
      });
    }
  });

  test("at exactly what is allowed it is 1; without an end of anything it is not known", () => {
    expect(burnRates(spending([[1, 100]]), RULE, 5, 0, 1)).toEqual([1]);
    expect(burnRates(spending([[0, 0], undefined]), RULE, 5, 0, 2)).toEqual([null, null]);
    expect(burnRates(spending([[1, 100]]), RULE + 1, 5, 0, 1)).toEqual([null]);
  });

  test("the worst rule is the one with most of its budget gone over the whole run, whatever burns now", () => {
    const other: SpendingRow = [7, 0.5, 40, 100];
    const seconds = [
      ...spending([[30, 100]]),
      ...Array.from({ length: 70 }, (): SpendingRow[] => [[RULE, 0.01, 0, 1]]),
    ];
    const model = modelOf(seconds.map((rows) => [other, ...rows]));
    expect(worstSpent(model)).toEqual({ rule: RULE, allowed: 0.01, bad: 30, total: 170 });
    expect(burnNow(model, RULE)).toBe(0);
    expect(burnNow(model, 7)).toBeCloseTo(0.8, 9);
    expect(burnNow(model, 99)).toBeUndefined();
    expect(worstSpent(new LiveModel())).toBeUndefined();
    model.standing = standingOf([7]);
    expect(worstSpent(model)?.rule, "one that is not shown any more").toBe(7);
  });
});
