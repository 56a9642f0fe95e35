import { type Actor, assign, createActor, emit, setup } from "xstate";
import { suitesErrors } from "../errors.ts";
import type {
  AgentHandle,
  AgentMessage,
  AgentPlatform,
  AgentSpawn,
  CoordinationFacet,
  PlatformOptions,
  SignalHandler,
} from "../platform/platform.ts";
import { AskedToFail, computeRounds } from "../platform/work.ts";
import { coordinationByAsking } from "./ask-everyone.ts";

/** XState has no reply: an event brings the one who waits for it along. */
type Waiting = { readonly settle: (error: Error | undefined, value?: unknown) => void };
type AgentEvent = AgentMessage & { readonly from?: Waiting };

const machine = setup({
  types: {
    context: {} as { readonly total: number; readonly mortal: boolean },
    events: {} as AgentEvent,
    input: {} as { readonly mortal: boolean },
  },
  actions: {
    add: assign({ total: ({ context, event }) => context.total + (event.data as number) }),
    replyTotal: ({ context, event }) => event.from?.settle(undefined, context.total),
    replyData: ({ event }) => event.from?.settle(undefined, event.data),
    replyComputed: ({ event }) => event.from?.settle(undefined, computeRounds(event.data as number)),
    replyFailure: ({ event }) => event.from?.settle(new AskedToFail()),
  },
  guards: { mortal: ({ context }) => context.mortal },
}).createMachine({
  context: ({ input }) => ({ total: 0, mortal: input.mortal }),
  initial: "working",
  states: {
    working: {
      on: {
        note: { actions: "add" },
        add: { actions: ["add", "replyTotal"] },
        total: { actions: "replyTotal" },
        echo: { actions: "replyData" },
        compute: { actions: "replyComputed" },
        fail: [{ guard: "mortal", target: "ended", actions: "replyFailure" }, { actions: "replyFailure" }],
        silent: {},
      },
    },
    ended: { type: "final" },
  },
});

interface Published {
  readonly type: string;
  readonly data: unknown;
}

const busMachine = setup({
  types: { events: {} as { readonly type: "publish"; readonly signal: Published }, emitted: {} as Published },
}).createMachine({ on: { publish: { actions: emit(({ event }) => event.signal) } } });

/** XState 5: an agent is an actor of a machine, the bus an actor that emits. It has no registry and no variables. */
export class XStatePlatform implements AgentPlatform {
  readonly name = "xstate";
  readonly version: string;
  readonly #bus = createActor(busMachine).start();
  readonly #agents = new Set<MachineAgent>();

  constructor(_options: PlatformOptions = {}, version = "5") {
    this.version = version;
  }

  spawn({ name, onFailure }: AgentSpawn = {}): AgentHandle {
    const input = { mortal: onFailure === "stop" };
    const agent = new MachineAgent(
      createActor(machine, name === undefined ? { input } : { input, id: name }),
      () => void this.#agents.delete(agent),
    );
    this.#agents.add(agent);
    return agent;
  }

  stop(agent: AgentHandle): void {
    (agent as MachineAgent).actor.stop();
  }

  send(agent: AgentHandle, message: AgentMessage): void {
    const { actor } = agent as MachineAgent;
    if (actor.getSnapshot().status !== "active") throw stopped();
    actor.send(message);
  }

  ask(agent: AgentHandle, message: AgentMessage, timeoutMs: number): Promise<unknown> {
    return (agent as MachineAgent).request(message, timeoutMs);
  }

  readonly signals = {
    patterns: false,
    publish: (type: string, data: unknown): void => this.#bus.send({ type: "publish", signal: { type, data } }),
    subscribe: (type: string, handler: SignalHandler): (() => void) => {
      const subscription = this.#bus.on(type, (signal: Published) => void handler(signal.data, signal.type));
      return () => subscription.unsubscribe();
    },
    delivered: (): void => undefined, // an emitted event has reached everyone when `send` returns
  };

  readonly coordination: CoordinationFacet = coordinationByAsking(this);

  readonly supervision = {
    monitor: (agent: AgentHandle, onDown: (reason: string) => void): (() => void) => {
      const { actor } = agent as MachineAgent;
      const down = (): void => onDown(actor.getSnapshot().status);
      const subscription = actor.subscribe({ complete: down, error: down });
      return () => subscription.unsubscribe();
    },
  };

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { actor } of this.#agents) actor.stop();
    this.#bus.stop();
  }
}

const stopped = (): Error => suitesErrors.create("PLATFORM_REQUEST_FAILED", "The agent has stopped.");

/** An actor with the requests that wait for it, so that its end answers them. */
class MachineAgent {
  readonly actor: Actor<typeof machine>;
  #waiting: Set<Waiting> | undefined;

  constructor(actor: Actor<typeof machine>, onEnd: () => void) {
    this.actor = actor;
    actor.subscribe({
      complete: () => {
        onEnd();
        for (const waiting of this.#waiting ?? []) waiting.settle(stopped());
      },
    });
    actor.start();
  }

  request(message: AgentMessage, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.actor.getSnapshot().status !== "active") return reject(stopped());
      const all = (this.#waiting ??= new Set());
      const waiting: Waiting = {
        settle: (error, value) => {
          clearTimeout(timer);
          all.delete(waiting);
          if (error === undefined) resolve(value);
          else reject(error);
        },
      };
      const timer = setTimeout(
        () => waiting.settle(suitesErrors.create("PLATFORM_REQUEST_FAILED", `No reply within ${timeoutMs} ms.`)),
        timeoutMs,
      );
      all.add(waiting);
      this.actor.send({ ...message, from: waiting });
    });
  }
}
