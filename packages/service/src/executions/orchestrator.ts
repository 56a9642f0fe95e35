import { hostname } from "node:os";
import {
  type Clock,
  messageOf,
  type Milliseconds,
  ms,
  type Nanoseconds,
  ns,
  nsFromMs,
  timeOrderedId,
} from "@mettle/core";
import { type AgentTask, type AgentType, type TaskContext, TaskFailure } from "../agents/agent-type.ts";
import { taskIn } from "../agents/agent-types.ts";
import type { Bulletin } from "../storage/news.ts";
import { Timings } from "../telemetry/timings.ts";
import { type Ending, type Execution, isEnded, type Leased, type Standing } from "./execution.ts";
import type { Added, ExecutionQueue, NewExecution } from "./execution-queue.ts";
import { Executor, type Outcome } from "./executor.ts";
import { EventBuffer } from "./event-buffer.ts";

const queuedChannel = "executions_queued";
const endedChannel = "executions_ended";
const toldChannel = "executions_told";
const latelyAtMost = 1000;

export interface OrchestratorOptions {
  readonly queue: ExecutionQueue;
  readonly news: Bulletin;
  readonly clock: Clock;
  readonly types: readonly AgentType[];
  /** Executions at once in this instance. */
  readonly capacity: number;
  /** Within which leases are renewed; the queue's lease is some times as long. */
  readonly renewEvery: Milliseconds;
  /** News may be lost: as often it looks by itself. */
  readonly lookEvery: Milliseconds;
  readonly timings?: Timings;
  /** Told of what went wrong beside the executions. */
  readonly onTrouble?: (error: unknown) => void;
}

export interface OrchestratorStatistics {
  readonly running: number;
  readonly capacity: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Endings that came after the lease was lost, and count for nothing. */
  readonly superseded: number;
  readonly recovered: number;
}

interface Running {
  readonly lease: Leased;
  readonly controller: AbortController;
  /** How it has ended; undefined when it did not end here, or its ending could not be written. */
  readonly ended: Promise<Execution | undefined>;
}

/** Why an execution was told to end. */
class Ended extends Error {
  readonly code: "EXECUTION_CANCELLED" | "EXECUTION_DEADLINE" | "EXECUTION_MOVED";
  constructor(code: Ended["code"], message: string) {
    super(message);
    this.code = code;
  }
}

const cancelled = (): Ended => new Ended("EXECUTION_CANCELLED", "It was cancelled.");

/** Takes executions from the queue and runs them on agents, as many at once as it may. */
export class Orchestrator implements AsyncDisposable {
  readonly #options: OrchestratorOptions;
  readonly #owner = `${hostname()}:${process.pid}:${timeOrderedId()}`;
  readonly #executor = new Executor();
  readonly #timings: Timings;
  readonly #running = new Map<string, Running>();
  readonly #ending = new AbortController();
  /** Nothing runs here any more: who waits here waits in vain. */
  readonly #closed = new AbortController();
  readonly #loops: readonly Promise<void>[];
  readonly #stopListening: () => void;
  /** What has ended lately, by its news: it may be there before whoever queued it knows that it is queued. */
  readonly #lately = new Set<string>();
  readonly #counts = { succeeded: 0, failed: 0, cancelled: 0, superseded: 0, recovered: 0 };
  #wake = Promise.withResolvers<void>();
  /** The last look took all that there was room for: what was left waits for the room that an ending makes. */
  #hasMore = true;
  /** New executions that will run here and are being written. */
  #beginning = 0;

  constructor(options: OrchestratorOptions) {
    this.#options = options;
    this.#timings = options.timings ?? new Timings(options.clock);
    const stops = [
      options.news.listen(queuedChannel, () => this.#wake.resolve()),
      options.news.listen(endedChannel, (id) => this.#note(id)),
    ];
    this.#stopListening = () => {
      for (const stop of stops) stop();
    };
    this.#loops = [
      this.#dispatch(),
      // Also while it drains: what still runs is this instance's until it has ended or was given back.
      this.#every(options.renewEvery, () => this.#renew(), this.#closed.signal),
      this.#every(options.lookEvery, () => this.#recover(), this.#ending.signal),
    ];
  }

