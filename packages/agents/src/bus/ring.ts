/** Empty places of a circular array. Filled one by one, which makes an array without holes: V8 reads it faster. */
export function emptySlots<Item>(count: number): (Item | undefined)[] {
  const slots: (Item | undefined)[] = [];
  for (let i = 0; i < count; i++) slots.push(undefined);
  return slots;
}

/** A queue in a circular array that grows by doubling. Hot: push and shift allocate nothing while it does not grow. */
export class Ring<Item> {
  #slots: (Item | undefined)[] = emptySlots(8);
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: Item): void {
    if (this.#size === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = item;
    this.#size += 1;
  }

  /** Puts an item before all others. */
  unshift(item: Item): void {
    if (this.#size === this.#slots.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#slots.length - 1);
    this.#slots[this.#head] = item;
    this.#size += 1;
  }

  shift(): Item | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size -= 1;
    return item;
  }

  /** The item at a place counted from the oldest, 0 first. */
  at(index: number): Item | undefined {
    return index < 0 || index >= this.#size ? undefined : this.#slots[(this.#head + index) & (this.#slots.length - 1)];
  }

  /** Forgets all and the room that it took. */
  clear(): void {
    this.#slots = emptySlots(8);
    this.#head = 0;
    this.#size = 0;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = emptySlots<Item>(old.length * 2);
    for (let i = 0; i < this.#size; i++) slots[i] = old[(this.#head + i) & (old.length - 1)];
    this.#slots = slots;
    this.#head = 0;
  }
}
