import { formatQuantity, type MetricUnit } from "@mettle/core";
import { formatStatistic, type Statistic } from "../statistic.ts";

export const operators = ["<", "<=", ">", ">=", "==", "===", "!="] as const;
export type Operator = (typeof operators)[number];

/** A number as written. `unit` is absent for a bare number: milliseconds on a time, else the metric's stored unit. */
export interface WrittenQuantity {
  /** In the stored unit of `unit` (ns, bytes, 1 …), or as written where there is no unit. */
  readonly value: number;
  readonly unit?: MetricUnit;
  /** As written: `200ms`. */
  readonly text: string;
}

export type Limit =
  | { readonly kind: "absolute"; readonly quantity: WrittenQuantity }
  /** `baseline`, `baseline * 1.1`: the baseline's same statistic times a factor. */
  | { readonly kind: "baseline-factor"; readonly factor: number; readonly text: string }
  /** `baseline + 5ms`, `baseline - 5ms`: the sign is in the quantity's value. */
  | { readonly kind: "baseline-offset"; readonly offset: WrittenQuantity };

export interface Condition {
  readonly statistic: Statistic;
  readonly operator: Operator;
  readonly limit: Limit;
}

/** A parsed threshold: all conditions must hold. */
export interface Threshold {
  readonly conditions: readonly Condition[];
  /** `within 30s`: the conditions must hold in every window of this length. */
  readonly window?: { readonly ms: number; readonly text: string };
  /** `with >= 100 samples`: with fewer there is no answer. */
  readonly minimumSamples?: number;
}

function formatLimit(limit: Limit): string {
  if (limit.kind === "absolute") return limit.quantity.text;
  if (limit.kind === "baseline-factor") return limit.text === "" ? "baseline" : `baseline * ${limit.text}`;
  const sign = limit.offset.text.startsWith("-") ? "-" : "+";
  return `baseline ${sign} ${limit.offset.text.replace(/^[+-]/, "")}`;
}

/** The canonical text of a threshold; parsing it gives the same threshold again. */
export function formatThreshold(threshold: Threshold): string {
  const conditions = threshold.conditions.map(
    ({ statistic, operator, limit }) => `${formatStatistic(statistic)} ${operator} ${formatLimit(limit)}`,
  );
  return [
    conditions.join(" && "),
    ...(threshold.window ? [`within ${threshold.window.text}`] : []),
    ...(threshold.minimumSamples === undefined ? [] : [`with >= ${threshold.minimumSamples} samples`]),
  ].join(" ");
}

const comparisons: Readonly<Record<Operator, (value: number, limit: number) => boolean>> = {
  "<": (value, limit) => value < limit,
  "<=": (value, limit) => value <= limit,
  ">": (value, limit) => value > limit,
  ">=": (value, limit) => value >= limit,
  "==": (value, limit) => value === limit,
  "===": (value, limit) => value === limit,
  "!=": (value, limit) => value !== limit,
};

/** Whether `value operator limit` holds. `==` and `===` are the same here: both sides are numbers. */
export function holds(value: number, operator: Operator, limit: number): boolean {
  return comparisons[operator](value, limit);
}

/** A value for people; fractions as fraction and percent, so that 0.1 can't be read as 0.1 % (T-01). */
export function formatValue(value: number, unit: MetricUnit): string {
  if (unit !== "1") return formatQuantity(value, unit);
  return `${formatQuantity(value, unit)} (${Number((value * 100).toPrecision(4))} %)`;
}
