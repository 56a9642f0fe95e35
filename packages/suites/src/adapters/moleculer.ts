import moleculer, { type Context, type Service } from "moleculer";
import { suitesErrors } from "../errors.ts";
import type {
  AgentHandle,
  AgentMessage,
  AgentPlatform,
  AgentSpawn,
  CoordinationFacet,
  Crowd,
  PlatformOptions,
  SignalHandler,
} from "../platform/platform.ts";
import { nextTurn } from "../measure/time.ts";
import { AskedToFail, computeRounds } from "../platform/work.ts";
import { coordinationByAsking } from "./ask-everyone.ts";

interface ServiceAgent {
  readonly name: string;
  readonly service: Service;
  alive: boolean;
}

type With<T> = Context<{ readonly data: T }>;

/**
 * Moleculer: an agent is a local service, a request a call of its action with a timeout, a message an event that only it
 * listens to; a subscriber is a service as well. Its registry knows services by name and does not describe them.
 */
export class MoleculerPlatform implements AgentPlatform {
  readonly name = "moleculer";
  readonly version: string;
  /** 4 000 services take some 8 s to start and 20 s to end, 10 000 more than a minute each. */
  readonly crowd: Crowd = {
    agents: 1000,
    created: 250,
    because: "each service that starts or ends costs time for every one that there is",
  };
  readonly #broker = new moleculer.ServiceBroker({ logger: false });
  #numbered = 0;

  private constructor() {
    this.version = moleculer.ServiceBroker.MOLECULER_VERSION;
  }

  static async open(_options: PlatformOptions = {}): Promise<MoleculerPlatform> {
    const platform = new MoleculerPlatform();
    await platform.#broker.start();
    return platform;
  }

  async spawn({ name, onFailure }: AgentSpawn = {}): Promise<AgentHandle> {
    const own = name ?? `agent-${++this.#numbered}`;
    let total = 0;
    const service = this.#broker.createService({
      name: own,
      events: { [`${own}.note`]: (ctx: With<number>) => void (total += ctx.params.data) },
      actions: {
        add: (ctx: With<number>) => (total += ctx.params.data),
        total: () => total,
        echo: (ctx: With<unknown>) => ctx.params.data,
        compute: (ctx: With<number>) => computeRounds(ctx.params.data),
        fail: async () => {
          if (onFailure === "stop") await this.stop(agent);
          throw new AskedToFail();
        },
        silent: () => new Promise<never>(() => undefined),
      },
    });
    const agent: ServiceAgent = { name: own, service, alive: true };
    await this.#started(own);
    return agent;
  }

  async stop(agent: AgentHandle): Promise<void> {
    const own = agent as ServiceAgent;
    if (!own.alive) return;
    own.alive = false;
    await this.#broker.destroyService(own.service);
  }

  async send(agent: AgentHandle, message: AgentMessage): Promise<void> {
    const { name, alive } = agent as ServiceAgent;
    if (!alive) throw suitesErrors.create("PLATFORM_REQUEST_FAILED", "The agent has stopped.");
    if (message.type === "note") await this.#broker.emit(`${name}.note`, { data: message.data });
    else await this.#broker.call(`${name}.${message.type}`, { data: message.data });
  }

  async ask(agent: AgentHandle, message: AgentMessage, timeoutMs: number): Promise<unknown> {
    const { name } = agent as ServiceAgent;
    return this.#broker.call(`${name}.${message.type}`, { data: message.data }, { timeout: timeoutMs });
  }

  readonly signals = {
    patterns: true,
    publish: async (type: string, data: unknown): Promise<void> => {
      await this.#broker.emit(type, { data });
    },
    subscribe: async (pattern: string, handler: SignalHandler): Promise<() => Promise<void>> => {
      const name = `subscriber-${++this.#numbered}`;
      const service = this.#broker.createService({
        name,
        events: { [pattern]: (ctx: With<unknown>) => handler(ctx.params.data, ctx.eventName ?? pattern) },
      });
      await this.#started(name);
      return () => this.#broker.destroyService(service);
    },
    delivered: (): void => undefined, // `emit` resolves when the handlers have
  };

  readonly coordination: CoordinationFacet = coordinationByAsking(this);

  /** `waitForServices` looks again after a timer; starting takes a few turns of the loop. */
  async #started(name: string): Promise<void> {
    while (!this.#broker.registry.hasService(name, this.#broker.nodeID)) await nextTurn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker.stop();
  }
}
