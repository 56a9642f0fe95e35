import { Worker } from "node:worker_threads";
import { MettleError, messageOf } from "@mettle/core";
import type { AnyDefinition } from "../agent/definition-types.ts";
import type { AnyRef } from "../agent/ref.ts";
import type { SpawnOptions } from "../agent/spawn-options.ts";
import type { Down, DownListener } from "../runtime/down.ts";
import { agentErrors } from "../runtime/errors.ts";
import type { RuntimeEvent } from "../runtime/events.ts";
import type { LocalShard } from "../runtime/local-shard.ts";
import { RestartWindow } from "../supervision/restart-window.ts";
import { CallbackTimer } from "../timers/timer-wheel.ts";
import { Link } from "./link.ts";
import {
  type Batch,
  CLOSE,
  CLOSED,
  type ControlPayload,
  DEAD_LETTER,
  type DeadLetterPayload,
  EVENT,
  LIVING,
  NEWS,
  type NewsPayload,
  PUBLISH,
  type PublishPayload,
  PULSE_BYTES,
  SNAPSHOT,
  type SnapshotPayload,
  SPAWN,
  SUBSCRIBE,
  type Target,
  USED,
  type WireEvent,
} from "./protocol.ts";
import { order, type Resident, settingsFor } from "./resident.ts";
import { Receiver } from "./receive.ts";
import { RemoteRef } from "./remote-ref.ts";
import { fromWire } from "./wire-errors.ts";

const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const entry = new URL(`./shard-worker${extension}`, import.meta.url);

export interface HostSurroundings {
  readonly shard: LocalShard;
  /** The thread's pulse is to be watched, and no longer. */
  watch(host: ShardHost, pulse: SharedArrayBuffer): void;
  unwatch(host: ShardHost): void;
  /** Its last agent has ended; only asked of hosts of a single agent. */
  empty(host: ShardHost): void;
}

/**
 * The main thread's side of one worker thread: starts it with its first agent, starts it again with all its agents when
 * it dies, and gives up on it by the runtime's restart limits.
 */
export class ShardHost {
  readonly number: number;
  /** True for a thread that was started for one agent. */
  readonly single: boolean;
  readonly #heapMb: number | undefined;
  readonly #surroundings: HostSurroundings;
  readonly #residents = new Map<number, Resident>();
  readonly #receiver: Receiver;
  readonly #window: RestartWindow;
  readonly #subscriptions = new Map<number, () => void>();
  readonly #restartTimer = new CallbackTimer(() => this.#startAgain());
  #worker: Worker | undefined;
  #pulse: Int32Array<SharedArrayBuffer> | undefined;
  #link: Link;
  #nextId = 0;
  #ending: { readonly done: () => void; error?: unknown } | undefined;
  /** Why the thread is being ended, when not by itself. */
  #reason: Error | undefined;

