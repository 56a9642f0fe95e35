import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Baton, makePipes, turnsOf } from "../src/relay.ts";

describe("turnsOf", () => {
  const plan = {
    seed: 7,
    blocks: 200,
    arms: ["a", "b"],
    sides: 3,
    reference: { arm: "control", every: 4 },
  };

  test("every arm runs on every side once a block, the reference in one block of four, on any side", () => {
    const turns = turnsOf(plan);
    const references = turns.filter(({ arm }) => arm === "control");
    expect(references.map(({ block }) => block)).toEqual(Array.from({ length: 50 }, (_, i) => 4 * i));
    expect(new Set(references.map(({ side }) => side))).toEqual(new Set([0, 1, 2]));
    for (let block = 0; block < plan.blocks; block++) {
      const here = turns.filter((turn) => turn.block === block);
      for (const arm of plan.arms) {
        const sides = here.filter((turn) => turn.arm === arm).map(({ side }) => side);
        expect(sides.toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
      }
    }
  });

  test("the same on every side, another order for another seed, and each side as often first as another", () => {
    expect(turnsOf(plan)).toEqual(turnsOf(plan));
    expect(turnsOf(plan)).not.toEqual(turnsOf({ ...plan, seed: 8 }));
    const first = [0, 0, 0];
    for (let block = 0; block < plan.blocks; block++) {
      const turn = turnsOf(plan).find((candidate) => candidate.block === block);
      first[turn?.side ?? -1]! += 1;
    }
    // Binomial(200, 1/3): 66.7 ± 4 standard deviations.
    for (const count of first) expect(Math.abs(count - 200 / 3)).toBeLessThan(27);
  });
});

describe("Baton", () => {
  let folder: string;
  let paths: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "mettle-relay-test-"));
    paths = ["one", "two", "three"].map((name) => join(folder, name));
    makePipes(paths);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("gathers, hands over, and ends for all; nothing is left in the pipes for the next relay", () => {
    const [one, two, three] = paths.map((_, place) => new Baton(paths, place)) as [Baton, Baton, Baton];
    for (let round = 0; round < 2; round++) {
      one.gather(1);
      three.gather(1);
      two.gather(1); // would block had the others not called
      two.pass(0);
      expect(one.receive()).toBe(true);
      one.end();
      expect(two.receive()).toBe(false);
      expect(three.receive()).toBe(false);
    }
    for (const baton of [one, two, three]) baton.close();
  });

  test("a folder that is not there is an error with a code", () => {
    expect(() => makePipes([join(folder, "missing", "pipe")])).toThrow(
      expect.objectContaining({ code: "BENCH_RELAY_UNSUPPORTED" }) as Error,
    );
  });
});
