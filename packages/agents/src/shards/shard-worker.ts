import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "@mettle/core";
import { CompiledDefinition } from "../agent/definition.ts";
import type { AnyDefinition } from "../agent/definition-types.ts";
import type { AnyRef } from "../agent/ref.ts";
import type { AgentCell } from "../runtime/agent-cell.ts";
import { Census } from "../runtime/census.ts";
import { cpuTimeOn } from "../runtime/cpu-time.ts";
import { agentErrors } from "../runtime/errors.ts";
import { Observers, type RuntimeEvent } from "../runtime/events.ts";
import { LocalShard } from "../runtime/local-shard.ts";
import type { ResolvedOptions } from "../runtime/options.ts";
import type { SignalOffer, SignalPort } from "../runtime/ports.ts";
import { notCloneable } from "../switches/prepare.ts";
import { cloneProblem } from "./cloneable.ts";
import { Link } from "./link.ts";
import {
  BEAT,
  BEAT_MS,
  type Batch,
  CLOSE,
  CLOSED,
  type ClosePayload,
  CURRENT,
  DEAD_LETTER,
  EVENT,
  FIRST_OWN_ID,
  LIVING,
  LOADING,
  NEWS,
  PUBLISH,
  SNAPSHOT,
  SPAWN,
  type SpawnPayload,
  SUBSCRIBE,
  type Target,
  USED,
  type WorkerSettings,
} from "./protocol.ts";
import { Receiver } from "./receive.ts";
import { RemoteRef } from "./remote-ref.ts";
import { toWire } from "./wire-errors.ts";

/** The worker side of a shard: agents that the main thread starts here, and the way back to it. */
class ShardWorker {
  readonly #port = parentPort!;
  readonly #settings: WorkerSettings;
  readonly #pulse: Int32Array<SharedArrayBuffer>;
  readonly #shard: LocalShard;
  readonly #link: Link;
  readonly #receiver: Receiver;
  /** What came for agents whose module is still being loaded, by id, in order. */
  readonly #arriving = new Map<number, (() => void)[]>();
  readonly #modules = new Map<string, Readonly<Record<string, unknown>>>();
  readonly #subscriptions = new Map<number, SignalOffer>();
  #lastSubscription = 0;

