import type { Random } from "@mettle/core";
import { workloadErrors } from "./errors.ts";

export interface Weighted {
  readonly name: string;
  /** ≥ 0. Weights need not sum to 1: they are normalised (decision T-22). */
  readonly weight: number;
}

/**
 * Picks items by weight. One uniform number a pick.
 *
 * @throws MettleError `BEHAVIOUR_INVALID` for no items, a name used twice, a weight that is no number ≥ 0, or all of them 0
 */
export class WeightedChoice<Item extends Weighted> {
  readonly #items: readonly Item[];
  readonly #ends: Float64Array;

  constructor(items: readonly Item[]) {
    const problems = items.flatMap(({ name, weight }, index) => [
      ...(weight >= 0 && weight < Infinity ? [] : [`${name} has weight ${weight}`]),
      ...(items.findIndex((other) => other.name === name) < index ? [`${name} is there twice`] : []),
    ]);
    const total = items.reduce((sum, { weight }) => sum + weight, 0);
    if (problems.length === 0 && !(total > 0)) problems.push("no behaviour has a weight above 0");
    if (problems.length > 0) {
      throw workloadErrors.create("BEHAVIOUR_INVALID", `Behaviours: ${problems.join("; ")}.`, {
        details: { problems },
      });
    }
    this.#items = items.filter(({ weight }) => weight > 0);
    let sum = 0;
    this.#ends = Float64Array.from(this.#items, ({ weight }) => (sum += weight) / total);
  }

  /** Each item's chance, 0–1. */
  get shares(): ReadonlyMap<string, number> {
    return new Map(
      this.#items.map(({ name }, index) => [name, (this.#ends[index] ?? 0) - (this.#ends[index - 1] ?? 0)]),
    );
  }

  pick(random: Random): Item {
    const at = random.uniform();
    const index = this.#ends.findIndex((end) => at < end);
    // Rounding may leave the last end a hair below 1.
    const item = this.#items[index < 0 ? this.#items.length - 1 : index];
    if (!item) throw new Error("a choice without items");
    return item;
  }
}

/** How one kind of user uses an agent platform. */
export interface UserBehaviourPattern {
  readonly name: string;
  readonly sessionsPerDay: number;
  readonly sessionMinutes: number;
  readonly actionsPerSession: number;
  /** Weight of complex agent tasks among the actions. */
  readonly complexTaskRatio: number;
}

/** The patterns of S4-111 to S4-113. */
export const userBehaviourPatterns: readonly UserBehaviourPattern[] = [
  { name: "power_user", sessionsPerDay: 50, sessionMinutes: 30, actionsPerSession: 100, complexTaskRatio: 0.3 },
  { name: "regular_user", sessionsPerDay: 10, sessionMinutes: 15, actionsPerSession: 30, complexTaskRatio: 0.1 },
  { name: "casual_user", sessionsPerDay: 2, sessionMinutes: 5, actionsPerSession: 10, complexTaskRatio: 0.05 },
];

export type UserAction = "search" | "execute_simple" | "execute_complex" | "check_status" | "view_history";

/** The weights of S4-115; with a complex ratio other than 0.05 they do not sum to 1, and are normalised (T-22). */
export function actionWeights(pattern: UserBehaviourPattern): readonly (Weighted & { readonly name: UserAction })[] {
  return [
    { name: "search", weight: 0.3 },
    { name: "execute_simple", weight: 0.4 },
    { name: "execute_complex", weight: pattern.complexTaskRatio },
    { name: "check_status", weight: 0.15 },
    { name: "view_history", weight: 0.1 },
  ];
}

/** The actions of one session: evenly 0.75 to 1.25 times the pattern's number, rounded, at least one (S4-114). */
export function generateActions(pattern: UserBehaviourPattern, random: Random): UserAction[] {
  const count = Math.max(1, Math.round(pattern.actionsPerSession * (0.75 + 0.5 * random.uniform())));
  const choice = new WeightedChoice(actionWeights(pattern));
  return Array.from({ length: count }, () => choice.pick(random).name);
}
