import type { TagSet, Tags } from "./recorder.ts";

/** The tag set of everything beyond the cap. */
export const OTHER: TagSet = 0;

/**
 * Interns sets of tags: equal sets get one number. Memory is bounded: beyond `cap` sets, the tags that matter to results
 * (`essential`) are kept and the others dropped; should even those be too many, only the pairs that are asked for by name
 * and value (`wanted`) are kept, of which there are few. Where none is left it is `OTHER`.
 */
export class TagSets {
  readonly #byWritten = new Map<string, TagSet>();
  readonly #byMeaning = new Map<string, TagSet>();
  readonly #sets: Tags[] = [{}];
  readonly #cap: number;
  readonly #essential: ReadonlySet<string>;
  readonly #wanted: ReadonlySet<string>;
  /** Sets that lost tags to the cap: asked for, not distinct. */
  overflowed = 0;

  constructor(cap: number, essential: Iterable<string>, wanted: readonly Tags[] = []) {
    this.#cap = cap;
    this.#essential = new Set(essential);
    this.#wanted = new Set(wanted.flatMap((tags) => Object.entries(tags).map(([name, value]) => pairKey(name, value))));
  }

  get size(): number {
    return this.#sets.length;
  }

  tags(set: TagSet): Tags {
    return this.#sets[set] ?? {};
  }

  /** Hot: once per distinct combination that a caller does not keep. The key is in the order written; no sorting. */
  intern(tags: Tags): TagSet {
    let written = "";
    for (const name in tags) written += `${name}\u0000${tags[name]}\u0001`;
    const known = this.#byWritten.get(written);
    return known === undefined ? this.#add(tags, written) : known;
  }

  #add(tags: Tags, written: string): TagSet {
    const pairs = Object.entries(tags);
    const known = this.#byMeaning.get(meaningOf(pairs));
    if (known !== undefined) {
      // The orders of writing are as unbounded as the tags; twice the cap is plenty for programs.
      if (this.#byWritten.size < 2 * this.#cap) this.#byWritten.set(written, known);
      return known;
    }
    if (this.#sets.length < this.#cap) {
      const set = this.#store(pairs);
      this.#byWritten.set(written, set);
      return set;
    }
    this.overflowed += 1;
    const kept = pairs.filter(([name]) => this.#essential.has(name));
    const reduced = this.#byMeaning.get(meaningOf(kept));
    if (reduced !== undefined) return reduced;
    if (this.#sets.length < 2 * this.#cap) return this.#store(kept);
    const asked = kept.filter(([name, value]) => this.#wanted.has(pairKey(name, value)));
    if (asked.length === 0) return OTHER;
    return this.#byMeaning.get(meaningOf(asked)) ?? this.#store(asked);
  }

  #store(pairs: readonly (readonly [string, string])[]): TagSet {
    const set = this.#sets.length;
    this.#sets.push(Object.fromEntries(pairs));
    this.#byMeaning.set(meaningOf(pairs), set);
    return set;
  }
}

const pairKey = (name: string, value: string): string => `${name}\u0000${value}`;

function meaningOf(pairs: readonly (readonly [string, string])[]): string {
  return pairs
    .map(([name, value]) => pairKey(name, value))
    .sort()
    .join("\u0001");
}
