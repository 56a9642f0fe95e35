import { type Clock, MettleError, messageOf, ms, timeOrderedId } from "@mettle/core";
import { captureEnvironment, currentRevision, type Profile, type Run, runSchema } from "@mettle/results";
import type { Submetric } from "../metrics/worker-recorder.ts";
import { engineClock, nowMs } from "./engine-clock.ts";
import type { ErrorEntry } from "./error-book.ts";
import { loadErrors } from "./errors.ts";
import type { LoadControl } from "./load-control.ts";
import type { LoadSnapshot } from "./load-snapshot.ts";
import type { LoadSource } from "./load-test.ts";
import type { LoadOutput } from "./load-output.ts";
import { RunLedger } from "./run-ledger.ts";
import type { LoadPlan } from "./resolve-plan.ts";
import { WorkerCrew } from "./worker-crew.ts";
import { type InlineOptions, type RemoteCrew, sharedNowMs, startInline, startThread } from "./worker-handle.ts";

export interface RunLoadOptions {
  /** Of the run document. */
  readonly name: string;
  readonly plan: LoadPlan;
  /** Threads load the test from here; or one worker in this thread is given it; or other machines have it. */
  readonly from: { readonly source: LoadSource } | { readonly inline: InlineOptions } | { readonly remote: RemoteCrew };
  /** Parts of metrics that somebody will ask for, such as thresholds' `http_req_duration{status:200}`. */
  readonly submetrics?: readonly Submetric[];
  /** Called once a second; "abort" ends the run as if its time were over, without waiting for iterations in flight. */
  readonly onSnapshot?: (snapshot: LoadSnapshot) => "continue" | "abort";
  /** Aborted: no more iterations begin; those in flight get the grace period. */
  readonly stop?: AbortSignal;
  /** Aborted: everything in flight is cut off. */
  readonly stopNow?: AbortSignal;
  /** Changes the number of users of scenarios that wait to be told. */
  readonly control?: LoadControl;
  /** Where samples are told one by one. */
  readonly outputs?: readonly LoadOutput[];
  readonly profile?: Profile;
  readonly kind?: "load" | "soak" | "validate";
  /** Points kept of each series. @defaultValue 900 */
  readonly seriesPoints?: number;
  readonly revision?: Run["revision"];
  /** Only for a worker in this thread. @defaultValue engineClock */
  readonly clock?: Clock;
  /** How long a worker may leave a question unanswered before it counts as stuck. @defaultValue 15 000 */
  readonly stuckMs?: number;
  /** Time a fixed loop beforehand to see how quiet the machine is. @defaultValue true */
  readonly noiseProbe?: boolean;
}

export interface LoadResult {
  readonly run: Run;
  /** What user code threw, most frequent first. */
  readonly errors: readonly ErrorEntry[];
  /** Ended by `stop` or `stopNow`. */
  readonly interrupted: boolean;
  /** Ended by `onSnapshot`, or by the script. */
  readonly aborted: boolean;
  /** What went wrong beside the measurement: teardown, outputs. */
  readonly troubles: readonly MettleError[];
  /** The last snapshot: everything gathered. */
  readonly snapshot: LoadSnapshot;
  readonly setupData: unknown;
}

const STEP_MS = 1000;
/** Between the order to start and the first moment of the schedule: threads must have heard of it. */
const LEAD_MS = 50;

/**
 * Runs a load test to its end.
 *
 * @throws MettleError `LOAD_SETUP_FAILED`, `LOAD_SCRIPT_UNREADABLE`, `LOAD_SCRIPT_INVALID`, and what user code throws
 * while it is made ready
 */
export async function runLoad(options: RunLoadOptions): Promise<LoadResult> {
  await using running = new RunningLoad(options);
  return await running.run();
}

class RunningLoad implements AsyncDisposable {
  readonly #options: RunLoadOptions;
  readonly #clock: Clock;
  readonly #crew: WorkerCrew;
  readonly #ledger: RunLedger;
  readonly #troubles: MettleError[] = [];
  readonly #ending = new AbortController();
  #failure: Error | undefined;
  #interrupted = false;
  #aborted = false;
  #startMs = 0;

