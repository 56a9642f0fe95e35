import { type Static, Type } from "typebox";
import { strict } from "../../http/schemas.ts";
import { type Tool, ToolFailure } from "../tool.ts";

const input = strict({
  expression: Type.String({ minLength: 1, maxLength: 1000, description: "Such as `2 * (3 + sqrt(16)) ^ 2`." }),
});

const depthAtMost = 100;
const constants: Readonly<Record<string, number>> = { pi: Math.PI, e: Math.E, tau: 2 * Math.PI };

type Arity = readonly [least: number, most: number];
const functions: Readonly<Record<string, { readonly arity: Arity; readonly of: (...values: number[]) => number }>> = {
  abs: { arity: [1, 1], of: Math.abs },
  ceil: { arity: [1, 1], of: Math.ceil },
  floor: { arity: [1, 1], of: Math.floor },
  round: { arity: [1, 2], of: (value, digits = 0) => Math.round(value * 10 ** digits) / 10 ** digits },
  sign: { arity: [1, 1], of: Math.sign },
  sqrt: { arity: [1, 1], of: Math.sqrt },
  cbrt: { arity: [1, 1], of: Math.cbrt },
  exp: { arity: [1, 1], of: Math.exp },
  ln: { arity: [1, 1], of: Math.log },
  log: {
    arity: [1, 2],
    of: (value, base = 10) => (base === 10 ? Math.log10(value) : Math.log(value) / Math.log(base)),
  },
  sin: { arity: [1, 1], of: Math.sin },
  cos: { arity: [1, 1], of: Math.cos },
  tan: { arity: [1, 1], of: Math.tan },
  asin: { arity: [1, 1], of: Math.asin },
  acos: { arity: [1, 1], of: Math.acos },
  atan: { arity: [1, 2], of: (y, x = 1) => Math.atan2(y, x) },
  min: { arity: [1, 100], of: Math.min },
  max: { arity: [1, 100], of: Math.max },
  sum: { arity: [1, 100], of: (...values) => values.reduce((sum, value) => sum + value, 0) },
  mean: { arity: [1, 100], of: (...values) => values.reduce((sum, value) => sum + value, 0) / values.length },
};

const token = /\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)|([a-z]\w*)|([-+*/%^(),]))/iy;

interface Token {
  readonly kind: "number" | "name" | "sign" | "end";
  readonly text: string;
  readonly at: number;
}

/** Arithmetic in double precision, by a parser of our own: nothing of an expression is ever run as code. */
export const calculator: Tool = {
  name: "calculator",
  summary: `Arithmetic: + - * / % ^, parentheses, ${Object.keys(constants).join(", ")}, and ${Object.keys(functions).join(", ")}.`,
  kind: "light",
  input,
  run: ({ expression }: Static<typeof input>) => {
    const value = new Parser(expression).parse();
    if (!Number.isFinite(value)) throw new ToolFailure("The result is no number, or too large for one.");
    return { value };
  },
};

/** Recursive descent; each rule returns its value. */
class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #token: Token;

  constructor(text: string) {
    this.#text = text;
    this.#token = this.#next();
  }

  parse(): number {
    const value = this.#sum();
    if (this.#token.kind !== "end") this.#refuse();
    return value;
  }

  #sum(): number {
    this.#depth += 1;
    if (this.#depth > depthAtMost) throw new ToolFailure(`The expression is nested more than ${depthAtMost} deep.`);
    let value = this.#product();
    for (;;) {
      if (this.#take("+")) value += this.#product();
      else if (this.#take("-")) value -= this.#product();
      else break;
    }
    this.#depth -= 1;
    return value;
  }

  #product(): number {
    let value = this.#signed();
    for (;;) {
      if (this.#take("*")) value *= this.#signed();
      else if (this.#take("/")) value /= this.#divisor();
      else if (this.#take("%")) value %= this.#divisor();
      else return value;
    }
  }

  #divisor(): number {
    const value = this.#signed();
    if (value === 0) throw new ToolFailure("Nothing can be divided by zero.");
    return value;
  }

  /** −2 ^ 2 is −4, as in mathematics. */
  #signed(): number {
    let negative = false;
    for (;;) {
      if (this.#take("-")) negative = !negative;
      else if (!this.#take("+")) break;
    }
    const value = this.#power();
    return negative ? -value : value;
  }

  /** From the right: 2 ^ 3 ^ 2 is 2 ^ 9. */
  #power(): number {
    const bases = [this.#atom()];
    const negative = [false];
    while (this.#take("^")) {
      let minus = false;
      for (;;) {
        if (this.#take("-")) minus = !minus;
        else if (!this.#take("+")) break;
      }
      bases.push(this.#atom());
      negative.push(minus);
    }
    return bases.reduceRight((exponent, base, i) => {
      const value = i === bases.length - 1 ? base : base ** exponent;
      return negative[i] === true ? -value : value;
    }, 0);
  }

  #atom(): number {
    const { kind, text } = this.#token;
    if (kind === "number") {
      this.#token = this.#next();
      return Number(text);
    }
    if (this.#take("(")) {
      const value = this.#sum();
      this.#expect(")");
      return value;
    }
    if (kind !== "name") this.#refuse();
    this.#token = this.#next();
    return this.#take("(") ? this.#call(text) : this.#constant(text);
  }

  #constant(name: string): number {
    const value = Object.hasOwn(constants, name.toLowerCase()) ? constants[name.toLowerCase()] : undefined;
    if (value === undefined) throw new ToolFailure(`There is no constant "${name.slice(0, 40)}".`);
    return value;
  }

  #call(name: string): number {
    const called = Object.hasOwn(functions, name.toLowerCase()) ? functions[name.toLowerCase()] : undefined;
    if (!called) throw new ToolFailure(`There is no function "${name.slice(0, 40)}".`);
    const values = [this.#sum()];
    while (this.#take(",")) values.push(this.#sum());
    this.#expect(")");
    const [least, most] = called.arity;
    if (values.length < least || values.length > most) {
      throw new ToolFailure(
        `${name} takes ${least === most ? least : `${least} to ${most}`} values, not ${values.length}.`,
      );
    }
    return called.of(...values);
  }

  #take(sign: string): boolean {
    if (this.#token.kind !== "sign" || this.#token.text !== sign) return false;
    this.#token = this.#next();
    return true;
  }

  #expect(sign: string): void {
    if (!this.#take(sign)) this.#refuse(`"${sign}" is missing`);
  }

  #refuse(what?: string): never {
    const { kind, text, at } = this.#token;
    const found = kind === "end" ? "it ends too early" : `"${text.slice(0, 40)}" does not belong there`;
    throw new ToolFailure(`The expression cannot be read at character ${at + 1}: ${what ?? found}.`);
  }

  #next(): Token {
    token.lastIndex = this.#at;
    const found = token.exec(this.#text);
    if (!found) {
      const rest = this.#text.slice(this.#at).trimStart();
      const at = this.#text.length - rest.length;
      this.#at = this.#text.length;
      return rest === "" ? { kind: "end", text: "", at } : { kind: "sign", text: rest.slice(0, 1), at };
    }
    const [, number, name, sign = ""] = found;
    this.#at = token.lastIndex;
    const text = number ?? name ?? sign;
    return {
      kind: number === undefined ? (name === undefined ? "sign" : "name") : "number",
      text,
      at: this.#at - text.length,
    };
  }
}
