import { EventEmitter } from "node:events";
import { suitesErrors } from "../errors.ts";
import type {
  AgentDescription,
  AgentHandle,
  AgentMessage,
  AgentPlatform,
  AgentSpawn,
  CoordinationFacet,
  DiscoveryQuery,
  PlatformOptions,
  SignalHandler,
  VariableHandle,
} from "../platform/platform.ts";
import { coordinationByAsking } from "./ask-everyone.ts";
import { AskedToFail, computeRounds } from "../platform/work.ts";

interface Registered {
  readonly agent: PlainAgent;
  readonly description: AgentDescription;
}

/**
 * What people write without a runtime of agents: an object with an event emitter, messages in the next microtask, a timer
 * for each request, a map for a registry that is scanned, a list of listeners. The baseline that the catalogue compares
 * with (S0-001), written as such code is written when it is written well.
 */
export class EventEmitterPlatform implements AgentPlatform {
  readonly name = "event-emitter";
  readonly version: string = process.versions.node;
  readonly #registered = new Map<string, Registered>();
  readonly #bus = new EventEmitter({ captureRejections: true }).setMaxListeners(0);
  readonly #settings: Readonly<Record<string, unknown>>;
  readonly #journal: { readonly type: string; readonly correlation: string; readonly data: unknown }[] = [];

  constructor(options: PlatformOptions = {}) {
    this.#settings = options.settings ?? {};
  }

  spawn({ onFailure }: AgentSpawn = {}): AgentHandle {
    return new PlainAgent(onFailure === "stop");
  }

  stop(agent: AgentHandle): void {
    (agent as PlainAgent).end("stopped");
  }

  send(agent: AgentHandle, message: AgentMessage): void {
    (agent as PlainAgent).post(message);
  }

  ask(agent: AgentHandle, message: AgentMessage, timeoutMs: number): Promise<unknown> {
    return (agent as PlainAgent).request(message, timeoutMs);
  }

