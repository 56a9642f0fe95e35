import type { Pattern } from "./pattern.ts";

const FEW_ITEMS = 64;

/** A place in the trie: what stands behind one start of a pattern. */
class TrieNode<Item> {
  /** Behind each literal word; absent at the many ends of patterns, which have none. */
  literals: Map<string, TrieNode<Item>> | undefined = undefined;
  /** Behind `*`. */
  one: TrieNode<Item> | undefined = undefined;
  /** Behind `**`. */
  many: TrieNode<Item> | undefined = undefined;
  readonly isMany: boolean;
  /** A list while they are few, then a set: one of a hundred thousand agents goes without a search. */
  items: Item[] | Set<Item> = [];
  /** The step that last put this node into the set of places; keeps each in the set once. */
  seenAt = 0;

  constructor(isMany: boolean) {
    this.isMany = isMany;
  }

  get empty(): boolean {
    return this.count === 0 && this.literals === undefined && this.one === undefined && this.many === undefined;
  }

  get count(): number {
    return this.items instanceof Set ? this.items.size : this.items.length;
  }

  add(item: Item): void {
    if (this.items instanceof Set) this.items.add(item);
    else if (this.items.push(item) > FEW_ITEMS) this.items = new Set(this.items);
  }

  remove(item: Item): boolean {
    if (this.items instanceof Set) return this.items.delete(item);
    const at = this.items.indexOf(item);
    if (at !== -1) this.items.splice(at, 1);
    return at !== -1;
  }
}

/**
 * Patterns as a trie over their words.
 *
 * A lookup walks the type once and keeps the set of places where a pattern may stand, as one simulates a
 * nondeterministic automaton: O(words × places), whatever the number of `**` in a pattern; a backtracking match of
 * `**.a.**.a.**` is exponential.
 */
export class PatternTrie<Item> {
  readonly #root = new TrieNode<Item>(false);
  #step = 0;
  #size = 0;

  /** Items in the trie. */
  get size(): number {
    return this.#size;
  }

  /** The item must not stand behind this pattern already. */
  add(pattern: Pattern, item: Item): void {
    let node = this.#root;
    for (const word of pattern.words) {
      if (word === "*") node = node.one ??= new TrieNode(false);
      else if (word === "**") node = node.many ??= new TrieNode(true);
      else {
        const literals = (node.literals ??= new Map<string, TrieNode<Item>>());
        let next = literals.get(word);
        if (next === undefined) literals.set(word, (next = new TrieNode(false)));
        node = next;
      }
    }
    node.add(item);
    this.#size += 1;
  }

  /** Takes the item out, and the places that nothing stands behind any more; false when it was not there. */
  remove(pattern: Pattern, item: Item): boolean {
    const path: TrieNode<Item>[] = [this.#root];
    let node: TrieNode<Item> | undefined = this.#root;
    for (const word of pattern.words) {
      node = word === "*" ? node.one : word === "**" ? node.many : node.literals?.get(word);
      if (node === undefined) return false;
      path.push(node);
    }
    if (!node.remove(item)) return false;
    this.#size -= 1;
    for (let depth = pattern.words.length; depth > 0 && path[depth]?.empty === true; depth--) {
      const parent = path[depth - 1];
      const word = pattern.words[depth - 1];
      if (parent === undefined || word === undefined) break;
      if (word === "*") parent.one = undefined;
      else if (word === "**") parent.many = undefined;
      else {
        parent.literals?.delete(word);
        if (parent.literals?.size === 0) parent.literals = undefined;
      }
    }
    return true;
  }

  /** The items of every pattern that matches, each once, in no order. Allocates; callers keep what it returns. */
  match(type: string): Item[] {
    let places: TrieNode<Item>[] = [];
    this.#step += 1;
    this.#enter(this.#root, places);
    for (const word of type.split(".")) {
      const next: TrieNode<Item>[] = [];
      this.#step += 1;
      for (const place of places) {
        const literal = place.literals?.get(word);
        if (literal !== undefined) this.#enter(literal, next);
        if (place.one !== undefined) this.#enter(place.one, next);
        if (place.isMany) this.#enter(place, next);
      }
      if (next.length === 0) return [];
      places = next;
    }
    const found: Item[] = [];
    for (const place of places) for (const item of place.items) found.push(item);
    return found;
  }

  /** Puts a place into the set, and the places behind `**`, which need no further word. */
  #enter(node: TrieNode<Item>, places: TrieNode<Item>[]): void {
    for (let place: TrieNode<Item> | undefined = node; place !== undefined; place = place.many) {
      if (place.seenAt === this.#step) return;
      place.seenAt = this.#step;
      places.push(place);
    }
  }
}