  constructor(options: RunLoadOptions) {
    this.#options = options;
    const { plan, from } = options;
    this.#clock = options.clock ?? ("inline" in from ? from.inline.clock : undefined) ?? engineClock;
    this.#ledger = new RunLedger(plan, options.submetrics ?? [], options.seriesPoints ?? 900, STEP_MS);
    this.#crew = new WorkerCrew(
      "inline" in from ? 1 : plan.workers,
      (index, listener) => {
        if ("remote" in from) return from.remote.start(index, listener);
        return "inline" in from ? startInline(from.inline, listener) : startThread(index, listener);
      },
      {
        onFlush: (worker, flush) => {
          this.#ledger.take(worker, flush);
        },
        onSamples: (worker, batch) => {
          for (const output of options.outputs ?? []) output.samples?.(worker, batch);
        },
        onLost: (worker, reason) => {
          this.#ledger.lost(
            worker,
            "remote" in from ? from.remote.lossOf(worker, reason) : `worker ${worker + 1} was lost: ${reason}`,
          );
        },
        onTold: (error, ends) => {
          this.#hear(error, ends);
        },
        onFailure: (error) => {
          this.#failure ??= error;
          this.#crew.tellAll({ kind: "abort" });
        },
      },
    );
  }

  async run(): Promise<LoadResult> {
    const { plan } = this.#options;
    const environment = captureEnvironment({ noiseProbe: this.#options.noiseProbe ?? true });
    const setupData = await this.#makeReady();
    const startedAt = new Date(this.#clock.wallTime() + this.#leadMs).toISOString();
    await this.#load();
    const durationMs = this.#elapsed();
    if (plan.teardown) await this.#tearDown();
    await this.#collect();
    this.#ledger.closeStep(durationMs);
    if (this.#failure) throw this.#failure;
    const snapshot = this.#ledger.snapshot(durationMs);
    const revision = this.#options.revision ?? (await currentRevision());
    const run = this.#document(snapshot, environment, revision, startedAt, durationMs);
    for (const output of this.#options.outputs ?? []) await this.#attempt(() => output.close(snapshot));
    return {
      run,
      errors: this.#ledger.errors,
      interrupted: this.#interrupted,
      aborted: this.#aborted,
      troubles: this.#troubles,
      snapshot,
      setupData,
    };
  }

  /** Loads the test in every worker, runs setup in the first, makes the users. */
  async #makeReady(): Promise<unknown> {
    const { plan, from, submetrics = [], outputs = [] } = this.#options;
    const taken = new SharedArrayBuffer(4 * plan.scenarios.length);
    const workers = this.#crew.present.length;
    await this.#crew.askAll(
      (worker) => ({
        kind: "begin",
        worker,
        workers,
        plan,
        submetrics,
        taken,
        stream: outputs.some((output) => output.samples !== undefined),
        ...("source" in from && { source: from.source }),
      }),
      "ready",
    );
    const setupData = plan.setup ? await this.#setUp() : undefined;
    await this.#crew.askAll(() => ({ kind: "prepare", setupData }), "prepared");
    return setupData;
  }

  async #setUp(): Promise<unknown> {
    const asked = this.#crew.ask(0, { kind: "setup" }, "setup-done");
    const { setupTimeoutMs } = this.#options.plan;
    try {
      return (await this.#within(asked, setupTimeoutMs)).data;
    } catch (cause) {
      if (cause instanceof MettleError) throw cause;
      throw loadErrors.create("LOAD_SETUP_FAILED", `setup failed: ${messageOf(cause)}`, { cause });
    }
  }

  async #tearDown(): Promise<void> {
    const [first] = this.#crew.present;
    if (first === undefined) return;
    try {
      await this.#within(
        this.#crew.ask(first, { kind: "teardown" }, "torn-down"),
        this.#options.plan.teardownTimeoutMs,
      );
    } catch (cause) {
      this.#troubles.push(loadErrors.create("LOAD_TEARDOWN_FAILED", `teardown failed: ${messageOf(cause)}`, { cause }));
    }
  }

  /** What a promise gives, or an error after a time. */
  async #within<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
    const timer = new AbortController();
    const late = this.#clock.sleep(ms(timeoutMs), timer.signal).then(() => {
      throw new Error(`it took longer than ${timeoutMs} ms`);
    });
    // Whichever loses must not go unheard: the timer is ended, and its rejection expected.
    late.catch(() => undefined);
    try {
      return await Promise.race([promise, late]);
    } finally {
      timer.abort();
    }
  }

  async #load(): Promise<void> {
    const { stop, stopNow } = this.#options;
    this.#startMs = nowMs(this.#clock) + this.#leadMs;
    const ended = this.#crew.start({ kind: "start", atMs: this.#startOnSharedMs() }).finally(() => {
      this.#ending.abort();
    });
    const onStop = (): void => {
      this.#interrupted = true;
      this.#crew.tellAll({ kind: "stop" });
    };
    const onStopNow = (): void => {
      this.#interrupted = true;
      this.#crew.tellAll({ kind: "abort" });
    };
    if (stop?.aborted) onStop();
    if (stopNow?.aborted) onStopNow();
    const detach = this.#options.control?.attach((scenario, users) => {
      this.#crew.tellAll({ kind: "control", scenario, users });
    });
    stop?.addEventListener("abort", onStop);
    stopNow?.addEventListener("abort", onStopNow);
    try {
      await Promise.all([ended, this.#tick()]);
    } finally {
      detach?.();
      stop?.removeEventListener("abort", onStop);
      stopNow?.removeEventListener("abort", onStopNow);
    }
  }

  get #leadMs(): number {
    const { from } = this.#options;
    return "remote" in from ? from.remote.leadMs : LEAD_MS;
  }

  /** The start on the time line that workers understand. */
  #startOnSharedMs(): number {
    const { from } = this.#options;
    if ("inline" in from) return this.#startMs;
    return ("remote" in from ? from.remote.sharedNowMs() : sharedNowMs()) + this.#leadMs;
  }

  /** Once a second: gather, tell, decide. */
  async #tick(): Promise<void> {
    for (let step = 1; !this.#ending.signal.aborted; step++) {
      const dueMs = this.#startMs + step * STEP_MS;
      try {
        await this.#clock.sleep(ms(Math.max(0, dueMs - nowMs(this.#clock))), this.#ending.signal);
      } catch (reason) {
        if (this.#ending.signal.aborted) return;
        throw reason;
      }
      await this.#collect();
      // A main thread that was kept from running closes one long step, not several empty ones.
      const elapsed = this.#elapsed();
      step = Math.max(step, Math.floor(elapsed / STEP_MS));
      this.#ledger.closeStep(elapsed);
      this.#tell(this.#ledger.snapshot(elapsed));
    }
  }

  /** Every user may say the same: once is enough. */
  #hear(error: Error, ends: boolean): void {
    const known = this.#troubles.some(({ message }) => message === error.message);
    if (error instanceof MettleError && !known) this.#troubles.push(error);
    if (!ends || this.#aborted) return;
    this.#aborted = true;
    this.#crew.tellAll({ kind: "abort" });
  }

  #tell(snapshot: LoadSnapshot): void {
    for (const output of this.#options.outputs ?? []) output.snapshot?.(snapshot);
    if (this.#options.onSnapshot?.(snapshot) === "abort" && !this.#aborted) {
      this.#aborted = true;
      this.#crew.tellAll({ kind: "abort" });
    }
  }

  /** Asks every worker for what it recorded. One that does not answer in time is stuck, and lost. */
  async #collect(): Promise<void> {
    const asked = this.#crew.present.map(async (worker) => {
      const timer = new AbortController();
      const stuck = this.#clock.sleep(ms(this.#options.stuckMs ?? 15_000), timer.signal).then(
        () => {
          this.#crew.lose(worker, "its code kept it from answering; an endless loop in the script is the usual reason");
        },
        () => undefined,
      );
      try {
        await this.#crew.ask(worker, { kind: "flush" }, "flushed");
      } catch (error) {
        // The loss itself is in the ledger already.
        if (!(error instanceof MettleError && error.code === "LOAD_WORKER_LOST")) throw error;
      } finally {
        timer.abort();
        await stuck;
      }
    });
    await Promise.all(asked);
  }

  async #attempt(action: () => void | Promise<void>): Promise<void> {
    try {
      await action();
    } catch (thrown) {
      if (!(thrown instanceof MettleError)) throw thrown;
      this.#troubles.push(thrown);
    }
  }

  #elapsed(): number {
    return Math.max(0, nowMs(this.#clock) - this.#startMs);
  }

  #document(
    snapshot: LoadSnapshot,
    environment: Run["environment"],
    revision: Run["revision"],
    startedAt: string,
    durationMs: number,
  ): Run {
    const { name, profile, kind = "load" } = this.#options;
    return {
      schema: runSchema,
      id: timeOrderedId(),
      startedAt,
      durationMs,
      name,
      kind,
      ...(profile && { profile }),
      ...(revision && { revision }),
      environment,
      validity: snapshot.validity,
      measurements: snapshot.measurements(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#crew.close();
  }
}
