import { OTHER } from "../metrics/tag-sets.ts";
import { arrivals, traceArrivals, WorkerArrivals } from "./arrival-process.ts";
import { nowMs } from "./engine-clock.ts";
import { PreciseTimer } from "./precise-timer.ts";
import { RateProfile } from "./rate-profile.ts";
import { NOTICE_MS, type ScenarioContext, type ScenarioCounts, type ScenarioRun } from "./scenario-run.ts";
import { type OpenPlan, plannedDurationMs } from "./scenario-plan.ts";
import { shareOf } from "./user-profile.ts";
import { IterationMetrics, type ScenarioIdentity, UserRunner } from "./user-runner.ts";
import { WaitingLine } from "./waiting-line.ts";

/** Arrivals begun in one turn of the event loop; the rest follows after responses were read. */
const MOST_PER_TURN = 256;
/** 16 MB; what comes beyond it is counted as never started. */
const LONGEST_LINE = 1_000_000;

/** Iterations that begin when they are due. One that finds nobody free waits and keeps its scheduled time. */
export class OpenRun implements ScenarioRun {
  readonly name: string;
  readonly #plan: OpenPlan;
  readonly #context: ScenarioContext;
  readonly #metrics: IterationMetrics;
  /** One object for all its users, so that what is kept by tags is found again. */
  readonly #identity: ScenarioIdentity;
  readonly #arrivals: WorkerArrivals;
  readonly #timer: PreciseTimer;
  readonly #ending: PreciseTimer;
  readonly #line = new WaitingLine(LONGEST_LINE);
  readonly #idle: UserRunner[] = [];
  readonly #all = new Set<UserRunner>();
  readonly #most: number;
  #startMs = 0;
  #stopped = false;
  #finished = false;
  #making = 0;
  #running = 0;
  #due = 0;
  #started = 0;
  #ended = 0;
  #finish: () => void = () => {};

  constructor(plan: OpenPlan, context: ScenarioContext) {
    const { worker, workers, clock, seed, punctuality } = context;
    this.name = plan.name;
    this.#plan = plan;
    this.#context = context;
    const { name, environment } = plan;
    this.#identity = { name, environment, tags: { ...plan.tags, scenario: name } };
    this.#metrics = new IterationMetrics(context.factory.recorder, this.#identity.tags);
    const { arrivals: wanted } = plan;
    const process =
      wanted.kind === "trace"
        ? traceArrivals(wanted.timesMs, wanted.speed)
        : arrivals(new RateProfile(wanted.stages), wanted.pattern, seed);
    this.#arrivals = new WorkerArrivals(process, worker, workers);
    this.#most = Math.max(1, shareOf(plan.maxUsers, worker, workers));
    this.#timer = new PreciseTimer(clock, punctuality);
    this.#ending = new PreciseTimer(clock, "timer");
  }

  get counts(): ScenarioCounts {
    return {
      users: this.#all.size,
      running: this.#running,
      waiting: this.#line.length,
      due: this.#due,
      started: this.#started,
      ended: this.#ended,
    };
  }

  get idleSpinMs(): number {
    return this.#timer.idleSpinMs;
  }

