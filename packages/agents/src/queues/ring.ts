/** Empty places of a circular array. Filled one by one, which makes an array without holes: V8 reads it faster. */
export function emptySlots<Item>(count: number): (Item | undefined)[] {
  const slots: (Item | undefined)[] = [];
  for (let i = 0; i < count; i++) slots.push(undefined);
  return slots;
}

/**
 * A first-in-first-out queue in a circular array that grows by doubling. Hot: once per message, and `push` and `shift`
 * allocate nothing while it does not grow. The fields are open to loops of this package, which test `head !== tail` for
 * "not empty".
 */
export class Ring<Item> {
  #items: (Item | undefined)[];
  #mask: number;
  head = 0;
  tail = 0;

  /** @param capacity - a power of two, at least 2 */
  constructor(capacity = 8) {
    this.#items = emptySlots(capacity);
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

  /** Puts an item before all others. */
  unshift(item: Item): void {
    this.head = (this.head - 1) & this.#mask;
    this.#items[this.head] = item;
    if (this.tail === this.head) this.#grow();
  }

  /** The oldest, taken out; undefined when empty. */
  shift(): Item | undefined {
    if (this.head === this.tail) return undefined;
    const item = this.#items[this.head];
    this.#items[this.head] = undefined;
    this.head = (this.head + 1) & this.#mask;
    return item;
  }

  /** The oldest, left in; undefined when empty. */
  peek(): Item | undefined {
    return this.head === this.tail ? undefined : this.#items[this.head];
  }

  /** The item at a place counted from the oldest, 0 first. */
  at(index: number): Item | undefined {
    return index < 0 || index >= this.size ? undefined : this.#items[(this.head + index) & this.#mask];
  }

  /** Forgets all and the room that it took. */
  clear(): void {
    this.#items = emptySlots(8);
    this.#mask = 7;
    this.head = 0;
    this.tail = 0;
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
