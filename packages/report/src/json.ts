import type { Verdict } from "@mettle/judge";
import type { Run } from "@mettle/results";
import { reportErrors } from "./errors.ts";

export const reportSchema = "mettle.report/1";

/**
 * Run and verdict as one document. Stable: equal input gives equal bytes, since the keys below the top are sorted.
 *
 * @throws MettleError `REPORT_NUMBER_INVALID` for NaN and infinities, which JSON would turn into null without a word
 */
export function renderJson(run: Run, verdict: Verdict): string {
  return stableJson({ schema: reportSchema, run: sorted(run, "run"), verdict: sorted(verdict, "verdict") });
}

export const stableJson = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** A copy with sorted keys, checked for numbers that JSON cannot carry. `path` is for the error. */
export function sorted(value: unknown, path: string): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw reportErrors.create("REPORT_NUMBER_INVALID", `${path} is ${value}, which JSON cannot carry.`, {
      details: { path, value: String(value) },
    });
  }
  if (Array.isArray(value)) return value.map((item, i) => sorted(item, `${path}[${i}]`));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item, `${path}.${key}`)]));
}