  async prepare(): Promise<void> {
    const { worker, workers } = this.#context;
    const users = Math.min(this.#most, shareOf(this.#plan.preAllocatedUsers, worker, workers));
    while (this.#all.size < users) this.#idle.push(await this.#makeUser());
  }

  async run(startMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#finish = resolve;
    this.#startMs = startMs;
    this.#timer.at(startMs + this.#arrivals.dueMs, this.#pump);
    this.#ending.at(startMs + plannedDurationMs(this.#plan), () => {
      this.stop();
    });
    await promise;
    this.#finished = true;
    this.#timer.cancel();
    this.#ending.cancel();
    this.#countUnstarted();
    await Promise.all([...this.#all].map((runner) => runner.close()));
  }

  /** No arrival comes due any more; those that wait and those in flight get the grace period. */
  stop(): void {
    if (this.#stopped) return;
    this.#takeDue(Number.POSITIVE_INFINITY);
    this.#stopped = true;
    this.#timer.cancel();
    if (this.#settled()) return;
    this.#ending.at(nowMs(this.#context.clock) + this.#plan.gracefulStopMs, () => {
      this.abort();
    });
  }

  abort(): void {
    this.#stopped = true;
    this.#timer.cancel();
    this.#countUnstarted();
    for (const runner of this.#all) if (runner.busy) runner.interrupt();
    if (this.#settled()) return;
    this.#ending.at(nowMs(this.#context.clock) + NOTICE_MS, () => {
      for (const runner of this.#all) runner.abandon();
      this.#finish();
    });
  }

  /** Hot: begins everything that is due, then waits for the next. */
  readonly #pump = (): void => {
    if (this.#stopped) return;
    this.#takeDue(MOST_PER_TURN);
    this.#timer.at(this.#startMs + this.#arrivals.dueMs, this.#pump);
  };

  /** Hot: once an arrival. */
  #takeDue(most: number): void {
    const schedule = this.#arrivals;
    const { lateness, clock } = this.#context;
    let now = nowMs(clock);
    for (let taken = 0; taken < most; taken++) {
      const dueMs = this.#startMs + schedule.dueMs;
      if (!(dueMs <= now)) return;
      lateness.add(now - dueMs, OTHER);
      this.#due += 1;
      this.#arrive(schedule.number, dueMs);
      schedule.advance();
      now = nowMs(clock);
    }
  }

  #arrive(number: number, dueMs: number): void {
    const runner = this.#line.length === 0 ? this.#idle.pop() : undefined;
    if (runner) {
      this.#begin(runner, number, dueMs);
      return;
    }
    const canGrow = this.#all.size + this.#making < this.#most;
    if (canGrow) this.#addUser();
    if (this.#plan.overflow === "drop" && !canGrow) this.#metrics.dropped.add(1, this.#metrics.tags);
    else if (!this.#line.push(number, dueMs)) this.#metrics.unstarted.add(1, this.#metrics.tags);
  }

  /** Hot: once an iteration. */
  #begin(runner: UserRunner, number: number, dueMs: number): void {
    this.#running += 1;
    this.#started += 1;
    runner.run(number, dueMs, this.#onDone);
  }

  readonly #onDone = (runner: UserRunner): void => {
    this.#running -= 1;
    this.#release(runner);
  };

  #release(runner: UserRunner): void {
    if (runner.interrupted) {
      // Not free any more, and still to be closed.
      this.#settled();
      return;
    }
    this.#ended += 1;
    this.#employ(runner);
  }

  #employ(runner: UserRunner): void {
    const line = this.#line;
    if (line.length > 0 && !this.#finished) {
      const [number, dueMs] = [line.firstNumber, line.firstDueMs];
      line.shift();
      this.#begin(runner, number, dueMs);
      return;
    }
    this.#idle.push(runner);
    if (this.#stopped) this.#settled();
  }

  #addUser(): void {
    this.#making += 1;
    this.#makeUser().then(
      (runner) => {
        this.#making -= 1;
        this.#employ(runner);
      },
      (thrown: unknown) => {
        this.#context.fail(thrown);
      },
    );
  }

  async #makeUser(): Promise<UserRunner> {
    const { factory } = this.#context;
    const runner = await UserRunner.prepare(this.#context.nextUserId(), this.#identity, factory, this.#metrics);
    this.#all.add(runner);
    return runner;
  }

  #settled(): boolean {
    const settled = this.#stopped && this.#running === 0 && this.#line.length === 0;
    if (settled) this.#finish();
    return settled;
  }

  #countUnstarted(): void {
    const waiting = this.#line.length;
    if (waiting > 0) this.#metrics.unstarted.add(waiting, this.#metrics.tags);
    this.#line.clear();
  }
}
