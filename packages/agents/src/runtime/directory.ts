import { emptySlots } from "../queues/ring.ts";

const PAGE = 256;

interface Page<Item> {
  readonly items: (Item | undefined)[];
  used: number;
}

/**
 * Things by a number that only grows, of which the old ones go: pages of 256, and a page goes with its last one. Adding
 * costs a store where a map of many rehashes; the order is that of the numbers.
 */
export class Directory<Item> {
  readonly #pages = new Map<number, Page<Item>>();
  #size = 0;
  #latest: Page<Item> | undefined = undefined;
  #latestNumber = -1;

  get size(): number {
    return this.#size;
  }

  /** Hot: once per agent. The number must be free. */
  set(number: number, item: Item): void {
    const page = this.#pageOf(number);
    page.items[number & (PAGE - 1)] = item;
    page.used++;
    this.#size++;
  }

  get(number: number): Item | undefined {
    return this.#pages.get(Math.floor(number / PAGE))?.items[number & (PAGE - 1)];
  }

  /** False when there was none. */
  delete(number: number): boolean {
    const pageNumber = Math.floor(number / PAGE);
    const page = this.#pages.get(pageNumber);
    const place = number & (PAGE - 1);
    if (page === undefined || page.items[place] === undefined) return false;
    page.items[place] = undefined;
    this.#size--;
    if (--page.used > 0) return true;
    this.#pages.delete(pageNumber);
    if (page === this.#latest) this.#latest = undefined;
    return true;
  }

  /** Those there are; what is added or goes meanwhile may be seen or not. */
  *values(): Generator<Item, undefined> {
    for (const { items } of this.#pages.values()) {
      for (const item of items) if (item !== undefined) yield item;
    }
    return undefined;
  }

  #pageOf(number: number): Page<Item> {
    const pageNumber = Math.floor(number / PAGE);
    if (this.#latest !== undefined && this.#latestNumber === pageNumber) return this.#latest;
    let page = this.#pages.get(pageNumber);
    if (page === undefined) {
      page = { items: emptySlots(PAGE), used: 0 };
      this.#pages.set(pageNumber, page);
    }
    this.#latest = page;
    this.#latestNumber = pageNumber;
    return page;
  }
}
