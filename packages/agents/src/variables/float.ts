import type { Random } from "@mettle/core";
import { refuseProblems, within } from "../coordination/check-options.ts";
import { variableErrors } from "./errors.ts";
import type { Feedback, Strategy, VariableKind } from "./kind.ts";

export interface FloatOptions {
  readonly min: number;
  readonly max: number;
  /** @defaultValue the middle of the range */
  readonly initial?: number;
  /** What is wanted of the performance. */
  readonly direction: "maximise" | "minimise";
  /** What becomes of a value outside the range. @defaultValue clamp */
  readonly bounds?: "clamp" | "wrap" | "reject";
  /** @defaultValue performance */
  readonly strategy?: Strategy<number>;
  /** @defaultValue 0.01 */
  readonly learningRate?: number;
  /** Share of the velocity that is kept at each step, 0 … 1. @defaultValue 0.9 */
  readonly momentum?: number;
  /** Performance that a unit of cost is worth, for the economic strategy. @defaultValue 1 */
  readonly price?: number;
}

const LARGEST_GRADIENT = 1000;
const LARGEST_VELOCITY = 10;
/** Feedback needed before the first step. */
const NEEDED = 3;
/** Feedback that the present one is compared with. */
const REMEMBERED = 10;
/** Points of the slope: few, so that it follows the value; more than two, so that one noisy point does not turn it. */
const SLOPE_POINTS = 5;
const POOR = { under: 0.8, step: 0.1 } as const;
const GOOD = { over: 1.2, step: 0.05 } as const;

/**
 * A number in a range that follows the slope of its objective, with momentum. Where feedback carries no gradient, the slope
 * is that of the last five points. Performance far under the mean of the last ten takes a step of a tenth of the range along
 * the slope; far over it, at no more than the mean cost, half of that: both relative, so performance should be positive.
 */
export class FloatKind implements VariableKind<number> {
  readonly #options: Required<FloatOptions>;
  /** Last values, utilities and costs, oldest first. */
  readonly #seen: { readonly value: number; readonly utility: number; readonly cost: number | undefined }[] = [];
  #learningRate: number;
  #velocity = 0;

