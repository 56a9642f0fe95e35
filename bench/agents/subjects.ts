// Agents that several of these scripts measure.
import { type BallotMessage, defineAction, defineAgent } from "@mettle/agents";

export interface Total {
  readonly total: number;
}

export const counter = defineAgent({
  name: "counter",
  state: (): Total => ({ total: 0 }),
  actions: {
    add: defineAction({
      run: (state: Total, by: number) => ({ state: { total: state.total + by }, reply: state.total + by }),
    }),
    note: defineAction({ run: (state: Total, by: number) => ({ state: { total: state.total + by } }) }),
  },
});

/** Votes for what is proposed: with a ballot, or as the reply to a request. */
export const voter = defineAgent({
  name: "voter",
  state: () => 0,
  actions: {
    propose: defineAction({
      run: (state: number, { member, ballot }: BallotMessage<string>) => {
        ballot.vote(member, 1);
        return { state: state + 1 };
      },
    }),
    decide: defineAction({ run: (state: number) => ({ state: state + 1, reply: 1 }) }),
  },
});
