import { Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  assign,
  type Bandit,
  ChoiceKind,
  electChoice,
  FloatKind,
  type FloatOptions,
  TeamKind,
  type TeamOptions,
} from "../../src/index.ts";
import { betaSample } from "../../src/variables/choice.ts";

/** Lets the kind adapt to an objective; returns the values it went through. */
function run(kind: FloatKind, objective: (value: number) => number, cycles: number, seed = 1): number[] {
  const random = new Random(seed);
  const path = [kind.initial];
  for (let i = 0; i < cycles; i++) {
    const current = path.at(-1)!;
    const next = kind.learn({ performance: objective(current) }, current, random);
    path.push(next === undefined ? current : kind.accept(next)!);
  }
  return path;
}

const float = (options: Partial<FloatOptions> = {}): FloatKind =>
  new FloatKind({ min: 0, max: 10, direction: "maximise", ...options });

describe("FloatKind (S0-041)", () => {
  test.each([
    ["clamp", 12, 10],
    ["clamp", -3, 0],
    ["wrap", 12, 2],
    ["wrap", -3, 7],
    ["wrap", 10, 10],
    ["reject", 12, undefined],
    ["reject", 4, 4],
  ] as const)("%s: %d is kept as %d", (bounds, value, kept) => {
    expect(float({ bounds }).accept(value)).toBe(kept);
  });

  test.each([["4"], [Number.NaN], [Infinity], [null], [undefined]])("%j is no value", (value) => {
    expect(float().accept(value)).toBeUndefined();
  });

  test.each([1, 2, 3, 4, 5])("finds the top of a hill, and the bottom of a valley (seed %i)", (seed) => {
    const hill = run(float({ initial: 9 }), (x) => 100 - (x - 3) ** 2, 200, seed);
    expect(Math.abs(hill.at(-1)! - 3)).toBeLessThan(0.5);
    const valley = run(float({ initial: 1, direction: "minimise" }), (x) => 100 + (x - 7) ** 2, 200, seed);
    expect(Math.abs(valley.at(-1)! - 7)).toBeLessThan(0.5);
  });

  test("finds it through noise", () => {
    const ends = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => {
      const noise = new Random(seed + 100);
      return run(float({ initial: 9 }), (x) => 100 - (x - 3) ** 2 + noise.normal(), 400, seed).slice(-50);
    });
    const mean = ends.flat().reduce((sum, value) => sum + value, 0) / ends.flat().length;
    expect(Math.abs(mean - 3)).toBeLessThan(1);
  });

  test("with a gradient given it takes the steps that momentum asks for", () => {
    const kind = float({ initial: 5, strategy: "model" });
    const random = new Random(1);
    expect(kind.learn({ performance: 1, gradient: 20 }, 5, random)).toBeCloseTo(5.2, 12);
    expect(kind.learn({ performance: 1, gradient: 10 }, 5.2, random)).toBeCloseTo(5.2 + 0.9 * 0.2 + 0.1, 12);
    const down = float({ initial: 5, strategy: "model", direction: "minimise" });
    expect(down.learn({ performance: 1, gradient: 20 }, 5, random)).toBeCloseTo(4.8, 12);
  });

  test("velocity stays at most 10, a wall stops it", () => {
    const kind = float({ min: -1e6, max: 1e6, initial: 0, strategy: "model", learningRate: 1 });
    const random = new Random(1);
    for (let i = 0; i < 50; i++) kind.learn({ performance: 1, gradient: 1000 }, 0, random);
    expect(kind.velocity).toBe(10);
    expect(kind.learn({ performance: 1, gradient: 1000 }, 999_995, random)).toBe(1e6);
    expect(kind.velocity).toBe(0);
  });

  test.each([1000.1, -2000, Infinity])("a gradient of %d is an error, and halves the rate", (gradient) => {
    const kind = float({ strategy: "model" });
    expect(() => kind.learn({ performance: 1, gradient }, 5, new Random(1))).toThrow(
      expect.objectContaining({ code: "VARIABLE_GRADIENT_TOO_LARGE" }),
    );
    expect(kind.learningRate).toBe(0.005);
    expect(kind.learn({ performance: 1, gradient: 1000 }, 5, new Random(1))).toBe(10); // 5 + 0.005 × 1000
  });

  test("needs three points; then far under the mean leaps a tenth of the range, far over it half of that", () => {
    const leap = (third: number, costs: readonly number[] = [1, 1, 1]): number => {
      const kind = float({ min: 0, max: 100, initial: 50, learningRate: 1e-9 });
      const random = new Random(1);
      // The value rose and performance with it: uphill is up.
      expect(kind.learn({ performance: 100, cost: costs[0]! }, 50, random)).toBeUndefined();
      expect(kind.learn({ performance: 100.001, cost: costs[1]! }, 51, random)).toBeUndefined();
      return kind.learn({ performance: third, cost: costs[2]! }, third > 100 ? 52 : 49, random)!;
    };
    expect(leap(79)).toBeCloseTo(59, 5);
    expect(leap(81)).toBeCloseTo(49, 5);
    expect(leap(119)).toBeCloseTo(52, 5);
    expect(leap(121)).toBeCloseTo(57, 5);
    expect(leap(121, [1, 1, 1.1])).toBeCloseTo(52, 5);
  });

  test("economic: cost moves the best value", () => {
    const kind = float({ initial: 9, strategy: "economic", price: 2 });
    const random = new Random(3);
    let value = 9;
    for (let i = 0; i < 300; i++) {
      // Worth 100 − (x − 6)² − 2x at the most where x is 5.
      const next = kind.learn({ performance: 100 - (value - 6) ** 2, cost: value }, value, random);
      value = next === undefined ? value : kind.accept(next)!;
    }
    expect(Math.abs(value - 5)).toBeLessThan(0.5);
  });

  test("static keeps it, a strategy of one's own decides", () => {
    expect(run(float({ strategy: "static" }), (x) => x, 10).at(-1)).toBe(5);
    expect(run(float({ strategy: (_, current) => current + 1 }), (x) => x, 3)).toEqual([5, 6, 7, 8]);
  });

  test("all problems are told together", () => {
    expect(() => float({ min: 3, max: 3, momentum: 2, learningRate: 0 })).toThrow(/no range.*momentum.*learningRate/);
  });
});

