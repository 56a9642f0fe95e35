// The lines of bench/agents/versus on XState 5 actors. It has no request and reply; a request is sent with the promise's
// resolver in the event, and its deadline is left out. Run by ../run.ts.
import { ASKS, asks, CREATED, creation, order, PUBLISHED, repeat, rounds, SENDS, sends } from "../round.ts";

interface Event {
  readonly type: string;
  readonly by?: number;
  readonly reply?: (total: number) => void;
}
interface Actor {
  start(): Actor;
  stop(): Actor;
  send(event: Event): void;
}
interface XState {
  readonly createMachine: (config: unknown) => unknown;
  readonly createActor: (machine: unknown) => Actor;
  readonly assign: (
    assigners: Record<string, (arguments_: { context: { total: number }; event: Event }) => number>,
  ) => unknown;
}

const { createMachine, createActor, assign } = (await import("xstate")) as unknown as XState;
const total = assign({ total: ({ context, event }) => context.total + (event.by ?? 0) });
const machine = createMachine({
  context: { total: 0 },
  on: {
    note: { actions: total },
    add: {
      actions: [
        total,
        ({ context, event }: { context: { total: number }; event: Event }) => event.reply?.(context.total),
      ],
    },
  },
});
const agent = createActor(machine).start();
const request = (): Promise<number> => new Promise((reply) => agent.send({ type: "add", by: 1, reply }));

let heard = 0;
const listening = createMachine({
  context: {},
  on: {
    created: {
      actions: () => {
        heard += 1;
      },
    },
  },
});
const subscribers = Array.from({ length: 1000 }, () => createActor(listening).start());

await rounds(
  async () => ({
    ...(await creation(
      CREATED / 10,
      () => createActor(machine).start(),
      (made) => void made.stop(),
    )),
    ask: await asks(ASKS / 10, request),
    step: await asks(ASKS / 10, request),
    send: await sends(SENDS / 10, () => agent.send({ type: "note", by: 1 }), request),
    publish: await repeat(PUBLISHED / 10, async () => {
      heard = 0;
      for (const subscriber of subscribers) subscriber.send({ type: "created" });
      if (heard !== 1000) throw new Error(`${heard} of 1000 have it`);
    }),
  }),
  order().count,
  2,
);
process.exit(0);
