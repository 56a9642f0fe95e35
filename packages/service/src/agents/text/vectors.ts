import type { Sentence } from "./sentences.ts";

export type Vector = ReadonlyMap<string, number>;
export type Vectors = ReadonlyMap<Sentence, Vector>;

/** Terms by frequency and rarity, each vector of length 1; empty for a sentence without meaning of its own. */
export function vectorsOf(sentences: readonly Sentence[]): Vectors {
  const occurrences = new Map<string, number>();
  for (const { terms } of sentences) {
    for (const term of new Set(terms)) occurrences.set(term, (occurrences.get(term) ?? 0) + 1);
  }
  const rarity = (term: string): number => Math.log(1 + sentences.length / (occurrences.get(term) ?? 1));
  return new Map(
    sentences.map((sentence) => {
      const counts = new Map<string, number>();
      for (const term of sentence.terms) counts.set(term, (counts.get(term) ?? 0) + rarity(term));
      const length = Math.hypot(...counts.values());
      return [sentence, new Map([...counts].map(([term, value]) => [term, value / length]))];
    }),
  );
}

/** The cosine of the angle between two, 0…1. */
export function similarity(a: Vector, b: Vector): number {
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  let sum = 0;
  for (const [term, value] of small) sum += value * (large.get(term) ?? 0);
  return sum;
}
