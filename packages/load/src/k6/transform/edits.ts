import { LineIndex, type Position } from "./syntax.ts";

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly order: number;
}

/**
 * Insertions and replacements on one text. None may add or remove a line break, so that a line of the result is the same
 * line of the original and only columns have to be mapped back.
 */
export class Edits {
  readonly #source: string;
  readonly #edits: Edit[] = [];
  #order = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** Text that opens something: of several at one place the outer one, inserted first, stands first. */
  open(at: number, text: string): void {
    this.#edits.push({ start: at, end: at, text, order: this.#order++ });
  }

  /** Text that closes something: of several at one place the outer one, inserted first, stands last; before any `open`. */
  close(at: number, text: string): void {
    this.#edits.push({ start: at, end: at, text, order: -1e9 - this.#order++ });
  }

  /** Text before whatever else is opened at a place. */
  openFirst(at: number, text: string): void {
    this.#edits.push({ start: at, end: at, text, order: -1 });
  }

  /** Text before everything. */
  prefix(text: string): void {
    this.#edits.push({ start: 0, end: 0, text, order: Number.NEGATIVE_INFINITY });
  }

  replace(start: number, end: number, text: string): void {
    const breaks = this.#source.slice(start, end).replaceAll(/[^\n\r\u2028\u2029]/g, "");
    this.#edits.push({ start, end, text: text + breaks, order: this.#order++ });
  }

  /** The edited text, and a map from its offsets to those of the original. */
  apply(): { readonly code: string; readonly map: OffsetMap } {
    const edits = this.#edits.toSorted((a, b) => a.start - b.start || a.end - b.end || a.order - b.order);
    const parts: string[] = [];
    const segments: Segment[] = [];
    let original = 0;
    let generated = 0;
    for (const { start, end, text } of edits) {
      if (start < original) throw new Error(`Edits overlap at ${start}`);
      segments.push({ generated, original, length: start - original });
      parts.push(this.#source.slice(original, start), text);
      generated += start - original + text.length;
      original = end;
    }
    segments.push({ generated, original, length: this.#source.length - original });
    parts.push(this.#source.slice(original));
    return { code: parts.join(""), map: new OffsetMap(segments) };
  }
}

interface Segment {
  readonly generated: number;
  readonly original: number;
  readonly length: number;
}

/** From offsets of generated text to offsets of the text it came from. Inserted text maps to where it was inserted. */
export class OffsetMap {
  readonly #segments: readonly Segment[];

  constructor(segments: readonly Segment[]) {
    this.#segments = segments;
  }

  original(offset: number): number {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#segments[middle] as Segment).generated <= offset) low = middle;
      else high = middle - 1;
    }
    const segment = this.#segments[low] as Segment;
    return segment.original + Math.min(offset - segment.generated, segment.length);
  }
}

/** Maps positions of generated code to the user's file. */
export class PositionMap {
  readonly #generated: LineIndex;
  readonly #original: LineIndex;
  readonly #offsets: OffsetMap;

  constructor(generated: string, original: string, offsets: OffsetMap) {
    this.#generated = new LineIndex(generated);
    this.#original = new LineIndex(original);
    this.#offsets = offsets;
  }

  original(position: Position): Position {
    const offset = this.#generated.offset(position);
    return offset === undefined ? position : this.#original.position(this.#offsets.original(offset));
  }
}