  #note(id: string): void {
    this.#lately.add(id);
    if (this.#lately.size <= latelyAtMost) return;
    for (const oldest of this.#lately) {
      this.#lately.delete(oldest);
      return;
    }
  }

  get statistics(): OrchestratorStatistics {
    return { running: this.#running.size, capacity: this.#options.capacity, ...this.#counts };
  }

  get draining(): boolean {
    return this.#ending.signal.aborted;
  }

  taskOf(agentType: string, taskType: string): AgentTask | undefined {
    return taskIn(this.#options.types, agentType, taskType);
  }

  /**
   * Queues an execution. Where there is room and nobody waits for it, it begins here at once.
   *
   * @returns as `ExecutionQueue.add`
   */
  async submit(entry: NewExecution): Promise<Added> {
    const { queue } = this.#options;
    const beginsHere = !this.draining && !this.#hasMore && this.#room > 0;
    if (!beginsHere) {
      const added = await queue.add(entry);
      if (added.added) void this.announce();
      return added;
    }
    this.#beginning += 1;
    try {
      const added = await queue.add(entry, this.#owner);
      if (added.lease) await this.#begin([added.lease]);
      return added;
    } finally {
      this.#beginning -= 1;
    }
  }

  /** Unless this instance began to end meanwhile. */
  async #begin(leases: readonly Leased[]): Promise<void> {
    if (leases.length === 0) return;
    if (!this.draining) {
      for (const lease of leases) this.#start(lease);
      return;
    }
    await this.#options.queue.release(leases);
    await this.announce();
  }

  get #room(): number {
    return this.#options.capacity - this.#running.size - this.#beginning;
  }

  /** Something was queued: here or elsewhere it will be taken, even if others cannot be told. Settles when they are. */
  async announce(): Promise<void> {
    this.#wake.resolve();
    await this.#options.news.tell(queuedChannel, this.#owner).catch((error: unknown) => this.#trouble(error));
  }

  async announceCancel(execution: Execution): Promise<void> {
    if (isEnded(execution.state)) await this.#options.news.tell(endedChannel, execution.id);
    else await this.#renew(); // if it runs here
  }

  /**
   * The execution once it has ended, wherever that was; undefined when the signal aborts first, or this instance ends.
   *
   * @param isNew - it has just been queued, and no look is worth its while before there is news of it
   */
  async ended(tenantId: string, id: string, signal: AbortSignal, isNew: boolean): Promise<Execution | undefined> {
    const here = await this.#endedHere(id, signal);
    if (here ?? signal.aborted) return here;
    const looksFirst = !isNew || this.#lately.has(id);
    for await (const _ of this.#changes(id, [endedChannel], signal, looksFirst)) {
      const execution = await this.#options.queue.find(tenantId, id);
      if (!execution || isEnded(execution.state)) return execution;
    }
    return undefined;
  }

  /** Of one that runs here. */
  async #endedHere(id: string, signal: AbortSignal): Promise<Execution | undefined> {
    const running = this.#running.get(id);
    if (!running || signal.aborted) return undefined;
    const hungUp = Promise.withResolvers<undefined>();
    const onAbort = (): void => hungUp.resolve(undefined);
    signal.addEventListener("abort", onAbort, { once: true });
    const ended = await Promise.race([running.ended, hungUp.promise]);
    signal.removeEventListener("abort", onAbort);
    return ended;
  }

  /**
   * Where the execution stands now, and again whenever something was told of it or some time has passed, until it has ended
   * or this instance does.
   */
  async *watch(tenantId: string, id: string, signal: AbortSignal): AsyncGenerator<Standing> {
    for await (const _ of this.#changes(id, [endedChannel, toldChannel], signal, true)) {
      const standing = await this.#options.queue.standing(tenantId, id);
      if (!standing) return;
      yield standing;
      if (isEnded(standing.state)) return;
    }
  }

