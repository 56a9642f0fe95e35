/**
 * How far a text is JSON: whole, cut off (a longer text could be JSON), or wrong at an offset. Written because the
 * parser's error messages differ between engine versions and are not to be parsed.
 */
export type JsonExtent =
  | { readonly state: "complete" }
  | { readonly state: "truncated" }
  /** `at` is the index, in UTF-16 units, of the first character that no JSON text could have there. */
  | { readonly state: "wrong"; readonly at: number };

const blank = /[ \t\n\r]*/y;
// RFC 8259 forbids control characters inside strings.
// oxlint-disable-next-line no-control-regex
const plainString = /[^"\\\u0000-\u001f]*/y;
const escapeSequence = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const unfinishedEscape = /\\(?:u[0-9a-fA-F]{0,3})?$/y;
const numberText = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const unfinishedNumber = /-?(?:(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][+-]?\d*)?)?$/y;
const words = ["true", "false", "null"];

/** Follows the grammar of RFC 8259 with an explicit stack, so that depth cannot overflow. */
export function jsonExtent(text: string): JsonExtent {
  return new Scanner(text).scan();
}

class Scanner {
  readonly #text: string;
  #at = 0;
  /** Open containers. */
  readonly #open: ("{" | "[")[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  scan(): JsonExtent {
    let expected: "value" | "value or end" | "name" | "name or end" | "after" = "value";
    for (;;) {
      this.#match(blank);
      const next = this.#text[this.#at];
      if (next === undefined) {
        return expected === "after" && this.#open.length === 0 ? { state: "complete" } : { state: "truncated" };
      }
      if (expected === "after") {
        const container = this.#open.at(-1);
        if (container === undefined) return this.#wrong();
        this.#at++;
        if (next === ",") expected = container === "{" ? "name" : "value";
        else if (next === (container === "{" ? "}" : "]")) this.#open.pop();
        else return this.#wrong(this.#at - 1);
        continue;
      }
      if ((expected === "name or end" && next === "}") || (expected === "value or end" && next === "]")) {
        this.#at++;
        this.#open.pop();
        expected = "after";
      } else if (expected === "name" || expected === "name or end") {
        const failed = this.#name(next);
        if (failed) return failed;
        expected = "value";
      } else if (next === "{" || next === "[") {
        this.#at++;
        this.#open.push(next);
        expected = next === "{" ? "name or end" : "value or end";
      } else {
        const failed = next === '"' ? this.#string() : this.#scalar();
        if (failed) return failed;
        expected = "after";
      }
    }
  }

  #name(next: string): JsonExtent | undefined {
    if (next !== '"') return this.#wrong();
    const failed = this.#string();
    if (failed) return failed;
    this.#match(blank);
    if (this.#at === this.#text.length) return { state: "truncated" };
    if (this.#text[this.#at] !== ":") return this.#wrong();
    this.#at++;
    return undefined;
  }

  #string(): JsonExtent | undefined {
    this.#at++;
    for (;;) {
      this.#match(plainString);
      const next = this.#text[this.#at];
      if (next === undefined) return { state: "truncated" };
      if (next === '"') {
        this.#at++;
        return undefined;
      }
      if (!this.#match(escapeSequence)) return this.#match(unfinishedEscape) ? { state: "truncated" } : this.#wrong();
    }
  }

  #scalar(): JsonExtent | undefined {
    const rest = this.#text.length - this.#at;
    for (const word of words) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return undefined;
      }
      if (rest < word.length && word.startsWith(this.#text.slice(this.#at))) return { state: "truncated" };
    }
    const start = this.#at;
    if (this.#match(numberText)) {
      // "1." and "1e" begin well and stop short; "1" at the very end is whole.
      const end = this.#at;
      this.#at = start;
      if (end < this.#text.length && this.#match(unfinishedNumber)) return { state: "truncated" };
      this.#at = end;
      return undefined;
    }
    return this.#match(unfinishedNumber) ? { state: "truncated" } : this.#wrong();
  }

  #match(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #wrong(at = this.#at): JsonExtent {
    return { state: "wrong", at };
  }
}
