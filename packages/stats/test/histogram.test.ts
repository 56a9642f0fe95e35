import { MettleError, Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Histogram, type HistogramOptions } from "../src/histogram.ts";
import { bucketCount, bucketOf, highestIn, lowestIn } from "../src/histogram-buckets.ts";
import type { EncodedHistogram } from "../src/histogram-codec.ts";
import { nearestRank } from "../src/quantile.ts";

const recorded = (values: Iterable<number>, options: HistogramOptions = {}): Histogram => {
  const histogram = new Histogram(options);
  for (const value of values) histogram.record(value);
  return histogram;
};
const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof MettleError) return error.code;
    throw error;
  }
  return "nothing thrown";
};

/** From single units to 2^53, evenly over the exponents. */
const wholeUnits = fc
  .tuple(fc.integer({ min: 0, max: 53 }), fc.double({ min: 0.5, max: 1, noNaN: true }))
  .map(([exponent, mantissa]) => Math.floor(2 ** exponent * mantissa));
const bitsArbitrary = fc.integer({ min: 1, max: 14 });

describe("buckets", () => {
  it("cover 0 … 2^53 without gap or overlap", () => {
    for (const bits of [1, 2, 7, 11, 14]) {
      const last = bucketCount(bits) - 1;
      // Collected, because an expectation for each of 650 000 buckets takes seconds.
      const wrong: number[] = [];
      for (let index = 0; index < last; index++) {
        const [low, high] = [lowestIn(index, bits), highestIn(index, bits)];
        const right =
          bucketOf(low, bits) === index && bucketOf(high, bits) === index && lowestIn(index + 1, bits) === high + 1;
        if (!right) wrong.push(index);
      }
      expect(wrong).toEqual([]);
      expect(lowestIn(last, bits)).toBe(2 ** 53);
      expect(bucketOf(2 ** 53, bits)).toBe(last);
    }
  });

  it("use the same bucket on both sides of 2^31", () => {
    for (const bits of [1, 7, 14]) {
      expect(bucketOf(2 ** 31, bits) - bucketOf(2 ** 31 - 1, bits)).toBe(1);
      expect(bucketOf(2 ** 49 - 1, bits) + 1).toBe(bucketOf(2 ** 49, bits));
    }
  });
});

describe("quantile", () => {
  it("is within 2^−(bits+1) of the sorted array's for whole units", () => {
    fc.assert(
      fc.property(
        fc.array(wholeUnits, { minLength: 1, maxLength: 80 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        bitsArbitrary,
        (values, q, bits) => {
          const exact = values.toSorted((a, b) => a - b)[nearestRank(q, values.length) - 1]!;
          const said = recorded(values, { bits }).quantile(q)!;
          expect(Math.abs(said - exact)).toBeLessThanOrEqual(exact * 2 ** -(bits + 1) + (exact > 2 ** 52 ? 1 : 0));
          if (exact < 2 ** (bits + 1)) expect(said).toBe(exact);
        },
      ),
      { numRuns: 400 },
    );
  });

  it("is within the stated bound for values between multiples of any resolution", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom(1, 0.001, 0.1, 25, 1e-7, 1024),
        bitsArbitrary,
        (values, q, resolution, bits) => {
          const exact = values.toSorted((a, b) => a - b)[nearestRank(q, values.length) - 1]!;
          const bound = Math.max(resolution / 2, (exact + resolution / 2) * 2 ** -(bits + 1));
          const said = recorded(values, { bits, resolution }).quantile(q)!;
          expect(Math.abs(said - exact)).toBeLessThanOrEqual(bound * (1 + 1e-12) + exact * 1e-15);
        },
      ),
      { numRuns: 400 },
    );
  });

  it("takes the rank meant when the product misses a whole number by rounding", () => {
    const histogram = recorded(Array.from({ length: 100 }, (_, i) => i + 1));
    expect(histogram.quantile(0.07)).toBe(7); // 0.07 · 100 is 7.000000000000001
    expect(histogram.quantile(0.0701)).toBe(8);
    expect(histogram.quantile(0)).toBe(1);
    expect(histogram.quantile(1)).toBe(100);
  });

  it("never decreases with q and stays within min … max", () => {
    const random = new Random(5);
    const histogram = recorded(Array.from({ length: 999 }, () => Math.exp(random.normal() * 4 + 8)));
    let previous = histogram.min!;
    for (let q = 0; q <= 1; q += 1 / 512) {
      const value = histogram.quantile(q)!;
      expect(value).toBeGreaterThanOrEqual(previous);
      expect(value).toBeLessThanOrEqual(histogram.max!);
      previous = value;
    }
  });

  it("refuses a q outside 0 … 1", () => {
    for (const q of [-0.1, 1.1, Number.NaN]) {
      expect(codeOf(() => recorded([1]).quantile(q))).toBe("STATS_ARGUMENT_INVALID");
    }
  });
});