describe("ChoiceKind (S0-042)", () => {
  const worth: Record<string, number> = { a: 0.3, b: 0.7, c: 0.5 };

  test.each(["epsilonGreedy", "ucb", "thompson"] satisfies Bandit[])("%s comes to choose the best", (bandit) => {
    let best = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const kind = new ChoiceKind({ choices: ["a", "b", "c"], bandit });
      const random = new Random(seed);
      let choice = kind.initial;
      for (let i = 0; i < 1000; i++) {
        const performance = random.uniform() < worth[choice]! ? 1 : 0;
        choice = kind.learn({ performance }, choice, random)!;
        if (i >= 500 && choice === "b") best += 1;
      }
    }
    // Seen: 0.91, 0.86, 0.99 of 5 000; chance is a third.
    expect(best / 5000).toBeGreaterThan(0.75);
  });

  test("reward is the weighted mean of what the feedback gives", () => {
    const reward = (feedback: { performance: number; cost?: number; reliability?: number }): number =>
      new ChoiceKind({ choices: ["a", "b"], performanceRange: [0, 10], costRange: [0, 4] }).worth(feedback);
    expect(reward({ performance: 8, cost: 1, reliability: 0.5 })).toBeCloseTo(0.5 * 0.8 + 0.3 * 0.75 + 0.2 * 0.5, 12);
    expect(reward({ performance: 8, cost: 1 })).toBeCloseTo((0.5 * 0.8 + 0.3 * 0.75) / 0.8, 12);
    expect(reward({ performance: 8 })).toBeCloseTo(0.8, 12);
    expect(reward({ performance: 80, cost: -1 })).toBe(1);
  });

  test("draws of Beta have its mean and variance", () => {
    const random = new Random(11);
    for (const [a, b] of [
      [1, 1],
      [2, 5],
      [40, 10],
    ] as const) {
      const draws = Array.from({ length: 20_000 }, () => betaSample(a, b, random));
      const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
      const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
      const expected = (a * b) / ((a + b) ** 2 * (a + b + 1));
      expect(Math.abs(mean - a / (a + b))).toBeLessThan(4 * Math.sqrt(expected / 20_000));
      expect(variance / expected).toBeGreaterThan(0.95);
      expect(variance / expected).toBeLessThan(1.05);
    }
  });

  test("accepts its choices only, by identity", () => {
    const kind = new ChoiceKind({ choices: [1, 2] });
    expect([kind.accept(1), kind.accept("1"), kind.accept(3), kind.accept(undefined)]).toEqual([
      1,
      undefined,
      undefined,
      undefined,
    ]);
    expect(() => new ChoiceKind({ choices: ["a", "a"], epsilon: 2 })).toThrow(/all different.*epsilon/);
  });

  test("votes elect by weight, the earlier choice among equals", () => {
    const choices = ["a", "b", "c"];
    expect(electChoice(choices, [{ choice: "b" }, { choice: "a" }, { choice: "b" }])).toBe("b");
    expect(electChoice(choices, [{ choice: "b" }, { choice: "b" }, { choice: "c", weight: 3 }])).toBe("c");
    expect(electChoice(choices, [{ choice: "c" }, { choice: "b" }])).toBe("b");
    expect(electChoice(choices, [{ choice: "x" }])).toBeUndefined();
  });
});

