import { ms } from "@mettle/core";
import { nowMs } from "./engine-clock.ts";
import { PreciseTimer } from "./precise-timer.ts";
import { NOTICE_MS, type ScenarioContext, type ScenarioCounts, type ScenarioRun } from "./scenario-run.ts";
import { type ClosedPlan, mostUsers, plannedDurationMs } from "./scenario-plan.ts";
import { shareOf, type UserStep, userSteps } from "./user-profile.ts";
import { IterationMetrics, type ScenarioIdentity, UserRunner } from "./user-runner.ts";

/** A place for a user: wanted or not, with or without a loop of iterations running in it. */
interface Seat {
  runner: UserRunner;
  wanted: boolean;
  looping: boolean;
  /** Its user was cut off, and the next one is not there yet. */
  empty: boolean;
  /** Iterations of this seat, for executors that count them by user. */
  iterations: number;
  /** Ends the grace of a user who is one too many. */
  grace: AbortController | undefined;
  /** Of each iteration; one for the seat's life. */
  readonly onDone: (runner: UserRunner) => void;
}

/** Users who begin their next iteration when the last one ended. */
export class ClosedRun implements ScenarioRun {
  readonly name: string;
  readonly #plan: ClosedPlan;
  readonly #context: ScenarioContext;
  readonly #takenIndex: number;
  readonly #metrics: IterationMetrics;
  /** One object for all its users, so that what is kept by tags is found again. */
  readonly #identity: ScenarioIdentity;
  readonly #seats: Seat[] = [];
  readonly #timer: PreciseTimer;
  #stopped = false;
  #started = 0;
  #ended = 0;
  #sequence = 0;
  #loops = 0;
  #making = 0;
  #wantedUsers = 0;
  #finish: () => void = () => {};

  constructor(plan: ClosedPlan, takenIndex: number, context: ScenarioContext) {
    this.name = plan.name;
    this.#plan = plan;
    this.#takenIndex = takenIndex;
    this.#context = context;
    const { name, environment } = plan;
    this.#identity = { name, environment, tags: { ...plan.tags, scenario: name } };
    this.#metrics = new IterationMetrics(context.factory.recorder, this.#identity.tags);
    this.#timer = new PreciseTimer(context.clock, "timer");
  }

  get counts(): ScenarioCounts {
    const running = this.#seats.reduce((sum, { runner }) => sum + (runner.busy ? 1 : 0), 0);
    const users = this.#seats.reduce((sum, { wanted, looping }) => sum + (wanted || looping ? 1 : 0), 0);
    return { users, running, waiting: 0, due: this.#started, started: this.#started, ended: this.#ended };
  }

  get idleSpinMs(): number {
    return this.#timer.idleSpinMs;
  }

  /** Users of the first moment, and those of later ones too: making them then would be part of the measurement. */
  async prepare(): Promise<void> {
    const { worker, workers } = this.#context;
    const users = shareOf(
      this.#plan.executor === "externally-controlled" ? this.#plan.startUsers : mostUsers(this.#plan),
      worker,
      workers,
    );
    while (this.#seats.length < users) this.#seats.push(await this.#makeSeat());
  }

  async run(startMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#finish = resolve;
    const steps = userSteps(this.#plan.startUsers, this.#plan.stages);
    const endMs = startMs + plannedDurationMs(this.#plan);
    this.#follow(steps, startMs, endMs);
    await promise;
    this.#timer.cancel();
    await Promise.all(this.#seats.map(({ runner }) => runner.close()));
  }

  /** Walks through the changes of the number of users, then stops. */
  #follow(steps: Generator<UserStep>, startMs: number, endMs: number): void {
    const next = steps.next();
    if (next.done) {
      this.#timer.at(endMs, () => {
        this.#dropRest();
        this.stop();
      });
      return;
    }
    this.#timer.at(startMs + next.value.atMs, () => {
      if (this.#stopped) return;
      this.#want(next.value.users);
      this.#follow(steps, startMs, endMs);
      if (this.#plan.iterations) this.#settle();
    });
  }

  control(users: number): void {
    if (!this.#stopped) this.#want(Math.min(users, this.#plan.maxUsers ?? users));
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#want(0);
    if (this.#loops === 0 && this.#making === 0) {
      this.#finish();
      return;
    }
    this.#timer.at(nowMs(this.#context.clock) + this.#plan.gracefulStopMs, () => {
      this.abort();
    });
  }

  abort(): void {
    this.#stopped = true;
    for (const seat of this.#seats) if (seat.looping) seat.runner.interrupt();
    if (this.#loops === 0) {
      this.#finish();
      return;
    }
    // Code that neither listens to its signal nor waits for a connection is left behind.
    this.#timer.at(nowMs(this.#context.clock) + NOTICE_MS, () => {
      for (const { runner } of this.#seats) runner.abandon();
      this.#finish();
    });
  }

  #want(allUsers: number): void {
    const { worker, workers } = this.#context;
    this.#wantedUsers = shareOf(allUsers, worker, workers);
    this.#seats.forEach((seat, index) => {
      if (index < this.#wantedUsers) this.#occupy(seat);
      else this.#leave(seat);
    });
    while (!this.#stopped && this.#seats.length + this.#making < this.#wantedUsers) this.#addSeat();
  }

