import {
  AgentRegistry,
  type AnyRef,
  ConfigStore,
  EventStore,
  type Runtime,
  runtimeDefaults,
  type RuntimeOptions,
  type Signal,
  SignalBus,
  type Timers,
  TimerWheel,
} from "@mettle/agents";
import { systemClock } from "@mettle/core";
import type {
  AgentDescription,
  AgentHandle,
  AgentMessage,
  AgentPlatform,
  AgentSpawn,
  DiscoveryQuery,
  LimitsFacet,
  PlatformOptions,
  SignalFilter,
  SignalHandler,
} from "../../platform/platform.ts";
import { mortalWorker, worker } from "./agents.ts";
import { MettleCoordination } from "./coordination.ts";
import { runtimeForMeasuring } from "./runtime.ts";
import { MettleVariables } from "./variables.ts";

const namespace = "production";

/** Our own runtime, bus, registry, variables and coordination, put together as a program would. */
export class MettlePlatform implements AgentPlatform {
  readonly name = "mettle";
  readonly version: string = "0.1.0";
  readonly runtime: Runtime;
  readonly bus: SignalBus = new SignalBus();
  readonly agentRegistry: AgentRegistry<AnyRef>;
  readonly coordination: MettleCoordination;
  readonly limits: LimitsFacet;
  readonly #wheel = new TimerWheel(systemClock);
  readonly #settings: ConfigStore<Record<string, unknown>>;
  readonly #journal = new EventStore();
  readonly #timers: Timers;
  #variables: MettleVariables | undefined;

  constructor(options: PlatformOptions = {}, runtime: RuntimeOptions = {}) {
    const {
      maxAgents = runtimeDefaults.maxAgents,
      mailboxLimit = runtimeDefaults.mailboxLimit,
      settings = {},
    } = options;
    this.limits = { ceiling: maxAgents, mailbox: mailboxLimit };
    this.runtime = runtimeForMeasuring({ maxAgents, mailboxLimit, ...runtime });
    this.#timers = this.#wheel;
    this.#settings = new ConfigStore(settings);
    this.coordination = new MettleCoordination(this.#timers);
    this.agentRegistry = new AgentRegistry<AnyRef>({
      watch: (agent, gone) => this.runtime.monitor(agent, ({ mayRestart }) => void (mayRestart || gone())),
    });
  }

  get variables(): MettleVariables {
    this.#variables ??= new MettleVariables(this.runtime, this.bus, this.#timers);
    return this.#variables;
  }

  spawn({ name, onFailure }: AgentSpawn = {}): AgentHandle {
    const definition = onFailure === "stop" ? mortalWorker : worker;
    return name === undefined ? this.runtime.spawn(definition) : this.runtime.spawn(definition, { name });
  }

  stop(agent: AgentHandle): Promise<void> {
    return (agent as AnyRef).stop();
  }

  send(agent: AgentHandle, message: AgentMessage): void {
    (agent as AnyRef).send(message);
  }

  ask(agent: AgentHandle, message: AgentMessage, timeoutMs: number): Promise<unknown> {
    return (agent as AnyRef).ask(message, { timeout: timeoutMs });
  }

  readonly registry = {
    forgetsDead: true,
    register: (name: string, agent: AgentHandle, description: AgentDescription): void => {
      this.agentRegistry.register({ namespace, name, agent: agent as AnyRef, metadata: description });
    },
    unregister: (name: string): boolean => this.agentRegistry.unregister(namespace, name),
    lookup: (name: string): AgentHandle | undefined => this.agentRegistry.whereis(namespace, name),
    discover: (query: DiscoveryQuery, limit?: number): string[] => {
      const { resources, ...rest } = query;
      const asked = resources === undefined ? rest : { ...rest, resources: { ...resources } };
      return this.agentRegistry.discover(asked, limit === undefined ? {} : { limit }).map(({ name }) => name);
    },
  };

  readonly signals = {
    patterns: true,
    filters: true,
    publish: (type: string, data: unknown): void => void this.bus.emit(type, "suite", data),
    subscribe: (pattern: string, handler: SignalHandler, filter?: SignalFilter): (() => void) => {
      const options = filter === undefined ? {} : { filter: ({ data }: Signal) => filter(data) };
      const subscription = this.bus.subscribe(pattern, ({ data, type }) => handler(data, type), options);
      return () => subscription.unsubscribe();
    },
    delivered: (): Promise<void> => this.bus.idle(),
  };

  readonly supervision = {
    monitor: (agent: AgentHandle, onDown: (reason: string) => void): (() => void) =>
      this.runtime.monitor(agent as AnyRef, ({ mayRestart, reason }) => void (mayRestart || onDown(reason))),
  };

  readonly settings = { get: (path: string): unknown => this.#settings.lookup(path) };

  readonly journal = {
    append: (type: string, correlation: string, data: unknown): void =>
      void this.#journal.append({ type, correlation, data }),
    count: (correlation: string): number => this.#journal.query({ correlation }).length,
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.coordination.close();
    await this.bus.close();
    await this.runtime.close({ drain: false });
    this.#wheel.close();
  }
}
