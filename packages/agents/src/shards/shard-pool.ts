import type { AnyDefinition } from "../agent/definition-types.ts";
import type { AnyRef } from "../agent/ref.ts";
import type { SpawnOptions } from "../agent/spawn-options.ts";
import type { AgentCell } from "../runtime/agent-cell.ts";
import type { DownListener } from "../runtime/down.ts";
import { agentErrors } from "../runtime/errors.ts";
import type { LocalShard } from "../runtime/local-shard.ts";
import { cloneProblem } from "./cloneable.ts";
import type { HostSurroundings } from "./shard-host.ts";
import { ShardHost } from "./shard-host.ts";
import type { RemoteRef } from "./remote-ref.ts";
import { Watchdog } from "./watchdog.ts";

const ADDRESS = /^([1-9]\d*)\/([1-9]\d*)$/;
const SINGLE_HEAP_MB = 64;
/** Of its silence a stuck thread has computed at least this share. */
const STUCK_SHARE = 0.5;
/** A thread that got no core may be silent so many times longer. */
const STARVED_FACTOR = 5;

/** The worker threads of a runtime: shared ones with numbers from 1, and one for each isolated or greedy agent. */
export class ShardPool {
  readonly #shard: LocalShard;
  readonly #hosts = new Map<number, ShardHost>();
  readonly #watchdog: Watchdog;
  readonly #surroundings: HostSurroundings;
  #nextSingle: number;
  #closed = false;

