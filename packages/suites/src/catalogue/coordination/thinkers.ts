import {
  type AgentDefinition,
  type AgentRef,
  type BallotMessage,
  defineAction,
  defineAgent,
  type ResourceRequest,
  type Runtime,
} from "@mettle/agents";

type Need = Omit<ResourceRequest, "agent">;
interface Exchange<Input, Reply> {
  readonly input: Input;
  readonly reply: Reply;
}
export interface ThinkerProtocol {
  readonly consider: Exchange<BallotMessage<unknown>, void>;
  readonly need: Exchange<void, Need>;
}

/** As soon as a model, a database or a colleague in another process answers at best. */
const thinkingMs = 1;
const thought = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, thinkingMs);
  });

/** An agent that has to wait for something before it can answer. */
const thinker: AgentDefinition<{ readonly amount: number }, ThinkerProtocol> = defineAgent({
  name: "thinker",
  state: () => ({ amount: 1 }),
  actions: {
    consider: defineAction({
      mode: "concurrent",
      run: async (_state: { readonly amount: number }, { ballot, member }: BallotMessage<unknown>) => {
        await thought();
        ballot.vote(member, 1);
      },
    }),
    need: defineAction({
      mode: "concurrent",
      run: async ({ amount }: { readonly amount: number }) => {
        await thought();
        return { reply: { amount, value: amount * (1 + (amount % 3)) } };
      },
    }),
  },
});

/** Thinkers that need 1, 2, 3 … units. */
export function thinkers(runtime: Runtime, count: number): AgentRef<ThinkerProtocol>[] {
  return Array.from({ length: count }, (_, i) => runtime.spawn(thinker, { state: { amount: 1 + (i % 7) } }));
}
