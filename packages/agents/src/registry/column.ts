import { pageSlots, pageWords } from "./slot-set.ts";

/** 2 048 values, and the extremes of every 32 of them, so that a search can pass over 32 at a glance (a zone map). */
class ColumnPage {
  readonly values: Float64Array = new Float64Array(pageSlots).fill(Number.NaN);
  readonly greatest: Float64Array = new Float64Array(pageWords).fill(Number.NEGATIVE_INFINITY);
  readonly least: Float64Array = new Float64Array(pageWords).fill(Number.POSITIVE_INFINITY);
  count = 0;
}

/** One number per slot, NaN where there is none. Pages exist only where there is a number. */
export class Column {
  size = 0;
  readonly #pages: (ColumnPage | undefined)[] = [];

  get(slot: number): number {
    return this.#pages[(slot / pageSlots) | 0]?.values[slot % pageSlots] ?? Number.NaN;
  }

  /** @param value - a number, or NaN for none */
  set(slot: number, value: number): void {
    const index = (slot / pageSlots) | 0;
    if (Number.isNaN(value) && this.#pages[index] === undefined) return;
    while (this.#pages.length <= index) this.#pages.push(undefined);
    const page = (this.#pages[index] ??= new ColumnPage());
    const at = slot % pageSlots;
    const before = page.values[at]!;
    const change = Number(!Number.isNaN(value)) - Number(!Number.isNaN(before));
    page.values[at] = value;
    page.count += change;
    this.size += change;
    if (page.count === 0) this.#pages[index] = undefined;
    else summarize(page, at >>> 5);
  }

  /** Hot: a page of the slots whose value is `minimum` or more. */
  fillAtLeast(page: number, minimum: number, out: Int32Array): boolean {
    out.fill(-1);
    return this.narrowAtLeast(page, minimum, out);
  }

  /** Hot: keeps in `out` the slots whose value is `minimum` or more. */
  narrowAtLeast(page: number, minimum: number, out: Int32Array): boolean {
    const found = this.#pages[page];
    if (found === undefined) return false;
    const { values, greatest } = found;
    let any = 0;
    for (let word = 0; word < pageWords; word++) {
      let rest = out[word]!;
      if (rest === 0) continue;
      if (greatest[word]! < minimum) {
        out[word] = 0;
        continue;
      }
      let kept = 0;
      const base = word << 5;
      for (; rest !== 0; rest &= rest - 1) {
        const bit = 31 - Math.clz32(rest & -rest);
        if (values[base + bit]! >= minimum) kept |= 1 << bit;
      }
      out[word] = kept;
      any |= kept;
    }
    return any !== 0;
  }

  /** Hot: keeps in `out` the slots whose value is `maximum` or less. */
  narrowAtMost(page: number, maximum: number, out: Int32Array): boolean {
    const found = this.#pages[page];
    if (found === undefined) return false;
    const { values, least } = found;
    let any = 0;
    for (let word = 0; word < pageWords; word++) {
      let rest = out[word]!;
      if (rest === 0) continue;
      if (least[word]! > maximum) {
        out[word] = 0;
        continue;
      }
      let kept = 0;
      const base = word << 5;
      for (; rest !== 0; rest &= rest - 1) {
        const bit = 31 - Math.clz32(rest & -rest);
        if (values[base + bit]! <= maximum) kept |= 1 << bit;
      }
      out[word] = kept;
      any |= kept;
    }
    return any !== 0;
  }
}

function summarize(page: ColumnPage, word: number): void {
  let greatest = Number.NEGATIVE_INFINITY;
  let least = Number.POSITIVE_INFINITY;
  for (let at = word << 5; at < (word + 1) << 5; at++) {
    const value = page.values[at]!;
    if (value > greatest) greatest = value;
    if (value < least) least = value;
  }
  page.greatest[word] = greatest;
  page.least[word] = least;
}
