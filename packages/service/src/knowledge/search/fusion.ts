/** What one way of searching found: the best first. */
export type Ranking = readonly Ranked[];

interface Ranked {
  readonly key: number;
  /** How much this way's opinion of it counts, 0…1. */
  readonly weight: number;
}

export interface Fused {
  readonly key: number;
  /** 1 when every ranking has it first with its full weight, towards 0 the later and the fewer. */
  readonly score: number;
}

/** How little the first places stand out. 60 in the paper, for lists of a thousand; chosen on relevance-set.ts for fifty. */
const damping = 10;

/**
 * One ranking out of several whose scores cannot be compared: each gives weight / (10 + rank). Equal ones stay in the order
 * of their keys.
 *
 * @see Cormack, Clarke & Büttcher, Reciprocal Rank Fusion outperforms Condorcet and individual rank learning methods (2009)
 */
export function fuseRankings(rankings: readonly Ranking[]): readonly Fused[] {
  const best = rankings.length / (damping + 1);
  const sums = new Map<number, number>();
  for (const ranking of rankings) {
    for (const [i, { key, weight }] of ranking.entries()) {
      sums.set(key, (sums.get(key) ?? 0) + weight / (damping + i + 1));
    }
  }
  return [...sums]
    .map(([key, sum]) => ({ key, score: sum / best }))
    .toSorted((a, b) => b.score - a.score || a.key - b.key);
}
