/** Arrivals that wait for a free user, first come, first served: pairs of numbers in a ring that grows up to a limit. */
export class WaitingLine {
  #ring = new Float64Array(128);
  #head = 0;
  #length = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#length;
  }

  /** Hot. @returns false when the line is as long as it may be */
  push(number: number, dueMs: number): boolean {
    if (this.#length === this.#limit) return false;
    if (2 * this.#length === this.#ring.length) this.#grow();
    const at = (2 * (this.#head + this.#length)) % this.#ring.length;
    this.#ring[at] = number;
    this.#ring[at + 1] = dueMs;
    this.#length += 1;
    return true;
  }

  get firstNumber(): number {
    return this.#ring[2 * this.#head]!;
  }
  get firstDueMs(): number {
    return this.#ring[2 * this.#head + 1]!;
  }

  /** Drops the first. */
  shift(): void {
    this.#head = 2 * this.#head + 2 === this.#ring.length ? 0 : this.#head + 1;
    this.#length -= 1;
  }

  clear(): void {
    this.#length = 0;
  }

  #grow(): void {
    const grown = new Float64Array(2 * this.#ring.length);
    const tail = this.#ring.subarray(2 * this.#head);
    grown.set(tail);
    grown.set(this.#ring.subarray(0, 2 * this.#head), tail.length);
    this.#ring = grown;
    this.#head = 0;
  }
}
