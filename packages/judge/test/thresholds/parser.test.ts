import { MettleError } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatThreshold, operators } from "../../src/thresholds/expression.ts";
import { parseThreshold } from "../../src/thresholds/parser.ts";

describe("k6 thresholds parse as they stand", () => {
  const aggregations = ["avg", "min", "max", "med", "p(0)", "p(95)", "p(99.9)", "p(100)", "rate", "count", "value"];
  const spaced = [
    (a: string, o: string) => `${a}${o}200`,
    (a: string, o: string) => `  ${a}  ${o}  0.25 `,
    (a: string, o: string) => `${a} ${o} 1`,
  ];
  for (const aggregation of aggregations) {
    for (const operator of operators) {
      it(`${aggregation} ${operator}`, () => {
        const parsed = spaced.map((write) => parseThreshold(write(aggregation, operator)));
        for (const { conditions, window, minimumSamples } of parsed) {
          expect(conditions).toHaveLength(1);
          expect(conditions[0]).toMatchObject({ operator, limit: { kind: "absolute" } });
          expect([window, minimumSamples]).toEqual([undefined, undefined]);
        }
        const values = parsed.map(
          ({ conditions: [first] }) => first?.limit.kind === "absolute" && first.limit.quantity,
        );
        expect(values).toMatchObject([{ value: 200 }, { value: 0.25 }, { value: 1 }]);
        expect(values.every((quantity) => quantity && quantity.unit === undefined)).toBe(true);
      });
    }
  }
});

describe("the superset", () => {
  const limitOf = (text: string) => parseThreshold(text).conditions[0]?.limit;

  it("reads units, attached or apart", () => {
    expect(limitOf("p(95) < 200ms")).toEqual({
      kind: "absolute",
      quantity: { value: 200e6, unit: "ns", text: "200ms" },
    });
    expect(limitOf("p95<1m30s")).toMatchObject({ quantity: { value: 90e9, unit: "ns" } });
    expect(limitOf("rate < 0.1 %")).toMatchObject({ quantity: { value: 0.001, unit: "1" } });
    expect(limitOf("rate >= 500 /s")).toMatchObject({ quantity: { value: 500, unit: "1/s" } });
    expect(limitOf("max <= 5 MiB")).toMatchObject({ quantity: { value: 5 * 1024 ** 2, unit: "bytes" } });
    expect(limitOf("value > -5")).toMatchObject({ quantity: { value: -5 } });
  });

  it("reads limits relative to the baseline", () => {
    expect(limitOf("p(99) < baseline * 1.10")).toEqual({ kind: "baseline-factor", factor: 1.1, text: "1.10" });
    expect(limitOf("p(99) < baseline")).toMatchObject({ kind: "baseline-factor", factor: 1 });
    expect(limitOf("p(99) < baseline + 5ms")).toMatchObject({ kind: "baseline-offset", offset: { value: 5e6 } });
    expect(limitOf("p(99) < baseline-5ms")).toMatchObject({ kind: "baseline-offset", offset: { value: -5e6 } });
  });

  it("reads conjunctions, windows and the least number of samples together", () => {
    const threshold = parseThreshold("p(95)<200 && goodput >= 95% within 30s with >= 100 samples");
    expect(threshold.conditions.map(({ statistic }) => statistic.kind)).toEqual(["percentile", "goodput"]);
    expect(threshold).toMatchObject({ window: { ms: 30_000 }, minimumSamples: 100 });
  });
});

