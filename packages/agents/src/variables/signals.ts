import type { Feedback } from "./kind.ts";

/** What a variable is told. */
export type VariableSignalIn<Value> =
  | {
      readonly type: "variable.value.change";
      readonly value: Value;
      readonly requester: string;
      readonly force?: boolean;
    }
  | ({ readonly type: "variable.performance.feedback" } & Feedback<Value>)
  | { readonly type: "variable.coordination.request"; readonly value: Value; readonly requester: string }
  | ({ readonly type: "variable.value.suggest" } & Suggestion<Value>)
  | {
      readonly type: "variable.vote.cast";
      readonly voter: string;
      readonly approve: boolean;
      readonly confidence?: number;
    }
  | { readonly type: "variable.bid.placed"; readonly bidder: string; readonly value: Value; readonly amount: number }
  | ({ readonly type: "variable.cluster.sync" } & Versioned<Value>);

/** A value with what decides between it and another: the generation, then the time, then the node's name. */
export interface Versioned<Value> {
  readonly value: Value;
  readonly generation: number;
  /** Milliseconds since the epoch at the node that committed it. */
  readonly time: number;
  readonly node: string;
}

export interface Suggestion<Value> {
  readonly value: Value;
  readonly requester: string;
  /** 0 … 1. @defaultValue 1 */
  readonly confidence?: number;
}

export type SuggestionAnswer<Value> =
  | { readonly answer: "accept"; readonly change: ChangeOutcome<Value> }
  /** A value part of the way, for the requester to suggest in turn. */
  | { readonly answer: "negotiate"; readonly counter: Value }
  | { readonly answer: "reject"; readonly because: "invalid" | "locked" | "trust" | "partitioned" };

/** What a variable tells. */
export type VariableSignalOut<Value> =
  | {
      readonly type: "variable.value.updated";
      readonly variable: string;
      readonly old: Value;
      readonly new: Value;
      readonly generation: number;
    }
  | ({ readonly type: "variable.adaptation.completed"; readonly variable: string } & Adaptation)
  | {
      readonly type: "variable.consensus.requested" | "variable.auction.requested";
      readonly variable: string;
      readonly old: Value;
      readonly new: Value;
      readonly requester: string;
    }
  | ({ readonly type: "variable.cluster.sync"; readonly variable: string } & Versioned<Value>);

export interface Adaptation {
  readonly valueChanged: boolean;
  readonly magnitude: number;
  readonly coordinationTriggered: boolean;
}

/** How a value came to be. `fallback`: the group could not be asked, so the node decided alone. */
export type CommittedBy = "initial" | "local" | "consensus" | "auction" | "fallback" | "forced" | "sync";

export type SettledChange<Value> =
  | { readonly state: "committed"; readonly value: Value; readonly generation: number; readonly by: CommittedBy }
  /** The group voted against it, could not be asked in strong mode, or something newer came first. */
  | { readonly state: "rejected"; readonly reason: "voted" | "unreachable" | "superseded" };

export type ChangeOutcome<Value> =
  | SettledChange<Value>
  | { readonly state: "pending"; readonly settled: Promise<SettledChange<Value>> };
