import { MettleError, ms } from "@mettle/core";
import { availableParallelism } from "node:os";
import type { SignalBus } from "../bus/bus.ts";
import type { AgentRegistry } from "../registry/registry.ts";
import { Telemetry } from "../telemetry/telemetry.ts";
import type { Transport } from "./ports.ts";
import { countEvents, makeBus, makeRegistry } from "./wiring.ts";
import type { AgentDefinition } from "../agent/definition-types.ts";
import type { Message } from "../agent/message.ts";
import type { AgentRef, AnyRef } from "../agent/ref.ts";
import type { RestartKind, SpawnOptions } from "../agent/spawn-options.ts";
import { strike } from "../shards/greedy.ts";
import { RemoteRef } from "../shards/remote-ref.ts";
import { ShardPool } from "../shards/shard-pool.ts";
import { problemsOfLimits, type RestartLimits, restartDefaults } from "../supervision/restart-window.ts";
import type { Parent } from "../supervision/supervised.ts";
import { type SupervisionStrategy, Supervisor } from "../supervision/supervisor.ts";
import type { Timers } from "../timers/timers.ts";
import { AgentCell } from "./agent-cell.ts";
import { type Broadcast, broadcast } from "./broadcast.ts";
import type { DeadLetterSelection, DeadLetters } from "../dead-letters/dead-letters.ts";
import type { DeadMessage } from "./dead-message.ts";
import type { DownListener } from "./down.ts";
import { Census } from "./census.ts";
import { agentErrors } from "./errors.ts";
import { Observers, type RuntimeEvent } from "./events.ts";
import { LocalShard } from "./local-shard.ts";
import { resolveOptions, type RuntimeOptions } from "./options.ts";

export interface SupervisorOptions extends Partial<RestartLimits> {
  readonly name?: string;
  /** @defaultValue "one-for-one" */
  readonly strategy?: SupervisionStrategy;
  /** When the supervisor itself has failed: whether its parent starts it again. @defaultValue "transient" */
  readonly restart?: RestartKind;
}

/** A supervisor of your own, with the children that it restarts together. */
export interface SupervisorRef {
  readonly address: string;
  readonly state: "running" | "suspended" | "ended";
  /** As `runtime.spawn`, in this thread, as the last child. @throws AGENT_STOPPED when the supervisor has ended */
  spawn<State, P>(definition: AgentDefinition<State, P>, options?: SpawnOptions<State>): AgentRef<P>;
  supervisor(options?: SupervisorOptions): SupervisorRef;
  /** Ends the children, last started first, and the supervisor. */
  stop(reason?: string): void;
}

export interface CloseOptions {
  /** Finish what was accepted instead of ending it with AGENT_STOPPED. @defaultValue true */
  readonly drain?: boolean;
  /** How long finishing may take, in ms. @defaultValue 5000 */
  readonly withinMs?: number;
}

export interface RuntimeStats {
  /** Alive, in all threads; of other threads those that were started from here. */
  readonly agents: number;
  /** Threads that run agents, this one included. */
  readonly threads: number;
  /** Agents of this thread that wait for their turn. */
  readonly ready: number;
  readonly deadLetters: number;
}

/**
 * Agents, and what runs them. The thread that makes it is its first shard.
 *
 * @example
 * await using runtime = createRuntime();
 * const agent = runtime.spawn(counter);
 * agent.send({ type: "add", data: 2 });
 * await agent.ask({ type: "total" }); // 2
 */
