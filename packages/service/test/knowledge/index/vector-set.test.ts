import fc from "fast-check";
import * as usearch from "usearch";
import { describe, expect, test } from "vitest";
import { Random } from "@mettle/core";
import { cosine, normalize } from "../../../src/knowledge/embedding/embedder.ts";
import { fromFloat16, toFloat16 } from "../../../src/knowledge/index/float16.ts";
import { ExactVectorSet, GraphVectorSet, newGraph, type VectorSet } from "../../../src/knowledge/index/vector-set.ts";

const dimensions = 32;
const graph = (): GraphVectorSet => new GraphVectorSet(newGraph(usearch, dimensions));
const vectorOf = (random: Random): Float32Array =>
  normalize(Float32Array.from({ length: dimensions }, () => random.normal()));
function flat(vectors: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(vectors.length * dimensions);
  for (const [i, vector] of vectors.entries()) all.set(vector, i * dimensions);
  return all;
}

describe.each([
  ["exact", (): VectorSet => new ExactVectorSet(dimensions)],
  ["graph", graph],
] as const)("%s", (_name, make) => {
  test("finds what is there after any order of additions, replacements and removals", () => {
    const step = fc.record({
      add: fc.boolean(),
      keys: fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 15 }), fc.integer({ min: 1, max: 1e6 }), (steps, seed) => {
        const random = new Random(seed);
        const set = make();
        const model = new Map<number, Float32Array>();
        for (const { add, keys } of steps) {
          if (add) {
            for (const key of keys) model.set(key, vectorOf(random));
            set.add(keys, flat(keys.map((key) => model.get(key) as Float32Array)));
          } else {
            for (const key of keys) model.delete(key);
            set.remove(keys);
          }
        }
        expect(set.size).toBe(model.size);
        const asked = vectorOf(random);
        const expected = [...model]
          .map(([key, vector]) => ({ key, score: cosine(asked, vector) }))
          .toSorted((a, b) => b.score - a.score);
        const found = set.search(asked, 5);
        expect(found.keys).toHaveLength(Math.min(5, model.size));
        for (const [i, score] of found.scores.entries()) expect(score).toBeCloseTo(expected[i]?.score ?? Number.NaN, 2);
        expect(new Set(found.keys).size).toBe(found.keys.length);
        for (const key of found.keys) expect(model.has(key)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

test("the graph's recall at 10 against exact search is above 0.95 (S4-098)", () => {
  // Unstructured vectors are the hardest there are: neighbours tell nothing of one another.
  const random = new Random(7);
  const count = 5000;
  const vectors = Array.from({ length: count }, () => vectorOf(random));
  const keys = vectors.map((_, i) => i + 1);
  const [near, exact] = [graph(), new ExactVectorSet(dimensions)];
  near.add(keys, flat(vectors));
  exact.add(keys, flat(vectors));
  let common = 0;
  for (let i = 0; i < 200; i++) {
    const asked = vectorOf(random);
    const right = new Set(exact.search(asked, 10).keys);
    common += near.search(asked, 10).keys.filter((key) => right.has(key)).length;
  }
  expect(common / 2000).toBeGreaterThan(0.95);
});

test("16 bits keep a vector's direction, wherever its bytes begin", () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }),
      fc.nat(3),
      (values, offset) => {
        const stored = toFloat16(Float32Array.from(values));
        const shifted = Buffer.concat([Buffer.alloc(offset), stored]).subarray(offset);
        const target = new Float32Array(6);
        fromFloat16(shifted, target, 1);
        for (const [i, value] of values.entries())
          expect(Math.abs((target[i + 1] as number) - value)).toBeLessThanOrEqual(0.0005);
      },
    ),
  );
});
