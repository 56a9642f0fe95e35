/** Slots in a page. */
export const pageSlots = 2048;
/** 32-bit words in a page. */
export const pageWords = 64;
/** Slots that a set keeps in a list before it takes pages. */
const fewLimit = 16;

/**
 * A set of slot numbers: a list while small, then a bitset in pages of 2 048 that exist only where a bit is set. So a
 * value that one agent has takes some 100 bytes and not one bit of every agent.
 */
export class SlotSet {
  size = 0;
  #few: number[] | undefined = [];
  #pages: (Int32Array | undefined)[] = [];

  add(slot: number): void {
    if (this.#few !== undefined) {
      if (this.#few.includes(slot)) return;
      this.size += 1;
      if (this.#few.push(slot) > fewLimit) this.#spread(this.#few);
      return;
    }
    if (this.#setBit(slot)) this.size += 1;
  }

  delete(slot: number): void {
    if (this.#few !== undefined) {
      const at = this.#few.indexOf(slot);
      if (at === -1) return;
      this.#few.splice(at, 1);
      this.size -= 1;
      return;
    }
    const page = this.#pages[(slot / pageSlots) | 0];
    if (page === undefined) return;
    const word = (slot >>> 5) & 63;
    const bit = 1 << (slot & 31);
    if ((page[word]! & bit) === 0) return;
    page[word]! &= ~bit;
    this.size -= 1;
    if (page.every((bits) => bits === 0)) this.#pages[(slot / pageSlots) | 0] = undefined;
  }

  has(slot: number): boolean {
    if (this.#few !== undefined) return this.#few.includes(slot);
    const page = this.#pages[(slot / pageSlots) | 0];
    return page !== undefined && (page[(slot >>> 5) & 63]! & (1 << (slot & 31))) !== 0;
  }

  /** Hot: writes a page of the set over `out`; false when it is empty, `out` then holds anything. */
  fill(page: number, out: Int32Array): boolean {
    if (this.#few !== undefined) return fillFew(this.#few, page, out);
    const bits = this.#pages[page];
    if (bits === undefined) return false;
    out.set(bits);
    return true;
  }

  /** Hot: keeps in `out` what the set's page has too; false when nothing is left. */
  narrow(page: number, out: Int32Array): boolean {
    if (this.#few !== undefined) return narrowFew(this.#few, page, out);
    const bits = this.#pages[page];
    if (bits === undefined) return false;
    let any = 0;
    for (let word = 0; word < pageWords; word++) any |= out[word]! &= bits[word]!;
    return any !== 0;
  }

  #spread(slots: readonly number[]): void {
    this.#few = undefined;
    for (const slot of slots) this.#setBit(slot);
  }

  #setBit(slot: number): boolean {
    const index = (slot / pageSlots) | 0;
    // Filled up in order, so that the array stays without holes.
    while (this.#pages.length <= index) this.#pages.push(undefined);
    const page = (this.#pages[index] ??= new Int32Array(pageWords));
    const word = (slot >>> 5) & 63;
    const before = page[word]!;
    page[word] = before | (1 << (slot & 31));
    return page[word] !== before;
  }
}

function fillFew(slots: readonly number[], page: number, out: Int32Array): boolean {
  out.fill(0);
  let any = false;
  for (const slot of slots) {
    if (((slot / pageSlots) | 0) !== page) continue;
    out[(slot >>> 5) & 63]! |= 1 << (slot & 31);
    any = true;
  }
  return any;
}

const fewScratch = new Int32Array(pageWords);

function narrowFew(slots: readonly number[], page: number, out: Int32Array): boolean {
  if (!fillFew(slots, page, fewScratch)) return false;
  let any = 0;
  for (let word = 0; word < pageWords; word++) any |= out[word]! &= fewScratch[word]!;
  return any !== 0;
}