export interface Runtime extends AsyncDisposable {
  /**
   * Starts an agent and returns its reference; messages can be sent at once.
   * @throws AGENT_CEILING_REACHED, AGENT_NAME_TAKEN, AGENT_STATE_INVALID, AGENT_NOT_PORTABLE, AGENT_NOT_CLONEABLE
   * (a state for another thread), RUNTIME_CLOSED
   */
  spawn<State, P>(definition: AgentDefinition<State, P>, options?: SpawnOptions<State>): AgentRef<P>;
  /** @throws AGENT_OPTIONS_INVALID naming every problem */
  supervisor(options?: SupervisorOptions): SupervisorRef;
  /**
   * Sends one message to many agents, wherever they live; each other thread gets it once (switch `treeBroadcast`). What
   * could not be sent is told, not thrown: the rest have it.
   */
  broadcast(agents: Iterable<AnyRef>, message: Message): Broadcast;
  /** The living agent of this name or address. */
  find(nameOrAddress: string): AnyRef | undefined;
  /**
   * Calls `listener` when the agent fails or ends; in this thread in the same turn.
   * @returns the end of the watch
   * @throws AGENT_OPTIONS_INVALID for an agent that an agent of another thread started there
   */
  monitor(agent: AnyRef, listener: DownListener): () => void;
  /**
   * Ties two agents of this thread: when one fails, the other does too. Of one that has ended, the other fails at once.
   * @returns the end of the link
   */
  link(one: AnyRef, other: AnyRef): () => void;
  /** Calls `listener` on everything that happens to agents and threads. @returns the end of it */
  observe(listener: (event: RuntimeEvent) => void): () => void;
  /** Signals: what agents emit goes here, and the patterns of their definitions are subscribed here. */
  readonly bus: SignalBus;
  /** Who can do what: entries vanish with their agents. */
  readonly registry: AgentRegistry<AnyRef>;
  readonly telemetry: Telemetry;
  /** Adds a way to agents elsewhere. @returns takes it away again */
  attach(transport: Transport): () => void;
  /** Messages that nobody handled. */
  readonly deadLetters: DeadLetters<DeadMessage>;
  /** Sends dead letters again. Returns how many; those whose agent is gone, has no room or cannot be reached with it stay. */
  redrive(selection?: DeadLetterSelection<DeadMessage>): number;
  /** Deadlines on the wheel of this thread, which a request's deadline is on too. */
  readonly timers: Timers;
  stats(): RuntimeStats;
  /** Ends all agents and threads. May be called twice. `await using` calls it. */
  close(options?: CloseOptions): Promise<void>;
}

/** @throws AGENT_OPTIONS_INVALID naming every problem */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
  return new LocalRuntime(options);
}

class LocalRuntime implements Runtime {
  readonly #observers = new Observers();
  readonly #shard: LocalShard;
  readonly #pool: ShardPool;
  readonly #stopCounting: () => void;
  readonly registry: AgentRegistry<AnyRef>;
  readonly telemetry: Telemetry;
  #bus!: SignalBus;
  #transports: Transport[] = [];
  #closing: Promise<void> | undefined;
  #supervisors = 0;

