/** How often lexemes occur, for those that are frequent. */
export interface LexemeStatistics {
  /** Chunks of all tenants. */
  readonly chunks: number;
  /** Share of the chunks that have a lexeme, 0…1. One that is not listed is rarer than all that are. */
  readonly shares: ReadonlyMap<string, number>;
}

/** What to look for: any of the lexemes, or all of them. */
export interface LexemeQuery {
  readonly lexemes: readonly string[];
  readonly join: "any" | "all";
}

/** Chunks that one search looks at, at most about so many: it takes time for each. */
const budget = 1000;
const lexemesAtMost = 32;

/**
 * Which of a question's lexemes to look for: the rarest, as many as the budget allows, since a word that half of all chunks
 * have costs the most and tells the least. Where even the rarest is too frequent, the two rarest must occur together.
 */
export function chooseLexemes(asked: readonly string[], { chunks, shares }: LexemeStatistics): LexemeQuery {
  const rarestFirst = [...new Set(asked)]
    .map((lexeme) => ({ lexeme, share: shares.get(lexeme) ?? 0 }))
    .toSorted((a, b) => a.share - b.share)
    .slice(0, lexemesAtMost);
  const chosen: string[] = [];
  let expected = 0;
  for (const { lexeme, share } of rarestFirst) {
    expected += share * chunks;
    if (expected > budget) break;
    chosen.push(lexeme);
  }
  if (chosen.length > 0) return { lexemes: chosen, join: "any" };
  return { lexemes: rarestFirst.slice(0, 2).map(({ lexeme }) => lexeme), join: "all" };
}

/** As `to_tsquery` of the configuration `simple` reads it. Nothing in a lexeme can end its quotes. */
export const tsqueryOf = ({ lexemes, join }: LexemeQuery): string =>
  lexemes
    .map((lexeme) => `'${lexeme.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`)
    .join(join === "any" ? " | " : " & ");
