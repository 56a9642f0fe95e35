import { ManualClock, ms, Random } from "@mettle/core";
import { describe, expect, test } from "vitest";
import {
  FloatKind,
  type OptimizationOutcome,
  TimerWheel,
  Variable,
  VariableCoordinator,
  type VariableOptions,
} from "../../src/index.ts";

function setUp(names: readonly string[] = ["x", "y", "z"], options: Partial<VariableOptions<number>> = {}) {
  const clock = new ManualClock();
  const timers = new TimerWheel(clock);
  const outcomes: (OptimizationOutcome | { error: unknown })[] = [];
  const coordinator = new VariableCoordinator({
    timers,
    random: new Random(1),
    optimized: (outcome) => outcomes.push(outcome),
  });
  const variables = names.map((name) => {
    const variable = new Variable<number>({
      name,
      kind: new FloatKind({ min: 0, max: 10, direction: "maximise", bounds: "reject" }),
      environment: { clock, timers, random: new Random(1), node: "n", emit: () => undefined },
      ...options,
    });
    coordinator.register(variable);
    return variable;
  });
  return { clock, coordinator, variables, outcomes };
}

const codeOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return (error as { code: unknown }).code;
  }
  return undefined;
};

describe("VariableCoordinator", () => {
  test("a batch changes all or none (S3-010)", () => {
    const { coordinator, variables } = setUp();
    coordinator.update(
      [
        { variable: "x", value: 1 },
        { variable: "y", value: 2 },
      ],
      "me",
    );
    expect(coordinator.values()).toEqual({ x: 1, y: 2, z: 5 });
    const wrong = [
      { variable: "x", value: 9 },
      { variable: "y", value: 11 },
    ];
    expect(codeOf(() => coordinator.update(wrong, "me"))).toBe("VARIABLE_VALUE_INVALID");
    expect(
      codeOf(() =>
        coordinator.update(
          [
            { variable: "x", value: 9 },
            { variable: "?", value: 1 },
          ],
          "me",
        ),
      ),
    ).toBe("VARIABLE_UNKNOWN");
    expect(variables.map(({ generation }) => generation)).toEqual([1, 1, 0]);
  });

  test("two values for one variable are a conflict: the later one is taken, and it is said", () => {
    const { coordinator } = setUp();
    const updates = [
      { variable: "x", value: 1 },
      { variable: "x", value: 3 },
      { variable: "x", value: 3 },
    ];
    const { conflicts, applied } = coordinator.update(updates, "me");
    expect(conflicts).toEqual([{ variable: "x", kept: 3, dropped: 1 }]);
    expect(applied).toMatchObject([{ variable: "x", change: { state: "committed", value: 3 } }]);
  });

  test("derived variables follow, in the order of their dependencies", () => {
    const { coordinator } = setUp(["a", "b", "c", "d"]);
    coordinator.depend({ variable: "d", on: ["b", "c"], derive: ({ b, c }) => Number(b) + Number(c) });
    coordinator.depend({ variable: "b", on: ["a"], derive: ({ a }) => Number(a) * 2 });
    coordinator.depend({ variable: "c", on: ["a"], derive: ({ a }) => Number(a) + 1 });
    const { applied } = coordinator.update([{ variable: "a", value: 2 }], "me");
    expect(coordinator.values()).toEqual({ a: 2, b: 4, c: 3, d: 7 });
    expect(applied.at(-1)!.variable).toBe("d");
    expect(codeOf(() => coordinator.update([{ variable: "a", value: 4 }], "me"))).toBe("VARIABLE_VALUE_INVALID");
    expect(coordinator.values()).toEqual({ a: 2, b: 4, c: 3, d: 7 });
  });

  test("a cycle is refused and named, and leaves what was there", () => {
    const { coordinator } = setUp();
    const derive = (): number => 1;
    coordinator.depend({ variable: "y", on: ["x"], derive });
    coordinator.depend({ variable: "z", on: ["y"], derive });
    expect(() => coordinator.depend({ variable: "x", on: ["z"], derive })).toThrow(/: y → x → z → y\./);
    expect(codeOf(() => coordinator.depend({ variable: "x", on: ["x"], derive }))).toBe("VARIABLE_DEPENDENCY_CYCLE");
    coordinator.update([{ variable: "x", value: 3 }], "me");
    expect(coordinator.values()).toEqual({ x: 3, y: 1, z: 1 });
  });

  test("constraints hold for the batch as a whole, derived values included", () => {
    const { coordinator } = setUp();
    const sum = {
      name: "sum",
      variables: ["x", "y"],
      holds: ({ x, y }: Record<string, unknown>) => Number(x) + Number(y) <= 10,
    };
    coordinator.constrain(sum);
    expect(codeOf(() => coordinator.update([{ variable: "x", value: 6 }], "me"))).toBe("VARIABLE_CONSTRAINT_VIOLATED");
    coordinator.update(
      [
        { variable: "x", value: 9 },
        { variable: "y", value: 1 },
      ],
      "me",
    );
    coordinator.depend({ variable: "y", on: ["z"], derive: ({ z }) => z });
    expect(codeOf(() => coordinator.update([{ variable: "z", value: 4 }], "me"))).toBe("VARIABLE_CONSTRAINT_VIOLATED");
    expect(coordinator.values()).toEqual({ x: 9, y: 1, z: 5 });
    expect(codeOf(() => coordinator.constrain({ name: "never", variables: ["x"], holds: () => false }))).toBe(
      "VARIABLE_CONSTRAINT_VIOLATED",
    );
    expect(coordinator.unconstrain("sum")).toBe(true);
    coordinator.update([{ variable: "z", value: 4 }], "me");
  });

  test("a locked variable stops the whole batch", () => {
    const { coordinator, variables } = setUp(["x", "y"], { scope: "cluster", affected: ["a"] });
    variables[1]!.change(1, "someone");
    const updates = [
      { variable: "x", value: 1 },
      { variable: "y", value: 2 },
    ];
    expect(codeOf(() => coordinator.update(updates, "me"))).toBe("VARIABLE_LOCKED");
    expect(variables[0]!.lock).toBe("unlocked");
  });

  test("so does one whose node is cut off", () => {
    const { coordinator, variables } = setUp(["x", "y"], { scope: "cluster", sync: "eventual" });
    variables[1]!.setConnected(false);
    const updates = [
      { variable: "x", value: 1 },
      { variable: "y", value: 2 },
    ];
    expect(codeOf(() => coordinator.update(updates, "me"))).toBe("VARIABLE_PARTITIONED");
    expect(variables[0]!.generation).toBe(0);
  });

  test("names are unique; what is read by others stays", () => {
    const { coordinator, variables } = setUp();
    expect(codeOf(() => coordinator.register(variables[0]!))).toBe("VARIABLE_EXISTS");
    coordinator.depend({ variable: "y", on: ["x"], derive: () => 1 });
    expect(() => coordinator.unregister("x")).toThrow(/still read by y/);
    coordinator.unregister("y");
    coordinator.unregister("x");
    expect(coordinator.values()).toEqual({ z: 5 });
  });

  const worth = (values: Record<string, unknown>): number =>
    -((Number(values["x"]) - 2) ** 2) -
    (Number(values["y"]) - 8) ** 2 -
    0.1 * (Number(values["x"]) - Number(values["y"])) ** 2;
  const neighbours = (_name: string, value: unknown): number[] =>
    [-1, -0.1, 0.1, 1].map((step) => Number(value) + step);

  test("global optimization finds the best of all together, within constraints", () => {
    const { coordinator, variables } = setUp(["x", "y"]);
    const { before, after, changed } = coordinator.optimize({ worth, neighbours, evaluations: 5000 });
    // Where the slope is 0: 1.1 x − 0.1 y = 2 and 1.1 y − 0.1 x = 8, so x = 2.5 and y = 7.5.
    expect(variables[0]!.value).toBeCloseTo(2.5, 1);
    expect(variables[1]!.value).toBeCloseTo(7.5, 1);
    expect(after).toBeGreaterThan(before);
    expect(changed.toSorted()).toEqual(["x", "y"]);
    const narrow = setUp(["x", "y"]);
    narrow.coordinator.constrain({
      name: "gap",
      variables: ["x", "y"],
      holds: ({ x, y }) => Number(y) - Number(x) <= 2,
    });
    narrow.coordinator.optimize({ worth, neighbours, evaluations: 5000 });
    expect(narrow.variables[1]!.value - narrow.variables[0]!.value).toBeLessThanOrEqual(2);
    expect(narrow.variables[0]!.generation).toBe(1); // one batch, not a change for each step
  });

  test("every thirty seconds, within its evaluations, until it is stopped", async () => {
    const { clock, coordinator, outcomes } = setUp(["x", "y"]);
    let calls = 0;
    const optimization = {
      worth: (values: Record<string, unknown>) => ((calls += 1), worth(values)),
      neighbours,
      evaluations: 40,
    };
    coordinator.optimizeEvery(optimization);
    await clock.advance(ms(29_999));
    expect(calls).toBe(0);
    await clock.advance(ms(1));
    expect([calls, outcomes.length]).toEqual([40, 1]);
    await clock.advance(ms(60_000));
    expect(outcomes).toHaveLength(3);
    expect(outcomes[2]).toMatchObject({ before: (outcomes[1] as OptimizationOutcome).after });
    coordinator.stopOptimizing();
    await clock.advance(ms(60_000));
    expect(outcomes).toHaveLength(3);
  });

  test("a search that fails is told, and tried again", async () => {
    const { clock, coordinator, outcomes } = setUp(["x"]);
    coordinator.optimizeEvery({
      worth: () => {
        throw new Error("no model");
      },
      neighbours,
    });
    await clock.advance(ms(60_000));
    expect(outcomes).toEqual([{ error: new Error("no model") }, { error: new Error("no model") }]);
  });
});
