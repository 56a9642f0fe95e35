import { Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parsePattern } from "../../src/signals/pattern.ts";
import { PatternIndex } from "../../src/signals/pattern-index.ts";
import { PatternTrie } from "../../src/signals/pattern-trie.ts";
import { SignalRouter } from "../../src/signals/router.ts";
import { makeSignal, patternMatches } from "./signals.ts";

const ascending = (a: number, b: number): number => a - b;
/** Few words, so that patterns often match. */
const word = fc.constantFrom("a", "b", "c");
const type = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join("."));
const pattern = fc
  .array(fc.oneof(word, fc.constantFrom("*", "**")), { minLength: 1, maxLength: 6 })
  .map((words) => words.join("."));

describe("patterns", () => {
  test("a trie finds what a regular expression does", () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 12 }),
        fc.array(type, { minLength: 1, maxLength: 8 }),
        (patterns, types) => {
          const trie = new PatternTrie<number>();
          patterns.forEach((text, i) => trie.add(parsePattern(text), i));
          for (const one of types) {
            const expected = patterns.flatMap((text, i) => (patternMatches(text, one) ? [i] : []));
            expect(trie.match(one).toSorted(ascending)).toEqual(expected);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test.each(["", ".", "a.", ".a", "a..b", "a*", "a.*b", "***", "a.b c", "a.ü", "a\n", "a.#", "x".repeat(256)])(
    "%j is none",
    (text) => {
      expect(() => parsePattern(text)).toThrow(expect.objectContaining({ code: "PATTERN_INVALID" }));
    },
  );

  test("32 words are allowed and 33 are not", () => {
    expect(parsePattern(Array(32).fill("*").join(".")).words).toHaveLength(32);
    expect(() => parsePattern(Array(33).fill("*").join("."))).toThrow(/32 words/);
  });

  test("many ** in a pattern do not make a lookup exponential", () => {
    const trie = new PatternTrie<string>();
    trie.add(parsePattern(Array(15).fill("**.a").join(".")), "hit");
    // Without a b the pattern has billions of ways to match; with one at the end it has none, after as many tries.
    expect(trie.match(Array(32).fill("a").join("."))).toEqual(["hit"]);
    expect(trie.match(`${Array(31).fill("a").join(".")}.b`)).toEqual([]);
  });
});

describe("the memo", () => {
  const change = fc.record({ add: fc.boolean(), pattern, pick: fc.nat() });

  test("never remembers what is not so any more, however small it is", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(change, type), { maxLength: 60 }),
        fc.integer({ min: 1, max: 3 }),
        (steps, memo) => {
          const index = new PatternIndex<string, readonly string[]>({ plan: (items) => items.toSorted(), memo });
          const present: { text: string; item: string; parsed: ReturnType<typeof parsePattern> }[] = [];
          let made = 0;
          for (const step of steps) {
            if (typeof step === "string") {
              const expected = present.filter(({ text }) => patternMatches(text, step)).map(({ item }) => item);
              expect(index.find(step)).toEqual(expected.toSorted());
              expect(index.find(step)).toBe(index.find(step));
            } else if (step.add || present.length === 0) {
              const item = `${step.pattern}#${made++}`;
              present.push({ text: step.pattern, item, parsed: index.add(step.pattern, item) });
            } else {
              const [gone] = present.splice(step.pick % present.length, 1);
              if (gone) expect(index.remove(gone.parsed, gone.item)).toBe(true);
            }
            expect(index.remembered).toBeLessThanOrEqual(2 * memo);
            expect(index.size).toBe(present.length);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test("an exact pattern forgets its own type only", () => {
    const index = new PatternIndex<number, number>({ plan: (items) => items.length, memo: 10 });
    index.find("a.b");
    index.find("a.c");
    index.add("a.b", 1);
    expect([index.find("a.b"), index.find("a.c"), index.misses]).toEqual([1, 0, 3]);
  });

  test("types in use survive a flood of others", () => {
    const index = new PatternIndex<number, number>({ plan: (items) => items.length, memo: 100 });
    for (let i = 0; i < 10_000; i++) {
      index.find(`flood.${i}`);
      index.find("in.use");
    }
    expect(index.misses).toBe(10_001);
  });

  test("removing what is not there changes nothing", () => {
    const index = new PatternIndex<number, number>({ plan: (items) => items.length, memo: 10 });
    index.add("a.*", 1);
    expect(index.remove(parsePattern("a.*"), 2)).toBe(false);
    expect(index.remove(parsePattern("b.**"), 1)).toBe(false);
    expect(index.find("a.b")).toBe(1);
  });

  test.each(["", "a..b", "a b", "a.*"])("the type %j is refused and not remembered", (text) => {
    const index = new PatternIndex<number, number>({ plan: (items) => items.length, memo: 10 });
    for (let i = 0; i < 2; i++) {
      expect(() => index.find(text)).toThrow(expect.objectContaining({ code: "SIGNAL_TYPE_INVALID" }));
    }
    expect(index.remembered).toBe(0);
  });
});

describe("the router", () => {
  test("orders by priority, then specificity, then age", () => {
    const router = new SignalRouter<string>();
    for (const [text, priority] of [
      ["**", 0],
      ["orders.**", 0],
      ["orders.*.created", 0],
      ["orders.invoice.created", 0],
      ["orders.invoice.*", 0],
      ["*.invoice.created", 0],
      ["**.created", 5],
      ["orders.*.*", -100],
      ["orders.invoice.*.**", 0],
    ] as const) {
      router.add(text, text, { priority });
    }
    router.add("orders.**", "orders.** again");
    expect(router.route(makeSignal("orders.invoice.created"))).toEqual([
      "**.created",
      "orders.invoice.created",
      "orders.invoice.*.**",
      "orders.invoice.*",
      "orders.*.created",
      "orders.**",
      "orders.** again",
      "*.invoice.created",
      "**",
      "orders.*.*",
    ]);
  });

  test("the order is that of a slow sort", () => {
    const route = fc.record({ text: pattern, priority: fc.integer({ min: -2, max: 2 }) });
    fc.assert(
      fc.property(fc.array(route, { maxLength: 15 }), type, (routes, one) => {
        const router = new SignalRouter<number>();
        routes.forEach(({ text, priority }, i) => router.add(text, i, { priority }));
        const found = router.route(makeSignal(one));
        expect(found.toSorted(ascending)).toEqual(
          routes.flatMap(({ text }, i) => (patternMatches(text, one) ? [i] : [])),
        );
        const weight = (text: string): number[] => text.split(".").map((w) => (w === "**" ? 0 : w === "*" ? 1 : 2));
        for (const [k, i] of found.entries()) {
          const before = found[k - 1];
          if (before === undefined) continue;
          const [a, b] = [routes[before]!, routes[i]!];
          if (a.priority !== b.priority) expect(a.priority).toBeGreaterThan(b.priority);
          else {
            const [x, y] = [weight(a.text), weight(b.text)];
            const at = Math.max(x.length, y.length);
            const first = Array.from({ length: at }, (_, n) => (x[n] ?? -1) - (y[n] ?? -1)).find((d) => d !== 0) ?? 0;
            if (first === 0) expect(before).toBeLessThan(i);
            else expect(first).toBeGreaterThan(0);
          }
        }
      }),
    );
  });

  test("asks predicates for every signal", () => {
    const router = new SignalRouter<string>();
    router.add("a.*", "always");
    router.add("a.b", "large", { when: ({ data }) => (data as number) > 10 });
    expect(router.route(makeSignal("a.b", 11))).toEqual(["large", "always"]);
    expect(router.route(makeSignal("a.b", 1))).toEqual(["always"]);
  });

  test("a route is gone once removed, and only once", () => {
    const router = new SignalRouter<string>();
    const route = router.add("a.*", "x");
    expect(router.route(makeSignal("a.b"))).toEqual(["x"]);
    expect([route.remove(), route.remove(), router.size]).toEqual([true, false, 0]);
    expect(router.route(makeSignal("a.b"))).toEqual([]);
  });

  test.each([101, -101, 0.5, Number.NaN])("a priority of %d is refused", (priority) => {
    expect(() => new SignalRouter().add("a", 1, { priority })).toThrow(
      expect.objectContaining({ code: "ROUTE_INVALID" }),
    );
  });
});

test("of many targets of one pattern any can go, in any order, and come again", () => {
  fc.assert(
    fc.property(fc.integer({ min: 60, max: 200 }), fc.integer(), (count, seed) => {
      const router = new SignalRouter<number>();
      const routes = Array.from({ length: count }, (_, i) => router.add("a.*", i));
      const going = new Random(seed).shuffle(routes.filter(({ target }) => target % 3 !== 0));
      expect(going.map((route) => route.remove())).toEqual(going.map(() => true));
      expect(going.some((route) => route.remove())).toBe(false);
      const staying = routes.filter(({ target }) => target % 3 === 0).map(({ target }) => target);
      expect([router.route(makeSignal("a.b")), router.size]).toEqual([staying, staying.length]);
      router.add("a.*", -1);
      expect(router.route(makeSignal("a.b"))).toEqual([...staying, -1]);
    }),
  );
});
