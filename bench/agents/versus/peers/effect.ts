// The lines of bench/agents/versus on Effect: an agent is a fiber that takes from a queue of its own; a request carries a
// Deferred and has a deadline. Run by ../run.ts.
import { ASKS, asks, CREATED, creation, order, PUBLISHED, repeat, rounds, SENDS, sends } from "../round.ts";

interface Program<A> {
  readonly value?: A;
  [Symbol.iterator](): Iterator<never, A>;
}
interface Fiber {
  interruptUnsafe(): void;
}
interface Message {
  readonly by: number;
  readonly reply?: unknown;
}
interface EffectModule {
  readonly Effect: {
    gen<A>(body: () => Generator<unknown, A>): Program<A>;
    runFork(program: Program<unknown>): Fiber;
    runSync<A>(program: Program<A>): A;
    runPromise<A>(program: Program<A>): Promise<A>;
    timeout(program: unknown, duration: number): Program<number>;
  };
  readonly Queue: {
    unbounded(): Program<unknown>;
    take(queue: unknown): Program<Message>;
    offerUnsafe(queue: unknown, message: Message): boolean;
  };
  readonly Deferred: {
    make(): Program<unknown>;
    succeed(deferred: unknown, value: number): Program<boolean>;
    await(deferred: unknown): Program<number>;
  };
}

const { Effect, Queue, Deferred } = (await import("effect")) as unknown as EffectModule;

function agent(handled: () => void = () => undefined): { readonly queue: unknown; readonly fiber: Fiber } {
  const queue = Effect.runSync(Queue.unbounded());
  const fiber = Effect.runFork(
    Effect.gen(function* () {
      let state = { total: 0 };
      for (;;) {
        const message = yield* Queue.take(queue);
        state = { total: state.total + message.by };
        if (message.reply !== undefined) yield* Deferred.succeed(message.reply, state.total);
        handled();
      }
    }) as Program<unknown>,
  );
  return { queue, fiber };
}

const one = agent();
const request = (): Promise<number> =>
  Effect.runPromise(
    Effect.gen<number>(function* () {
      const reply = yield* Deferred.make();
      Queue.offerUnsafe(one.queue, { by: 1, reply });
      return yield* Effect.timeout(Deferred.await(reply), 5000);
    }),
  );

let heard = 0;
let allHeard: () => void = () => undefined;
const subscribers = Array.from({ length: 1000 }, () =>
  agent(() => {
    heard += 1;
    if (heard === 1000) allHeard();
  }),
);

await rounds(
  async () => ({
    ...(await creation(
      CREATED / 10,
      () => agent(),
      ({ fiber }) => fiber.interruptUnsafe(),
    )),
    ask: await asks(ASKS / 10, request),
    step: await asks(ASKS / 10, request),
    send: await sends(SENDS / 10, () => Queue.offerUnsafe(one.queue, { by: 1 }), request),
    publish: await repeat(
      PUBLISHED / 4,
      () =>
        new Promise<void>((resolve) => {
          heard = 0;
          allHeard = resolve;
          for (const { queue } of subscribers) Queue.offerUnsafe(queue, { by: 1 });
        }),
    ),
  }),
  order().count,
  2,
);
process.exit(0);
