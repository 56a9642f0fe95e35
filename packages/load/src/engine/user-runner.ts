import { type Clock, ms } from "@mettle/core";
import { builtIn } from "../metrics/built-in.ts";
import type { HttpClient } from "../http/exchange.ts";
import type { Metric, MetricRecorder, TagSet, Tags } from "../metrics/recorder.ts";
import { nowMs } from "./engine-clock.ts";
import type { ErrorBook } from "./error-book.ts";
import type { LoopTurns } from "./loop-turns.ts";
import type { PreparedUser, VirtualUser, Workload } from "./virtual-user.ts";

/** What makes users in one worker thread. */
export interface UserFactory {
  readonly workload: Workload;
  readonly setupData: unknown;
  readonly clock: Clock;
  readonly recorder: MetricRecorder;
  readonly errors: ErrorBook;
  readonly turns: LoopTurns;
  http(user: { readonly id: number; readonly scenario: string }): HttpClient;
}

/** Where a scenario's iterations are counted. One a scenario and worker. */
export class IterationMetrics {
  readonly tags: TagSet;
  readonly iterations: Metric;
  readonly duration: Metric;
  readonly responseTime: Metric;
  readonly startDelay: Metric;
  readonly failed: Metric;
  readonly dropped: Metric;
  readonly interrupted: Metric;
  readonly unstarted: Metric;

  constructor(recorder: MetricRecorder, tags: Tags) {
    this.tags = recorder.tagSet(tags);
    this.iterations = recorder.metric(builtIn.iterations);
    this.duration = recorder.metric(builtIn.iterationDuration);
    this.responseTime = recorder.metric(builtIn.iterationResponseTime);
    this.startDelay = recorder.metric(builtIn.iterationStartDelay);
    this.failed = recorder.metric(builtIn.failedIterations);
    this.dropped = recorder.metric(builtIn.droppedIterations);
    this.interrupted = recorder.metric(builtIn.interruptedIterations);
    this.unstarted = recorder.metric(builtIn.unstartedIterations);
    // That there was none is a measurement too: a threshold on it must find a 0, not nothing.
    for (const metric of [this.dropped, this.interrupted, this.unstarted]) metric.add(0, this.tags);
  }
}

/** One virtual user as the workload sees it. Its abort controller is made only when somebody asks for the signal. */
class EngineUser implements VirtualUser {
  readonly id: number;
  readonly scenario: string;
  readonly tags: Tags;
  readonly environment: Readonly<Record<string, string>>;
  readonly http: HttpClient;
  readonly recorder: MetricRecorder;
  readonly clock: Clock;
  #controller: AbortController | undefined;
  #reason: Error | undefined;

