import { judgeErrors } from "../errors.ts";
import { operators } from "./expression.ts";

export type TokenKind = "word" | "number" | "operator" | "(" | ")" | "*" | "+" | "-" | "&&" | "end";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Position of the first character, from 0. */
  readonly at: number;
}

// A unit written directly behind its number belongs to it: 200ms, 1m30s, 0.1%, 500/s, 5MB/s.
const number = /(?:\d[\d_]*(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?:[a-zA-Zµμ%/][\d.a-zA-Zµμ%/]*)?/y;
const word = /[a-zA-Zµμ_%/][\w.µμ%/]*/y;
const space = /\s+/y;
const longestFirst = [...operators].sort((a, b) => b.length - a.length);

/**
 * Cuts a threshold into tokens; the last is always `end`.
 *
 * @throws MettleError `THRESHOLD_SYNTAX` at a character that no token starts with
 */
export function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  while (at < source.length) {
    const blank = take(space);
    if (blank) {
      at += blank.length;
      continue;
    }
    const token = tokenAt(source, at, take);
    tokens.push(token);
    at += token.text.length;
  }
  return [...tokens, { kind: "end", text: "", at: source.length }];
}

function tokenAt(source: string, at: number, take: (pattern: RegExp) => string | undefined): Token {
  const numeral = take(number);
  if (numeral !== undefined) return { kind: "number", text: numeral, at };
  const name = take(word);
  if (name !== undefined) return { kind: "word", text: name, at };
  const operator = longestFirst.find((candidate) => source.startsWith(candidate, at));
  if (operator) return { kind: "operator", text: operator, at };
  if (source.startsWith("&&", at)) return { kind: "&&", text: "&&", at };
  const symbol = source.charAt(at);
  if (symbol === "(" || symbol === ")" || symbol === "*" || symbol === "+" || symbol === "-") {
    return { kind: symbol, text: symbol, at };
  }
  throw thresholdSyntaxError(source, at, ["a statistic, an operator or a limit"], JSON.stringify(symbol));
}

/** Says where, what was expected and what is there, with a caret under the place. `column` counts from 1. */
export function thresholdSyntaxError(source: string, at: number, expected: readonly string[], found: string): Error {
  const column = at + 1;
  const what = expected.length > 1 ? `${expected.slice(0, -1).join(", ")} or ${expected.at(-1)}` : expected[0];
  // Line breaks would part the caret from its place.
  const line = source.replaceAll(/\s/g, " ");
  return judgeErrors.create(
    "THRESHOLD_SYNTAX",
    `Threshold, column ${column}: expected ${what}, found ${found}.\n  ${line}\n  ${" ".repeat(at)}^`,
    { details: { source, column, expected, found } },
  );
}
