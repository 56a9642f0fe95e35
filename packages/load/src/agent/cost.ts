import type { TokenUsage } from "../drivers/driver.ts";
import { workloadErrors } from "./errors.ts";

/** What a model's tokens cost, per million, in the price list's currency. */
export interface ModelPrice {
  readonly inputPerMillion: number;
  /** Of input read from the provider's cache. Without it such tokens cost as much as others. */
  readonly cachedInputPerMillion?: number;
  readonly outputPerMillion: number;
}

/** The user's data; Mettle ships no prices, which change faster than a release. */
export interface PriceList {
  /** Shown with every cost; amounts are never converted. */
  readonly currency: string;
  readonly models: Readonly<Record<string, ModelPrice>>;
  /** Per call, by the tool's name. */
  readonly tools?: Readonly<Record<string, number>>;
}

/**
 * What requests cost: `uncached input · p_in + cached input · p_cached + output · p_out + Σ tool prices`. Reasoning
 * tokens are part of the output, as providers bill them. Where a price or a count is missing the cost is absent: a sum
 * without one of its parts would look like a bargain.
 */
export class CostModel {
  readonly currency: string;
  readonly #models: ReadonlyMap<string, ModelPrice>;
  readonly #tools: ReadonlyMap<string, number>;

  /** @throws MettleError `PRICE_INVALID` */
  constructor({ currency, models, tools = {} }: PriceList) {
    this.currency = currency;
    this.#models = new Map(Object.entries(models));
    this.#tools = new Map(Object.entries(tools));
    const problems = [
      ...[...this.#models].flatMap(([model, price]) =>
        Object.entries(price).flatMap(([field, value]) => badPrice(`${model}.${field}`, value)),
      ),
      ...[...this.#tools].flatMap(([tool, value]) => badPrice(`tools.${tool}`, value)),
    ];
    if (problems.length > 0) {
      throw workloadErrors.create("PRICE_INVALID", `Price list: ${problems.join("; ")}.`, { details: { problems } });
    }
  }

  /** Of one request; absent when the model has no price or the server gave no counts. */
  ofRequest(model: string, usage: TokenUsage | undefined): number | undefined {
    const price = this.#models.get(model);
    if (!price || usage?.input === undefined || usage.output === undefined) return undefined;
    const cached = Math.min(usage.input, usage.cachedInput ?? 0);
    return (
      ((usage.input - cached) * price.inputPerMillion +
        cached * (price.cachedInputPerMillion ?? price.inputPerMillion) +
        usage.output * price.outputPerMillion) /
      1e6
    );
  }

  /** Of one call of a tool; absent when it has no price. */
  ofTool(name: string): number | undefined {
    return this.#tools.get(name);
  }

  /** True when tools are priced at all: without a list of them their calls are free. */
  get pricesTools(): boolean {
    return this.#tools.size > 0;
  }
}

/**
 * What a million output tokens cost on hardware of one's own: `price per second ÷ tokens per second · 10^6`.
 *
 * @returns undefined where no tokens came
 */
export function infrastructureCostPerMillionTokens(perSecond: number, tokensPerSecond: number): number | undefined {
  return tokensPerSecond > 0 ? (perSecond / tokensPerSecond) * 1e6 : undefined;
}

const badPrice = (field: string, value: unknown): string[] =>
  typeof value === "number" && value >= 0 && value < Infinity ? [] : [`${field} is ${String(value)}, not a number ≥ 0`];
