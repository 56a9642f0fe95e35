import type { Program } from "acorn";
import type { Names } from "./scopes.ts";
import type { LineIndex, Syntax } from "./syntax.ts";

/** Where an import leads. */
export type ImportTarget =
  | { readonly kind: "script"; readonly module: ScriptModule }
  /** A module that Mettle provides: k6's own and the jslib it knows. */
  | { readonly kind: "native"; readonly name: string }
  /** A package or a module of Node, loaded by Node as it stands. */
  | { readonly kind: "node"; readonly specifier: string };

/** One file of a script, parsed. */
export interface ScriptModule {
  /** Absolute path. */
  readonly file: string;
  /** As shown in messages and stack traces. */
  readonly shownName: string;
  readonly index: number;
  /** As parsed: without types, every position as in the file. */
  readonly source: string;
  readonly format: "esm" | "cjs";
  readonly program: Program;
  readonly names: Names;
  readonly parents: ReadonlyMap<Syntax, Syntax>;
  readonly lines: LineIndex;
  /** By specifier, in the order of the source. */
  readonly imports: Map<string, ImportTarget>;
}
