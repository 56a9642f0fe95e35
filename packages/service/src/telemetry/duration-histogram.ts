import type { Nanoseconds } from "@mettle/core";

/** Within each power of ten; neighbours are at most a third apart, and limits that people name are bounds. */
const steps = [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8] as const;
/** From 10 µs to 8 s. */
const exponents = [-5, -4, -3, -2, -1, 0] as const;

/** Upper bounds, seconds, as they are written at /metrics; what takes longer is counted above the last. */
export const durationBounds: readonly number[] = exponents.flatMap((exponent) =>
  steps.map((step) => Number(`${step}e${exponent}`)),
);
const boundsNs = Float64Array.from(durationBounds, (seconds) => Math.round(seconds * 1e9));

/** How long something took, again and again, in memory that does not grow. */
export class DurationHistogram {
  /** One more than the bounds: the last is for what is above them. */
  readonly #counts = new Float64Array(boundsNs.length + 1);
  #sumNs = 0;
  #count = 0;

  /** Hot: several times a request. */
  record(duration: Nanoseconds): void {
    let low = 0;
    let high = boundsNs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (duration <= (boundsNs[middle] as number)) high = middle;
      else low = middle + 1;
    }
    this.#counts[low] = (this.#counts[low] as number) + 1;
    this.#sumNs += duration;
    this.#count += 1;
  }

  get count(): number {
    return this.#count;
  }

  /** OpenMetrics lines. @param labels - written out, without braces; empty for none */
  lines(name: string, labels: string): readonly string[] {
    const before = labels === "" ? "" : `${labels},`;
    const after = labels === "" ? "" : `{${labels}}`;
    let below = 0;
    const buckets = durationBounds.map((bound, i) => {
      below += this.#counts[i] as number;
      return `${name}_bucket{${before}le="${bound}"} ${below}`;
    });
    return [
      ...buckets,
      `${name}_bucket{${before}le="+Inf"} ${this.#count}`,
      `${name}_count${after} ${this.#count}`,
      `${name}_sum${after} ${this.#sumNs / 1e9}`,
    ];
  }
}