  #addSeat(): void {
    this.#making += 1;
    this.#makeSeat().then(
      (seat) => {
        this.#making -= 1;
        this.#seats.push(seat);
        if (!this.#stopped && this.#seats.length <= this.#wantedUsers) this.#occupy(seat);
        if (this.#stopped && this.#loops === 0 && this.#making === 0) this.#finish();
      },
      (thrown: unknown) => {
        this.#context.fail(thrown);
      },
    );
  }

  #occupy(seat: Seat): void {
    seat.grace?.abort();
    seat.grace = undefined;
    seat.wanted = true;
    if (!seat.looping && !seat.empty) this.#loop(seat);
  }

  #leave(seat: Seat): void {
    if (!seat.wanted) return;
    seat.wanted = false;
    if (!seat.looping || this.#stopped) return;
    const grace = new AbortController();
    seat.grace = grace;
    this.#context.clock.sleep(ms(this.#plan.gracefulRampDownMs), grace.signal).then(
      () => {
        if (!seat.wanted) seat.runner.interrupt();
      },
      (reason: unknown) => {
        if (!grace.signal.aborted) throw reason;
      },
    );
  }

  /** Iterations of one seat, one after the other, for as long as it is wanted. */
  #loop(seat: Seat): void {
    seat.looping = true;
    this.#loops += 1;
    this.#next(seat);
  }

  /** Hot: once an iteration. */
  #next(seat: Seat): void {
    if (!seat.wanted || this.#stopped || !this.#takeIteration(seat)) {
      this.#endLoop(seat);
      return;
    }
    this.#started += 1;
    const { worker, workers } = this.#context;
    seat.runner.run(this.#sequence++ * workers + worker, Number.NaN, seat.onDone);
  }

  #endLoop(seat: Seat): void {
    seat.looping = false;
    seat.grace?.abort();
    this.#loops -= 1;
    if (seat.runner.interrupted && !this.#stopped) this.#replace(seat);
    else this.#settle();
  }

  /** A user that was cut off cannot be used again; its seat may be wanted later. */
  #replace(seat: Seat): void {
    seat.empty = true;
    this.#makeRunner().then(
      (runner) => {
        seat.runner = runner;
        seat.empty = false;
        if (seat.wanted && !this.#stopped) this.#loop(seat);
        this.#settle();
      },
      (thrown: unknown) => {
        this.#context.fail(thrown);
      },
    );
  }

  #settle(): void {
    if (this.#loops > 0 || this.#making > 0) return;
    // Where iterations are counted, a loop ends when there are none left; a worker may also have no user at all.
    if (this.#stopped || this.#plan.iterations !== undefined) {
      this.#stopped = true;
      this.#finish();
    }
  }

  /** The time is over: counts, as k6 does, the iterations that nobody has begun. */
  #dropRest(): void {
    const { iterations } = this.#plan;
    if (!iterations || this.#stopped) return;
    const { count, shared } = iterations;
    // Of those shared by threads, the first one to come here takes the rest: none is counted twice, or begun after all.
    const rest = shared
      ? count - Math.min(count, Atomics.exchange(this.#context.taken, this.#takenIndex, count))
      : this.#seats.reduce((sum, seat) => sum + count - seat.iterations, 0);
    this.#metrics.dropped.add(rest, this.#metrics.tags);
  }

  #takeIteration(seat: Seat): boolean {
    const { iterations } = this.#plan;
    if (!iterations) return true;
    if (iterations.shared) return Atomics.add(this.#context.taken, this.#takenIndex, 1) < iterations.count;
    if (seat.iterations >= iterations.count) return false;
    seat.iterations += 1;
    return true;
  }

  async #makeSeat(): Promise<Seat> {
    const runner = await this.#makeRunner();
    const seat: Seat = {
      runner,
      wanted: false,
      looping: false,
      empty: false,
      iterations: 0,
      grace: undefined,
      onDone: (runner) => {
        if (runner.interrupted) {
          this.#endLoop(seat);
          return;
        }
        this.#ended += 1;
        this.#next(seat);
      },
    };
    return seat;
  }

  #makeRunner(): Promise<UserRunner> {
    const { factory } = this.#context;
    return UserRunner.prepare(this.#context.nextUserId(), this.#identity, factory, this.#metrics);
  }
}
