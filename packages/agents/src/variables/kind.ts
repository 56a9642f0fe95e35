import type { Random } from "@mettle/core";
import { variableErrors } from "./errors.ts";

/** How well the system did with the present value. */
export interface Feedback<Value = unknown> {
  readonly performance: number;
  /** Less is better. */
  readonly cost?: number;
  /** Share of what worked, 0 … 1. */
  readonly reliability?: number;
  /** Slope of the objective at the present value, from a model; for floats. */
  readonly gradient?: number;
  /** What a model would choose. */
  readonly suggested?: Value;
}

/** A strategy of one's own: the next value, or nothing to keep the present one. */
export type CustomStrategy<Value> = (feedback: Feedback<Value>, current: Value, random: Random) => Value | undefined;

/**
 * How a variable learns. `static`: not at all. `performance`: from its own performance. `economic`: from performance less
 * the price of cost. `model`: does what the feedback's model says.
 */
export type Strategy<Value> = "static" | "performance" | "economic" | "model" | CustomStrategy<Value>;

/** One type of value: what is valid, how far apart two are, and how it learns. Holds what it has learned. */
export interface VariableKind<Value> {
  readonly initial: Value;
  /** The value as it would be kept (clamped, wrapped), or undefined when it is none of this kind's. */
  accept(value: unknown): Value | undefined;
  /** How far apart, 0 for equal. */
  magnitude(from: Value, to: Value): number;
  /** What the feedback is worth, more being better; compared with that of other feedback on the same variable. */
  worth(feedback: Feedback<Value>): number;
  /**
   * Learns from one feedback.
   *
   * @returns the next value, or undefined to keep the present one
   * @throws MettleError `VARIABLE_GRADIENT_TOO_LARGE`
   */
  learn(feedback: Feedback<Value>, current: Value, random: Random): Value | undefined;
  /** A value part of the way to another, for negotiation; undefined where there is nothing between. */
  between(from: Value, to: Value, share: number): Value | undefined;
}

/** @throws MettleError `VARIABLE_FEEDBACK_INVALID` */
export function checkFeedback(feedback: Feedback): void {
  for (const name of ["performance", "cost", "reliability", "gradient"] as const) {
    const value = feedback[name];
    const missing = value === undefined && name !== "performance";
    // An infinite gradient is a gradient that is too large, and the kind says so.
    if (missing || Number.isFinite(value) || (name === "gradient" && !Number.isNaN(value))) continue;
    throw variableErrors.create("VARIABLE_FEEDBACK_INVALID", `The feedback's ${name} is ${value}.`, {
      details: { name, value: String(value) },
    });
  }
}