  readonly registry = {
    forgetsDead: false,
    register: (name: string, agent: AgentHandle, description: AgentDescription): void => {
      if (this.#registered.has(name)) throw new Error(`${name} is registered`);
      this.#registered.set(name, { agent: agent as PlainAgent, description });
    },
    unregister: (name: string): boolean => this.#registered.delete(name),
    lookup: (name: string): AgentHandle | undefined => this.#registered.get(name)?.agent,
    discover: (query: DiscoveryQuery, limit: number = Number.POSITIVE_INFINITY): string[] => {
      const found: string[] = [];
      for (const [name, { description }] of this.#registered) {
        if (!matches(description, query)) continue;
        found.push(name);
        if (found.length >= limit) break;
      }
      return found;
    },
  };

  readonly signals = {
    patterns: false,
    publish: (type: string, data: unknown): void => void this.#bus.emit(type, data, type),
    subscribe: (type: string, handler: SignalHandler): (() => void) => {
      const listener = (data: unknown, of: string): void => void handler(data, of);
      this.#bus.on(type, listener);
      return () => void this.#bus.off(type, listener);
    },
    delivered: (): void => undefined, // emit has called everyone when it returns
  };

  readonly variables = {
    kinds: ["float"] as const,
    create: (_kind: "float" | "choice" | "team", name: string, affected: readonly AgentHandle[]): VariableHandle =>
      new PlainVariable(name, this.#bus, affected as readonly PlainAgent[]),
    broadcast: async (agents: readonly AgentHandle[], values: readonly number[]): Promise<{ reached: number }> => {
      const replies = await Promise.all(
        agents.map((agent) => (agent as PlainAgent).request({ type: "echo", data: values }, 5000)),
      );
      return { reached: replies.length };
    },
  };

  readonly coordination: CoordinationFacet = coordinationByAsking(this);

  readonly supervision = {
    monitor: (agent: AgentHandle, onDown: (reason: string) => void): (() => void) => {
      const plain = agent as PlainAgent;
      plain.once("down", onDown);
      return () => plain.off("down", onDown);
    },
  };

  readonly settings = {
    get: (path: string): unknown => {
      let value: unknown = this.#settings;
      for (const key of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[key];
      return value;
    },
  };

  readonly journal = {
    append: (type: string, correlation: string, data: unknown): void => {
      this.#journal.push({ type, correlation, data });
      // As such code does once it has filled a memory for the first time.
      if (this.#journal.length > 100_000) this.#journal.splice(0, 50_000);
    },
    count: (correlation: string): number => this.#journal.filter((event) => event.correlation === correlation).length,
  };

  async [Symbol.asyncDispose](): Promise<void> {
    this.#bus.removeAllListeners();
    this.#registered.clear();
  }
}

function matches(description: AgentDescription, { capability, health, region, resources }: DiscoveryQuery): boolean {
  return (
    (capability === undefined || description.capabilities.includes(capability)) &&
    (health === undefined || description.health === health) &&
    (region === undefined || description.region === region) &&
    (resources?.cpu === undefined || description.resources.cpu >= resources.cpu) &&
    (resources?.memory === undefined || description.resources.memory >= resources.memory)
  );
}

type Reply = (error: Error | undefined, value: unknown) => void;

class PlainAgent extends EventEmitter {
  #total = 0;
  #alive = true;
  readonly #mortal: boolean;
  #waiting: Set<Reply> | undefined;

  constructor(mortal: boolean) {
    super();
    this.#mortal = mortal;
    this.on("message", (message: AgentMessage, reply: Reply | undefined) => this.#handle(message, reply));
  }

  post(message: AgentMessage): void {
    if (!this.#alive) throw stopped();
    queueMicrotask(() => this.emit("message", message, undefined));
  }

  request(message: AgentMessage, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!this.#alive) return reject(stopped());
      const waiting = (this.#waiting ??= new Set());
      const timer = setTimeout(() => {
        waiting.delete(reply);
        reject(suitesErrors.create("PLATFORM_REQUEST_FAILED", `No reply within ${timeoutMs} ms.`));
      }, timeoutMs);
      const reply: Reply = (error, value) => {
        clearTimeout(timer);
        waiting.delete(reply);
        if (error === undefined) resolve(value);
        else reject(error);
      };
      waiting.add(reply);
      queueMicrotask(() => this.emit("message", message, reply));
    });
  }

  end(reason: string): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const reply of this.#waiting ?? []) reply(stopped(), undefined);
    this.emit("down", reason);
    this.removeAllListeners();
  }

  #handle(message: AgentMessage, reply: Reply | undefined): void {
    switch (message.type) {
      case "note":
        this.#total += message.data;
        return;
      case "add":
        this.#total += message.data;
        return reply?.(undefined, this.#total);
      case "total":
        return reply?.(undefined, this.#total);
      case "echo":
        return reply?.(undefined, message.data);
      case "compute":
        return reply?.(undefined, computeRounds(message.data));
      case "fail":
        reply?.(new AskedToFail(), undefined);
        return this.#mortal ? this.end("crashed") : undefined;
      case "silent":
        return;
    }
  }
}

const stopped = (): Error => suitesErrors.create("PLATFORM_REQUEST_FAILED", "The agent has stopped.");

class PlainVariable implements VariableHandle {
  #value = 0.5;
  readonly #event: string;
  readonly #bus: EventEmitter;
  readonly #affected: readonly PlainAgent[];

  constructor(name: string, bus: EventEmitter, affected: readonly PlainAgent[]) {
    this.#event = `variable.${name}.updated`;
    this.#bus = bus;
    this.#affected = affected;
  }

  read(): number {
    return this.#value;
  }

  change(position: number): Promise<{ old: unknown; new: unknown }> {
    return new Promise((resolve) => {
      this.#bus.once(this.#event, resolve);
      const old = this.#value;
      this.#value = position;
      for (const agent of this.#affected) agent.post({ type: "note", data: 0 });
      this.#bus.emit(this.#event, { old, new: position });
    });
  }

  close(): void {
    this.#bus.removeAllListeners(this.#event);
  }
}