  /** @throws MettleError `OPTIONS_INVALID` */
  constructor(options: FloatOptions) {
    const { min, max } = options;
    this.#options = {
      initial: (min + max) / 2,
      bounds: "clamp",
      strategy: "performance",
      learningRate: 0.01,
      momentum: 0.9,
      price: 1,
      ...options,
    };
    const { learningRate, momentum, initial, price } = this.#options;
    refuseProblems("Float variable", [
      ...(Number.isFinite(min) && Number.isFinite(max) && min < max ? [] : [`${min} … ${max} is no range`]),
      ...within("initial", initial, min, max),
      ...within("momentum", momentum, 0, 1),
      ...within("price", price, 0, Number.MAX_VALUE),
      ...(learningRate > 0 && learningRate < Infinity ? [] : [`learningRate must be over 0, got ${learningRate}`]),
    ]);
    this.#learningRate = learningRate;
  }

  get initial(): number {
    return this.#options.initial;
  }

  get learningRate(): number {
    return this.#learningRate;
  }

  get velocity(): number {
    return this.#velocity;
  }

  /** Hot: once per change. */
  accept(value: unknown): number | undefined {
    if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
    const { min, max, bounds } = this.#options;
    if (value >= min && value <= max) return value;
    if (bounds === "reject") return undefined;
    if (bounds === "clamp") return value < min ? min : max;
    const range = max - min;
    return min + ((((value - min) % range) + range) % range);
  }

  magnitude(from: number, to: number): number {
    return Math.abs(to - from);
  }

  between(from: number, to: number, share: number): number {
    return from + share * (to - from);
  }

  worth({ performance, cost = 0 }: Feedback<number>): number {
    const { strategy, price, direction } = this.#options;
    const net = strategy === "economic" ? performance - price * cost : performance;
    return direction === "maximise" ? net : -net;
  }

  learn(feedback: Feedback<number>, current: number, random: Random): number | undefined {
    const { strategy } = this.#options;
    if (strategy === "static") return undefined;
    if (typeof strategy === "function") return strategy(feedback, current, random);
    if (strategy === "model") return this.#followModel(feedback, current);
    const utility = this.worth(feedback);
    const before = this.#seen.slice(-REMEMBERED);
    this.#seen.push({ value: current, utility, cost: feedback.cost });
    if (this.#seen.length > REMEMBERED) this.#seen.shift();
    if (this.#seen.length < NEEDED) return undefined;
    const gradient = feedback.gradient === undefined ? this.#slope() : this.#uphill(feedback.gradient);
    const range = this.#options.max - this.#options.min;
    // Nothing varied yet: only a step shows a slope.
    if (gradient === 0) return this.#moved(current, (random.uniform() < 0.5 ? -1 : 1) * GOOD.step * range);
    const step = this.#step(gradient);
    const leap = strategy === "performance" ? this.#leap(before, utility, feedback.cost) * range : 0;
    return this.#moved(current, leap > Math.abs(step) ? Math.sign(gradient) * leap : step);
  }

  #followModel(feedback: Feedback<number>, current: number): number | undefined {
    if (feedback.suggested !== undefined) return feedback.suggested;
    return feedback.gradient === undefined
      ? undefined
      : this.#moved(current, this.#step(this.#uphill(feedback.gradient)));
  }

  /** The direction that is wanted, whatever the objective. */
  #uphill(gradient: number): number {
    return this.#options.direction === "maximise" ? gradient : -gradient;
  }

  #step(gradient: number): number {
    if (!(Math.abs(gradient) <= LARGEST_GRADIENT)) {
      this.#learningRate /= 2;
      this.#velocity = 0;
      throw variableErrors.create(
        "VARIABLE_GRADIENT_TOO_LARGE",
        `A gradient of ${gradient} is over ${LARGEST_GRADIENT}.`,
        {
          details: { gradient: String(gradient), learningRate: this.#learningRate },
        },
      );
    }
    const velocity = this.#options.momentum * this.#velocity + this.#learningRate * gradient;
    this.#velocity = Math.min(LARGEST_VELOCITY, Math.max(-LARGEST_VELOCITY, velocity));
    return this.#velocity;
  }

  /** A bound stops the movement: momentum against a wall would keep it there long after the slope has turned. */
  #moved(current: number, step: number): number {
    const { min, max, bounds } = this.#options;
    const next = current + step;
    if (bounds === "wrap" || (next >= min && next <= max)) return next;
    this.#velocity = 0;
    return next < min ? min : max;
  }

  /** Share of the range to leap by, 0 for an ordinary step. */
  #leap(
    before: readonly { utility: number; cost: number | undefined }[],
    utility: number,
    cost: number | undefined,
  ): number {
    const mean = before.reduce((sum, seen) => sum + seen.utility, 0) / before.length;
    // As 0.8 and 1.2 times the mean where it is positive, and as far from it where it is not.
    if (utility < mean - (1 - POOR.under) * Math.abs(mean)) return POOR.step;
    if (utility <= mean + (GOOD.over - 1) * Math.abs(mean)) return 0;
    const costs = before.flatMap((seen) => seen.cost ?? []);
    const cheap = cost === undefined || costs.length === 0 || cost * costs.length <= costs.reduce((a, b) => a + b, 0);
    return cheap ? GOOD.step : 0;
  }

  /** Least squares over the last points; 0 when the value did not vary. */
  #slope(): number {
    const points = this.#seen.slice(-SLOPE_POINTS);
    const meanValue = points.reduce((sum, { value }) => sum + value, 0) / points.length;
    const meanUtility = points.reduce((sum, { utility }) => sum + utility, 0) / points.length;
    let together = 0;
    let spread = 0;
    for (const { value, utility } of points) {
      together += (value - meanValue) * (utility - meanUtility);
      spread += (value - meanValue) ** 2;
    }
    return spread === 0 ? 0 : together / spread;
  }
}