describe("what is exact", () => {
  it("count, min, max, sum and the counts at limits do not depend on buckets", () => {
    const limits = [0, 200, 1000.5, 2 ** 40];
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 2 ** 41, noNaN: true }), { maxLength: 60 }), (extra) => {
        const values = [...extra, ...extra.map(Math.floor), 200, 200.0000001, 1000.5, 1001];
        const histogram = recorded(values, { bits: 1, limits: limits.toReversed() });
        expect(histogram.count).toBe(values.length);
        expect(histogram.min).toBe(Math.min(...values));
        expect(histogram.max).toBe(Math.max(...values));
        const exactSum = values.reduce((sum, value) => sum + BigInt(Math.round(value * 2 ** 20)), 0n);
        expect(Math.abs(histogram.sum - Number(exactSum) / 2 ** 20)).toBeLessThan(1e-3);
        for (const limit of limits) {
          expect(histogram.countAtOrBelow(limit)).toBe(values.filter((value) => value <= limit).length);
        }
      }),
    );
  });

  it("the sum loses nothing over a million small values after a large one", () => {
    const histogram = recorded([2 ** 53]);
    for (let i = 0; i < 1_000_000; i++) histogram.record(0.75);
    expect(histogram.sum).toBe(2 ** 53 + 750_000);
    expect(histogram.mean).toBe((2 ** 53 + 750_000) / 1_000_001);
  });

  it("a limit that was not declared is refused, not estimated", () => {
    expect(codeOf(() => recorded([1], { limits: [10] }).countAtOrBelow(11))).toBe("STATS_ARGUMENT_INVALID");
  });

  it("an estimate between buckets is within the count of the bucket that the value falls in", () => {
    const random = new Random(17);
    const values = Array.from({ length: 4000 }, () => Math.exp(random.normal() + 7));
    const histogram = recorded(values);
    for (const value of [100, 500, 1096, 3000, 12_345]) {
      const exact = values.filter((v) => v <= value).length;
      const index = bucketOf(value + 0.5, 7);
      const inBucket = values.filter((v) => bucketOf(v + 0.5, 7) === index).length;
      expect(Math.abs(histogram.estimateCountAtOrBelow(value) - exact)).toBeLessThanOrEqual(inBucket);
    }
    expect(histogram.estimateCountAtOrBelow(histogram.max!)).toBe(4000);
    expect(histogram.estimateCountAtOrBelow(histogram.min! / 2)).toBe(0);
  });
});

describe("what is no value", () => {
  it("is counted apart and changes nothing else", () => {
    const histogram = recorded([5, 7], { limits: [6] });
    const before = histogram.encode();
    const bad = [Number.NaN, -1, -1e-300, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53 + 2];
    for (const value of bad) histogram.record(value);
    histogram.recordMany(Number.NaN, 4);
    expect(histogram.rejected).toBe(10);
    expect(histogram.encode()).toEqual({ ...before, rejected: 10 });
  });

  it("leaves an empty histogram without statistics", () => {
    const empty = recorded([Number.NaN]);
    expect([empty.min, empty.max, empty.mean, empty.stddev, empty.quantile(0.5)]).toEqual(Array(5).fill(undefined));
    expect(empty.summary()).toEqual({ count: 0 });
  });

  it("accepts zero, negative zero and 2^53", () => {
    const histogram = recorded([0, -0, 2 ** 53]);
    expect([histogram.count, histogram.rejected, histogram.min, histogram.max]).toEqual([3, 0, 0, 2 ** 53]);
  });
});

