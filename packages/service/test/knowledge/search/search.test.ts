import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assembleContext, estimatedTokens } from "../../../src/knowledge/search/context.ts";
import { fuseRankings } from "../../../src/knowledge/search/fusion.ts";
import type { SearchHit } from "../../../src/knowledge/search/hit.ts";
import { chooseLexemes, tsqueryOf } from "../../../src/knowledge/search/lexemes.ts";

describe("reciprocal rank fusion", () => {
  const all = (keys: readonly number[]): { key: number; weight: number }[] => keys.map((key) => ({ key, weight: 1 }));

  test("by the formula", () => {
    const fused = fuseRankings([
      all([7, 8]),
      [
        { key: 8, weight: 0.5 },
        { key: 9, weight: 1 },
      ],
    ]);
    const best = 2 / 11;
    expect(fused).toEqual([
      { key: 8, score: expect.closeTo((1 / 12 + 0.5 / 11) / best, 12) as number },
      { key: 7, score: expect.closeTo(1 / 11 / best, 12) as number },
      { key: 9, score: expect.closeTo(1 / 12 / best, 12) as number },
    ]);
  });

  test("first in every ranking is 1, and what leads everywhere leads", () => {
    const rankings = fc.array(fc.uniqueArray(fc.nat(50), { minLength: 1 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(rankings, (given) => {
        const fused = fuseRankings(given.map((ranking) => all([99, ...ranking])));
        expect(fused[0]).toEqual({ key: 99, score: expect.closeTo(1, 12) as number });
        expect(fused.every(({ score }) => score > 0 && score <= 1 + 1e-12)).toBe(true);
        expect(new Set(fused.map(({ key }) => key))).toEqual(new Set([99, ...given.flat()]));
      }),
    );
  });
});

describe("which words to look for", () => {
  const statistics = {
    chunks: 1_000_000,
    shares: new Map([
      ["data", 0.3],
      ["pool", 0.0002],
      ["connect", 0.0005],
      ["time", 0.2],
    ]),
  };
  test("the rarest that the budget allows", () => {
    expect(chooseLexemes(["data", "pool", "zephyrion", "connect"], statistics)).toEqual({
      lexemes: ["zephyrion", "pool", "connect"],
      join: "any",
    });
  });
  test("where all are frequent, two together", () => {
    expect(chooseLexemes(["data", "time"], statistics)).toEqual({ lexemes: ["time", "data"], join: "all" });
    expect(chooseLexemes(["data"], statistics)).toEqual({ lexemes: ["data"], join: "all" });
  });
  test("all of them while there is little", () => {
    expect(chooseLexemes(["data", "time"], { ...statistics, chunks: 1000 }).lexemes).toHaveLength(2);
  });
  test("quotes hold", () => {
    expect(tsqueryOf({ lexemes: ["a'b", "c\\", "' | d"], join: "any" })).toBe("'a''b' | 'c\\\\' | ''' | d'");
  });
});

describe("context (S4-101)", () => {
  const hit = (documentId: string, number: number, text: string, more: Partial<SearchHit> = {}): SearchHit => ({
    key: number,
    documentId,
    title: `T${documentId}`,
    category: null,
    number,
    text,
    heading: null,
    page: null,
    score: 1 - number / 100,
    similarity: 0.5,
    ...more,
  });

  test("joins neighbours, leaves out repetitions, cites what is there", () => {
    const shared = " It is damp in the valley.";
    const { text, citations, leftOut } = assembleContext(
      [
        hit("a", 2, `Mills grind wheat.${shared}`),
        hit("b", 1, "Trains leave at seven.", { heading: "Travel", page: 4 }),
        hit("a", 3, `${shared} Bakers make bread.`),
        hit("c", 9, "Trains leave at seven."),
        hit("a", 1, "A river runs here."),
      ],
      1000,
    );
    expect(text).toBe(
      "[1] Ta\nA river runs here.\nMills grind wheat. It is damp in the valley. Bakers make bread.\n\n[2] Tb, Travel, page 4\nTrains leave at seven.",
    );
    expect(citations).toMatchObject([
      { number: 1, documentId: "a", chunks: [1, 3] },
      { number: 2, documentId: "b", heading: "Travel", page: 4, chunks: [1, 1] },
    ]);
    expect(leftOut).toBe(1);
  });

  test("keeps to its budget whatever is found, and what is smaller may still fit", () => {
    const hits = fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.nat(5), fc.string({ minLength: 1, maxLength: 300 })), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(hits, fc.integer({ min: 10, max: 300 }), (found, budget) => {
        const context = assembleContext(
          found.map(([id, number, text]) => hit(id, number, text)),
          budget,
        );
        expect(context.tokens).toBeLessThanOrEqual(budget);
        expect(context.citations.map(({ number }) => number)).toEqual(context.citations.map((_, i) => i + 1));
        for (const { number } of context.citations) expect(context.text).toContain(`[${number}] T`);
      }),
    );
    expect(assembleContext([hit("a", 1, "x ".repeat(1000)), hit("b", 1, "small")], 50).citations).toMatchObject([
      { documentId: "b" },
    ]);
  });

  test("tokens are estimated from above", () => {
    // Counts of the cl100k tokenizer, for orientation: 10, 4 and 9.
    expect(estimatedTokens("The quick brown fox jumps over the lazy dog.")).toBeGreaterThanOrEqual(10);
    expect(estimatedTokens("internationalization")).toBeGreaterThanOrEqual(4);
    expect(estimatedTokens("知識ベースを検索する")).toBeGreaterThanOrEqual(9);
  });
});
