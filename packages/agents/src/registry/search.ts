import type { Column } from "./column.ts";
import { pageSlots, pageWords } from "./slot-set.ts";
import type { BetterTerm, Term } from "./term.ts";

const page = new Int32Array(pageWords);

/** The first slots that match, at most `limit`, in the order of slots. */
export function firstSlots(term: Term, slots: number, limit: number): number[] {
  const found: number[] = [];
  for (let index = 0; index * pageSlots < slots && found.length < limit; index++) {
    if (term.fill(index, page)) collect(index, limit, found);
  }
  return found;
}

/** Hot: the slots of the set bits. */
function collect(index: number, limit: number, found: number[]): void {
  for (let word = 0; word < pageWords; word++) {
    for (let rest = page[word]!; rest !== 0; rest &= rest - 1) {
      if (found.length >= limit) return;
      found.push(index * pageSlots + (word << 5) + 31 - Math.clz32(rest & -rest));
    }
  }
}

/** How many slots match. */
export function countSlots(term: Term, slots: number): number {
  let count = 0;
  for (let index = 0; index * pageSlots < slots; index++) {
    if (!term.fill(index, page)) continue;
    for (let word = 0; word < pageWords; word++) count += bitCount(page[word]!);
  }
  return count;
}

function bitCount(bits: number): number {
  const pairs = bits - ((bits >>> 1) & 0x5555_5555);
  const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** How slots are ranked: greater is better; a slot without a number comes last, and among equals the older one first. */
export interface Ranking {
  readonly column: Column | undefined;
  readonly descending: boolean;
  /** Registration of a slot. */
  readonly age: (slot: number) => number;
}

interface Ranked {
  readonly slot: number;
  readonly value: number;
  readonly age: number;
}

const byRank = (a: Ranked, b: Ranked): number => (a.value === b.value ? a.age - b.age : b.value - a.value);

/** Up to this many are kept sorted while searching, so that the worst of them shortens the search. */
const keptSorted = 128;

/**
 * The best slots that match, best first.
 *
 * @param better - part of `term`; told what the worst of the best is
 */
export function bestSlots(
  term: Term,
  better: BetterTerm | undefined,
  slots: number,
  limit: number,
  ranking: Ranking,
): number[] {
  const best: Ranked[] = [];
  if (limit === 0) return [];
  const sorted = limit <= keptSorted;
  for (let index = 0; index * pageSlots < slots; index++) {
    if (!term.fill(index, page)) continue;
    for (let word = 0; word < pageWords; word++) rankWord(index, word, limit, ranking, sorted, best);
    if (better !== undefined && sorted && best.length === limit) better.worst = best[limit - 1]!.value;
  }
  if (!sorted) best.sort(byRank);
  return (best.length > limit ? best.slice(0, limit) : best).map(({ slot }) => slot);
}

/** Hot: offers the slots of one word to the best so far. */
function rankWord(
  index: number,
  word: number,
  limit: number,
  { column, descending, age }: Ranking,
  sorted: boolean,
  best: Ranked[],
): void {
  for (let rest = page[word]!; rest !== 0; rest &= rest - 1) {
    const slot = index * pageSlots + (word << 5) + 31 - Math.clz32(rest & -rest);
    const amount = column === undefined ? Number.NaN : column.get(slot);
    const value = Number.isNaN(amount) ? Number.NEGATIVE_INFINITY : descending ? amount : -amount;
    if (sorted && best.length === limit && value < best[limit - 1]!.value) continue;
    const candidate = { slot, value, age: age(slot) };
    if (sorted) insert(best, candidate, limit);
    else best.push(candidate);
  }
}

function insert(best: Ranked[], candidate: Ranked, limit: number): void {
  let at = best.length;
  while (at > 0 && byRank(candidate, best[at - 1]!) < 0) at -= 1;
  if (at >= limit) return;
  best.splice(at, 0, candidate);
  if (best.length > limit) best.pop();
}
