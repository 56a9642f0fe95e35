import { type Milliseconds, ms } from "@mettle/core";
import { refuseProblems, wholeAtLeast } from "./check-options.ts";
import { coordinationErrors } from "./errors.ts";
import type { Network } from "./network.ts";
import type { Seal, Signer, Verifier } from "./notary.ts";
import {
  type Certificate,
  type Endorsement,
  faultsTolerated,
  lastPrepared,
  type PbftMessage,
  PbftStatements,
  quorumOf,
  type ViewChange,
} from "./pbft-messages.ts";
import { plainDigest } from "./plain-digest.ts";
import type { Timer, Timers } from "../timers/timers.ts";

export interface PbftOptions<Value> {
  /** This member, from 0. */
  readonly member: number;
  /** Size of the group, at least 4. */
  readonly members: number;
  /** Names this decision: the same at every member, used for no other. */
  readonly instance: string;
  readonly network: Network<PbftMessage<Value>>;
  readonly timers: Timers;
  readonly signer: Signer;
  readonly verifier: Verifier;
  /** Whether this member may agree to a value. Never called for a value it has agreed to already. @defaultValue always */
  readonly accept?: (value: Value) => boolean;
  /**
   * Equal for equal values, different for others: members whose values differ under one digest may decide differently. What
   * it throws at is never agreed to. @defaultValue the value's JSON, for plain data only
   */
  readonly digestOf?: (value: Value) => string;
  /** Patience with the first primary; doubles with each view, 64 times at most. @defaultValue 1 s */
  readonly viewTimeout?: Milliseconds;
  /** Called once. */
  readonly decided: (value: Value, view: number) => void;
}

type Step = "prepare" | "commit";

/** Endorsements of one step in one view. */
class StepTally {
  readonly #digests = new Map<number, string>();
  readonly #seals = new Map<number, Seal>();
  readonly #counts = new Map<string, number>();