  constructor(shard: LocalShard) {
    this.#shard = shard;
    const { stuckAfterMs, workers } = shard.options.shards;
    this.#nextSingle = workers + 1;
    this.#watchdog = new Watchdog(stuckAfterMs, ({ shard, agent, forMs }) => this.#silent(shard, agent, forMs));
    this.#surroundings = {
      shard,
      watch: (host, pulse) => this.#watchdog.watch(host.number, pulse),
      unwatch: (host) => this.#watchdog.unwatch(host.number),
      empty: (host) => this.#dispose(host),
    };
  }

  /** Threads that run agents. */
  get threads(): number {
    return this.#hosts.size;
  }

  /** Agents that they run, as far as this thread knows. */
  get agents(): number {
    let agents = 0;
    for (const host of this.#hosts.values()) agents += host.agents;
    return agents;
  }

  spawn(definition: AnyDefinition, options: SpawnOptions): AnyRef {
    if (this.#closed)
      throw agentErrors.create("RUNTIME_CLOSED", `The runtime is closed: no ${definition.name} was started.`);
    const { name } = options;
    if (name !== undefined && this.#shard.named(name) !== undefined) {
      throw agentErrors.create("AGENT_NAME_TAKEN", `There is an agent named "${name}" already.`, { details: { name } });
    }
    refuseImmovable(definition, options);
    this.#shard.admit();
    const ref = this.#hostFor(options).spawn(definition, options);
    if (name !== undefined) this.#shard.nameElsewhere(name, ref);
    return ref;
  }

  /** Starts a thread for an agent that was in this one; returns where it is now. */
  adopt(
    cell: AgentCell,
    definition: AnyDefinition,
    whole: unknown,
  ): { readonly ref: RemoteRef; readonly host: ShardHost } {
    const host = this.#newHost(undefined, true);
    try {
      return { host, ref: host.spawn(definition, { restart: cell.restartKind }, whole) };
    } catch (error) {
      this.#hosts.delete(host.number);
      throw error;
    }
  }

  resolve(address: string): AnyRef | undefined {
    const parsed = ADDRESS.exec(address);
    return parsed === null ? undefined : this.#hosts.get(Number(parsed[1]))?.find(Number(parsed[2]));
  }

  host(number: number): ShardHost | undefined {
    return this.#hosts.get(number);
  }

  monitor(ref: RemoteRef, listener: DownListener): () => void {
    const number = Number(ADDRESS.exec(ref.address)?.[1]);
    const host = this.#hosts.get(number);
    if (host !== undefined) return host.monitor(ref, listener);
    listener({ address: ref.address, name: ref.name, reason: "stopped", error: undefined, mayRestart: false });
    return () => undefined;
  }

  async close(drain: boolean, withinMs: number): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#hosts.values()].map((host) => host.close(drain, withinMs)));
    this.#hosts.clear();
    await this.#watchdog.close();
  }

  #hostFor({ placement = "any" }: SpawnOptions): ShardHost {
    if (typeof placement === "object") return this.#newHost(placement.isolatedHeapMb, true);
    const { workers } = this.#shard.options.shards;
    if (placement === "any") return this.#leastBusy(workers);
    if (typeof placement === "number" && Number.isInteger(placement) && placement >= 1 && placement <= workers) {
      return this.#hosts.get(placement) ?? this.#newHost(undefined, false, placement);
    }
    throw agentErrors.create(
      "AGENT_OPTIONS_INVALID",
      `There is no thread ${String(placement)}; this runtime has 0 to ${workers}.`,
      {
        details: { placement, workers },
      },
    );
  }

  /** A thread that does not run yet has no agents: threads are started until all run, then filled evenly. */
  #leastBusy(workers: number): ShardHost {
    let best: ShardHost | undefined;
    for (let number = 1; number <= workers; number++) {
      const host = this.#hosts.get(number);
      if (host === undefined)
        return best !== undefined && best.agents === 0 ? best : this.#newHost(undefined, false, number);
      if (best === undefined || host.agents < best.agents) best = host;
    }
    return best ?? this.#newHost(undefined, false, 1);
  }

  #newHost(heapMb: number | undefined, single: boolean, number: number = this.#nextSingle++): ShardHost {
    const host = new ShardHost(number, this.#surroundings, heapMb ?? (single ? SINGLE_HEAP_MB : undefined), single);
    this.#hosts.set(number, host);
    return host;
  }

  /**
   * A thread has been silent for the time allowed. It is ended when it used its core meanwhile; a starved one gets four
   * times as long. One that cannot say what it used, as it waits in a system call, neither.
   */
  #silent(number: number, agent: number, forMs: number): void {
    const host = this.#hosts.get(number);
    if (host === undefined) return;
    const { stuckAfterMs } = this.#shard.options.shards;
    if (forMs >= stuckAfterMs * STARVED_FACTOR) {
      this.#stuck(host, agent, forMs);
      return;
    }
    host.usedSinceBeat().then(
      (used) => {
        if (used === undefined || used >= stuckAfterMs * STUCK_SHARE) this.#stuck(host, agent, forMs);
      },
      () => undefined, // it has ended meanwhile, which is reported elsewhere
    );
  }

  #stuck(host: ShardHost, agent: number, forMs: number): void {
    const { number } = host;
    const address = agent === 0 ? undefined : `${number}/${agent}`;
    this.#shard.observers.tell({
      kind: "shard-stuck",
      shard: number,
      forMs,
      ...(address === undefined ? {} : { agent: address }),
    });
    host.kill(
      agentErrors.create(
        "SHARD_STUCK",
        `Thread ${number} did not respond for ${forMs} ms${address ? ` in agent ${address}` : ""}.`,
        {
          details: { shard: number, forMs, ...(address === undefined ? {} : { agent: address }) },
        },
      ),
    );
  }

  #dispose(host: ShardHost): void {
    this.#hosts.delete(host.number);
    void host.close(false, 0);
  }
}

/** Before a thread is started for it. @throws AGENT_NOT_PORTABLE, AGENT_NOT_CLONEABLE */
function refuseImmovable({ name, module }: AnyDefinition, { state }: SpawnOptions): void {
  if (module === undefined) {
    throw agentErrors.create("AGENT_NOT_PORTABLE", `${name} names no module to load it from in another thread.`, {
      details: { definition: name },
    });
  }
  const problem = cloneProblem(state);
  if (problem === undefined) return;
  throw agentErrors.create("AGENT_NOT_CLONEABLE", `The state for ${name} cannot go to another thread: ${problem}.`, {
    details: { definition: name },
  });
}