describe("mistakes", () => {
  const rows: readonly (readonly [string, number, string])[] = [
    ["", 1, "the end"],
    ["p95", 4, "the end"],
    ["p(95 < 2", 6, '"<"'],
    ["p(101) < 2", 3, '"101"'],
    ["p(95) < ", 9, "the end"],
    ["p(95) < 200 ms ms", 16, '"ms"'],
    ["p(95) < 200parsecs", 9, '"200parsecs"'],
    ["p(95) < 200 parsecs", 13, '"parsecs"'],
    ["p(95) => 2", 7, '"="'],
    ["speed < 2", 1, '"speed"'],
    ["avg < 2 &&", 11, "the end"],
    ["avg < 2 & max < 3", 9, '"&"'],
    ["avg < baseline * 5ms", 18, '"5ms"'],
    ["avg < baseline * ", 18, "the end"],
    ["avg < 2 within 30", 16, '"30"'],
    ["avg < 2 within 5MB", 16, '"5MB"'],
    ["avg < 2 with > 5 samples", 14, '">"'],
    ["avg < 2 with >= 0 samples", 17, '"0"'],
    ["avg < 2 with >= 5", 18, "the end"],
    ["__proto__ < 2", 1, '"__proto__"'],
    ["constructor < 2", 1, '"constructor"'],
    ["avg < 1e999", 7, '"1e999"'],
  ];
  for (const [source, column, found] of rows) {
    it(`${JSON.stringify(source)} at column ${column}`, () => {
      const error = thrownBy(() => parseThreshold(source));
      expect(error.code).toBe("THRESHOLD_SYNTAX");
      expect(error.details).toMatchObject({ column, found });
      const [, line = "", caret = ""] = error.message.split("\n");
      expect(line.slice(2)).toBe(source);
      expect(caret.length).toBe(2 + column);
    });
  }

  it("never fails otherwise than with its code", () => {
    const alphabet = [
      "avg",
      "p(",
      "95",
      ")",
      "<",
      ">=",
      "&&",
      "baseline",
      "*",
      "+",
      "-",
      "5ms",
      "within",
      "with",
      "samples",
      " ",
      "%",
      "ü",
      "\n",
    ];
    const pieces = fc.array(fc.oneof(fc.constantFrom(...alphabet), fc.string({ unit: "binary", maxLength: 3 })), {
      maxLength: 12,
    });
    const codes: unknown[] = [];
    fc.assert(
      fc.property(pieces, (parts) => {
        const thrown = attempt(() => parseThreshold(parts.join("")));
        if (thrown !== undefined) codes.push(thrown instanceof MettleError ? thrown.code : thrown);
      }),
      { numRuns: 2000, seed: 1 },
    );
    expect(codes.length).toBeGreaterThan(500);
    expect([...new Set(codes)]).toEqual(["THRESHOLD_SYNTAX"]);
  });
});

const quantityText = fc
  .tuple(
    fc.constantFrom("", "-"),
    fc.oneof(
      fc.nat(1e6).map(String),
      fc.integer({ min: 1, max: 99_999 }).map((n) => (n / 100).toFixed(2)),
    ),
    fc.constantFrom("", "ms", "s", "us", "%", "/s", "MB", "KiB", "MB/h"),
  )
  .map(([sign, number, unit]) => `${sign}${number}${unit}`);
const unsignedText = quantityText.map((text) => text.replace("-", ""));
const limitText = fc.oneof(
  quantityText,
  fc.constant("baseline"),
  fc.integer({ min: 1, max: 500 }).map((n) => `baseline * ${n / 100}`),
  fc.tuple(fc.constantFrom("+", "-"), unsignedText).map(([sign, text]) => `baseline ${sign} ${text}`),
);
const statisticText = fc.oneof(
  fc.constantFrom("avg", "med", "min", "max", "stddev", "sum", "count", "rate", "value", "goodput"),
  fc.integer({ min: 0, max: 1000 }).map((n) => `p(${n / 10})`),
);
const canonical = fc
  .record({
    conditions: fc.array(
      fc.tuple(statisticText, fc.constantFrom(...operators), limitText).map((parts) => parts.join(" ")),
      { minLength: 1, maxLength: 3 },
    ),
    window: fc.option(
      fc.integer({ min: 1, max: 600 }).map((n) => ` within ${n}s`),
      { nil: "" },
    ),
    samples: fc.option(
      fc.integer({ min: 1, max: 1e6 }).map((n) => ` with >= ${n} samples`),
      { nil: "" },
    ),
  })
  .map(({ conditions, window, samples }) => `${conditions.join(" && ")}${window}${samples}`);

describe("round trip", () => {
  it("writes every canonical text as it was read", () => {
    fc.assert(
      fc.property(canonical, (text) => {
        expect(formatThreshold(parseThreshold(text))).toBe(text);
      }),
      { seed: 2 },
    );
  });
});

function thrownBy(body: () => unknown): MettleError {
  const thrown = attempt(body);
  if (thrown instanceof MettleError) return thrown;
  throw new Error("no coded error was thrown", { cause: thrown });
}

/** What the body threw; undefined when it did not. */
function attempt(body: () => unknown): unknown {
  try {
    body();
    return undefined;
  } catch (thrown) {
    return thrown;
  }
}
