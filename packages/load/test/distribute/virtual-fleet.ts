import { ManualClock } from "@mettle/core";
import type { FleetEvent } from "../../src/distribute/fleet.ts";
import { type DistributedOptions, runDistributed } from "../../src/distribute/run-distributed.ts";
import { type HostEvent, WorkerHost, type WorkerHostOptions } from "../../src/distribute/worker-host.ts";
import type { LoadOptions } from "../../src/engine/load-options.ts";
import type { LoadTest } from "../../src/engine/load-test.ts";
import { resolvePlan } from "../../src/engine/resolve-plan.ts";
import type { LoadResult } from "../../src/engine/run-load.ts";
import { loadSource } from "../../src/scenario/load-source.ts";
import { startInline, type WorkerHandle } from "../../src/engine/worker-handle.ts";
import type { Workload } from "../../src/engine/virtual-user.ts";
import { type Begun, type Body, healthy, noClient } from "../engine/virtual-run.ts";
import { type BusConnection, type Faults, MemoryBus } from "./memory-bus.ts";
import { whilePassing } from "./passing-time.ts";

export const EPOCH_MS = 1_700_000_000_000;

export interface VirtualWorker {
  readonly host: WorkerHost;
  readonly connection: BusConnection;
  readonly events: HostEvent[];
  readonly begun: Omit<Begun, "dueMs">[];
  readonly stop: AbortController;
  /** Resolves with the runs served. */
  readonly serving: Promise<number>;
}

export interface WorkerSetup
  extends Partial<Pick<WorkerHostOptions, "threads" | "version" | "subject" | "allow" | "name" | "tags">> {
  /** How far its monotonic clock is ahead. */
  readonly skewMs?: number;
  readonly runs?: number;
}

/** Machines, a server between them and a load test of functions, all in virtual time and in this thread. */
export class VirtualFleet {
  readonly clock: ManualClock = new ManualClock(EPOCH_MS);
  readonly bus: MemoryBus;
  readonly workers: VirtualWorker[] = [];
  readonly events: FleetEvent[] = [];
  readonly #options: LoadOptions;
  readonly #body: Body;
  readonly #workload: Partial<Workload>;

  constructor(options: LoadOptions, body: Body, workload: Partial<Workload> = {}, faults: Faults = {}) {
    this.bus = new MemoryBus(this.clock, faults);
    this.#options = options;
    this.#body = body;
    this.#workload = workload;
  }

  get begun(): readonly Omit<Begun, "dueMs">[] {
    return this.workers.flatMap(({ begun }) => begun);
  }

  addWorker({ skewMs = 0, runs, ...setup }: WorkerSetup = {}): VirtualWorker {
    const connection = this.bus.connect();
    const events: HostEvent[] = [];
    const begun: Omit<Begun, "dueMs">[] = [];
    const stop = new AbortController();
    const host = new WorkerHost({
      transport: connection,
      name: `host-${this.workers.length + 1}`,
      version: "1.0.0",
      packages: "/nowhere",
      own: {},
      environment: {},
      clock: this.clock,
      sharedNowMs: () => this.#nowMs() + skewMs,
      startThread: (_, listener) => skewed(skewMs, startInline({ ...this.#inline(begun) }, listener)),
      onEvent: (event) => void events.push(event),
      ...setup,
    });
    const serving = host.serve(stop.signal, runs);
    serving.catch(() => undefined);
    const worker = { host, connection, events, begun, stop, serving };
    this.workers.push(worker);
    return worker;
  }

  /** Runs the load test on the workers; in virtual time, with what the test does meanwhile. */
  run(workers: number, extra: Partial<DistributedOptions> = {}): Promise<LoadResult> {
    return runDistributed({
      name: "virtual",
      transport: this.bus.connect(),
      plan: resolvePlan({ ...this.#options, punctuality: "timer" }),
      source: loadSource("url", { request: { method: "GET", url: "http://nowhere" }, options: {} }),
      files: [],
      root: "/",
      variables: {},
      workers,
      version: "1.0.0",
      clock: this.clock,
      sharedNowMs: () => this.#nowMs(),
      noiseProbe: false,
      revision: { commit: "0".repeat(40), dirty: false },
      onEvent: (event) => void this.events.push(event),
      ...extra,
    });
  }

  passing<T>(promise: Promise<T>): Promise<T> {
    return whilePassing(this.clock, promise);
  }

  /** Ends all workers. */
  async end(): Promise<void> {
    for (const { stop } of this.workers) stop.abort();
    await this.passing(Promise.all(this.workers.map(({ serving }) => serving)));
  }

  #nowMs(): number {
    return this.clock.now() / 1e6;
  }

  #inline(begun: Omit<Begun, "dueMs">[]): Parameters<typeof startInline>[0] {
    const test: LoadTest = {
      options: this.#options,
      client: () => noClient,
      workload: {
        prepare: (user) =>
          Promise.resolve({
            run: async (iteration) => {
              begun.push({ user: user.id, scenario: user.scenario, iteration, atMs: this.#nowMs() });
              await this.#body(user, iteration);
            },
          }),
        ...this.#workload,
      },
    };
    return { test, clock: this.clock, monitor: () => healthy };
  }
}

/** A thread on a machine whose monotonic clock is ahead: orders to start speak of that clock. */
function skewed(skewMs: number, handle: WorkerHandle): WorkerHandle {
  return {
    ...handle,
    send: (message) => {
      handle.send(message.kind === "start" ? { ...message, atMs: message.atMs - skewMs } : message);
    },
  };
}
