import type { Milliseconds } from "@mettle/core";
import { refuseProblems, wholeAtLeast } from "./check-options.ts";
import type { Timer, Timers } from "../timers/timers.ts";

/** How much support decides. Above one half, so that two choices can never both reach it. */
export interface DecisionRule {
  /** Share of the total weight, in 0.5 … 1. */
  readonly threshold: number;
  /** Whether the share must be more than the threshold, rather than at least it. */
  readonly strict: boolean;
}

/** More than half of all members, not of those who happened to vote. */
export const simpleMajority: DecisionRule = { threshold: 0.5, strict: true };
/** Weight × confidence of at least 0.6 of the most that there could be. */
export const weightedMajority: DecisionRule = { threshold: 0.6, strict: false };
/** Every member with full confidence. */
export const unanimity: DecisionRule = { threshold: 1, strict: false };

export interface VoteCount {
  /** Support of each choice, in weight × confidence. */
  readonly support: readonly number[];
  /** The most support that there could be: the sum of the weights. */
  readonly maximum: number;
  readonly votes: number;
  readonly abstentions: number;
  /** Members who had not answered when it ended. */
  readonly silent: number;
  /** Second answers that differed from the first; the first counted. */
  readonly equivocations: number;
}

export type VoteOutcome = VoteCount &
  (
    | { readonly state: "decided"; readonly choice: number }
    | {
        readonly state: "undecided";
        /** `unreachable`: no choice could reach the threshold any more, whatever the others would have said. */
        readonly reason: "unreachable" | "deadline" | "cancelled";
      }
  );

export interface VoteCollectorOptions {
  /** Members who may vote, numbered from 0. */
  readonly members: number;
  /** Choices, numbered from 0; at most 250. @defaultValue 2: 0 is against, 1 is for */
  readonly choices?: number;
  /** @defaultValue more than half of the members */
  readonly rule?: DecisionRule;
  /** Weight of each member, 0 or more. Not copied. @defaultValue 1 each */
  readonly weights?: Float64Array;
  /** Ends the collection; silence is abstention. Needs `timers`. @defaultValue none */
  readonly deadline?: Milliseconds;
  readonly timers?: Timers;
  /** Called once, inside the vote or the deadline that ended it. */
  readonly concluded?: (outcome: VoteOutcome) => void;
}

/** What became of a vote. `unknown`: no such member or choice, or a confidence that is no number in 0 … 1. */
export type VoteReceipt = "counted" | "duplicate" | "late" | "unknown";

const ABSTAINED = 255;
const MOST_CHOICES = 250;

/**
 * Counts votes as they come and ends at the first moment when the result cannot change: a choice has the support it
 * needs, or none can get it any more, or the deadline is there. A vote costs an array write and three comparisons; there is
 * no promise and no object per vote.
 */
export class VoteCollector {
  readonly #members: number;
  readonly #choices: number;
  readonly #weights: Float64Array | undefined;
  readonly #answers: Uint8Array;
  readonly #support: Float64Array;
  readonly #maximum: number;
  /** The support that decides, with room for rounding on the right side of the comparison. */
  readonly #needed: number;
  readonly #concluded: ((outcome: VoteOutcome) => void) | undefined;
  #timer: Timer | undefined;
  #outstanding: number;
  #leading = 0;
  #votes = 0;
  #abstentions = 0;
  #equivocations = 0;
  #outcome: VoteOutcome | undefined;
  #waiting: PromiseWithResolvers<VoteOutcome> | undefined;