describe("summary", () => {
  it("agrees with the samples' own statistics within the bound", () => {
    const random = new Random(3);
    const values = Array.from({ length: 5000 }, () => Math.exp(random.normal() * 0.5 + 10));
    const summary = recorded(values).summary();
    const mean = values.reduce((a, b) => a + b) / values.length;
    const stddev = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1));
    expect(summary.mean).toBeCloseTo(mean, 6);
    expect(Math.abs(summary.stddev! / stddev - 1)).toBeLessThan(2 ** -8);
    const sorted = values.toSorted((a, b) => a - b);
    expect(Math.abs(summary.p999! / sorted[4994]! - 1)).toBeLessThan(2 ** -8);
    expect(Math.abs(summary.p95! / sorted[4749]! - 1)).toBeLessThan(2 ** -8);
  });

  it("has no spread for a constant, and leaves out percentiles that the count does not support", () => {
    const summary = recorded(Array(50).fill(123_456)).summary();
    expect(summary).toEqual({
      count: 50,
      mean: 123_456,
      stddev: 0,
      min: 123_456,
      p50: 123_456,
      p75: 123_456,
      p90: 123_456,
      p95: 123_456,
      max: 123_456,
    });
  });
});

describe("merge", () => {
  const limits = [10, 1000];
  const values = fc.array(fc.oneof(wholeUnits, fc.constantFrom(Number.NaN, -3)), { maxLength: 40 });

  it("is the same as recording everything into one", () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const merged = recorded(a, { limits }).merge(recorded(b, { limits })).merge(recorded(c, { limits }));
        const { sum, ...whole } = recorded([...a, ...b, ...c], { limits }).encode();
        const { sum: mergedSum, ...mergedRest } = merged.encode();
        expect(mergedRest).toEqual(whole);
        expect(Math.abs(mergedSum - sum)).toBeLessThanOrEqual(sum * 4 * Number.EPSILON);
      }),
    );
  });

  it("recordMany is the same as recording one by one", () => {
    fc.assert(
      fc.property(wholeUnits, fc.integer({ min: 0, max: 20 }), (value, times) => {
        const many = new Histogram({ limits });
        many.recordMany(value, times);
        const { sum: _, ...one } = recorded(Array<number>(times).fill(value), { limits }).encode();
        expect(many.encode()).toMatchObject(one);
      }),
    );
    expect(codeOf(() => new Histogram().recordMany(1, 1.5))).toBe("STATS_ARGUMENT_INVALID");
    expect(codeOf(() => new Histogram().recordMany(1, -1))).toBe("STATS_ARGUMENT_INVALID");
  });

  it("refuses other bits, resolution or limits", () => {
    const base = new Histogram({ limits: [1] });
    for (const other of [{ bits: 8, limits: [1] }, { resolution: 2, limits: [1] }, {}, { limits: [2] }]) {
      expect(codeOf(() => base.merge(new Histogram(other)))).toBe("HISTOGRAM_INCOMPATIBLE");
    }
  });
});

