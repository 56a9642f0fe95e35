import type { MettleError } from "@mettle/core";
import { k6Errors } from "../errors.ts";

/** A place in a script that cannot be run as k6 would. `line` and `column` count from 1. */
export interface Refusal {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

const shown = 10;

/** One error for all of a script's refused places, in the order of the sources. */
export function refusalError(refusals: readonly Refusal[]): MettleError {
  const lines = refusals
    .slice(0, shown)
    .map(({ file, line, column, reason }) => `${file}:${line}:${column}: ${reason}`);
  if (refusals.length > shown) lines.push(`… and ${refusals.length - shown} more`);
  return k6Errors.create("K6_REFUSED", lines.join("\n"), { details: { refusals } });
}
