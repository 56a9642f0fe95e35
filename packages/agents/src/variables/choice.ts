import type { Random } from "@mettle/core";
import { refuseProblems, within } from "../coordination/check-options.ts";
import type { Feedback, Strategy, VariableKind } from "./kind.ts";

/** How the next choice is found. ε-greedy: the best so far, sometimes any. UCB1. Thompson sampling. */
export type Bandit = "epsilonGreedy" | "ucb" | "thompson";

export interface ChoiceOptions<Value extends string | number> {
  /** Two or more, all different. */
  readonly choices: readonly Value[];
  /** @defaultValue the first */
  readonly initial?: Value;
  /** @defaultValue epsilonGreedy */
  readonly bandit?: Bandit;
  /** How often ε-greedy tries any choice, 0 … 1. @defaultValue 0.1 */
  readonly epsilon?: number;
  /** @defaultValue performance 0.5, cost 0.3, reliability 0.2; shares of what a feedback gives */
  readonly weights?: { readonly performance: number; readonly cost: number; readonly reliability: number };
  /** What counts as 0 and as 1 of performance, and of cost. @defaultValue 0 and 1 */
  readonly performanceRange?: readonly [worst: number, best: number];
  readonly costRange?: readonly [least: number, most: number];
  /** @defaultValue performance: the bandit; economic counts performance and cost alone, one for one */
  readonly strategy?: Strategy<Value>;
}

/** What is known of one choice. */
export interface ChoiceStatistics<Value> {
  readonly choice: Value;
  readonly tried: number;
  /** Mean reward, 0 … 1; absent when never tried. */
  readonly reward: number | undefined;
}

/** One of several values, found by a multi-armed bandit. */
export class ChoiceKind<Value extends string | number> implements VariableKind<Value> {
  readonly #options: Required<ChoiceOptions<Value>>;
  readonly #tried: Float64Array;
  readonly #rewards: Float64Array;

