import { refuseProblems, wholeAtLeast } from "../coordination/check-options.ts";
import { poolErrors } from "./errors.ts";

export interface AgentPoolOptions<Agent> {
  readonly spawn: (type: string) => Agent;
  readonly stop: (agent: Agent) => void;
  /**
   * Calls `gone` once when the agent dies; the function returned ends the watch. With it the pool notices deaths by itself.
   * @defaultValue deaths are only known from `forget`
   * @example
   * watch: (agent, gone) => runtime.monitor(agent, ({ mayRestart }) => void (mayRestart || gone()))
   */
  readonly watch?: (agent: Agent, gone: () => void) => () => void;
  /** Makes a returned agent as good as new; false when it cannot be. @defaultValue never: returned agents are stopped */
  readonly reset?: (agent: Agent) => boolean;
  /** Types to keep warm. */
  readonly types: readonly string[];
  /** Agents ready of each type. @defaultValue 10 */
  readonly size?: number;
  /** Agents handed out, of all types. @defaultValue 100 000 */
  readonly maxActive?: number;
  /** Runs a refill later, so that who takes an agent does not wait for it. @defaultValue setImmediate */
  readonly later?: (run: () => void) => void;
}

export interface AgentPoolStatistics {
  readonly active: number;
  /** Ready agents by type. */
  readonly warm: Readonly<Record<string, number>>;
  /** Taken from the warm ones. */
  readonly hits: number;
  /** Spawned while the caller waited, because no warm one was left. */
  readonly overflowed: number;
  readonly returned: number;
  /** Refills that `spawn` ended; the pool tries again at the next `get`. */
  readonly refillsFailed: number;
  /** What ended the last of them. */
  readonly lastRefillError: unknown;
}

/**
 * Agents spawned before they are needed. One that dies (`watch`) is neither warm nor active any more; its place is filled after
 * the next `get` and no sooner, so that agents that die as they begin are not spawned for ever.
 */
export class AgentPool<Agent> {
  readonly #options: Required<Omit<AgentPoolOptions<Agent>, "reset" | "watch">> &
    Pick<AgentPoolOptions<Agent>, "reset" | "watch">;
  readonly #warm = new Map<string, Agent[]>();
  readonly #active = new Map<Agent, string>();
  /** Ends of the watches. */
  readonly #watches = new Map<Agent, () => void>();
  /** Died while they were active: who holds one may still return it. */
  readonly #dead = new WeakSet<object>();
  readonly #refilling = new Set<string>();
  #hits = 0;
  #overflowed = 0;
  #returned = 0;
  #refillsFailed = 0;
  #lastRefillError: unknown;
  #closed = false;

