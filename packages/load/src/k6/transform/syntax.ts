import type { AnyNode, ArrowFunctionExpression, FunctionDeclaration, FunctionExpression, Program } from "acorn";

export type Syntax = AnyNode;
export type FunctionSyntax = FunctionDeclaration | FunctionExpression | ArrowFunctionExpression;

export const isFunction = (node: Syntax | null | undefined): node is FunctionSyntax =>
  node?.type === "FunctionDeclaration" ||
  node?.type === "FunctionExpression" ||
  node?.type === "ArrowFunctionExpression";

const isSyntax = (value: unknown): value is Syntax =>
  typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";

/** The nodes right below, in source order. */
export function* childrenOf(node: Syntax): Generator<Syntax> {
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const item of value) if (isSyntax(item)) yield item;
    } else if (isSyntax(value)) {
      yield value;
    }
  }
}

/** Parent of every node of a tree. */
export function parentsOf(program: Program): Map<Syntax, Syntax> {
  const parents = new Map<Syntax, Syntax>();
  const stack: Syntax[] = [program];
  for (let node = stack.pop(); node; node = stack.pop()) {
    for (const child of childrenOf(node)) {
      parents.set(child, node);
      stack.push(child);
    }
  }
  return parents;
}

/** 1-based, as editors and stack traces count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where each line of a text starts; turns offsets into positions and back. */
export class LineIndex {
  readonly #starts: readonly number[];

  constructor(text: string) {
    const starts = [0];
    for (const match of text.matchAll(/\r\n|[\n\r\u2028\u2029]/g)) starts.push(match.index + match[0].length);
    this.#starts = starts;
  }

  position(offset: number): Position {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (this.#starts[low] as number) + 1 };
  }

  /** Offset of a position; undefined beyond the last line. */
  offset({ line, column }: Position): number | undefined {
    const start = this.#starts[line - 1];
    return start === undefined ? undefined : start + column - 1;
  }
}

/** The first offset at or after `from` where `text` stands, comments skipped. */
export function findToken(source: string, from: number, text: string): number {
  let at = from;
  while (at < source.length && !source.startsWith(text, at)) {
    if (source.startsWith("//", at)) {
      const end = /[\n\r\u2028\u2029]/.exec(source.slice(at));
      at = end ? at + end.index : source.length;
    } else if (source.startsWith("/*", at)) {
      at = source.indexOf("*/", at) + 2;
    } else {
      at++;
    }
  }
  return at;
}
