import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OTHER_KINDS, SampleBook, type SlowSample } from "../../src/metrics/sample-book.ts";

const sample = (value: number, at: number = 0): SlowSample => ({
  at,
  value,
  phases: [["wait", value]],
  label: `GET /${value}`,
});
const tags = { scenario: "s", name: "search", url: "http://x/search" };
const slowOf = (book: SampleBook): number[] => book.entries().flatMap(({ slow }) => slow.map(({ value }) => value));

/** As a caller does it: only what is slower than the least of those kept comes here at all. */
function offer(book: SampleBook, values: readonly number[]): number {
  let above = Number.NEGATIVE_INFINITY;
  let touched = 0;
  for (const value of values) {
    if (!(value > above)) continue;
    above = book.slow(tags, sample(value));
    touched += 1;
  }
  return touched;
}

describe("the slowest samples", () => {
  test("are the five slowest of any, in order, whatever the order they came in", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true })), (values) => {
        const book = new SampleBook();
        offer(book, values);
        expect(slowOf(book)).toEqual(values.toSorted((a, b) => b - a).slice(0, 5));
      }),
    );
  });

  test("once there are five, the book is touched only by what is slower than the least of them", () => {
    const book = new SampleBook();
    expect(offer(book, [5, 4, 3, 2, 1, ...Array.from({ length: 10_000 }, () => 1), 0.5])).toBe(5);
    expect(offer(book, [6, ...Array.from({ length: 1000 }, () => 3)])).toBe(2);
    expect(slowOf(book)).toEqual([6, 5, 4, 3, 3]);
  });

  test("of several workers are the slowest of all, told in any portions", () => {
    const values = fc.array(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(values, values, (first, second) => {
        const [workers, main] = [[new SampleBook(), new SampleBook()], new SampleBook()];
        workers.forEach((worker, i) => {
          for (const portion of i === 0 ? first : second) {
            offer(worker, portion);
            main.merge(worker.take((at) => at));
          }
        });
        const all = [...first, ...second].flat().toSorted((a, b) => b - a);
        expect(slowOf(main)).toEqual(all.slice(0, 5));
      }),
    );
  });

  test("what was told is not told again; moments are those of the run", () => {
    const book = new SampleBook();
    book.slow(tags, sample(9, 1500));
    expect(book.take((at) => at - 1000)[0]?.slow[0]).toMatchObject({ value: 9, at: 500 });
    expect(book.take((at) => at)).toEqual([]);
    book.slow(tags, sample(10, 2000));
    expect(book.take((at) => at)[0]?.slow).toMatchObject([{ value: 10 }]);
  });
});

describe("failures", () => {
  test("are counted by kind, with the first as the example, over any number of portions", () => {
    const [worker, main] = [new SampleBook(), new SampleBook()];
    const refused = worker.failure(tags, "refused", 100, "GET /a → refused");
    for (let portion = 0; portion < 3; portion++) {
      refused!.count += 10;
      worker.failure(tags, "status 503", 200 + portion, `GET /${portion} → 503`)!.count += 1;
      main.merge(worker.take((at) => at));
    }
    expect(main.entries()[0]?.failures).toEqual([
      { kind: "refused", count: 30, at: 100, label: "GET /a → refused" },
      { kind: "status 503", count: 3, at: 200, label: "GET /0 → 503" },
    ]);
  });

  test("kinds, operations and texts without end take bounded room, and none is lost from the count", () => {
    const book = new SampleBook();
    for (let i = 0; i < 1000; i++)
      book.failure(tags, `id ${i} ${"x".repeat(10_000)}`, i, "y".repeat(10_000))!.count += 1;
    const [operation] = book.entries();
    expect(operation?.failures).toHaveLength(21);
    expect(operation?.failures.reduce((sum, { count }) => sum + count, 0)).toBe(1000);
    expect(operation?.failures[0]).toMatchObject({ kind: OTHER_KINDS, count: 980 });
    expect(JSON.stringify(operation).length).toBeLessThan(20_000);
    for (let i = 0; i < 1000; i++) book.slow({ scenario: "s", name: `operation ${i}` }, sample(i));
    expect(book.entries()).toHaveLength(64);
    expect(book.slow({ scenario: "s", name: "one more" }, sample(1))).toBe(Number.POSITIVE_INFINITY);
    expect(book.failure({ scenario: "s", name: "one more" }, "x", 0, "")).toBeUndefined();
  });
});