  /** @throws MettleError `OPTIONS_INVALID` */
  constructor(options: VoteCollectorOptions) {
    const { members, choices = 2, rule = simpleMajority, weights } = options;
    refuseProblems("Vote collector", problemsOf(options));
    this.#members = members;
    this.#choices = choices;
    this.#weights = weights;
    this.#answers = new Uint8Array(members);
    this.#support = new Float64Array(choices);
    this.#maximum = weights === undefined ? members : weights.reduce((sum, weight) => sum + weight, 0);
    this.#outstanding = this.#maximum;
    // A sum of fractions is off by some units in the last place; nobody's weight is that small a part of the whole.
    const rounding = this.#maximum * 1e-9;
    this.#needed = this.#maximum * rule.threshold + (rule.strict ? rounding : -rounding);
    this.#concluded = options.concluded;
    if (options.deadline !== undefined && options.timers !== undefined) {
      this.#timer = options.timers.after(options.deadline, () => this.#end("deadline"));
    }
    if (this.#maximum < this.#needed || this.#maximum === 0) this.#end("unreachable");
  }

  /** Set once it ended. */
  get outcome(): VoteOutcome | undefined {
    return this.#outcome;
  }

  get open(): boolean {
    return this.#outcome === undefined;
  }

  /** Hot: once per vote. @param confidence - in 0 … 1 */
  vote(member: number, choice: number, confidence = 1): VoteReceipt {
    if (this.#outcome !== undefined) return "late";
    const answers = this.#answers;
    if (!(member >= 0 && member < answers.length && choice >= 0 && choice < this.#choices)) return "unknown";
    if (!(confidence >= 0 && confidence <= 1)) return "unknown";
    const before = answers[member];
    if (before !== 0) {
      if (before === undefined) return "unknown"; // not a whole number
      if (before !== choice + 1) this.#equivocations += 1;
      return "duplicate";
    }
    if ((choice | 0) !== choice) return "unknown";
    answers[member] = choice + 1;
    const weight = this.#weights === undefined ? 1 : this.#weights[member]!;
    const support = this.#support[choice]! + weight * confidence;
    this.#support[choice] = support;
    this.#votes += 1;
    this.#outstanding -= weight;
    if (support > this.#leading) this.#leading = support;
    if (support >= this.#needed) this.#decide(choice);
    else if (this.#leading + this.#outstanding < this.#needed) this.#end("unreachable");
    return "counted";
  }

  /** The member has answered and supports nothing. */
  abstain(member: number): VoteReceipt {
    if (this.#outcome !== undefined) return "late";
    const before = this.#answers[member];
    if (before === undefined) return "unknown";
    if (before !== 0) {
      if (before !== ABSTAINED) this.#equivocations += 1;
      return "duplicate";
    }
    this.#answers[member] = ABSTAINED;
    this.#abstentions += 1;
    this.#outstanding -= this.#weights === undefined ? 1 : this.#weights[member]!;
    if (this.#leading + this.#outstanding < this.#needed) this.#end("unreachable");
    return "counted";
  }

  /** Whether the member has voted or abstained. */
  hasAnswered(member: number): boolean {
    return (this.#answers[member] ?? 0) !== 0;
  }

  /** Ends it undecided; nothing when it has ended. */
  cancel(): void {
    if (this.#outcome === undefined) this.#end("cancelled");
  }

  /** Resolves when it ends; never rejects. */
  result(): Promise<VoteOutcome> {
    if (this.#outcome !== undefined) return Promise.resolve(this.#outcome);
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  #decide(choice: number): void {
    this.#conclude({ state: "decided", choice, ...this.#count() });
  }

  #end(reason: "unreachable" | "deadline" | "cancelled"): void {
    this.#conclude({ state: "undecided", reason, ...this.#count() });
  }

  #count(): VoteCount {
    return {
      support: [...this.#support],
      maximum: this.#maximum,
      votes: this.#votes,
      abstentions: this.#abstentions,
      silent: this.#members - this.#votes - this.#abstentions,
      equivocations: this.#equivocations,
    };
  }

  #conclude(outcome: VoteOutcome): void {
    this.#outcome = outcome;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#waiting?.resolve(outcome);
    this.#concluded?.(outcome);
  }
}

function problemsOf({ members, choices = 2, rule = simpleMajority, ...options }: VoteCollectorOptions): string[] {
  const { weights, deadline, timers } = options;
  const problems = [...wholeAtLeast("members", members, 1), ...wholeAtLeast("choices", choices, 1)];
  if (choices > MOST_CHOICES) problems.push(`choices must be at most ${MOST_CHOICES}, got ${choices}`);
  const least = rule.strict ? rule.threshold >= 0.5 : rule.threshold > 0.5;
  if (!least || !(rule.threshold <= 1)) {
    problems.push(`a threshold of ${rule.threshold} lets two choices win, or none; give more than 0.5 and at most 1`);
  }
  if (weights !== undefined && weights.length !== members) {
    problems.push(`there must be a weight for each of ${members} members, got ${weights.length}`);
  }
  if (weights?.some((weight) => !(weight >= 0 && weight < Infinity)))
    problems.push("weights must be 0 or more and finite");
  if (deadline !== undefined && !(deadline >= 0)) problems.push(`deadline must be 0 ms or more, got ${deadline}`);
  if (deadline !== undefined && timers === undefined) problems.push("a deadline needs timers");
  return problems;
}