  /** @throws MettleError `OPTIONS_INVALID` */
  constructor(options: ChoiceOptions<Value>) {
    const [first] = options.choices;
    this.#options = {
      initial: first as Value,
      bandit: "epsilonGreedy",
      epsilon: 0.1,
      weights: { performance: 0.5, cost: 0.3, reliability: 0.2 },
      performanceRange: [0, 1],
      costRange: [0, 1],
      strategy: "performance",
      ...options,
    };
    const { choices, initial, epsilon, weights, performanceRange, costRange } = this.#options;
    const given = [weights.performance, weights.cost, weights.reliability];
    refuseProblems("Choice variable", [
      ...(new Set(choices).size === choices.length && choices.length >= 2
        ? []
        : ["choices must be two or more, all different"]),
      ...(choices.includes(initial) ? [] : [`initial is none of the choices: ${initial}`]),
      ...within("epsilon", epsilon, 0, 1),
      ...(given.every((weight) => weight >= 0) && weights.performance > 0
        ? []
        : ["weights must be 0 or more, that of performance over 0"]),
      ...(performanceRange[0] === performanceRange[1] || costRange[0] === costRange[1]
        ? ["a range must have two ends"]
        : []),
    ]);
    this.#tried = new Float64Array(choices.length);
    this.#rewards = new Float64Array(choices.length);
  }

  get initial(): Value {
    return this.#options.initial;
  }

  get statistics(): ChoiceStatistics<Value>[] {
    return this.#options.choices.map((choice, i) => {
      const tried = this.#tried[i]!;
      return { choice, tried, reward: tried === 0 ? undefined : this.#rewards[i]! / tried };
    });
  }

  accept(value: unknown): Value | undefined {
    return this.#options.choices.find((choice) => choice === value);
  }

  magnitude(from: Value, to: Value): number {
    return from === to ? 0 : 1;
  }

  between(): undefined {
    return undefined;
  }

  worth(feedback: Feedback<Value>): number {
    return this.#reward(feedback, this.#options.strategy === "economic");
  }

  learn(feedback: Feedback<Value>, current: Value, random: Random): Value | undefined {
    const { strategy, choices } = this.#options;
    if (strategy === "static") return undefined;
    if (typeof strategy === "function") return strategy(feedback, current, random);
    if (strategy === "model") return feedback.suggested;
    const arm = choices.indexOf(current);
    this.#tried[arm]! += 1;
    this.#rewards[arm]! += this.worth(feedback);
    return choices[this.#next(random)];
  }

  /** 0 … 1; what the feedback does not say takes no part, and the rest counts for more. */
  #reward({ performance, cost, reliability }: Feedback<Value>, economic: boolean): number {
    const { weights, performanceRange, costRange } = this.#options;
    const parts: [weight: number, reward: number][] = [
      [economic ? 1 : weights.performance, share(performance, performanceRange)],
    ];
    if (cost !== undefined) parts.push([economic ? 1 : weights.cost, 1 - share(cost, costRange)]);
    if (reliability !== undefined && !economic) parts.push([weights.reliability, share(reliability, [0, 1])]);
    const total = parts.reduce((sum, [weight]) => sum + weight, 0);
    return parts.reduce((sum, [weight, reward]) => sum + weight * reward, 0) / total;
  }

  #next(random: Random): number {
    const { bandit, epsilon, choices } = this.#options;
    const untried = this.#tried.indexOf(0);
    if (bandit === "thompson") return best(choices.length, (i) => this.#sample(i, random));
    if (untried !== -1) return untried; // neither a mean nor a bound can be had of what was never tried
    if (bandit === "epsilonGreedy") {
      if (random.uniform() < epsilon) return random.below(choices.length);
      return best(choices.length, (i) => this.#rewards[i]! / this.#tried[i]!);
    }
    // UCB1 (Auer, Cesa-Bianchi and Fischer 2002)
    const rounds = this.#tried.reduce((sum, tried) => sum + tried, 0);
    return best(
      choices.length,
      (i) => this.#rewards[i]! / this.#tried[i]! + Math.sqrt((2 * Math.log(rounds)) / this.#tried[i]!),
    );
  }

  /** From the Beta distribution of the choice's reward, with a uniform prior. */
  #sample(arm: number, random: Random): number {
    const rewards = this.#rewards[arm]!;
    return betaSample(1 + rewards, 1 + this.#tried[arm]! - rewards, random);
  }
}

function share(value: number, [worst, best]: readonly [number, number]): number {
  return Math.min(1, Math.max(0, (value - worst) / (best - worst)));
}

/** The index with the highest score, the lowest of equals. */
function best(count: number, score: (index: number) => number): number {
  let lead = 0;
  let leading = -Infinity;
  for (let i = 0; i < count; i++) {
    const mine = score(i);
    if (mine > leading) [lead, leading] = [i, mine];
  }
  return lead;
}

/** A draw from Beta(a, b), both 1 or more, as a ratio of two Gamma draws. */
export function betaSample(a: number, b: number, random: Random): number {
  const x = gammaSample(a, random);
  return x / (x + gammaSample(b, random));
}

/** Marsaglia and Tsang 2000, for shapes of 1 or more. */
function gammaSample(shape: number, random: Random): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/**
 * The choice that votes prefer: the largest sum of weights, the first of the choices among equals.
 *
 * @returns undefined when no vote names one of the choices
 */
export function electChoice<Value extends string | number>(
  choices: readonly Value[],
  votes: readonly { readonly choice: Value; readonly weight?: number }[],
): Value | undefined {
  const sums = choices.map((choice) =>
    votes.reduce((sum, vote) => (vote.choice === choice ? sum + (vote.weight ?? 1) : sum), 0),
  );
  const most = Math.max(...sums);
  return most > 0 ? choices[sums.indexOf(most)] : undefined;
}
