import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonExtent } from "../src/json-end.ts";

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test("agrees with JSON.parse on what is complete", () => {
  const pieces = fc.array(
    fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ":",
      ",",
      '"',
      "\\",
      " ",
      "\n",
      "true",
      "nul",
      "-",
      "1",
      "0",
      "1.5",
      "e",
      "E+2",
      "\\u00e9",
      "\u0001",
      "a",
    ),
    {
      maxLength: 12,
    },
  );
  fc.assert(
    fc.property(
      pieces.map((each) => each.join("")),
      (text) => {
        expect(jsonExtent(text).state === "complete").toBe(parses(text));
      },
    ),
    { numRuns: 3000 },
  );
});

test("every beginning of JSON text is complete or truncated, never wrong", () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), (text, cut) => {
      const beginning = text.slice(0, cut % (text.length + 1));
      const { state } = jsonExtent(beginning);
      expect(state).toBe(parses(beginning) ? "complete" : "truncated");
    }),
    { numRuns: 500 },
  );
});

test.each<[string, number]>([
  ["{,}", 1],
  ['{"a" 1}', 5],
  ["[1 2]", 3],
  ["[1,]", 3],
  ["01", 1],
  ["1 1", 2],
  ["nulx", 0],
  ['"\\x"', 1],
  ['"\\u00g0"', 1],
  ['["a\u0001"]', 3],
  ["]", 0],
])("%j goes wrong at %i", (text, at) => {
  expect(jsonExtent(text)).toEqual({ state: "wrong", at });
});

test("a million brackets do not overflow the stack", () => {
  expect(jsonExtent("[".repeat(1_000_000))).toEqual({ state: "truncated" });
});
