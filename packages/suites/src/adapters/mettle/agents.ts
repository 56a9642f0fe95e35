import {
  type AgentDefinition,
  type AnyRef,
  type Ballot,
  defineAction,
  defineAgent,
  type Relay,
  type RelayMessage,
  type Variable,
  type VariableSignalIn,
} from "@mettle/agents";
import { AskedToFail, computeRounds } from "../../platform/work.ts";

export interface WorkerState {
  readonly total: number;
}

/** A member's place in a vote or in a confirmed broadcast. */
export interface BallotFor {
  readonly ballot: Ballot<unknown>;
  readonly member: number;
}

/** One hop of a relayed message. */
export interface Hop {
  readonly relay: Relay<unknown>;
  readonly from: number;
  readonly message: RelayMessage<unknown>;
}

/** A variable asks an agent that it affects. */
export interface Consideration {
  readonly variable: AnyRef;
  readonly voter: string;
}

const neverSettles = (): Promise<void> => new Promise(() => undefined);

/** The catalogue's agent, and what our coordination and variables say to it. */
const actions = {
  note: defineAction({ run: (state: WorkerState, by: number) => ({ state: { total: state.total + by } }) }),
  add: defineAction({
    run: (state: WorkerState, by: number) => ({ state: { total: state.total + by }, reply: state.total + by }),
  }),
  total: defineAction({ mode: "read", run: (state: WorkerState) => ({ reply: state.total }) }),
  echo: defineAction({ mode: "read", run: (_state: WorkerState, payload: unknown) => ({ reply: payload }) }),
  compute: defineAction({ run: (_state: WorkerState, rounds: number) => ({ reply: computeRounds(rounds) }) }),
  fail: defineAction({
    run: (_state: WorkerState): { reply: undefined } => {
      throw new AskedToFail();
    },
  }),
  silent: defineAction({ mode: "concurrent", run: (_state: WorkerState) => neverSettles() }),
  ballot: defineAction({
    mode: "read",
    run: (_state: WorkerState, { ballot, member }: BallotFor) => void ballot.vote(member, 1),
  }),
  relay: defineAction({
    mode: "read",
    run: (_state: WorkerState, { relay, from, message }: Hop) => relay.receive(from, message),
  }),
  told: defineAction({ mode: "read", run: (_state: WorkerState, _update: unknown) => undefined }),
  consider: defineAction({
    mode: "read",
    run: (_state: WorkerState, { variable, voter }: Consideration) =>
      variable.send({ type: "signal", data: { type: "variable.vote.cast", voter, approve: true } }),
  }),
};

interface Exchange<Input, Reply> {
  readonly input: Input;
  readonly reply: Reply;
}

/** What a worker understands, for the compiler. */
export interface WorkerProtocol {
  readonly note: Exchange<number, void>;
  readonly add: Exchange<number, number>;
  readonly total: Exchange<void, number>;
  readonly echo: Exchange<unknown, unknown>;
  readonly compute: Exchange<number, number>;
  readonly fail: Exchange<void, undefined>;
  readonly silent: Exchange<void, void>;
  readonly ballot: Exchange<BallotFor, void>;
  readonly relay: Exchange<Hop, void>;
  readonly told: Exchange<unknown, void>;
  readonly consider: Exchange<Consideration, void>;
}

export interface VariableProtocol {
  readonly signal: Exchange<VariableSignalIn<never>, void>;
  readonly value: Exchange<void, unknown>;
}

const initial = (): WorkerState => ({ total: 0 });

export const worker: AgentDefinition<WorkerState, WorkerProtocol> = defineAgent({
  name: "worker",
  state: initial,
  actions,
  onFailure: "resume",
  module: import.meta.url,
});

/** The same, but a failure ends it. */
export const mortalWorker: AgentDefinition<WorkerState, WorkerProtocol> = defineAgent({
  name: "mortal-worker",
  state: initial,
  actions,
  onFailure: "stop",
  module: import.meta.url,
});

export interface VariableState {
  readonly variable: Variable<never>;
}

/** An agent that holds one variable and hands it the signals of its mailbox. */
export const variableAgent: AgentDefinition<VariableState, VariableProtocol> = defineAgent({
  name: "variable",
  state: (): VariableState => {
    throw new Error("a variable's agent is spawned with its variable");
  },
  actions: {
    signal: defineAction({
      run: (state: VariableState, signal: VariableSignalIn<never>) => void state.variable.handle(signal),
    }),
    value: defineAction({ mode: "read", run: (state: VariableState) => ({ reply: state.variable.value as unknown }) }),
  },
  onFailure: "resume",
});
