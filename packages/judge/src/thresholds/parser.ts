import { MettleError } from "@mettle/core";
import { readQuantity } from "../quantity.ts";
import { parseStatistic, type Statistic, statisticWords } from "../statistic.ts";
import {
  type Condition,
  type Limit,
  type Operator,
  operators,
  type Threshold,
  type WrittenQuantity,
} from "./expression.ts";
import { type Token, type TokenKind, thresholdSyntaxError, tokenize } from "./lexer.ts";

const statisticNames = [...statisticWords, "p(N)"];
const isOperator = (text: string): text is Operator => (operators as readonly string[]).includes(text);

/**
 * Parses a threshold.
 *
 * ```
 * threshold = condition { "&&" condition } [ "within" duration ] [ "with" ">=" count "samples" ]
 * condition = statistic operator limit
 * statistic = "avg" | "mean" | "med" | "median" | "min" | "max" | "stddev" | "sum" | "count" | "rate" | "value"
 *           | "goodput" | "p(" number ")" | "p50", "p99.9", "p999" …
 * operator  = "<" | "<=" | ">" | ">=" | "==" | "===" | "!="
 * limit     = quantity | "baseline" [ "*" number | ( "+" | "-" ) quantity ]
 * quantity  = [ "+" | "-" ] number [ unit ]
 * ```
 *
 * Every threshold expression of k6 is one of these and means the same.
 *
 * @throws MettleError `THRESHOLD_SYNTAX`; details `{source, column, expected, found}`, column from 1
 */
export function parseThreshold(source: string): Threshold {
  return new Parser(source).threshold();
}

class Parser {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = tokenize(source);
  }

  threshold(): Threshold {
    const conditions: Condition[] = [this.#condition()];
    while (this.#accept("&&")) conditions.push(this.#condition());
    const window = this.#acceptWord("within") ? this.#duration() : undefined;
    const minimumSamples = this.#acceptWord("with") ? this.#minimumSamples() : undefined;
    if (this.#peek().kind !== "end") {
      const suffixes = minimumSamples === undefined ? ["with >= N samples"] : [];
      this.#fail(["&&", ...(window ? [] : ["within"]), ...suffixes, "the end"]);
    }
    return {
      conditions,
      ...(window ? { window } : {}),
      ...(minimumSamples === undefined ? {} : { minimumSamples }),
    };
  }

  #condition(): Condition {
    const statistic = this.#statistic();
    const operator = this.#peek();
    if (operator.kind !== "operator" || !isOperator(operator.text)) return this.#fail(operators);
    this.#next += 1;
    return { statistic, operator: operator.text, limit: this.#limit() };
  }

  #statistic(): Statistic {
    const token = this.#peek();
    if (token.kind !== "word") return this.#fail(statisticNames);
    if (token.text === "p" && this.#tokens[this.#next + 1]?.kind === "(") {
      this.#next += 2;
      const percentile = this.#expect("number", ["a percentile from 0 to 100"]);
      const statistic = parseStatistic(`p(${percentile.text})`);
      if (!statistic) return this.#fail(["a percentile from 0 to 100"], percentile);
      this.#expect(")", [")"]);
      return statistic;
    }
    const statistic = parseStatistic(token.text);
    if (!statistic) return this.#fail(statisticNames);
    this.#next += 1;
    return statistic;
  }

  #limit(): Limit {
    if (!this.#acceptWord("baseline")) {
      return { kind: "absolute", quantity: this.#quantity(["a number", "baseline"]) };
    }
    if (this.#accept("*")) {
      const factor = this.#expect("number", ["a factor such as 1.10"]);
      const quantity = this.#parsed(factor, factor.text, ["a factor without unit, such as 1.10"]);
      if (quantity.unit !== undefined) return this.#fail(["a factor without unit, such as 1.10"], factor);
      return { kind: "baseline-factor", factor: quantity.value, text: factor.text };
    }
    const sign = this.#peek().kind;
    if (sign === "+" || sign === "-") {
      this.#next += 1;
      const offset = this.#unsigned(sign, ["a quantity such as 5ms"]);
      return { kind: "baseline-offset", offset };
    }
    return { kind: "baseline-factor", factor: 1, text: "" };
  }

  #quantity(expected: readonly string[]): WrittenQuantity {
    const sign = this.#peek().kind;
    if (sign === "+" || sign === "-") this.#next += 1;
    return this.#unsigned(sign === "-" ? "-" : "", expected);
  }

  /** A number, and its unit where that is a word of its own: `200 ms`. */
  #unsigned(sign: "+" | "-" | "", expected: readonly string[]): WrittenQuantity {
    const numeral = this.#expect("number", expected);
    const after = this.#peek();
    const detached = after.kind === "word" && after.text !== "within" && after.text !== "with";
    if (detached) this.#next += 1;
    const text = `${sign === "-" ? "-" : ""}${numeral.text}${detached ? after.text : ""}`;
    const unitWanted = ["a number with a known unit (ns, us, ms, s, m, h, B, kB, MB, %, /s …)"];
    return this.#parsed(detached ? after : numeral, text, detached ? ["a known unit", "&&", "the end"] : unitWanted);
  }

  #parsed(token: Token, text: string, expected: readonly string[]): WrittenQuantity {
    const negative = text.startsWith("-");
    try {
      const { value, unit } = readQuantity(negative ? text.slice(1) : text);
      return { value: negative ? -value : value, ...(unit === undefined ? {} : { unit }), text };
    } catch (cause) {
      if (cause instanceof MettleError && cause.code === "QUANTITY_INVALID") return this.#fail(expected, token);
      throw cause;
    }
  }

  #duration(): { ms: number; text: string } {
    const token = this.#peek();
    const quantity = this.#unsigned("", ["a duration such as 30s"]);
    if (quantity.unit !== "ns" || !(quantity.value > 0)) return this.#fail(["a duration such as 30s"], token);
    return { ms: quantity.value / 1e6, text: quantity.text };
  }

  #minimumSamples(): number {
    const operator = this.#peek();
    if (operator.text !== ">=") return this.#fail([">="]);
    this.#next += 1;
    const token = this.#expect("number", ["a whole number of samples"]);
    const count = Number(token.text.replaceAll("_", ""));
    if (!Number.isSafeInteger(count) || count < 1) return this.#fail(["a whole number of samples"], token);
    if (!this.#acceptWord("samples")) return this.#fail(["samples"]);
    return count;
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: "end", text: "", at: this.#source.length };
  }

  #accept(kind: TokenKind): boolean {
    if (this.#peek().kind !== kind) return false;
    this.#next += 1;
    return true;
  }

  #acceptWord(text: string): boolean {
    const token = this.#peek();
    if (token.kind !== "word" || token.text !== text) return false;
    this.#next += 1;
    return true;
  }

  #expect(kind: TokenKind, expected: readonly string[]): Token {
    const token = this.#peek();
    if (token.kind !== kind) return this.#fail(expected);
    this.#next += 1;
    return token;
  }

  #fail(expected: readonly string[], token: Token = this.#peek()): never {
    throw thresholdSyntaxError(
      this.#source,
      token.at,
      expected,
      token.kind === "end" ? "the end" : JSON.stringify(token.text),
    );
  }
}
