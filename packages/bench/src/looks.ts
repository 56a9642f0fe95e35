import { sequentialBoundaries } from "@mettle/stats";

export interface LooksOptions {
  /** Of the decision, over all looks together. */
  readonly confidence: number;
  /** No look comes before so many processes. */
  readonly minProcesses: number;
}

const mostLooks = 3;
/** A look so little before the last would cost the last more than it saves in time. */
const leastBetween = 2;

interface Look {
  readonly count: number;
  /** Two-sided error spent so far, this look's included. */
  readonly spent: number;
}

/**
 * When a sequential comparison looks at its data, and how much of the error each look may spend. How many processes there
 * will be is a matter of time, and known only when the time is over: looks are planned by what is likely, and the last one
 * spends what is left, at whatever count it comes.
 *
 * Up to three: at the least number of processes, half way from there, and at the end. The error is spent by the square of
 * the share of processes so far (Lan–DeMets; the power family of Kim & DeMets, 1987): peeking does not inflate it, a clear
 * effect is found early, and most is left for the last look, on which the close cases hang. Evenly spent, or over more
 * looks, the last interval would be an eighth wider. That the end moves costs nothing: it moves with the time that processes
 * take, never with what they showed.
 */
export class Looks {
  readonly #alpha: number;
  readonly #minProcesses: number;
  readonly #past: Look[] = [];
  #nominal: number;

  constructor({ confidence, minProcesses }: LooksOptions) {
    this.#alpha = 1 - confidence;
    this.#nominal = this.#alpha;
    this.#minProcesses = minProcesses;
  }

  /** Looks taken so far. */
  get taken(): number {
    return this.#past.length;
  }

  /** Two-sided nominal error of the look taken last; before the first, that of a single look. */
  get nominalAlpha(): number {
    return this.#nominal;
  }

  /** Whether to look at `count` processes, of what are likely to be `likely` in the end. The end itself is always looked at. */
  isDue(count: number, likely: number): boolean {
    if (this.taken >= mostLooks - 1 || likely - count < leastBetween) return false;
    const last = this.#past.at(-1);
    if (last === undefined) return count >= this.#minProcesses;
    return count >= Math.max(last.count + leastBetween, Math.round((this.#minProcesses + likely) / 2));
  }

  /**
   * Takes a look at `count` of `ofAll` processes; the last where they are equal.
   *
   * @returns the two-sided nominal error that this look may spend
   */
  take(count: number, ofAll: number): number {
    const last = this.#past.at(-1);
    if (last?.count === count) return this.#nominal; // nothing has come since
    const spent = Math.max(last?.spent ?? 0, this.#alpha * (count / ofAll) ** 2);
    this.#past.push({ count, spent });
    const fractions = this.#past.map((look) => look.count / ofAll);
    const { nominalAlpha } = sequentialBoundaries({
      alpha: this.#alpha,
      fractions,
      spending: (fraction) => this.#past[fractions.indexOf(fraction)]?.spent ?? this.#alpha,
    });
    this.#nominal = nominalAlpha.at(-1) ?? 0;
    return this.#nominal;
  }
}
