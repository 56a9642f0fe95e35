/** The known word nearest to a misspelt one, when it is near enough to be what was meant. */
export function suggest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  const isNear = best && best.distance <= Math.max(1, Math.floor(best.candidate.length / 3));
  // One that shares no letter with the word is no misspelling of it: 4 is not a 1 mistyped.
  if (isNear && best.distance < Math.max(word.length, best.candidate.length)) return best.candidate;
  return word.length >= 3 ? known.find((candidate) => candidate.startsWith(word)) : undefined;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment) from one to the other. */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      const options = [(last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1)];
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (swapped) options.push((beforeLast[j - 2] ?? 0) + 1);
      row.push(Math.min(...options));
    }
    beforeLast = last;
    last = row;
  }
  return last[to.length] ?? 0;
}

export const didYouMean = (word: string, known: readonly string[], prefix = ""): string => {
  const found = suggest(word, known);
  return found === undefined ? "" : ` Did you mean ${prefix}${found}?`;
};
