import type { Seal, Verifier } from "./notary.ts";

/** A member's sealed statement that it prepared or committed a value in a view. */
export interface Endorsement {
  readonly member: number;
  readonly seal: Seal;
}

/** A quorum of endorsements of one value in one view. */
export interface Certificate<Value> {
  readonly view: number;
  readonly value: Value;
  readonly endorsements: readonly Endorsement[];
}

/** A member's sealed wish to leave for `view`, with the last value it saw prepared. */
export interface ViewChange<Value> {
  readonly member: number;
  readonly view: number;
  readonly prepared: Certificate<Value> | undefined;
  readonly seal: Seal;
}

export type PbftMessage<Value> =
  | { readonly kind: "request"; readonly value: Value }
  | { readonly kind: "prePrepare"; readonly value: Value }
  | { readonly kind: "prepare"; readonly view: number; readonly digest: string; readonly seal: Seal }
  | { readonly kind: "commit"; readonly view: number; readonly digest: string; readonly seal: Seal }
  | { readonly kind: "viewChange"; readonly change: ViewChange<Value> }
  | {
      readonly kind: "newView";
      readonly view: number;
      readonly value: Value;
      readonly changes: readonly ViewChange<Value>[];
    }
  | { readonly kind: "decided"; readonly proof: Certificate<Value> };

/** Faulty members that a group of `members` survives: ⌊(n − 1)/3⌋. */
export const faultsTolerated = (members: number): number => Math.floor((members - 1) / 3);

/** ⌊2n/3⌋ + 1: any two such sets share a member that is not faulty. */
export const quorumOf = (members: number): number => Math.floor((2 * members) / 3) + 1;

/** What members seal, and how to check what they pass on. `instance` keeps one decision's seals out of another. */
export class PbftStatements<Value> {
  readonly #instance: string;
  readonly #members: number;
  readonly #digestOf: (value: Value) => string;
  readonly #verifier: Verifier;
  readonly #last = {
    prepare: { view: -1, digest: "", statement: "" },
    commit: { view: -1, digest: "", statement: "" },
  };

  constructor(instance: string, members: number, digestOf: (value: Value) => string, verifier: Verifier) {
    this.#instance = instance;
    this.#members = members;
    this.#digestOf = digestOf;
    this.#verifier = verifier;
  }

  /** Of a value that has been checked, or is the member's own. */
  digest(value: Value): string {
    return this.#digestOf(value);
  }

  /** Of a value that another member sent; undefined when it has none. */
  digestReceived(value: Value): string | undefined {
    try {
      return this.#digestOf(value);
    } catch {
      return undefined; // a liar sends anything, also what is nested deeper than the stack
    }
  }

  /** Hot. Members say the same many times over: the last statement of each step is kept. */
  endorsement(step: "prepare" | "commit", view: number, digest: string): string {
    const last = this.#last[step];
    if (last.view === view && last.digest === digest) return last.statement;
    last.view = view;
    last.digest = digest;
    last.statement = `${this.#instance}|${step}|${view}|${digest}`;
    return last.statement;
  }

  viewChange(view: number, prepared: Certificate<Value> | undefined): string {
    const evidence = prepared === undefined ? "nothing" : `${prepared.view}|${this.#digestOf(prepared.value)}`;
    return `${this.#instance}|viewChange|${view}|${evidence}`;
  }

  endorsed(member: number, step: "prepare" | "commit", view: number, digest: string, seal: Seal): boolean {
    return this.#verifier.verify(member, this.endorsement(step, view, digest), seal);
  }

  /** Whether a quorum of different members endorsed the value in that view. */
  certified(step: "prepare" | "commit", { view, value, endorsements }: Certificate<Value>): boolean {
    if (endorsements.length > this.#members) return false; // before any seal is looked at: each costs a signature's check
    const digest = this.digestReceived(value);
    if (digest === undefined) return false;
    const endorsers = new Set<number>();
    for (const { member, seal } of endorsements) {
      if (this.endorsed(member, step, view, digest, seal)) endorsers.add(member);
    }
    return endorsers.size >= quorumOf(this.#members);
  }

  /** Whether the wish is the member's own and its evidence holds. */
  wished({ member, view, prepared, seal }: ViewChange<Value>): boolean {
    if (!Number.isSafeInteger(view) || view < 1) return false;
    if (prepared !== undefined && !(prepared.view < view && this.certified("prepare", prepared))) return false;
    return this.#verifier.verify(member, this.viewChange(view, prepared), seal);
  }

  /** Whether a quorum of different members wishes for `view`. */
  wishedByQuorum(view: number, changes: readonly ViewChange<Value>[]): boolean {
    if (changes.length > this.#members) return false;
    const members = new Set<number>();
    for (const change of changes) if (change.view === view && this.wished(change)) members.add(change.member);
    // One bad wish spoils the lot: the value must follow from wishes that were all checked.
    return members.size === changes.length && members.size >= quorumOf(this.#members);
  }
}

/** The value that a new view must keep: the one prepared in the highest view, if any was. */
export function lastPrepared<Value>(changes: readonly ViewChange<Value>[]): Certificate<Value> | undefined {
  let last: Certificate<Value> | undefined;
  for (const { prepared } of changes)
    if (prepared && (last === undefined || prepared.view > last.view)) last = prepared;
  return last;
}
