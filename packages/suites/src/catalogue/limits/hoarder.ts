import { type AgentDefinition, defineAction, defineAgent } from "@mettle/agents";

export interface Hoard {
  readonly pieces: readonly (readonly number[])[];
}
export interface HoarderProtocol {
  readonly keep: { readonly input: number; readonly reply: number };
  readonly size: { readonly input: void; readonly reply: number };
}

/** Numbers in an array: eight bytes each, and none of them shared with another piece. */
const pieceOf = (bytes: number): readonly number[] => Array.from({ length: bytes / 8 }, (_, i) => i + 0.5);

const actions = {
  keep: defineAction({
    run: ({ pieces }: Hoard, bytes: number) => ({
      state: { pieces: [...pieces, pieceOf(bytes)] },
      reply: pieces.length + 1,
    }),
  }),
  size: defineAction({ mode: "read", run: ({ pieces }: Hoard) => ({ reply: pieces.length }) }),
};
const hoarding = { state: (): Hoard => ({ pieces: [] }), onFailure: "stop", module: import.meta.url, actions } as const;

/** An agent that keeps what it is told to: its memory is its state. */
export const hoarder: AgentDefinition<Hoard, HoarderProtocol> = defineAgent({
  ...hoarding,
  name: "hoarder",
  // Looked at after each message, so that the limit is found as soon as the runtime can find it.
  snapshotEvery: 1,
});

/** The same without snapshots: they would cross to this thread. */
export const isolatedHoarder: AgentDefinition<Hoard, HoarderProtocol> = defineAgent({
  ...hoarding,
  name: "isolated-hoarder",
});