  constructor(number: number, surroundings: HostSurroundings, heapMb: number | undefined, single: boolean) {
    this.number = number;
    this.single = single;
    this.#heapMb = heapMb;
    this.#surroundings = surroundings;
    this.#window = new RestartWindow(surroundings.shard.options.restarts);
    const { shard } = surroundings;
    this.#receiver = new Receiver({
      find: (to) => shard.resolve(String(to)),
      undelivered: (to, message, reason, error) => shard.deadLetter(to, message, reason, error),
    });
    this.#link = this.#newLink();
  }

  /** Agents that live there, as far as this thread knows. */
  get agents(): number {
    return this.#residents.size;
  }

  /** Starts an agent there; what is sent to it waits until it is there. `whole` is a state taken over from elsewhere. The definition names a module. */
  spawn(definition: AnyDefinition, options: SpawnOptions, whole?: unknown): RemoteRef {
    const recovering = this.#restartTimer.wheelSlot >= 0;
    if (!recovering && this.#worker === undefined) {
      this.#start();
      this.#link = this.#newLink(); // that of a thread which died takes nothing any more
    }
    const id = ++this.#nextId;
    const ref = new RemoteRef(`${this.number}/${id}`, options.name, id, {
      askTimeoutMs: this.#surroundings.shard.askTimeoutMs,
      link: () => this.#link,
      control: (ref, order, reason) => this.#control(ref, order, reason),
      deadLetter: (to, message) => this.#surroundings.shard.deadLetter(to, message, "stopped", undefined),
    });
    const resident: Resident = {
      ref,
      definition,
      options,
      watchers: new Set(),
      whole,
      snapshot: undefined,
      stopping: false,
    };
    this.#residents.set(id, resident);
    if (!recovering) this.#link.put(SPAWN, id, 0, order(resident, whole));
    return ref;
  }

  /** An agent there, also one that this thread did not start. */
  find(id: number): AnyRef | undefined {
    const known = this.#residents.get(id);
    if (known !== undefined) return known.ref;
    if (this.#worker === undefined) return undefined;
    return new RemoteRef(`${this.number}/${id}`, undefined, id, {
      askTimeoutMs: this.#surroundings.shard.askTimeoutMs,
      link: () => this.#link,
      control: (ref, order, reason) => this.#control(ref, order, reason),
      deadLetter: (to, message) => this.#surroundings.shard.deadLetter(to, message, "stopped", undefined),
    });
  }

  monitor(ref: RemoteRef, listener: DownListener): () => void {
    const resident = this.#residents.get(ref.target as number);
    if (resident === undefined && ref.status !== "stopped") {
      throw agentErrors.create(
        "AGENT_OPTIONS_INVALID",
        `${ref.address} was started by an agent of its own thread, and nobody here hears of its end.`,
        {
          details: { address: ref.address },
          next: "Watch the agent that started it, or start it from the main thread.",
        },
      );
    }
    if (resident === undefined) {
      listener({ address: ref.address, name: ref.name, reason: "stopped", error: undefined, mayRestart: false });
      return () => undefined;
    }
    resident.watchers.add(listener);
    return () => resident.watchers.delete(listener);
  }

  /**
   * CPU milliseconds that the thread has used since it beat last: a thread that got none is not stuck but starved. Undefined
   * when it does not say, as one that waits in a system call.
   */
  async usedSinceBeat(): Promise<number | undefined> {
    const worker = this.#worker;
    const pulse = this.#pulse;
    if (worker === undefined || pulse === undefined || typeof worker.cpuUsage !== "function") return undefined;
    const { user, system } = await worker.cpuUsage();
    return (user + system) / 1000 - Atomics.load(pulse, USED);
  }

  /** Ends the thread as it is; its agents start again in a new one. */
  kill(reason: Error): void {
    this.#reason = reason;
    void this.#worker?.terminate();
  }

  /** Ends the thread for good. */
  async close(drain: boolean, withinMs: number): Promise<void> {
    const worker = this.#worker;
    this.#surroundings.shard.wheel.remove(this.#restartTimer);
    if (worker !== undefined) {
      await new Promise<void>((done) => {
        this.#ending = { done };
        const late = new CallbackTimer(done);
        this.#surroundings.shard.wheel.add(late, withinMs + 1000);
        this.#link.put(CLOSE, 0, 0, { drain, withinMs });
      });
      this.#worker = undefined;
      this.#surroundings.unwatch(this);
    }
    // Without a thread too: requests may wait for one that was about to be started again.
    this.#link.fail(agentErrors.create("RUNTIME_CLOSED", "The runtime was closed."));
    await worker?.terminate();
  }

  #newLink(held = false): Link {
    const { shard } = this.#surroundings;
    return new Link(
      {
        wheel: shard.wheel,
        batching: shard.options.switches.batching,
        maxInFlight: shard.options.shards.maxInFlight,
        post: (batch) => this.#worker?.postMessage(batch),
        undelivered: (to, message, reason, error) =>
          shard.deadLetter(`${this.number}/${String(to)}`, message, reason, error),
        receive: (kind, to, request, payload) => this.#receive(kind, to, request, payload),
      },
      held,
    );
  }

  #start(): void {
    if (this.#worker !== undefined) return;
    const pulse = new SharedArrayBuffer(PULSE_BYTES);
    const { shard } = this.#surroundings;
    const settings = settingsFor(this.number, shard.options, pulse, shard.census.shared);
    const limits = this.#heapMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: this.#heapMb } };
    const worker = new Worker(entry, { workerData: settings, name: `mettle shard ${this.number}`, ...limits });
    this.#worker = worker;
    this.#pulse = new Int32Array(pulse);
    let failure: unknown;
    worker.on("message", (batch: Batch) => this.#link.arrive(batch));
    worker.on("messageerror", (error) => this.kill(error));
    worker.on("error", (error) => (failure = error));
    worker.on("exit", (code) => {
      shard.census.lose(Atomics.load(new Int32Array(pulse), LIVING));
      if (this.#worker === worker) this.#lost(failure, code);
    });
    this.#surroundings.watch(this, pulse);
    this.#tell({ kind: "shard-started", shard: this.number });
  }

  #receive(kind: number, to: Target, request: number, payload: unknown): void {
    if (this.#receiver.receive(this.#link, kind, to, request, payload)) return;
    if (kind === NEWS) this.#news(to as number, payload as NewsPayload);
    else if (kind === EVENT) this.#event(payload as WireEvent);
    else if (kind === DEAD_LETTER) this.#deadLetter(String(to), payload as DeadLetterPayload);
    else if (kind === SNAPSHOT) this.#keep(to as number, payload as SnapshotPayload);
    else if (kind === PUBLISH) this.#publish(payload as PublishPayload);
    else if (kind === SUBSCRIBE) this.#subscribe(to as string, request, payload as boolean);
    else if (kind === CLOSED) this.#ending?.done();
  }

  #news(id: number, { error, ...down }: NewsPayload): void {
    const resident = this.#residents.get(id);
    if (resident === undefined) return;
    const cause = error === undefined ? undefined : fromWire(error);
    this.#tellWatchers(resident, { reason: down.reason, error: cause, mayRestart: down.mayRestart });
    if (!down.mayRestart) this.#forget(id, resident, down.reason);
  }

  #tellWatchers({ ref, watchers }: Resident, news: Pick<Down, "reason" | "error" | "mayRestart">): void {
    for (const watcher of watchers) {
      try {
        watcher({ address: ref.address, name: ref.name, ...news });
      } catch (error) {
        this.#tell({ kind: "observer-failed", error });
      }
    }
  }

  #forget(id: number, { ref, options }: Resident, reason: string): void {
    this.#residents.delete(id);
    ref.markStopped(reason);
    if (options.name !== undefined) this.#surroundings.shard.forgetName(options.name);
    if (this.single && this.#residents.size === 0) this.#surroundings.empty(this);
  }

  #event(event: WireEvent): void {
    const { error, ...rest } = event;
    this.#tell((error === undefined ? rest : { ...rest, error: fromWire(error) }) as RuntimeEvent);
  }

  #deadLetter(to: string, { message, reason, error }: DeadLetterPayload): void {
    this.#surroundings.shard.deadLetter(to, message, reason, error === undefined ? undefined : fromWire(error));
  }

  #keep(id: number, snapshot: SnapshotPayload): void {
    const resident = this.#residents.get(id);
    if (resident !== undefined) resident.snapshot = snapshot;
  }

  /** The agent has gone on and cannot be thrown what the bus did not take; neither may this thread end of it. */
  #publish({ type, data, source, subject }: PublishPayload): void {
    try {
      this.#surroundings.shard.signals.publish(type, data, source, subject);
    } catch (error) {
      this.#tell({ kind: "signal-refused", agent: source, type, error });
    }
  }

  #subscribe(pattern: string, number: number, on: boolean): void {
    this.#subscriptions.get(number)?.();
    this.#subscriptions.delete(number);
    if (!on) return;
    const pass = (signal: unknown): boolean => {
      if (this.#link.full) return false;
      this.#link.publish(number, signal);
      return true;
    };
    this.#subscriptions.set(number, this.#surroundings.shard.signals.subscribe(pattern, { offer: pass }));
  }

  async #control(ref: RemoteRef, order: ControlPayload["order"], reason: string): Promise<void> {
    const resident = this.#residents.get(ref.target as number);
    const ends = order === "stop" || order === "drain";
    if (resident !== undefined && ends) resident.stopping = true;
    try {
      await this.#link.control(ref.target, ref, order, reason);
    } catch (error) {
      if (!(error instanceof MettleError)) throw error;
      // Its thread died meanwhile, and with it the agent, which is not started again.
    }
    if (resident !== undefined && ends) this.#forgetIfKnown(ref.target as number, resident, reason);
  }

  #forgetIfKnown(id: number, resident: Resident, reason: string): void {
    if (this.#residents.get(id) === resident) this.#forget(id, resident, reason);
  }

  /** The thread has died: by itself, by its limits, or because somebody ended it. */
  #lost(failure: unknown, code: number): void {
    this.#worker = undefined;
    this.#surroundings.unwatch(this);
    for (const end of this.#subscriptions.values()) end();
    this.#subscriptions.clear();
    const cause = this.#reason ?? failure;
    this.#reason = undefined;
    const text = cause === undefined ? `it ended with code ${code}` : messageOf(cause).replace(/\.$/, "");
    const error = agentErrors.create("SHARD_LOST", `Thread ${this.number} died: ${text}.`, {
      details: { shard: this.number, exitCode: code },
      cause,
    });
    const link = this.#link;
    this.#link = this.#newLink(true);
    link.fail(error);
    this.#ending?.done();
    this.#tell({
      kind: "shard-lost",
      shard: this.number,
      error,
      agents: this.#residents.size,
      messagesLost: link.inFlight,
    });
    if (this.#ending === undefined) this.#recover(error);
  }

  #recover(error: Error): void {
    const { wheel, clock } = this.#surroundings.shard;
    const residents = [...this.#residents];
    const staying = residents.filter(([, { stopping, options }]) => !stopping && options.restart !== "temporary");
    const delay = staying.length === 0 ? undefined : this.#window.next(clock.now() / 1e6);
    // Before anybody is told: who spawns another agent at the news finds the way to the next thread.
    if (delay === undefined) this.#link.fail(error);
    else wheel.add(this.#restartTimer, delay);
    for (const [, { ref }] of staying) ref.markLost();
    const lasting = new Set(staying.map(([id]) => id));
    for (const [id, resident] of residents) {
      const mayRestart = lasting.has(id);
      this.#tellWatchers(resident, { reason: "shard-lost", error, mayRestart });
      if (!mayRestart) this.#forget(id, resident, "its thread died");
    }
    if (delay === undefined && staying.length > 0) this.#giveUp(staying, error);
  }

  #giveUp(residents: readonly (readonly [number, Resident])[], cause: Error): void {
    const error = agentErrors.create(
      "AGENT_CRASH_LOOP",
      `Thread ${this.number} died too often and is not started again for its agents.`,
      {
        details: { shard: this.number },
        cause,
      },
    );
    this.#tell({ kind: "supervisor-escalated", supervisor: `${this.number}/root`, error });
    for (const [id, resident] of residents) {
      this.#tellWatchers(resident, { reason: "crashed", error, mayRestart: false });
      this.#forget(id, resident, "crashed");
    }
  }

  #startAgain(): void {
    this.#start();
    const orders: Batch = [];
    for (const [id, resident] of this.#residents) {
      const { snapshot, whole } = resident;
      orders.push(SPAWN, id, 0, order(resident, snapshot === undefined ? whole : snapshot.state));
      const from = snapshot === undefined ? "initial" : "snapshot";
      const { address } = resident.ref;
      this.#tell({ kind: "agent-restarted", agent: address, from });
      if (snapshot === undefined) this.#tell({ kind: "agent-state-reset", agent: address });
    }
    this.#link.release(orders);
    this.#tell({ kind: "shard-restarted", shard: this.number, agents: this.#residents.size });
  }

  #tell(event: RuntimeEvent): void {
    this.#surroundings.shard.observers.tell(event);
  }
}
