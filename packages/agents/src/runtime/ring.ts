/**
 * A first-in-first-out queue in a circular array that grows by doubling. Hot: once per message; the fields are open
 * to the loops of this package, which test `head !== tail` for "not empty".
 */
export class Ring<Item> {
  #items: (Item | undefined)[];
  #mask: number;
  head = 0;
  tail = 0;

  constructor(capacity = 8) {
    this.#items = Array.from({ length: capacity });
    this.#mask = capacity - 1;
  }

  get size(): number {
    return (this.tail - this.head) & this.#mask;
  }

  get capacity(): number {
    return this.#mask + 1;
  }

  push(item: Item): void {
    this.#items[this.tail] = item;
    this.tail = (this.tail + 1) & this.#mask;
    if (this.tail === this.head) this.#grow();
  }

  /** The oldest, taken out; undefined when empty. */
  shift(): Item | undefined {
    const item = this.#items[this.head];
    if (this.head !== this.tail) {
      this.#items[this.head] = undefined;
      this.head = (this.head + 1) & this.#mask;
    }
    return item;
  }

  /** The oldest, left in. */
  peek(): Item | undefined {
    return this.#items[this.head];
  }

  #grow(): void {
    const length = this.#items.length;
    const grown: (Item | undefined)[] = [];
    for (let i = 0; i < length; i++) grown.push(this.#items[(this.head + i) & this.#mask]);
    for (let i = 0; i < length; i++) grown.push(undefined);
    this.#items = grown;
    this.#mask = length * 2 - 1;
    this.head = 0;
    this.tail = length;
  }
}
