import type { Column } from "./column.ts";
import type { RegistryIndices } from "./indices.ts";
import { type AgentQuery, maxQueryDepth, valueFields } from "./query.ts";
import { pageWords, SlotSet } from "./slot-set.ts";

/**
 * A part of a query that can answer page by page (2 048 slots), so that a search ends with the page that fills its limit
 * and passes over pages that a part has nothing in.
 */
export interface Term {
  /** At most so many slots match; what matches least is asked first. */
  readonly size: number;
  /** True when it never names a slot that is not in use. */
  readonly live: boolean;
  /** Hot: writes what matches over `out`; false when nothing does, `out` then holds anything. */
  fill(page: number, out: Int32Array): boolean;
  /** Hot: keeps in `out` what matches; false when nothing is left. */
  narrow(page: number, out: Int32Array): boolean;
}

const nothing = new SlotSet();
/** One page for each depth of a query; a term at one depth is never asked while another at the same depth is. */
const scratch: readonly Int32Array[] = Array.from({ length: 2 * maxQueryDepth + 4 }, () => new Int32Array(pageWords));

class SetTerm implements Term {
  readonly live = true;
  readonly size: number;
  readonly #slots: SlotSet;

  constructor(slots: SlotSet) {
    this.#slots = slots;
    this.size = slots.size;
  }

  fill(page: number, out: Int32Array): boolean {
    return this.#slots.fill(page, out);
  }

  narrow(page: number, out: Int32Array): boolean {
    return this.#slots.narrow(page, out);
  }
}

class AtLeastTerm implements Term {
  readonly live = true;
  /** Slow per slot, so asked last, whatever its number of slots. */
  readonly size: number = Number.MAX_SAFE_INTEGER;
  readonly #column: Column;
  readonly #minimum: number;

  constructor(column: Column, minimum: number) {
    this.#column = column;
    this.#minimum = minimum;
  }

  fill(page: number, out: Int32Array): boolean {
    return this.#column.fillAtLeast(page, this.#minimum, out);
  }

  narrow(page: number, out: Int32Array): boolean {
    return this.#column.narrowAtLeast(page, this.#minimum, out);
  }
}

/**
 * What a search for the best has found so far as a term: only what is as good as the worst of them is worth a look. Asked
 * after the sets, which are quick, and before other columns, which are slow; passes over 32 slots at a glance.
 */
export class BetterTerm implements Term {
  readonly live = false;
  readonly size: number = Number.MAX_SAFE_INTEGER - 1;
  /** −∞ lets everything through, agents without the resource too. Negated where less is better. */
  worst: number = Number.NEGATIVE_INFINITY;
  readonly #column: Column;
  readonly #descending: boolean;

  constructor(column: Column, descending: boolean) {
    this.#column = column;
    this.#descending = descending;
  }

  fill(page: number, out: Int32Array): boolean {
    out.fill(-1);
    return this.narrow(page, out);
  }

  narrow(page: number, out: Int32Array): boolean {
    if (this.worst === Number.NEGATIVE_INFINITY) return true;
    return this.#descending
      ? this.#column.narrowAtLeast(page, this.worst, out)
      : this.#column.narrowAtMost(page, -this.worst, out);
  }
}

class AndTerm implements Term {
  readonly live: boolean;
  readonly size: number;
  readonly #first: Term;
  readonly #others: readonly Term[];

  constructor(terms: readonly [Term, ...Term[]]) {
    const [first, ...others] = terms.toSorted((a, b) => a.size - b.size) as [Term, ...Term[]];
    this.#first = first;
    this.#others = others;
    this.size = first.size;
    this.live = terms.some(({ live }) => live);
  }

  fill(page: number, out: Int32Array): boolean {
    return this.#first.fill(page, out) && this.#narrowOthers(page, out);
  }

  narrow(page: number, out: Int32Array): boolean {
    return this.#first.narrow(page, out) && this.#narrowOthers(page, out);
  }

  #narrowOthers(page: number, out: Int32Array): boolean {
    for (const term of this.#others) if (!term.narrow(page, out)) return false;
    return true;
  }
}