  constructor(options: RuntimeOptions) {
    const resolved = resolveOptions(options, availableParallelism());
    this.#shard = new LocalShard(0, resolved, {
      observers: this.#observers,
      signals: (wheel) => {
        const { bus, port } = makeBus(resolved.clock, wheel, options.bus ?? {}, resolved.switches);
        this.#bus = bus;
        return port;
      },
      resolve: (to) => this.#pool.resolve(to) ?? this.#elsewhere(to),
      spawnElsewhere: (definition, options) => this.#pool.spawn(definition, options),
      onLongTurn: (cell, computedNs) =>
        strike(cell, computedNs / 1e6, resolved.shards.moveGreedy ? this.#pool : undefined),
      current: undefined,
      census: new Census(),
      ordered: () => this.#pool.agents,
    });
    this.#pool = new ShardPool(this.#shard);
    this.registry = makeRegistry(resolved.maxAgents, (agent, listener) => this.monitor(agent, listener));
    this.telemetry = options.telemetry ?? new Telemetry(resolved.clock);
    this.#stopCounting = countEvents(this.#observers, this.telemetry);
  }

  get bus(): SignalBus {
    return this.#bus;
  }

  attach(transport: Transport): () => void {
    this.#transports.push(transport);
    return () => {
      this.#transports = this.#transports.filter((other) => other !== transport);
    };
  }

  #elsewhere(to: string): AnyRef | undefined {
    for (const transport of this.#transports) {
      const found = transport.resolve(to);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  get deadLetters(): DeadLetters<DeadMessage> {
    return this.#shard.deadLetters;
  }

  redrive(selection: DeadLetterSelection<DeadMessage> = {}): number {
    return this.#shard.deadLetters.remove(selection, ({ to, message }) => {
      const agent = this.#shard.resolve(to);
      if (agent === undefined || agent.status === "stopped") return false;
      try {
        agent.send(message);
        return true;
      } catch (error) {
        if (error instanceof MettleError && refusals.has(error.code)) return false;
        throw error;
      }
    });
  }

  get timers(): Timers {
    return this.#shard.wheel;
  }

  spawn<State, P>(definition: AgentDefinition<State, P>, options: SpawnOptions<State> = {}): AgentRef<P> {
    return this.#shard.spawn(definition, options) as AgentRef<P>;
  }

  supervisor(options: SupervisorOptions = {}): SupervisorRef {
    return this.#supervise(this.#shard.root, options, (child) => void child);
  }

  broadcast(agents: Iterable<AnyRef>, message: Message): Broadcast {
    return broadcast(agents, message, this.#shard.options.switches.treeBroadcast);
  }

  find(nameOrAddress: string): AnyRef | undefined {
    return this.#shard.resolve(nameOrAddress);
  }

  monitor(agent: AnyRef, listener: DownListener): () => void {
    return agent instanceof RemoteRef
      ? this.#pool.monitor(agent, listener)
      : this.#shard.monitor(ownCell(agent), listener);
  }

  link(one: AnyRef, other: AnyRef): () => void {
    const cells = [ownCell(one), ownCell(other)] as const;
    this.#shard.link(...cells);
    return () => this.#shard.unlink(...cells);
  }

  observe(listener: (event: RuntimeEvent) => void): () => void {
    return this.#observers.add(listener);
  }

  stats(): RuntimeStats {
    return {
      agents: this.#shard.living + this.#pool.agents,
      threads: 1 + this.#pool.threads,
      ready: this.#shard.ready,
      deadLetters: this.#shard.deadLetters.added,
    };
  }

  close({ drain = true, withinMs = 5000 }: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(drain, withinMs);
    return this.#closing;
  }

  /** The other threads first: their agents may still need this one, and this one's timers see to it that they end. */
  async #close(drain: boolean, withinMs: number): Promise<void> {
    await this.#pool.close(drain, withinMs);
    await this.#shard.close(drain, withinMs, () => this.#bus.close(ms(withinMs)));
    this.#stopCounting();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #supervise(parent: Parent, options: SupervisorOptions, adopt: (child: Supervisor) => void): SupervisorRef {
    const { name, strategy = "one-for-one", restart = "transient", ...given } = options;
    const limits = { ...restartDefaults, ...given };
    const problems = problemsOfLimits(limits);
    if (problems.length > 0) {
      throw agentErrors.create("AGENT_OPTIONS_INVALID", `Supervisor options: ${problems.join("; ")}.`, {
        details: { problems },
      });
    }
    const address = name ?? `${this.#shard.number}/supervisor-${++this.#supervisors}`;
    const supervisor = new Supervisor(address, parent, this.#shard, { strategy, limits, restart });
    adopt(supervisor);
    return {
      address,
      get state() {
        return supervisor.state;
      },
      spawn: <State, P>(definition: AgentDefinition<State, P>, options: SpawnOptions<State> = {}) => {
        supervisor.refuseEnded();
        const cell = this.#shard.start(definition, options, supervisor);
        supervisor.adopt(cell);
        return cell as unknown as AgentRef<P>;
      },
      supervisor: (options = {}) => this.#supervise(supervisor, options, (child) => supervisor.adopt(child)),
      stop: (reason = "stopped") => supervisor.terminate(reason),
    };
  }
}

/** Of a message that is sent again. */
const refusals: ReadonlySet<string> = new Set(["AGENT_MAILBOX_FULL", "AGENT_NOT_CLONEABLE"]);

function ownCell(agent: AnyRef): AgentCell {
  if (agent instanceof AgentCell) return agent;
  throw agentErrors.create("AGENT_OPTIONS_INVALID", `${agent.address} is not an agent of this thread.`, {
    details: { address: agent.address },
  });
}
