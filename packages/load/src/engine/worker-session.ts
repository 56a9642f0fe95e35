import type { Clock } from "@mettle/core";
import { HttpEngine } from "../http/http-client.ts";
import { builtIn } from "../metrics/built-in.ts";
import type { OperationSamples } from "../metrics/sample-book.ts";
import { WorkerRecorder } from "../metrics/worker-recorder.ts";
import { ClosedRun } from "./closed-run.ts";
import { nowMs } from "./engine-clock.ts";
import { ErrorBook } from "./error-book.ts";
import { loadErrors } from "./errors.ts";
import { LoopTurns } from "./loop-turns.ts";
import type { LoadSource, LoadTest } from "./load-test.ts";
import { OpenRun } from "./open-run.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";
import { PacedClient, RequestPacer } from "./request-pacer.ts";
import { progressOf, type RunControl, standingOf } from "./run-control.ts";
import { SampleStream } from "./sample-stream.ts";
import type { ScenarioContext, ScenarioRun } from "./scenario-run.ts";
import { type HealthMonitor, ThreadMonitor } from "./thread-health.ts";
import { tellError } from "./told-error.ts";
import { type UserFactory, UserRunner } from "./user-runner.ts";
import type { VirtualUser } from "./virtual-user.ts";

/** The worker's side of a channel to the main thread. */
export interface WorkerPort {
  send(message: FromWorker): void;
}

export interface WorkerEnvironment {
  readonly clock: Clock;
  /** Loads what the source names, or gives the load test that this thread was given. */
  load(source: LoadSource | undefined): Promise<LoadTest>;
  /** The moment on this thread's clock of a moment of `process.hrtime` in ms. */
  fromSharedMs(atMs: number): number;
  /** @defaultValue what the system tells of this thread */
  monitor?(): HealthMonitor;
}

type Begin = Extract<ToWorker, { kind: "begin" }>;

/** One worker's part of a load test, driven by messages. */
export class WorkerSession {
  readonly #port: WorkerPort;
  readonly #environment: WorkerEnvironment;
  #state: { readonly begin: Begin; readonly test: LoadTest; readonly recorder: WorkerRecorder } | undefined;
  #stream: SampleStream | undefined;
  #monitor: HealthMonitor | undefined;
  readonly #errors = new ErrorBook();
  readonly #turns = new LoopTurns();
  #scenarios: ScenarioRun[] = [];
  #setupData: unknown;
  #http: HttpEngine | undefined;
  #users = 0;
  /** On this thread's clock; NaN before the start. */
  #startMs = Number.NaN;
  #startWallMs = Number.NaN;

  constructor(port: WorkerPort, environment: WorkerEnvironment) {
    this.#port = port;
    this.#environment = environment;
  }