  /** Spawns the warm agents. @throws MettleError `OPTIONS_INVALID`, and what `spawn` throws */
  constructor(options: AgentPoolOptions<Agent>) {
    this.#options = { size: 10, maxActive: 100_000, later: (run) => void setImmediate(run), ...options };
    const { size, maxActive, types } = this.#options;
    refuseProblems("Agent pool", [...wholeAtLeast("size", size, 0), ...wholeAtLeast("maxActive", maxActive, 1)]);
    try {
      for (const type of types) {
        const warm: Agent[] = [];
        this.#warm.set(type, warm);
        while (warm.length < size) warm.push(this.#spawn(type));
      }
    } catch (error) {
      this.close(); // nobody else knows of those that were spawned
      throw error;
    }
  }

  get statistics(): AgentPoolStatistics {
    return {
      active: this.#active.size,
      warm: Object.fromEntries([...this.#warm].map(([type, agents]) => [type, agents.length])),
      hits: this.#hits,
      overflowed: this.#overflowed,
      returned: this.#returned,
      refillsFailed: this.#refillsFailed,
      lastRefillError: this.#lastRefillError,
    };
  }

  /**
   * Hot. A warm agent, or a new one when none is left, or when the type is not kept warm.
   *
   * @throws MettleError `POOL_EXHAUSTED`, `POOL_CLOSED`, and what `spawn` throws
   */
  get(type: string): Agent {
    if (this.#closed) throw poolErrors.create("POOL_CLOSED", "The agent pool is closed.");
    if (this.#active.size >= this.#options.maxActive) {
      throw poolErrors.create("POOL_EXHAUSTED", `${this.#active.size} agents of the pool are active (maxActive).`, {
        details: { active: this.#active.size },
      });
    }
    const warm = this.#warm.get(type);
    let agent = warm?.pop();
    if (agent === undefined) {
      agent = this.#spawn(type);
      this.#overflowed += 1;
    } else this.#hits += 1;
    this.#active.set(agent, type);
    if (warm !== undefined) this.#refillLater(type, warm);
    return agent;
  }

  /** Takes an agent back: warm again if it can be reset and there is room, stopped otherwise. @throws MettleError `POOL_RETURN_INVALID` */
  release(agent: Agent): void {
    const type = this.#active.get(agent);
    if (type === undefined) {
      if (this.#dead.delete(agent as object)) return;
      throw poolErrors.create("POOL_RETURN_INVALID", "The agent is not from this pool, or was returned before.");
    }
    this.#active.delete(agent);
    this.#returned += 1;
    const warm = this.#warm.get(type);
    const room = !this.#closed && warm !== undefined && warm.length < this.#options.size;
    if (room && this.#options.reset?.(agent) === true) warm.push(agent);
    else this.#stop(agent);
  }

  /** The agent died: it is neither active nor warm any more. @returns whether it was the pool's */
  forget(agent: Agent): boolean {
    this.#unwatch(agent);
    if (this.#active.delete(agent)) return true;
    const place = this.#dropWarm(agent);
    if (place === undefined) return false;
    this.#refillLater(...place);
    return true;
  }

  /** Stops the warm agents; active ones are stopped as they are returned. */
  close(): void {
    this.#closed = true;
    for (const warm of this.#warm.values()) for (const agent of warm.splice(0)) this.#stop(agent);
  }

  #spawn(type: string): Agent {
    const { spawn, watch } = this.#options;
    const agent = spawn(type);
    if (watch === undefined) return agent;
    let dead = false;
    let end: () => void;
    try {
      end = watch(agent, () => {
        dead = true;
        this.#died(agent);
      });
    } catch (error) {
      this.#options.stop(agent);
      throw error;
    }
    if (dead) {
      end();
      throw poolErrors.create("POOL_OPEN_FAILED", `The new agent of type ${type} is dead already.`);
    }
    this.#watches.set(agent, end);
    return agent;
  }

  #died(agent: Agent): void {
    this.#unwatch(agent);
    if (!this.#active.delete(agent)) this.#dropWarm(agent);
    else if (typeof agent === "object" && agent !== null) this.#dead.add(agent);
  }

  #unwatch(agent: Agent): void {
    const end = this.#watches.get(agent);
    this.#watches.delete(agent);
    end?.();
  }

  /** An end by the pool's own order is no death. */
  #stop(agent: Agent): void {
    this.#unwatch(agent);
    this.#options.stop(agent);
  }

  #dropWarm(agent: Agent): [type: string, warm: Agent[]] | undefined {
    for (const [type, warm] of this.#warm) {
      const at = warm.indexOf(agent);
      if (at === -1) continue;
      warm.splice(at, 1);
      return [type, warm];
    }
    return undefined;
  }

  #refillLater(type: string, warm: Agent[]): void {
    if (this.#refilling.has(type) || warm.length >= this.#options.size) return;
    this.#refilling.add(type);
    this.#options.later(() => {
      this.#refilling.delete(type);
      try {
        while (!this.#closed && warm.length < this.#options.size) warm.push(this.#spawn(type));
      } catch (error) {
        // Nobody waits for a refill: who finds the pool empty gets the error from its own spawn.
        this.#refillsFailed += 1;
        this.#lastRefillError = error;
      }
    });
  }
}