  /** At once where asked for, after each news of the execution, and every `lookEvery`, because news may be lost. */
  async *#changes(
    id: string,
    channels: readonly string[],
    signal: AbortSignal,
    looksFirst: boolean,
  ): AsyncGenerator<void> {
    const { news, clock, lookEvery } = this.#options;
    const over = AbortSignal.any([signal, this.#closed.signal]);
    let changed = Promise.withResolvers<void>();
    const heard = (payload: string): void => {
      if (payload === id || payload === "") changed.resolve();
    };
    const stops = channels.map((channel) => news.listen(channel, heard));
    try {
      if (looksFirst && !over.aborted) yield;
      while (!over.aborted) {
        await this.#first(changed.promise, clock, lookEvery, over);
        changed = Promise.withResolvers();
        if (!over.aborted) yield;
      }
    } finally {
      for (const stop of stops) stop();
    }
  }

  /** Whichever comes first; the sleep of the others is ended. */
  async #first(event: Promise<void>, clock: Clock, most: Milliseconds, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    await Promise.race([event, clock.sleep(most, either).catch(() => undefined)]);
    over.abort("first");
  }

  async #dispatch(): Promise<void> {
    const { queue, clock, lookEvery } = this.#options;
    const { signal } = this.#ending;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      try {
        const room = this.#room;
        const leases = await queue.claim(this.#owner, room);
        this.#hasMore = leases.length === room;
        await this.#begin(leases);
        if (leases.length > 0 && this.#hasMore) continue;
      } catch (error) {
        this.#trouble(error);
      }
      await this.#first(this.#wake.promise, clock, lookEvery, signal);
    }
  }

  #start(lease: Leased): void {
    const takenAt = this.#options.clock.now();
    // By the database's clock of whoever queued it, to a millisecond. A later attempt has waited for something else.
    const waited = this.#options.clock.wallTime() - lease.createdAt.getTime();
    if (lease.attempts === 1) this.#timings.parts.queueing.record(nsFromMs(ms(Math.max(0, waited))));
    const controller = new AbortController();
    if (lease.cancelRequested) controller.abort(cancelled());
    const ended = this.#run(lease, controller, takenAt)
      .catch((error: unknown) => this.#trouble(error))
      .finally(() => {
        this.#running.delete(lease.id);
        if (this.#hasMore) this.#wake.resolve();
      });
    this.#running.set(lease.id, { lease, controller, ended });
  }

  async #run(lease: Leased, controller: AbortController, takenAt: Nanoseconds): Promise<Execution | undefined> {
    const { queue, clock, news } = this.#options;
    const { signal } = controller;
    const events = new EventBuffer(clock, async (first, told) => {
      await queue.addEvents(lease, first, told);
      await news.tell(toldChannel, lease.id);
    });
    const over = new AbortController();
    void clock
      .sleep(ms(Math.max(0, lease.deadlineAt.getTime() - clock.wallTime())), over.signal)
      .then(() => controller.abort(new Ended("EXECUTION_DEADLINE", "It was not finished in time.")))
      .catch(() => undefined); // it has ended before
    const outcome = await this.#outcome(lease, controller, events, takenAt);
    over.abort("ended");
    const rest = await events.close();
    const ending = endingOf(outcome, signal);
    if (!ending) return undefined; // moved: whoever takes it next ends it, and tells everything anew
    const ended = await queue.end(lease, ending, rest);
    if (ended) {
      this.#counts[ending.state] += 1;
      // Whoever waits here need not wait for that.
      void news.tell(endedChannel, lease.id).catch((error: unknown) => this.#trouble(error));
    } else this.#counts.superseded += 1;
    return ended;
  }

  /** A task that does not heed its signal is left behind: its result is nobody's. */
  async #outcome(
    lease: Leased,
    controller: AbortController,
    events: EventBuffer,
    takenAt: Nanoseconds,
  ): Promise<Outcome> {
    const task = this.taskOf(lease.agentType, lease.task.type);
    if (!task) return { thrown: new TaskFailure("AGENT_TYPE_UNKNOWN", `Nobody here does ${lease.agentType}.`) };
    const { signal } = controller;
    if (signal.aborted) return { thrown: signal.reason };
    const aborted = new Promise<Outcome>((resolve) => {
      signal.addEventListener("abort", () => resolve({ thrown: signal.reason }), { once: true });
    });
    const context = this.#contextOf(lease, controller, events);
    const onBegin = (): void => this.#timings.parts.scheduling.record(ns(this.#options.clock.now() - takenAt));
    return Promise.race([this.#executor.run({ task, asked: lease.task, context, onBegin }), aborted]);
  }

  #contextOf(lease: Leased, controller: AbortController, events: EventBuffer): TaskContext {
    const { signal } = controller;
    return {
      tenantId: lease.tenantId,
      clock: this.#options.clock,
      modelSettings: lease.task.agent?.modelSettings,
      signal,
      progress: (share, note) => events.add({ type: "progress", share, note }),
      token: (text) => events.add({ type: "token", text }),
      breathe: async () => {
        await this.#timings.of("switching", () => new Promise(setImmediate));
        signal.throwIfAborted();
      },
      saved: lease.checkpoint,
      save: async (state) => {
        signal.throwIfAborted();
        if (await this.#options.queue.save(lease, state)) return;
        controller.abort(new Ended("EXECUTION_MOVED", "Another instance has taken it."));
        signal.throwIfAborted();
      },
    };
  }

  async #renew(): Promise<void> {
    const held = [...this.#running.values()];
    const still = await this.#options.queue.renew(held.map(({ lease }) => lease));
    for (const { lease, controller } of held) {
      const known = still.get(lease.id);
      if (!known) controller.abort(new Ended("EXECUTION_MOVED", "Another instance has taken it."));
      else if (known.cancel) controller.abort(cancelled());
    }
  }

  /** What this instance holds is renewed first: it may have been slow, or the database away, but it is not dead. */
  async #recover(): Promise<void> {
    await this.#renew();
    const { queued, ended } = await this.#options.queue.recover();
    this.#counts.recovered += queued;
    for (const id of ended) await this.#options.news.tell(endedChannel, id);
    if (queued > 0) await this.announce();
  }

  async #every(interval: Milliseconds, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(interval, signal).catch(() => undefined);
      if (signal.aborted) return;
      await work().catch((error: unknown) => this.#trouble(error));
    }
  }

  #trouble(error: unknown): undefined {
    this.#options.onTrouble?.(error);
    return undefined;
  }

  /** Takes nothing more, lets what runs finish within `grace`, and gives the rest back to the queue. */
  async close(grace: Milliseconds): Promise<void> {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    this.#stopListening();
    this.#wake.resolve();
    const over = new AbortController();
    const all = Promise.allSettled([...this.#running.values()].map(({ ended }) => ended)).then(() => over.abort("all"));
    await this.#options.clock.sleep(grace, over.signal).catch(() => undefined);
    const left = [...this.#running.values()];
    if (left.length > 0) {
      await this.#options.queue.release(left.map(({ lease }) => lease));
      for (const { controller } of left) controller.abort(new Ended("EXECUTION_MOVED", "This instance ends."));
      await this.announce();
    }
    await all;
    this.#closed.abort();
    await Promise.all(this.#loops);
    await this.#executor[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(ms(0));
  }
}

/** Undefined when the execution is no longer this instance's to end. */
function endingOf(outcome: Outcome, signal: AbortSignal): Ending | undefined {
  const reason: unknown = signal.reason;
  if (signal.aborted && reason instanceof Ended) {
    if (reason.code === "EXECUTION_MOVED") return undefined;
    const state = reason.code === "EXECUTION_CANCELLED" ? "cancelled" : "failed";
    return { state, error: { code: reason.code, message: reason.message } };
  }
  if ("result" in outcome) return { state: "succeeded", result: outcome.result };
  const { thrown } = outcome;
  if (thrown instanceof TaskFailure) return { state: "failed", error: { code: thrown.code, message: thrown.message } };
  return { state: "failed", error: { code: "EXECUTION_FAILED", message: messageOf(thrown) } };
}