  constructor(settings: WorkerSettings) {
    this.#settings = settings;
    const observers = new Observers();
    const pulse = new Int32Array(settings.pulse);
    this.#pulse = pulse;
    this.#shard = new LocalShard(
      settings.shard,
      this.#options(),
      {
        observers,
        signals: () => this.#signals(),
        resolve: (to) => this.#elsewhere(to),
        spawnElsewhere: (definition) => {
          throw agentErrors.create(
            "AGENT_NOT_PORTABLE",
            `${definition.name} can only be placed elsewhere by the main thread.`,
            {
              next: 'Spawn with placement "here", or from the main thread.',
            },
          );
        },
        onLongTurn: () => undefined, // a thread of its own is where the main thread moves greedy agents to
        current: pulse.subarray(CURRENT, CURRENT + 1),
        ordered: () => 0,
        census: new Census(settings.census, pulse.subarray(LIVING, LIVING + 1)),
      },
      FIRST_OWN_ID,
    );
    this.#link = new Link({
      wheel: this.#shard.wheel,
      batching: settings.switches.batching,
      maxInFlight: settings.maxInFlight,
      post: (batch) => this.#port.postMessage(batch, []),
      undelivered: (to, message, reason, error) => this.#shard.deadLetter(String(to), message, reason, error),
      receive: (kind, to, request, payload) => this.#receive(kind, to, request, payload),
    });
    this.#receiver = new Receiver({
      find: (to) => (typeof to === "number" ? this.#shard.cell(to) : this.#shard.resolve(to)),
      undelivered: (to, message, reason, error) => this.#shard.deadLetter(to, message, reason, error),
    });
    observers.add((event) => this.#report(event));
    this.#port.on("message", (batch: Batch) => this.#link.arrive(batch));
    this.#beat();
    setInterval(() => this.#beat(), BEAT_MS).unref();
  }

  #beat(): void {
    const { user, system } = process.threadCpuUsage();
    Atomics.store(this.#pulse, USED, Math.floor((user + system) / 1000));
    Atomics.add(this.#pulse, BEAT, 1);
  }

  #options(): ResolvedOptions {
    const { switches, numbers, restarts, maxInFlight } = this.#settings;
    return {
      ...numbers,
      clock: systemClock,
      cpuTime: cpuTimeOn(systemClock),
      collect: globalThis.gc && (() => globalThis.gc?.()),
      switches,
      restarts,
      shards: { workers: 0, stuckAfterMs: 1, maxInFlight, moveGreedy: false },
    } as unknown as ResolvedOptions;
  }

  /** The main thread's bus, as agents here use it. */
  #signals(): SignalPort {
    return {
      publish: (type, data, source, subject) => {
        const problem = cloneProblem(data);
        if (problem !== undefined) throw notCloneable({ type }, new TypeError(problem));
        this.#link.publish(0, { type, data, source, subject });
      },
      subscribe: (pattern, sink) => {
        const number = ++this.#lastSubscription;
        this.#subscriptions.set(number, sink);
        this.#link.put(SUBSCRIBE, pattern, number, true);
        return () => {
          this.#subscriptions.delete(number);
          this.#link.put(SUBSCRIBE, pattern, number, false);
        };
      },
    };
  }

  #receive(kind: number, to: Target, request: number, payload: unknown): void {
    if (kind === SPAWN) void this.#spawn(to as number, payload as SpawnPayload);
    else if (kind === PUBLISH) this.#offer(request, payload);
    else if (kind === CLOSE) void this.#close(payload as ClosePayload);
    else {
      const waiting = typeof to === "number" ? this.#arriving.get(to) : undefined;
      if (waiting === undefined) this.#receiver.receive(this.#link, kind, to, request, payload);
      else waiting.push(() => this.#receiver.receive(this.#link, kind, to, request, payload));
    }
  }

  #offer(subscription: number, signal: unknown): void {
    if (this.#subscriptions.get(subscription)?.offer(signal) !== false) return;
    this.#shard.deadLetter(this.#shard.addressPrefix, { type: "signal", data: signal }, "mailbox-full", undefined);
  }

  async #spawn(id: number, payload: SpawnPayload): Promise<void> {
    const waiting: (() => void)[] = [];
    this.#arriving.set(id, waiting);
    try {
      const definition = await this.#definition(payload);
      this.#start(id, definition, payload);
    } catch (error) {
      this.#link.put(NEWS, id, 0, {
        address: `${this.#shard.addressPrefix}${id}`,
        name: payload.options.name,
        reason: "not started",
        error: toWire(error),
        mayRestart: false,
      });
    }
    this.#arriving.delete(id);
    for (const take of waiting) take();
  }

  #start(id: number, definition: AnyDefinition, { options, whole }: SpawnPayload): void {
    const shard = this.#shard;
    const cell = shard.start(definition, options, shard.root, id);
    if (whole !== undefined) this.#takeOver(cell, whole);
    shard.monitor(cell, (down) => {
      const error = down.error === undefined ? undefined : toWire(down.error);
      this.#link.put(NEWS, id, 0, { ...down, error });
    });
    if (cell.definition.snapshotEvery > 0) this.#sendSnapshots(cell);
  }

  /** The state that the agent had elsewhere; its last snapshot as well, until it takes the next one. */
  #takeOver(cell: AgentCell, whole: unknown): void {
    cell.state = whole;
    if (cell.definition.snapshotEvery > 0) cell.cold().snapshot = { state: whole };
  }

  /** Snapshots outlive this thread in the main one. */
  #sendSnapshots(cell: AgentCell): void {
    cell.cold().onSnapshot = (state) => this.#link.put(SNAPSHOT, cell.id, 0, { state });
  }

  async #definition({ module, definition: name }: SpawnPayload): Promise<AnyDefinition> {
    let exports = this.#modules.get(module);
    if (exports === undefined) {
      Atomics.add(this.#pulse, LOADING, 1);
      try {
        exports = (await import(module)) as Readonly<Record<string, unknown>>;
      } finally {
        Atomics.sub(this.#pulse, LOADING, 1);
      }
      this.#modules.set(module, exports);
    }
    for (const value of Object.values(exports)) {
      if (typeof value !== "object" || value === null || !("compiled" in value)) continue;
      if (value.compiled instanceof CompiledDefinition && value.compiled.name === name)
        return value as unknown as AnyDefinition;
    }
    throw agentErrors.create("AGENT_NOT_PORTABLE", `${module} exports no agent named "${name}".`, {
      details: { module, name },
    });
  }

  #elsewhere(to: string): AnyRef | undefined {
    if (to.startsWith(this.#shard.addressPrefix)) return undefined;
    return new RemoteRef(to, undefined, to, {
      askTimeoutMs: this.#shard.askTimeoutMs,
      link: () => this.#link,
      control: (ref, order, reason) => this.#link.control(ref.target, ref, order, reason),
      deadLetter: (address, message) => this.#shard.deadLetter(address, message, "stopped", undefined),
    });
  }

  #report(event: RuntimeEvent): void {
    if (event.kind === "agent-started") return;
    if (event.kind === "dead-letter") {
      for (const { to, message, reason, error } of this.#shard.deadLetters.drain()) {
        this.#link.put(DEAD_LETTER, to, 0, { message, reason, error: error === undefined ? undefined : toWire(error) });
      }
      return;
    }
    this.#link.put(EVENT, 0, 0, "error" in event ? { ...event, error: toWire(event.error) } : event);
  }

  async #close({ drain, withinMs }: ClosePayload): Promise<void> {
    await this.#shard.close(drain, withinMs);
    this.#link.put(CLOSED, 0, 0, undefined);
  }
}

export const worker: ShardWorker = new ShardWorker(workerData as WorkerSettings);