  /** Hot. The member's first counts. */
  add(member: number, digest: string, seal: Seal): void {
    if (this.#digests.has(member)) return;
    this.#digests.set(member, digest);
    this.#seals.set(member, seal);
    this.#counts.set(digest, (this.#counts.get(digest) ?? 0) + 1);
  }

  /** Everyone's endorsement of the digest, once they are enough. */
  quorum(digest: string, enough: number): Endorsement[] | undefined {
    if ((this.#counts.get(digest) ?? 0) < enough) return undefined;
    return [...this.#digests].flatMap(([member, of]) =>
      of === digest ? [{ member, seal: this.#seals.get(member) }] : [],
    );
  }
}

class ViewTally {
  readonly prepare: StepTally = new StepTally();
  readonly commit: StepTally = new StepTally();
}

/** Views ahead whose votes are kept; a member further behind learns the result from the others. */
const VIEWS_AHEAD = 4;
const MOST_DOUBLINGS = 6;
/** How often a member repeats itself within its patience, the end not counted. */
const RESENDS = 4;

/**
 * One member's part in one decision by Practical Byzantine Fault Tolerance (Castro and Liskov, OSDI 1999), for groups where
 * members may lie. With at most ⌊(n − 1)/3⌋ faulty members no two honest ones decide differently, whatever the network
 * does; they decide once messages arrive within the timeout. Departures from the paper: one decision and no log; the primary
 * sends a prepare like everyone, so a quorum of prepares is a certificate; who has decided answers a view change with proof; what
 * was said in a view is repeated while it lasts, so that a lost message costs no view.
 */
export class PbftMember<Value> {
  readonly #options: PbftOptions<Value>;
  readonly #accept: (value: Value) => boolean;
  readonly #statements: PbftStatements<Value>;
  readonly #quorum: number;
  readonly #viewTimeout: Milliseconds;
  #view = 0;
  /** True from wishing for a view until it begins: the member takes no part in any view meanwhile. */
  #leaving = false;
  /** The value to propose when this member becomes primary. */
  #wanted: { readonly value: Value } | undefined;
  #proposal: { readonly value: Value; readonly digest: string } | undefined;
  #prepared: Certificate<Value> | undefined;
  #committed = false;
  #proof: Certificate<Value> | undefined;
  /** By view: the current one and a few ahead. */
  readonly #tallies = new Map<number, ViewTally>();
  readonly #wishes = new Map<number, ViewChange<Value>>();
  #newViewSent = 0;
  #timer: Timer | undefined;
  #resend: Timer | undefined;
  /** What this member has said in the present view, to be said again: a quorum may be lacking one lost message. */
  #said: PbftMessage<Value>[] = [];
  #stopped = false;

  /** @throws MettleError `OPTIONS_INVALID`, `COORDINATION_GROUP_TOO_SMALL` under four members */
  constructor(options: PbftOptions<Value>) {
    const { member, members, digestOf = plainDigest, verifier, viewTimeout = ms(1000) } = options;
    refuseProblems("PBFT member", [
      ...wholeAtLeast("members", members, 1),
      ...(Number.isSafeInteger(member) && member >= 0 && member < members ? [] : [`member ${member} of ${members}`]),
      ...(viewTimeout > 0 ? [] : [`viewTimeout must be over 0 ms, got ${viewTimeout}`]),
    ]);
    if (members < 4) {
      throw coordinationErrors.create(
        "COORDINATION_GROUP_TOO_SMALL",
        `A group of ${members} cannot survive a member that lies.`,
        { details: { members } },
      );
    }
    this.#options = options;
    this.#accept = options.accept ?? (() => true);
    this.#statements = new PbftStatements(options.instance, members, digestOf, verifier);
    this.#quorum = quorumOf(members);
    this.#viewTimeout = viewTimeout;
  }

  get view(): number {
    return this.#view;
  }

  /** The decision, once there is one. */
  get decision(): { readonly value: Value } | undefined {
    return this.#proof === undefined ? undefined : { value: this.#proof.value };
  }

  /**
   * Asks the group to decide, for this value if nothing else is under way.
   *
   * @throws MettleError `COORDINATION_VALUE_AMBIGUOUS` for a value that the default digest cannot tell from all others, or what
   *   `digestOf` throws
   */
  propose(value: Value): void {
    this.#statements.digest(value);
    this.#wanted = { value };
    this.#broadcast({ kind: "request", value });
    this.#want();
  }

  /** Takes no further part; its timer ends. */
  stop(): void {
    this.#stopped = true;
    this.#stopTimers();
  }

  /** Hot: members² messages each of two rounds. */
  receive(from: number, message: PbftMessage<Value>): void {
    if (this.#stopped) return;
    switch (message.kind) {
      case "prepare":
      case "commit":
        this.#onEndorsement(from, message.kind, message.view, message.digest, message.seal);
        break;
      case "request":
        if (this.#proof !== undefined) this.#prove(from, this.#proof);
        else if (this.#wanted === undefined && this.#statements.digestReceived(message.value) !== undefined) {
          if (this.#accept(message.value)) this.#wanted = { value: message.value };
        }
        this.#want();
        break;
      case "prePrepare":
        if (from === 0 && this.#view === 0 && !this.#leaving) this.#consider(message.value);
        break;
      case "viewChange":
        this.#onViewChange(from, message.change);
        break;
      case "newView":
        this.#onNewView(from, message.view, message.value, message.changes);
        break;
      case "decided":
        if (this.#proof === undefined && this.#statements.certified("commit", message.proof))
          this.#decide(message.proof);
        break;
    }
  }

  #primaryOf(view: number): number {
    return view % this.#options.members;
  }

  /** There is something to decide: the first primary begins, and everyone's patience starts to run. */
  #want(): void {
    if (this.#proof !== undefined) return;
    this.#timer ??= this.#startTimer();
    if (this.#options.member !== 0 || this.#view !== 0 || this.#leaving || this.#wanted === undefined) return;
    if (this.#proposal !== undefined) return;
    this.#broadcast({ kind: "prePrepare", value: this.#wanted.value });
    this.#consider(this.#wanted.value);
  }

  /** The current view's primary proposes this value. Only the first of a view counts. */
  #consider(value: Value): void {
    if (this.#proposal !== undefined || this.#proof !== undefined) return;
    const digest = this.#statements.digestReceived(value);
    if (digest === undefined) return;
    // A value with a certificate was accepted by honest members before; to refuse it now could block the group for ever.
    const known = this.#prepared !== undefined && this.#statements.digest(this.#prepared.value) === digest;
    if (!known && !this.#accept(value)) return;
    this.#proposal = { value, digest };
    this.#timer ??= this.#startTimer();
    this.#endorse("prepare", digest);
    this.#advance();
  }

  #endorse(step: Step, digest: string): void {
    const view = this.#view;
    const seal = this.#options.signer.sign(this.#statements.endorsement(step, view, digest));
    this.#broadcast({ kind: step, view, digest, seal });
    this.#keep(this.#options.member, step, view, digest, seal);
  }

  #onEndorsement(from: number, step: Step, view: number, digest: string, seal: Seal): void {
    if (this.#proof !== undefined || !(view >= this.#view && view <= this.#view + VIEWS_AHEAD)) return;
    if (!this.#statements.endorsed(from, step, view, digest, seal)) return;
    this.#timer ??= this.#startTimer(); // whoever missed the request still knows that something is under way
    this.#keep(from, step, view, digest, seal);
    if (view === this.#view) this.#advance();
  }

  /** Hot. A member has one endorsement per step and view, whatever it says later. */
  #keep(member: number, step: Step, view: number, digest: string, seal: Seal): void {
    let tally = this.#tallies.get(view);
    if (tally === undefined) this.#tallies.set(view, (tally = new ViewTally()));
    tally[step].add(member, digest, seal);
  }

  /** Commits once a quorum prepared, decides once a quorum committed. */
  #advance(): void {
    const proposal = this.#proposal;
    if (proposal === undefined || this.#leaving || this.#proof !== undefined) return;
    if (!this.#committed) {
      const certificate = this.#certificate("prepare", proposal);
      if (certificate === undefined) return;
      this.#prepared = certificate;
      this.#committed = true;
      this.#endorse("commit", proposal.digest);
    }
    const proof = this.#certificate("commit", proposal);
    if (proof !== undefined) this.#decide(proof);
  }

  #certificate(step: Step, proposal: { value: Value; digest: string }): Certificate<Value> | undefined {
    const endorsements = this.#tallies.get(this.#view)?.[step].quorum(proposal.digest, this.#quorum);
    return endorsements && { view: this.#view, value: proposal.value, endorsements };
  }

  #prove(to: number, proof: Certificate<Value>): void {
    this.#options.network.send(this.#options.member, to, { kind: "decided", proof });
  }

  #decide(proof: Certificate<Value>): void {
    this.#proof = proof;
    this.#stopTimers();
    this.#said = [];
    this.#tallies.clear();
    this.#options.decided(proof.value, proof.view);
  }

  /** Leaves for `view`: from here on nothing of an earlier view is endorsed, which is what makes its value safe. */
  #leaveFor(view: number): void {
    this.#view = view;
    this.#leaving = true;
    this.#proposal = undefined;
    this.#committed = false;
    this.#forgetBefore(view);
    const { member, signer } = this.#options;
    const prepared = this.#prepared;
    const seal = signer.sign(this.#statements.viewChange(view, prepared));
    const change: ViewChange<Value> = { member, view, prepared, seal };
    this.#wishes.set(member, change);
    this.#said = [];
    this.#stopTimers();
    this.#timer = this.#startTimer();
    this.#broadcast({ kind: "viewChange", change });
    this.#beginView(view);
  }

  #onViewChange(from: number, change: ViewChange<Value>): void {
    // One answer to each of a member's wishes: repeating one buys nothing, neither work nor messages.
    if (change.member !== from || change.view <= (this.#wishes.get(from)?.view ?? 0)) return;
    if (!this.#statements.wished(change)) return;
    if (this.#proof !== undefined) {
      this.#wishes.set(from, change);
      this.#prove(from, this.#proof);
      return;
    }
    this.#wishes.set(from, change);
    const later = [...this.#wishes.values()].map(({ view }) => view).filter((view) => view > this.#view);
    // f + 1 wishes contain an honest one: waiting for the own timer would only cost time.
    if (later.length > faultsTolerated(this.#options.members)) this.#leaveFor(Math.min(...later));
    else this.#beginView(change.view);
  }

  /** As primary of `view`, begins it once a quorum wishes for it. */
  #beginView(view: number): void {
    const { member, members } = this.#options;
    if (this.#primaryOf(view) !== member || view < this.#view || view <= this.#newViewSent) return;
    const changes = [...this.#wishes.values()].filter((change) => change.view === view).slice(0, members);
    if (changes.length < this.#quorum) return;
    const last = lastPrepared(changes);
    const wanted = last === undefined ? this.#wanted : { value: last.value };
    if (wanted === undefined) return; // nobody has told this member what to decide; the next view's primary may know
    this.#newViewSent = view;
    this.#enter(view, wanted.value, { kind: "newView", view, value: wanted.value, changes });
  }

  #onNewView(from: number, view: number, value: Value, changes: readonly ViewChange<Value>[]): void {
    if (this.#proof !== undefined || from !== this.#primaryOf(view) || view < 1 || view < this.#view) return;
    if (view === this.#view && !this.#leaving) return;
    if (!this.#statements.wishedByQuorum(view, changes)) return;
    const digest = this.#statements.digestReceived(value);
    if (digest === undefined) return;
    const last = lastPrepared(changes);
    if (last !== undefined) {
      if (this.#statements.digest(last.value) !== digest) return;
    } else if (!this.#accept(value)) return;
    this.#enter(view, value);
  }

  /** @param announcement - of the new primary, said before anything else in the view */
  #enter(view: number, value: Value, announcement?: PbftMessage<Value>): void {
    this.#view = view;
    this.#leaving = false;
    this.#committed = false;
    this.#forgetBefore(view);
    this.#said = [];
    this.#stopTimers();
    this.#timer = this.#startTimer();
    if (announcement !== undefined) this.#broadcast(announcement);
    const digest = this.#statements.digest(value);
    this.#proposal = { value, digest };
    this.#endorse("prepare", digest);
    this.#advance();
  }

  #forgetBefore(view: number): void {
    for (const of of this.#tallies.keys()) if (of < view) this.#tallies.delete(of);
  }

  #startTimer(): Timer {
    const patience = this.#viewTimeout * 2 ** Math.min(this.#view, MOST_DOUBLINGS);
    this.#sayAgainAfter(ms(patience / RESENDS));
    return this.#options.timers.after(ms(patience), () => {
      if (!this.#stopped && this.#proof === undefined) this.#leaveFor(this.#view + 1);
    });
  }

  #sayAgainAfter(delay: Milliseconds): void {
    this.#resend = this.#options.timers.after(delay, () => {
      for (const message of this.#said) this.#send(message);
      this.#sayAgainAfter(delay);
    });
  }

  #stopTimers(): void {
    this.#timer?.cancel();
    this.#resend?.cancel();
  }

  #broadcast(message: PbftMessage<Value>): void {
    this.#said.push(message);
    this.#send(message);
  }

  #send(message: PbftMessage<Value>): void {
    const { member, members, network } = this.#options;
    for (let to = 0; to < members; to++) if (to !== member) network.send(member, to, message);
  }
}