describe("assign", () => {
  const matrix = fc.record({ rows: fc.integer({ min: 1, max: 4 }), more: fc.nat(2) }).chain(({ rows, more }) =>
    fc.array(
      fc.array(fc.oneof({ weight: 5, arbitrary: fc.integer({ min: -9, max: 9 }) }, fc.constant(Infinity)), {
        minLength: rows + more,
        maxLength: rows + more,
      }),
      { minLength: rows, maxLength: rows },
    ),
  );

  test("as cheap as trying every assignment; none where there is none", () => {
    fc.assert(
      fc.property(matrix, (costs) => {
        let least = Infinity;
        const go = (row: number, used: ReadonlySet<number>, sum: number): void => {
          if (row === costs.length) {
            least = Math.min(least, sum);
            return;
          }
          for (const [column, cost] of costs[row]!.entries()) {
            if (!used.has(column)) go(row + 1, new Set([...used, column]), sum + cost);
          }
        };
        go(0, new Set(), 0);
        const assigned = assign(costs);
        if (least === Infinity) {
          expect(assigned).toBeUndefined();
          return;
        }
        expect(new Set(assigned).size).toBe(costs.length);
        expect(assigned!.reduce((sum, column, row) => sum + costs[row]![column]!, 0)).toBe(least);
      }),
      { numRuns: 500 },
    );
  });

  test("more rows than columns cannot be assigned", () => {
    expect(assign([[1], [1]])).toBeUndefined();
  });
});

describe("TeamKind (S0-043)", () => {
  const pool = [
    { agent: "ann", capabilities: ["plan", "code"], performance: 0.9, cost: 0.9 },
    { agent: "bob", capabilities: ["code"], performance: 0.6, cost: 0.2 },
    { agent: "cat", capabilities: ["plan"], performance: 0.5, cost: 0.1 },
    { agent: "dan", capabilities: ["test"], performance: 0.7, cost: 0.5 },
  ];
  const roles = [
    { role: "planner", capability: "plan" },
    { role: "coder", capability: "code" },
  ];
  const team = (options: Partial<TeamOptions> = {}): TeamKind => new TeamKind({ pool, roles, ...options });
  test("two roles of one name are refused: one member would fill both", () => {
    const twice = [{ role: "worker" }, { role: "worker" }];
    expect(() => team({ roles: twice })).toThrow(
      expect.objectContaining({ code: "OPTIONS_INVALID", details: { problems: ["a role is there twice"] } }),
    );
  });
  const names = (kind: TeamKind): (string | undefined)[] => (kind.form() ?? []).map(({ agent }) => agent);

  test.each([
    ["performance", ["ann", "bob"]],
    ["cost", ["cat", "bob"]],
    ["balanced", ["cat", "bob"]],
  ] as const)("%s: %j", (aim, members) => {
    expect(names(team({ aim }))).toEqual(members);
  });

  test("roles are filled as well as they can be together, not one after the other", () => {
    // The best planner is also the only coder.
    const few = pool.filter(({ agent }) => agent !== "bob");
    expect(names(team({ pool: few, aim: "performance" }))).toEqual(["cat", "ann"]);
  });

  test("capability: who could stand in for others", () => {
    expect(names(team({ aim: "capability", roles: [{ role: "any" }, ...roles], size: { min: 3, max: 3 } }))).toContain(
      "ann",
    );
  });

  test("further members up to the size, the least when it is about cost", () => {
    const size = { min: 3, max: 4 };
    expect(names(team({ aim: "performance", size }))).toEqual(["ann", "bob", "dan", "cat"]);
    expect(names(team({ aim: "cost", size }))).toEqual(["cat", "bob", "dan"]);
  });

  test("who becomes unavailable is replaced; a team that cannot be formed is none", () => {
    const kind = team({ aim: "performance" });
    expect(kind.setAvailable("bob", false)).toBe(true);
    expect(names(kind)).toEqual(["cat", "ann"]);
    kind.setAvailable("ann", false);
    expect(kind.form()).toBeUndefined();
    expect(kind.learn({ performance: 0.5 }, kind.initial, new Random(1))).toBeUndefined();
    expect(kind.setAvailable("nobody", true)).toBe(false);
  });

  test("members who do badly lose their place", () => {
    const kind = team({ aim: "performance", roles: roles.slice(0, 1) });
    let current = kind.initial;
    expect(current[0]!.agent).toBe("ann");
    for (let i = 0; i < 5; i++) current = kind.learn({ performance: 0 }, current, new Random(1))!;
    expect(current[0]!.agent).toBe("cat");
  });

  test("accepts teams that fit only", () => {
    const kind = team();
    expect(kind.accept(kind.initial)).toBe(kind.initial);
    const [planner, coder] = kind.initial;
    for (const wrong of [
      "ann",
      [],
      [planner, planner],
      [planner, { agent: "dan", role: "coder" }],
      [planner, { agent: "eve", role: "coder" }],
      [planner, null],
      [planner, { ...coder, role: "other" }],
    ]) {
      expect(kind.accept(wrong)).toBeUndefined();
    }
    expect(kind.magnitude(kind.initial, [planner!, { agent: "ann", role: "coder" }])).toBe(0.5);
  });

  test("a pool that cannot fill the roles is refused", () => {
    expect(() => team({ pool: pool.slice(1, 2) })).toThrow(/cannot fill/);
  });
});
