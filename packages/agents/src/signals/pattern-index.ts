import { parsePattern, type Pattern } from "./pattern.ts";
import { PatternTrie } from "./pattern-trie.ts";
import { checkSignalType } from "./signal-type.ts";

/** Default of {@link PatternIndexOptions.memo}; some 100 bytes a type, and more types than most systems have. */
export const defaultMemo = 4096;

export interface PatternIndexOptions<Item, Plan> {
  /** Turns the items that match a type into what the caller wants to find again; runs once per type and change. */
  readonly plan: (items: Item[]) => Plan;
  /** Types to remember; up to twice as many are held. */
  readonly memo: number;
}

/**
 * From signal type to a plan of who gets it: a memo over a trie.
 *
 * The memo has two generations. A type that is found in the old one moves to the young one; when the young one is full
 * it becomes the old one and the old one is forgotten. That is close to least-recently-used for one map access per hit.
 *
 * An exact pattern that comes or goes forgets its own type only; a pattern with wildcards forgets all.
 */
export class PatternIndex<Item, Plan> {
  readonly #trie = new PatternTrie<Item>();
  readonly #options: PatternIndexOptions<Item, Plan>;
  #young = new Map<string, Plan>();
  #old = new Map<string, Plan>();
  #misses = 0;

  constructor(options: PatternIndexOptions<Item, Plan>) {
    this.#options = options;
  }

  /** Items in the index. */
  get size(): number {
    return this.#trie.size;
  }

  /** Types remembered now. */
  get remembered(): number {
    return this.#young.size + this.#old.size;
  }

  /** Lookups that had to walk the trie. */
  get misses(): number {
    return this.#misses;
  }

  /** @throws MettleError `PATTERN_INVALID` */
  add(pattern: string | Pattern, item: Item): Pattern {
    const parsed = typeof pattern === "string" ? parsePattern(pattern) : pattern;
    this.#trie.add(parsed, item);
    this.#forget(parsed);
    return parsed;
  }

  remove(pattern: Pattern, item: Item): boolean {
    const removed = this.#trie.remove(pattern, item);
    if (removed) this.#forget(pattern);
    return removed;
  }

  /**
   * Hot: once per signal. The same object again for the same type until a pattern changes.
   *
   * @throws MettleError `SIGNAL_TYPE_INVALID`, found when the type is not remembered
   */
  find(type: string): Plan {
    const plan = this.#young.get(type);
    return plan === undefined ? this.#findElsewhere(type) : plan;
  }

  #findElsewhere(type: string): Plan {
    let plan = this.#old.get(type);
    if (plan === undefined) {
      checkSignalType(type);
      this.#misses += 1;
      plan = this.#options.plan(this.#trie.match(type));
    }
    if (this.#options.memo === 0) return plan;
    if (this.#young.size >= this.#options.memo) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(type, plan);
    return plan;
  }

  #forget(pattern: Pattern): void {
    if (pattern.exact) {
      this.#young.delete(pattern.text);
      this.#old.delete(pattern.text);
    } else if (this.remembered > 0) {
      this.#young = new Map();
      this.#old = new Map();
    }
  }
}