  constructor(id: number, scenario: ScenarioIdentity, factory: UserFactory) {
    this.id = id;
    this.scenario = scenario.name;
    this.tags = scenario.tags;
    this.environment = scenario.environment;
    this.http = factory.http({ id, scenario: scenario.name });
    this.recorder = factory.recorder;
    this.clock = factory.clock;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  get interrupted(): boolean {
    return this.#reason !== undefined;
  }

  sleep(milliseconds: number): Promise<void> {
    return this.clock.sleep(ms(milliseconds), this.signal);
  }

  abort(reason: Error): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

export interface ScenarioIdentity {
  readonly name: string;
  readonly tags: Tags;
  readonly environment: Readonly<Record<string, string>>;
}

/** Iterations shorter than this had no input or output, and must not keep the event loop from turning. */
const WITHOUT_IO_MS = 0.05;

/** One virtual user, prepared: runs iterations one after the other and records them. */
export class UserRunner {
  readonly #user: EngineUser;
  readonly #prepared: PreparedUser;
  readonly #metrics: IterationMetrics;
  readonly #errors: ErrorBook;
  readonly #turns: LoopTurns;
  readonly #clock: Clock;
  #iterations = 0;
  #interrupted = false;
  #abandoned = false;
  #startedAt = 0;
  #scheduledAt = Number.NaN;
  #done: (runner: UserRunner) => void = () => {};
  busy = false;

  private constructor(user: EngineUser, prepared: PreparedUser, factory: UserFactory, metrics: IterationMetrics) {
    this.#user = user;
    this.#prepared = prepared;
    this.#metrics = metrics;
    this.#errors = factory.errors;
    this.#turns = factory.turns;
    this.#clock = factory.clock;
  }

  static async prepare(
    id: number,
    scenario: ScenarioIdentity,
    factory: UserFactory,
    metrics: IterationMetrics,
  ): Promise<UserRunner> {
    const user = new EngineUser(id, scenario, factory);
    const prepared = await factory.workload.prepare(user, factory.setupData);
    return new UserRunner(user, prepared, factory, metrics);
  }

  /** A user outside of any scenario, for setup and teardown. */
  static lonely(id: number, identity: ScenarioIdentity, factory: UserFactory): VirtualUser {
    return new EngineUser(id, identity, factory);
  }

  get interrupted(): boolean {
    return this.#interrupted;
  }

  /**
   * Runs one iteration and records it; what the script throws is counted. Hot: once an iteration, which is why it takes a
   * callback: promises of its own would cost as much as recording does.
   *
   * @param scheduledAt - NaN where nothing was scheduled
   * @param done - called once, never before this returns
   */
  run(numberInScenario: number, scheduledAt: number, done: (runner: UserRunner) => void): void {
    this.#done = done;
    this.#scheduledAt = scheduledAt;
    this.busy = true;
    const prepared = this.#prepared;
    const number = this.#iterations++;
    if (prepared.start !== undefined) {
      this.#startedAt = nowMs(this.#clock);
      prepared.start(scheduledAt, this.#onFulfilled);
      return;
    }
    const iteration =
      scheduledAt === scheduledAt ? { number, numberInScenario, scheduledAt } : { number, numberInScenario };
    this.#startedAt = nowMs(this.#clock);
    let running: Promise<void>;
    try {
      running = prepared.run(iteration);
    } catch (thrown) {
      running = Promise.reject(thrown);
    }
    // Neither handler throws.
    void running.then(this.#onFulfilled, this.#onRejected);
  }

  readonly #onFulfilled = (): void => {
    this.#record(false);
  };

  readonly #onRejected = (thrown: unknown): void => {
    if (!this.#interrupted) this.#errors.add(thrown);
    this.#record(true);
  };

  /** Hot. */
  #record(failed: boolean): void {
    const metrics = this.#metrics;
    const { tags } = metrics;
    this.busy = false;
    if (this.#interrupted) {
      if (!this.#abandoned) metrics.interrupted.add(1, tags);
      this.#done(this);
      return;
    }
    const endedAt = nowMs(this.#clock);
    const took = endedAt - this.#startedAt;
    metrics.iterations.add(1, tags);
    metrics.duration.add(took, tags);
    metrics.failed.add(failed ? 1 : 0, tags);
    const scheduledAt = this.#scheduledAt;
    if (scheduledAt === scheduledAt) {
      metrics.responseTime.add(endedAt - scheduledAt, tags);
      // Two readings of a clock may differ by a rounding; a start before its schedule there cannot be.
      metrics.startDelay.add(Math.max(0, this.#startedAt - scheduledAt), tags);
    }
    if (took < WITHOUT_IO_MS || this.#turns.overdue(endedAt)) setImmediate(this.#done, this);
    else this.#done(this);
  }

  /** Cuts off what is running: its signal aborts and its connections close. The user cannot be used again. */
  interrupt(): void {
    if (this.#interrupted) return;
    this.#interrupted = true;
    this.#user.abort(new Error("the load test ended before this iteration did"));
    this.#user.http.close();
  }

  /** Nobody waits for its iteration any more: it counts as interrupted now, and not again should it end after all. */
  abandon(): void {
    if (!this.busy || this.#abandoned) return;
    this.#abandoned = true;
    this.#metrics.interrupted.add(1, this.#metrics.tags);
  }

  async close(): Promise<void> {
    await this.#prepared.close?.();
    this.#user.http.close();
  }
}
