/** How a flag's value is written and what it becomes. */
export type FlagType =
  | { readonly kind: "switch" }
  /** A switch that may name one of some values: `--http-debug`, `--http-debug=full`. Read as text, empty without one. */
  | { readonly kind: "optional"; readonly choices: readonly string[] }
  /** A switch that may be given a text: `--ui`, `--ui=8080`. */
  | { readonly kind: "optional"; readonly placeholder: string }
  /** Repeatable: every value is cut at spaces, or kept `whole`. */
  | { readonly kind: "text"; readonly placeholder: string; readonly repeatable?: boolean | "whole" }
  | { readonly kind: "number"; readonly placeholder: string; readonly above?: number; readonly integer?: boolean }
  /** `1%` or `0.01`: a fraction, at least 0 and below 1. */
  | { readonly kind: "fraction"; readonly placeholder: string }
  | { readonly kind: "choice"; readonly choices: readonly string[] };

export interface FlagSpec {
  readonly name: string;
  readonly short?: string;
  readonly type: FlagType;
  readonly help: string;
  /** May also be set as `METTLE_NAME` in the environment, where the flag is not given. */
  readonly environment?: boolean;
}

export interface ArgumentSpec {
  /** As in help: `FILE`. */
  readonly name: string;
  readonly required: boolean;
  readonly variadic?: boolean;
  /** The words there are, where only these are accepted. */
  readonly choices?: readonly string[];
}

export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly flags: readonly FlagSpec[];
  /** Command lines that work as they stand. */
  readonly examples: readonly string[];
  /** Further lines of help. */
  readonly notes?: readonly string[];
}