describe("encode and decode", () => {
  const encodable = fc.record({
    values: fc.array(wholeUnits, { maxLength: 60 }),
    bits: bitsArbitrary,
    limits: fc.uniqueArray(fc.integer({ min: 0, max: 1_000_000 }), { maxLength: 4 }),
  });

  it("round-trip through JSON", () => {
    fc.assert(
      fc.property(encodable, ({ values, bits, limits }) => {
        const histogram = recorded([...values, Number.NaN], { bits, limits });
        const text = JSON.stringify(histogram.encode());
        const again = Histogram.decode(JSON.parse(text) as EncodedHistogram);
        expect(JSON.stringify(again.encode())).toBe(text);
        expect(again.merge(histogram).count).toBe(2 * values.length);
      }),
    );
  });

  it("round-trip values that are no multiple of the resolution, and counts above 2^32", () => {
    const histogram = recorded([0.1, 0.2, 0.30000000000000004, 1 / 3], { resolution: 0.001 });
    histogram.recordMany(17.5, 2 ** 40 + 1);
    const again = Histogram.decode(histogram.encode());
    expect(again.encode()).toEqual(histogram.encode());
    expect(Math.abs(again.quantile(0.9)! / 17.5 - 1)).toBeLessThan(2 ** -8);
  });

  it("is small: ten thousand latencies within two kilobytes", () => {
    const random = new Random(1);
    const histogram = recorded(Array.from({ length: 10_000 }, () => Math.exp(random.normal() * 0.4 + 14)));
    expect(histogram.encode().buckets.length).toBeLessThan(2048);
  });

  it("never yields another histogram from altered text: refused with a code, or the same counts", () => {
    const whole = recorded([1, 5, 5, 300, 70_000, 2 ** 45], { limits: [100] }).encode();
    fc.assert(
      fc.property(fc.nat(whole.buckets.length), fc.string({ maxLength: 4 }), (at, inserted) => {
        const buckets = whole.buckets.slice(0, at) + inserted + whole.buckets.slice(at + inserted.length);
        let decoded: Histogram | undefined;
        try {
          decoded = Histogram.decode({ ...whole, buckets });
        } catch (error) {
          expect(error).toMatchObject({ code: "HISTOGRAM_ENCODING_INVALID" });
        }
        if (decoded) expect(decoded.count).toBe(whole.count);
      }),
      { numRuns: 500 },
    );
  });

  const base = recorded([1, 5, 5, 300], { limits: [100] }).encode();
  const bytes = (...values: number[]): string => btoa(String.fromCharCode(...values));
  const hostile: Record<string, Partial<Record<keyof EncodedHistogram, unknown>>> = {
    "another kind": { kind: "log-linear/2" },
    "huge bits": { bits: 40 },
    "no resolution": { resolution: 0 },
    "resolution NaN": { resolution: Number.NaN },
    "negative count": { count: -1 },
    "count that does not add up": { count: 5 },
    "truncated base64": { buckets: base.buckets.slice(0, -1) },
    "truncated entry": { buckets: bytes(1, 1, 3) },
    "truncated number": { buckets: bytes(1, 0x81) },
    "no base64": { buckets: "@@@@" },
    "huge gap": { buckets: bytes(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 4) },
    "endless number": { buckets: bytes(...Array<number>(40).fill(0x80), 1) },
    "padded number": { buckets: bytes(0x81, 0x00, 4) },
    "count of zero": { buckets: bytes(1, 0) },
    "text longer than any": { buckets: "A".repeat(4_000_000) },
    "buckets not text": { buckets: 7 },
    "min elsewhere": { min: 2 },
    "max elsewhere": { max: 400 },
    "max infinite": { max: Number.POSITIVE_INFINITY },
    "sum too small": { sum: 3 },
    "sum too large": { sum: 5000 },
    "limits out of order": {
      limits: [
        [100, 3],
        [50, 3],
      ],
    },
    "limit count beyond count": { limits: [[100, 9]] },
    "limit count against max": { limits: [[1000, 3]] },
    "limit count against min": { limits: [[0.5, 1]] },
    "limits not pairs": { limits: [100] },
    "limits no list": { limits: "100" },
    "rejected fractional": { rejected: 0.5 },
  };
  it.each(Object.entries(hostile))("refuses %s", (_, change) => {
    expect(codeOf(() => Histogram.decode({ ...base, ...change } as EncodedHistogram))).toBe(
      "HISTOGRAM_ENCODING_INVALID",
    );
  });
});

describe("shared memory", () => {
  it("is recorded into through one and read through another", () => {
    const options = { limits: [10], bits: 5 };
    const buffer = new SharedArrayBuffer(Histogram.byteLength(options));
    const reader = new Histogram({ ...options, buffer });
    const writer = new Histogram({ ...options, buffer });
    for (const value of [3, 9, 200]) writer.record(value);
    expect(reader.encode()).toEqual(recorded([3, 9, 200], options).encode());
    reader.reset();
    expect(writer.encode()).toEqual(recorded([], options).encode());
  });

  it("refuses memory that is too small or in use with other options", () => {
    const buffer = new SharedArrayBuffer(Histogram.byteLength({ bits: 8, limits: [1, 2] }));
    expect(new Histogram({ buffer }).count).toBe(0);
    expect(codeOf(() => new Histogram({ buffer, limits: [1] }))).toBe("HISTOGRAM_INCOMPATIBLE");
    expect(codeOf(() => new Histogram({ buffer, resolution: 2 }))).toBe("HISTOGRAM_INCOMPATIBLE");
    expect(codeOf(() => new Histogram({ buffer: new ArrayBuffer(64) }))).toBe("STATS_ARGUMENT_INVALID");
  });
});

describe("options", () => {
  it.each([{ bits: 0 }, { bits: 15 }, { bits: 2.5 }, { resolution: -1 }, { resolution: Number.NaN }, { limits: [-1] }])(
    "refuses %o",
    (options) => {
      expect(codeOf(() => new Histogram(options))).toBe("STATS_ARGUMENT_INVALID");
    },
  );

  it("sorts limits and drops repeats", () => {
    expect(new Histogram({ limits: [5, 1, 5] }).limits).toEqual([1, 5]);
  });
});

it("reset forgets the values and keeps the options", () => {
  const histogram = recorded([1, Number.NaN, 99], { limits: [50] });
  histogram.reset();
  histogram.record(7);
  expect(histogram.encode()).toEqual(recorded([7], { limits: [50] }).encode());
});
