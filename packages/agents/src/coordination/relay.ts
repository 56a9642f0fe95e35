import { type Milliseconds, ms } from "@mettle/core";
import { refuseProblems, wholeAtLeast } from "./check-options.ts";
import { coordinationErrors } from "./errors.ts";
import type { Network } from "./network.ts";
import type { RelayTree } from "./relay-tree.ts";
import type { Timer, Timers } from "../timers/timers.ts";

export type RelayMessage<Payload> =
  | { readonly kind: "relay"; readonly id: number; readonly payload: Payload }
  | { readonly kind: "relayed"; readonly id: number; readonly unconfirmed: readonly number[] };

export interface RelayOptions<Payload> {
  /** This member's position in the tree. */
  readonly position: number;
  readonly tree: RelayTree;
  readonly network: Network<RelayMessage<Payload>>;
  readonly timers: Timers;
  /** Called once for each message, whatever the network repeats. */
  readonly deliver: (payload: Payload) => void;
  /** How long a message there and its answer may take over one link. @defaultValue 50 ms */
  readonly hopTimeout?: Milliseconds;
  /** Messages whose repetition is still recognised. @defaultValue 1 000 */
  readonly remembered?: number;
}

export interface RelayOutcome {
  /** Positions that nobody could confirm, ascending. They may have got it; everyone else has. */
  readonly unconfirmed: readonly number[];
  /** How many got it for certain, without the root. */
  readonly reached: number;
}

interface Round<Payload> {
  readonly payload: Payload;
  /** Positions asked and not heard of, each with the timer of its patience. */
  readonly waiting: Map<number, Timer>;
  readonly unconfirmed: Set<number>;
  /** Whom to tell; more than one when a replacement asked as well. */
  readonly askers: Set<number>;
  done: boolean;
  readonly finished: ((outcome: RelayOutcome) => void) | undefined;
}

/**
 * One member of a broadcast along a tree: delivers, passes on, and reports up who could not be confirmed. When a child
 * does not answer in time, its parent sends to the grandchildren itself, so one crash cuts nobody off.
 */
export class Relay<Payload> {
  readonly #options: RelayOptions<Payload>;
  readonly #hopTimeout: Milliseconds;
  readonly #remembered: number;
  readonly #rounds = new Map<number, Round<Payload>>();
  #nextId = 0;

  /** @throws MettleError `OPTIONS_INVALID`, `COORDINATION_MEMBER_UNKNOWN` */
  constructor(options: RelayOptions<Payload>) {
    const { position, tree, hopTimeout = ms(50), remembered = 1000 } = options;
    refuseProblems("Relay", [
      ...wholeAtLeast("remembered", remembered, 1),
      ...(hopTimeout > 0 ? [] : [`hopTimeout must be over 0 ms, got ${hopTimeout}`]),
    ]);
    if (!(Number.isSafeInteger(position) && position >= 0 && position < tree.size)) {
      throw coordinationErrors.create("COORDINATION_MEMBER_UNKNOWN", `There is no position ${position} in the tree.`, {
        details: { position, size: tree.size },
      });
    }
    this.#options = options;
    this.#hopTimeout = hopTimeout;
    this.#remembered = remembered;
  }

  /** Sends to everyone below; meant for the root. Resolves once everyone is confirmed or given up on; never rejects. */
  broadcast(payload: Payload): Promise<RelayOutcome> {
    return new Promise((resolve) => {
      // An id of its own range for each position, so that messages of two senders are never taken for one another.
      const id = this.#nextId++ * this.#options.tree.size + this.#options.position;
      this.#begin(id, payload, resolve);
    });
  }

  /** Hot: once per message and member. */
  receive(from: number, message: RelayMessage<Payload>): void {
    if (message.kind === "relay") {
      let round = this.#rounds.get(message.id);
      if (round === undefined) {
        round = this.#begin(message.id, message.payload, undefined, from);
        this.#options.deliver(message.payload);
        return;
      }
      round.askers.add(from);
      if (round.done) this.#report(message.id, round, from);
      return;
    }
    const round = this.#rounds.get(message.id);
    const timer = round?.waiting.get(from);
    if (round === undefined || timer === undefined) return;
    timer.cancel();
    round.waiting.delete(from);
    for (const position of message.unconfirmed) round.unconfirmed.add(position);
    this.#finishIfDone(message.id, round);
  }

  #begin(id: number, payload: Payload, finished?: (outcome: RelayOutcome) => void, asker?: number): Round<Payload> {
    const round: Round<Payload> = {
      payload,
      waiting: new Map(),
      unconfirmed: new Set(),
      askers: new Set(asker === undefined ? [] : [asker]),
      done: false,
      finished,
    };
    this.#rounds.set(id, round);
    this.#forgetOldest();
    this.#askChildren(id, round, this.#options.position);
    this.#finishIfDone(id, round);
    return round;
  }

  #askChildren(id: number, round: Round<Payload>, position: number): void {
    const { tree, network, timers } = this.#options;
    const first = tree.firstChild(position);
    for (let child = first; child < first + tree.childCount(position); child++) {
      // Twice as long for each level below: a child may have to replace one of its own first.
      const patience = ms(this.#hopTimeout * 2 ** tree.height(child));
      const silent = timers.after(patience, () => this.#replace(id, round, child));
      round.waiting.set(child, silent);
      network.send(this.#options.position, child, { kind: "relay", id, payload: round.payload });
    }
  }

  #replace(id: number, round: Round<Payload>, child: number): void {
    if (!round.waiting.delete(child)) return;
    round.unconfirmed.add(child);
    this.#askChildren(id, round, child);
    this.#finishIfDone(id, round);
  }

  #finishIfDone(id: number, round: Round<Payload>): void {
    if (round.done || round.waiting.size > 0) return;
    round.done = true;
    for (const asker of round.askers) this.#report(id, round, asker);
    if (round.finished === undefined) return;
    const unconfirmed = [...round.unconfirmed].sort((a, b) => a - b);
    round.finished({ unconfirmed, reached: this.#options.tree.size - 1 - unconfirmed.length });
  }

  #report(id: number, round: Round<Payload>, to: number): void {
    this.#options.network.send(this.#options.position, to, {
      kind: "relayed",
      id,
      unconfirmed: [...round.unconfirmed],
    });
  }

  /** Drops the oldest finished rounds over the limit; open ones end by their timers. */
  #forgetOldest(): void {
    if (this.#rounds.size <= this.#remembered) return;
    for (const [id, round] of this.#rounds) {
      if (!round.done) continue;
      this.#rounds.delete(id);
      if (this.#rounds.size <= this.#remembered) return;
    }
  }
}
