// The lines of bench/agents/versus on nact. Run by ../run.ts.
import { ASKS, asks, CREATED, creation, order, PUBLISHED, repeat, rounds, SENDS, sends } from "../round.ts";

interface Message {
  readonly type: string;
  readonly by?: number;
  readonly sender?: unknown;
}
type Handle = (state: { readonly total: number } | undefined, message: Message) => unknown;
interface Nact {
  readonly start: () => unknown;
  readonly spawn: (parent: unknown, handle: Handle, name?: string, options?: unknown) => unknown;
  readonly stop: (actor: unknown) => void;
  readonly dispatch: (actor: unknown, message: unknown) => void;
  readonly query: (actor: unknown, message: (sender: unknown) => Message, timeout: number) => Promise<unknown>;
}

const { start, spawn, stop, dispatch, query } = (await import("nact")) as unknown as Nact;
const system = start();
const handle: Handle = (state, { by = 0, sender }) => {
  const next = { total: (state?.total ?? 0) + by };
  if (sender !== undefined) dispatch(sender, next);
  return next;
};
const options = { initialState: { total: 0 } };
const agent = spawn(system, handle, undefined, options);
const request = (): Promise<unknown> => query(agent, (sender) => ({ type: "add", by: 1, sender }), 5000);

let heard = 0;
let allHeard: () => void = () => undefined;
const subscribers = Array.from({ length: 1000 }, () =>
  spawn(system, () => {
    heard += 1;
    if (heard === 1000) allHeard();
  }),
);

await rounds(
  async () => ({
    ...(await creation(
      CREATED / 10,
      () => spawn(system, handle, undefined, options),
      (made) => stop(made),
    )),
    ask: await asks(ASKS / 10, request),
    step: await asks(ASKS / 10, request),
    send: await sends(SENDS / 10, () => dispatch(agent, { type: "note", by: 1 }), request),
    publish: await repeat(
      PUBLISHED / 4,
      () =>
        new Promise<void>((resolve) => {
          heard = 0;
          allHeard = resolve;
          for (const subscriber of subscribers) dispatch(subscriber, { type: "created" });
        }),
    ),
  }),
  order().count,
  2,
);
process.exit(0);
