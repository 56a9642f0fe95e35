import type { Clock, Milliseconds } from "@mettle/core";
import { refuseProblems, wholeAtLeast, within } from "../coordination/check-options.ts";

export interface ReputationOptions {
  readonly clock: Clock;
  /** After so long an experience counts half. @defaultValue 1 hour */
  readonly halfLife?: Milliseconds;
  /** Known parties; the one heard of longest ago is forgotten. @defaultValue 10 000 */
  readonly capacity?: number;
}

export interface Reputation {
  /** Expected quality of the next experience, 0 … 1; 0.5 without any. */
  readonly score: number;
  /** Experiences that it rests on, by their present weight. */
  readonly evidence: number;
}

interface Record {
  good: number;
  bad: number;
  atNs: number;
}

/**
 * Reputation as a Beta distribution (Jøsang and Ismail 2002) whose evidence fades: the score of who is no longer heard of
 * returns to one half, for good and for bad. Fading is computed at each look, so it costs nothing while nobody looks.
 */
export class ReputationBook {
  readonly #clock: Clock;
  readonly #halfLifeNs: number;
  readonly #capacity: number;
  readonly #records = new Map<string, Record>();

  /** @throws MettleError `OPTIONS_INVALID` */
  constructor({ clock, halfLife = 3_600_000 as Milliseconds, capacity = 10_000 }: ReputationOptions) {
    refuseProblems("Reputation", [
      ...wholeAtLeast("capacity", capacity, 1),
      ...(halfLife > 0 ? [] : [`halfLife must be over 0 ms, got ${halfLife}`]),
    ]);
    this.#clock = clock;
    this.#halfLifeNs = halfLife * 1e6;
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#records.size;
  }

  /** @param quality - how good it was, 0 … 1 @param weight - how much it counts, 0 or more */
  record(party: string, quality: number, weight = 1): void {
    refuseProblems("Experience", [
      ...within("quality", quality, 0, 1),
      ...within("weight", weight, 0, Number.MAX_VALUE),
    ]);
    const record = this.#faded(party) ?? { good: 0, bad: 0, atNs: this.#clock.now() };
    record.good += quality * weight;
    record.bad += (1 - quality) * weight;
    this.#records.delete(party);
    this.#records.set(party, record);
    if (this.#records.size > this.#capacity) this.#records.delete(this.#records.keys().next().value!);
  }

  of(party: string): Reputation {
    const { good, bad } = this.#faded(party) ?? { good: 0, bad: 0 };
    return { score: (good + 1) / (good + bad + 2), evidence: good + bad };
  }

  #faded(party: string): Record | undefined {
    const record = this.#records.get(party);
    if (record === undefined) return undefined;
    const now = this.#clock.now();
    const kept = 0.5 ** ((now - record.atNs) / this.#halfLifeNs);
    record.good *= kept;
    record.bad *= kept;
    record.atNs = now;
    return record;
  }
}