  /** Handles one message; failures go to the main thread as messages. */
  handle(message: ToWorker): void {
    switch (message.kind) {
      case "begin":
        this.#attempt("begin", () => this.#begin(message));
        break;
      case "setup":
        this.#attempt("setup", () => this.#setup());
        break;
      case "prepare":
        this.#setupData = message.setupData;
        this.#attempt("prepare", () => this.#prepare());
        break;
      case "start":
        this.#attempt("run", () => this.#run(this.#environment.fromSharedMs(message.atMs)));
        break;
      case "flush":
        this.#flush();
        break;
      case "stop":
        for (const scenario of this.#scenarios) scenario.stop();
        break;
      case "abort":
        for (const scenario of this.#scenarios) scenario.abort();
        break;
      case "control":
        this.#scenarios.find(({ name }) => name === message.scenario)?.control?.(message.users);
        break;
      case "teardown":
        this.#attempt("teardown", () => this.#teardown());
        break;
    }
  }

  #attempt(during: Extract<FromWorker, { kind: "failed" }>["during"], action: () => Promise<void>): void {
    action().catch((thrown: unknown) => {
      this.#port.send({ kind: "failed", during, error: tellError(thrown) });
    });
  }

  async #begin(begin: Begin): Promise<void> {
    const { clock } = this.#environment;
    if (begin.stream) {
      this.#stream = new SampleStream(clock, (batch) => {
        this.#port.send({ kind: "samples", ...batch });
      });
    }
    const options = { ...begin.plan.recorder, submetrics: begin.submetrics };
    const recorder = new WorkerRecorder(clock, options, this.#stream);
    if (this.#stream) this.#stream.source = recorder;
    const test = await this.#environment.load(begin.source);
    this.#state = { begin, test, recorder };
    test.attach?.(this.#control());
    this.#port.send({ kind: "ready" });
  }

  #control(): RunControl {
    const tell = (ends: boolean, reason: unknown): void => {
      this.#port.send({ kind: "told", ends, error: tellError(reason) });
    };
    return {
      end: (reason) => {
        // Here at once: until the main thread has heard of it, more iterations would begin.
        for (const scenario of this.#scenarios) scenario.abort();
        tell(true, reason);
      },
      fail: (reason) => tell(false, reason),
      scenario: (name) => {
        const { begin } = this.#begun;
        const plan = begin.plan.scenarios.find((each) => each.name === name);
        const run = this.#scenarios.find((each) => each.name === name);
        if (!plan || !run) return undefined;
        const elapsedMs = this.#elapsedMs();
        return {
          executor: plan.executor,
          startTime: Math.round(this.#startedAtMs() + plan.startTimeMs),
          progress: progressOf(plan, run.counts, begin.workers, elapsedMs),
        };
      },
      worker: () =>
        standingOf(
          this.#scenarios.map(({ counts }) => counts),
          this.#elapsedMs(),
        ),
    };
  }

  #elapsedMs(): number {
    return Number.isNaN(this.#startMs) ? 0 : nowMs(this.#environment.clock) - this.#startMs;
  }

  /** When the run started by the wall clock: the same whenever it is asked for. Before the start, now. */
  #startedAtMs(): number {
    const { clock } = this.#environment;
    if (Number.isNaN(this.#startMs)) return clock.wallTime();
    while (Number.isNaN(this.#startWallMs)) {
      const [before, wall, after] = [nowMs(clock), clock.wallTime(), nowMs(clock)];
      // A thread that was held up between the readings has two clocks of different moments.
      if (after - before < 1) this.#startWallMs = wall - (before - this.#startMs);
    }
    return this.#startWallMs;
  }

  get #begun(): { readonly begin: Begin; readonly test: LoadTest; readonly recorder: WorkerRecorder } {
    if (!this.#state) throw new Error("the worker was asked for something before it was told to begin");
    return this.#state;
  }

  async #setup(): Promise<void> {
    const { test } = this.#begun;
    const user = this.#lonelyUser("setup");
    const data: unknown = await test.workload.setup?.(user);
    user.http.close();
    this.#port.send({ kind: "setup-done", data: jsonCopy(data) });
  }

  async #teardown(): Promise<void> {
    const { test } = this.#begun;
    const user = this.#lonelyUser("teardown");
    await test.workload.teardown?.(user, jsonCopy(this.#setupData));
    user.http.close();
    this.#port.send({ kind: "torn-down" });
  }

  /** The user that setup and teardown are given: what it records is tagged with their name. */
  #lonelyUser(group: string): VirtualUser {
    const { plan } = this.#begun.begin;
    const identity = { name: group, tags: { ...plan.tags, group: `::${group}` }, environment: plan.environment };
    return UserRunner.lonely(0, identity, this.#factory());
  }

  async #prepare(): Promise<void> {
    const { begin } = this.#begun;
    const context = this.#context();
    this.#scenarios = begin.plan.scenarios.map((scenario, index) => {
      const tags = { ...begin.plan.tags, ...scenario.tags };
      const environment = { ...begin.plan.environment, ...scenario.environment };
      const whole = { ...scenario, tags, environment };
      return whole.model === "closed"
        ? new ClosedRun(whole, index, context)
        : new OpenRun(whole, { ...context, seed: begin.plan.seed + index });
    });
    for (const scenario of this.#scenarios) await scenario.prepare();
    this.#port.send({ kind: "prepared" });
  }

  #context(): ScenarioContext {
    const { begin, recorder } = this.#begun;
    return {
      worker: begin.worker,
      workers: begin.workers,
      clock: this.#environment.clock,
      factory: this.#factory(),
      punctuality: begin.plan.punctuality,
      seed: begin.plan.seed,
      taken: new Int32Array(begin.taken),
      lateness: recorder.metric(builtIn.dispatchDelay),
      nextUserId: () => 1 + begin.worker + begin.workers * this.#users++,
      fail: (thrown) => {
        this.#port.send({ kind: "failed", during: "run", error: tellError(thrown) });
      },
    };
  }

  #factory(): UserFactory {
    const { begin, test, recorder } = this.#begun;
    const { clock } = this.#environment;
    const perSecond = begin.plan.requestsPerSecond;
    const pacer = perSecond === undefined ? undefined : new RequestPacer(clock, perSecond / begin.workers);
    const plain = test.client ?? (() => this.#engineOf(test).client());
    return {
      workload: test.workload,
      setupData: jsonCopy(this.#setupData),
      clock,
      recorder,
      errors: this.#errors,
      turns: this.#turns,
      http: pacer ? (user) => new PacedClient(plain(user), pacer) : plain,
    };
  }

  #watch(): HealthMonitor {
    this.#monitor?.[Symbol.dispose]();
    return this.#environment.monitor?.() ?? new ThreadMonitor();
  }

  /** One for all users of this worker: names looked up and the cap on new connections are shared. */
  #engineOf({ http }: LoadTest): HttpEngine {
    this.#http ??= new HttpEngine(http);
    return this.#http;
  }

  async #run(startMs: number): Promise<void> {
    const { begin } = this.#begun;
    this.#startMs = startMs;
    this.#startWallMs = Number.NaN;
    this.#monitor = this.#watch();
    const plans = begin.plan.scenarios;
    await Promise.all(
      this.#scenarios.map((scenario, index) => scenario.run(startMs + (plans[index]?.startTimeMs ?? 0))),
    );
    this.#port.send({ kind: "ended" });
  }

  #flush(): void {
    const { recorder } = this.#begun;
    this.#monitor ??= this.#watch();
    const spin = this.#scenarios.reduce((sum, { idleSpinMs }) => sum + idleSpinMs, 0);
    this.#stream?.flush();
    this.#port.send({
      kind: "flushed",
      ...recorder.flip(),
      counts: Object.fromEntries(this.#scenarios.map(({ name, counts }) => [name, counts])),
      health: this.#monitor.take(spin),
      errors: this.#errors.take(),
      samples: recorder.book.take((at) => at - this.#startMs).map(afterStart),
      overflowed: recorder.overflowed,
    });
  }

  close(): void {
    this.#http?.close();
    this.#monitor?.[Symbol.dispose]();
  }
}

/** What was sent before the start, by setup, is no part of the run. */
function afterStart(operation: OperationSamples): OperationSamples {
  const isOfRun = ({ at }: { readonly at: number }): boolean => at >= 0;
  return { ...operation, slow: operation.slow.filter(isOfRun), failures: operation.failures.filter(isOfRun) };
}

/** Setup's data reaches every user as JSON, as with k6: what is no JSON is not silently shared. */
function jsonCopy(data: unknown): unknown {
  if (data === undefined) return undefined;
  const text = JSON.stringify(data);
  if (text === undefined) {
    throw loadErrors.create("LOAD_SETUP_FAILED", `setup returned a ${typeof data}, which is no JSON.`, {
      next: "Return plain data from setup: objects, lists, texts, numbers.",
    });
  }
  return JSON.parse(text) as unknown;
}