class OrTerm implements Term {
  readonly live: boolean;
  readonly size: number;
  readonly #terms: readonly Term[];
  readonly #one: Int32Array;
  readonly #all: Int32Array;

  constructor(terms: readonly Term[], depth: number) {
    this.#terms = terms;
    this.size = terms.reduce((sum, { size }) => sum + size, 0);
    this.live = terms.every(({ live }) => live);
    this.#one = scratch[2 * depth]!;
    this.#all = scratch[2 * depth + 1]!;
  }

  fill(page: number, out: Int32Array): boolean {
    let any = false;
    for (const term of this.#terms) {
      if (!any) any = term.fill(page, out);
      else if (term.fill(page, this.#one)) for (let word = 0; word < pageWords; word++) out[word]! |= this.#one[word]!;
    }
    return any;
  }

  narrow(page: number, out: Int32Array): boolean {
    // Each narrows a copy instead of answering for the whole page: a column looks only at what is left.
    this.#all.fill(0);
    let any = false;
    for (const term of this.#terms) {
      this.#one.set(out);
      if (!term.narrow(page, this.#one)) continue;
      any = true;
      for (let word = 0; word < pageWords; word++) this.#all[word]! |= this.#one[word]!;
    }
    out.set(this.#all);
    return any;
  }
}

class NotTerm implements Term {
  readonly live = false;
  readonly size: number = Number.MAX_SAFE_INTEGER;
  readonly #term: Term;
  readonly #page: Int32Array;

  constructor(term: Term, depth: number) {
    this.#term = term;
    this.#page = scratch[2 * depth]!;
  }

  fill(page: number, out: Int32Array): boolean {
    out.fill(-1);
    return this.narrow(page, out);
  }

  narrow(page: number, out: Int32Array): boolean {
    this.#page.set(out);
    if (!this.#term.narrow(page, this.#page)) return true;
    let any = 0;
    for (let word = 0; word < pageWords; word++) any |= out[word]! &= ~this.#page[word]!;
    return any !== 0;
  }
}

/**
 * A checked query as something that can be asked for pages. Holds only until the registry changes.
 *
 * @param better - a further condition of the search
 */
export function termOf(query: AgentQuery, indices: RegistryIndices, better?: BetterTerm): Term {
  const term = build(query, indices, 0, better);
  if (term === undefined) return new SetTerm(indices.live);
  return term.live ? term : new AndTerm([new SetTerm(indices.live), term]);
}

/** `undefined` for a query that asks nothing. */
function build(query: AgentQuery, indices: RegistryIndices, depth: number, further?: Term): Term | undefined {
  const terms: Term[] = further === undefined ? [] : [further];
  for (const field of valueFields) {
    const wanted = query[field];
    if (wanted === undefined) continue;
    const values = typeof wanted === "string" ? [wanted] : wanted;
    const sets = values.map((value) => new SetTerm(indices.having(field, value) ?? nothing));
    terms.push(sets.length === 1 ? sets[0]! : new OrTerm(sets, depth));
  }
  const capabilities = typeof query.capability === "string" ? [query.capability] : (query.capability ?? []);
  for (const capability of capabilities) terms.push(new SetTerm(indices.capable(capability) ?? nothing));
  for (const [resource, minimum] of Object.entries(query.resources ?? {})) {
    const column = indices.column(resource);
    terms.push(column === undefined ? new SetTerm(nothing) : new AtLeastTerm(column, minimum));
  }
  for (const part of query.and ?? []) {
    const term = build(part, indices, depth + 1);
    if (term !== undefined) terms.push(term);
  }
  if (query.or !== undefined) {
    const parts = query.or.map((part) => build(part, indices, depth + 1) ?? new SetTerm(indices.live));
    terms.push(new OrTerm(parts, depth));
  }
  if (query.not !== undefined) {
    terms.push(new NotTerm(build(query.not, indices, depth + 1) ?? new SetTerm(indices.live), depth));
  }
  const [first, ...others] = terms;
  if (first === undefined) return undefined;
  return others.length === 0 ? first : new AndTerm([first, ...others]);
}
