import { ms, systemClock } from "@mettle/core";
import { expect, test } from "vitest";
import { KnowledgeBase, type KnowledgeBaseOptions, type SearchAnswer } from "../../src/knowledge/knowledge-base.ts";
import { TwoLevelCache } from "../../src/storage/cache.ts";

test("who asks the same at once gets an answer, also when the first who asked has gone", async () => {
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<readonly Float32Array[]>();
  const way = {
    embedder: {
      model: "m",
      embed: (_texts: readonly string[], signal?: AbortSignal) => {
        asked.resolve();
        signal?.addEventListener("abort", () => answered.reject(signal.reason), { once: true });
        return answered.promise;
      },
    },
    index: { search: async () => ({ keys: [], scores: [] }) },
  };
  using answers = new TwoLevelCache<SearchAnswer>({ max: 10, lifetime: ms(1000), absentLifetime: ms(0) });
  const knowledge = new KnowledgeBase({
    meaning: { current: way, standing: async () => ({ version: 1, way }) },
    texts: { search: async () => [] },
    store: { chunks: async () => [] },
    answers,
    clock: systemClock,
  } as unknown as KnowledgeBaseOptions);
  const question = { tenantId: "t", text: "what is it", limit: 5 };
  const gone = new AbortController();
  const both = [knowledge.search(question, gone.signal), knowledge.search(question)];
  await asked.promise;
  gone.abort();
  answered.resolve([new Float32Array(1)]);
  expect((await Promise.allSettled(both)).at(-1)).toMatchObject({
    status: "fulfilled",
    value: { ways: "meaning and words" },
  });
});
