import { type Clock, messageOf, type Milliseconds, ms, systemClock } from "@mettle/core";
import { defaultMemo, PatternIndex } from "../signals/pattern-index.ts";
import { type Pattern, parsePattern } from "../signals/pattern.ts";
import type { Signal } from "../signals/signal.ts";
import { SignalFactory } from "../signals/signal-factory.ts";
import { TimerWheel } from "../timers/timer-wheel.ts";
import type { BusContext } from "./context.ts";
import { type DeadLetterSelection, DeadLetters } from "../dead-letters/dead-letters.ts";
import type { DeadSignal } from "./dead-signal.ts";
import {
  type BusOptions,
  type BusStatistics,
  checkLimits,
  checkRetention,
  type SubscribeOptions,
} from "./bus-options.ts";
import { busErrors } from "./errors.ts";
import { type BusMiddleware, dispatchHooksOf } from "./middleware.ts";
import { PersistentSubscription } from "./persistent.ts";
import { type PersistentOptions, resolvePersistentOptions } from "./persistent-options.ts";
import { warnOfProblems } from "./problems.ts";
import { Ring } from "../queues/ring.ts";
import { type LogEntry, type LogStart, logRetention, SignalLog } from "./signal-log.ts";
import {
  CallbackSubscription,
  type SignalHandler,
  type SignalSink,
  SinkSubscription,
  type Subscription,
} from "./subscription.ts";
import { nodeTurns, type Work, WorkQueue } from "./work-queue.ts";

type BusMember = CallbackSubscription | SinkSubscription | PersistentSubscription;

/** Who gets one type, by how it gets there. */
interface BusPlan {
  readonly callbacks: readonly CallbackSubscription[];
  readonly sinks: readonly SinkSubscription[];
  readonly persistent: readonly PersistentSubscription[];
}

/**
 * Publish and subscribe by patterns over signal types. Each subscriber gets its signals in the order they were published.
 * `publish` runs no handler: it puts the signal into queues and returns.
 *
 * @example
 * const bus = new SignalBus();
 * bus.subscribe("orders.*.created", (signal) => console.log(signal.data));
 * bus.emit("orders.invoice.created", "shop", { total: 12 });
 */
export class SignalBus implements AsyncDisposable, Work {
  /** Signals that persistent subscriptions gave up on. */
  readonly deadLetters: DeadLetters<DeadSignal>;
  queued = false;
  readonly #clock: Clock;
  readonly #signals: SignalFactory;
  readonly #index: PatternIndex<BusMember, BusPlan>;
  readonly #log: SignalLog | undefined;
  readonly #wheel: TimerWheel;
  readonly #ownsWheel: boolean;
  readonly #context: BusContext;
  readonly #maxQueued: number;
  readonly #persistent = new Map<string, { subscription: PersistentSubscription; parsed: Pattern }>();
  /** Signals to dispatch, and at the same places to whom: those who were subscribed when it was published. */
  readonly #queue = new Ring<Signal>();
  readonly #plans = new Ring<BusPlan>();
  /** Subscribers of the oldest in the queue that have it already. */
  #position = 0;
  /** Time of this turn, NaN when it was not asked yet. */
  #now = Number.NaN;
  #middleware: readonly BusMiddleware[] = [];
  #beforePublish: readonly BusMiddleware[] = [];
  #published = 0;
  #refused = 0;
  readonly #problems = { failed: 0, dropped: 0, dead: 0 };
  #closed = false;
  #closing: Promise<void> | undefined = undefined;
  #idleWaiters: (() => void)[] = [];

  /** @throws MettleError `SUBSCRIPTION_INVALID` for limits out of range */
  constructor(options: BusOptions = {}) {
    checkLimits({ maxQueued: options.maxQueued, maxDeadLetters: options.maxDeadLetters });
    if (options.memo !== 0) checkLimits({ memo: options.memo });
    if (typeof options.log === "object") checkRetention(options.log);
    this.#clock = options.clock ?? systemClock;
    this.#signals = options.signals ?? new SignalFactory(this.#clock);
    this.#wheel = options.wheel ?? new TimerWheel(this.#clock);
    this.#ownsWheel = options.wheel === undefined;
    this.#log = options.log === false ? undefined : new SignalLog({ ...logRetention, ...options.log });
    this.#maxQueued = options.maxQueued ?? 65_536;
    this.deadLetters = new DeadLetters(options.maxDeadLetters ?? 10_000);
    this.#index = new PatternIndex({ plan: planOf, memo: options.memo ?? defaultMemo });
    const onProblem = options.onProblem ?? warnOfProblems();
    this.#context = {
      work: new WorkQueue(options.turns ?? nodeTurns, () => this.#clock.now()),
      hooks: undefined,
      busy: 0,
      settled: () => this.#checkIdle(),
      report: (problem) => {
        this.#problems[problem.kind] += 1;
        try {
          onProblem(problem);
        } catch (error) {
          // Thrown here it would reach a publisher, or leave a subscriber waiting for ever.
          queueMicrotask(() => {
            throw error;
          });
        }
      },
    };
  }

  get statistics(): BusStatistics {
    return {
      published: this.#published,
      refused: this.#refused,
      queued: this.#queue.size,
      subscriptions: this.#index.size,
      problems: { ...this.#problems },
      deadLetters: this.deadLetters.size,
      logged: this.#log?.size ?? 0,
    };
  }

  /**
   * Hot. Gives the signal to everyone whose pattern matches, or to nobody when it throws. Runs no handler.
   *
   * @throws MettleError `SIGNAL_TYPE_INVALID`, `BUS_CLOSED`, `BUS_FULL`, `BUS_BACKPRESSURE`, `BUS_MIDDLEWARE_FAILED`
   */
  publish(signal: Signal): void {
    if (this.#closed) throw busErrors.create("BUS_CLOSED", "The bus is closed.");
    const passed = this.#beforePublish.length === 0 ? signal : this.#runBeforePublish(signal);
    if (passed === undefined) return;
    const plan = this.#index.find(passed.type);
    const { callbacks, sinks, persistent } = plan;
    if (callbacks.length > 0 && this.#queue.size >= this.#maxQueued) throw this.#full();
    if (persistent.length > 0) this.#checkRoom(persistent, passed);
    this.#published += 1;
    if (this.#log !== undefined) this.#log.append(passed, this.#turnTime());
    for (let i = 0; i < sinks.length; i++) sinks[i]!.offer(passed);
    for (let i = 0; i < persistent.length; i++) persistent[i]!.offer(passed, this.#published);
    if (callbacks.length === 0) return;
    this.#queue.push(passed);
    this.#plans.push(plan);
    this.#context.work.add(this);
  }

  /** Makes a signal and publishes it. */
  emit<Data>(type: string, source: string, data: Data): Signal<Data> {
    const signal = this.#signals.create(type, source, data);
    this.publish(signal);
    return signal;
  }

  /**
   * Calls `handler` for each signal that matches, one at a time: the next waits for a promise it returned.
   *
   * @throws MettleError `PATTERN_INVALID`, `SUBSCRIPTION_INVALID`, `BUS_CLOSED`
   */
  subscribe(pattern: string, handler: SignalHandler, options: SubscribeOptions = {}): Subscription {
    this.#checkOpen();
    checkLimits({ maxBacklog: options.maxBacklog });
    const parsed = parsePattern(pattern);
    const subscription = new CallbackSubscription(
      { pattern, name: options.name },
      handler,
      options.filter,
      options.maxBacklog ?? 10_000,
      this.#context,
      (member) => this.#index.remove(parsed, member),
    );
    if (options.from !== undefined) {
      subscription.replay(this.replay(pattern, options.from).map(({ signal }) => signal));
    }
    this.#index.add(parsed, subscription);
    return subscription;
  }

  /** Puts each signal that matches into `sink` before `publish` returns: for agents, whose mailbox is the queue. */
  subscribeSink(
    pattern: string,
    sink: SignalSink,
    options: Pick<SubscribeOptions, "name" | "filter"> = {},
  ): Subscription {
    this.#checkOpen();
    const parsed = parsePattern(pattern);
    const leave = (member: SinkSubscription): void => void this.#index.remove(parsed, member);
    const info = { pattern, name: options.name };
    const subscription = new SinkSubscription(info, sink, options.filter, this.#context, leave);
    this.#index.add(parsed, subscription);
    return subscription;
  }

  /**
   * The persistent subscription of this name, made at the first call. It collects signals whether or not a subscriber is
   * attached, until `removePersistent`. The options of the first call hold.
   *
   * @throws MettleError `SUBSCRIPTION_EXISTS` when it has another pattern, `PATTERN_INVALID`, `SUBSCRIPTION_INVALID`
   */
  persistent(name: string, pattern: string, options: PersistentOptions = {}): PersistentSubscription {
    this.#checkOpen();
    const existing = this.#persistent.get(name)?.subscription;
    if (existing !== undefined) {
      if (existing.pattern === pattern) return existing;
      throw busErrors.create("SUBSCRIPTION_EXISTS", `${name} is a subscription to ${existing.pattern}.`, {
        details: { name, pattern: existing.pattern },
      });
    }
    const parsed = parsePattern(pattern);
    const resolved = resolvePersistentOptions(options);
    const subscription = new PersistentSubscription({ name, pattern }, resolved, {
      context: this.#context,
      wheel: this.#wheel,
      wallTime: () => this.#clock.wallTime(),
      bury: (letter) => this.deadLetters.add(letter),
    });
    if (resolved.from !== undefined) {
      for (const { signal, sequence } of this.replay(pattern, resolved.from)) subscription.replay(signal, sequence);
    }
    this.#persistent.set(name, { subscription, parsed });
    this.#index.add(parsed, subscription);
    return subscription;
  }

  /** Ends a persistent subscription. Returns the signals that were not acknowledged, or `undefined` if there is none. */
  removePersistent(name: string): Signal[] | undefined {
    const found = this.#persistent.get(name);
    if (found === undefined) return undefined;
    this.#persistent.delete(name);
    this.#index.remove(found.parsed, found.subscription);
    return found.subscription.discard();
  }

  /** Gives dead letters back to their subscriptions, attempts forgotten. Returns how many; those without room stay. */
  redrive(selection: DeadLetterSelection<DeadSignal> = {}): number {
    return this.deadLetters.remove(
      selection,
      (letter) => this.#persistent.get(letter.to)?.subscription.revive(letter) ?? false,
    );
  }

  /** Signals of the log that match, oldest first. O(log). */
  replay(pattern: string, from: LogStart = "start", limit: number = Number.POSITIVE_INFINITY): LogEntry[] {
    if (this.#log === undefined) return [];
    const matcher = new PatternIndex<true, boolean>({ plan: (items) => items.length > 0, memo: defaultMemo });
    matcher.add(pattern, true);
    const entries = this.#log.read(from, this.#clock.wallTime()).filter(({ signal }) => matcher.find(signal.type));
    return entries.length > limit ? entries.slice(0, limit) : entries;
  }

  /** Adds middleware behind what there is; the function returned takes it out. */
  use(middleware: BusMiddleware): () => void {
    this.#setMiddleware([...this.#middleware, middleware]);
    return () => this.#setMiddleware(this.#middleware.filter((other) => other !== middleware));
  }

  /**
   * Resolves when every signal published was handled by the subscribers with a function. Persistent subscriptions are
   * not waited for: theirs may wait for a subscriber that does not exist yet.
   */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
    });
  }

  /**
   * Takes no further signal, waits until what was published is handled, but no longer than `timeout`, and lets go of all
   * subscriptions. May be called again.
   */
  close(timeout: Milliseconds = ms(5000)): Promise<void> {
    this.#closing ??= this.#close(timeout);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(timeout: Milliseconds): Promise<void> {
    this.#closed = true;
    const done = new AbortController();
    const expired = this.#clock.sleep(timeout, done.signal).then(
      () => undefined,
      (reason: unknown) => {
        if (!done.signal.aborted) throw reason;
      },
    );
    await Promise.race([this.idle(), expired]);
    done.abort();
    for (const name of this.#persistent.keys()) this.removePersistent(name);
    if (this.#ownsWheel) this.#wheel.close();
  }

  /** Work: dispatches what was published. Hot. */
  run(budget: number): number {
    this.#now = Number.NaN;
    let done = 0;
    for (;;) {
      const plan = this.#plans.at(0);
      const signal = this.#queue.at(0);
      if (plan === undefined || signal === undefined) {
        this.#checkIdle();
        return done;
      }
      const { callbacks } = plan;
      const end = Math.min(callbacks.length, this.#position + budget - done);
      done += end - this.#position;
      while (this.#position < end) callbacks[this.#position++]!.deliver(signal);
      if (end < callbacks.length) break;
      this.#queue.shift();
      this.#plans.shift();
      this.#position = 0;
      if (done >= budget) break;
    }
    if (this.#queue.size > 0) this.#context.work.add(this);
    else this.#checkIdle();
    return done;
  }

  /** The time of this turn: reading the clock for each signal costs as much as all the rest of logging it. */
  #turnTime(): number {
    if (!Number.isNaN(this.#now)) return this.#now;
    const now = this.#clock.wallTime();
    this.#now = now;
    this.#context.work.add(this); // whose run ends the turn, which may be at once
    return now;
  }

  #runBeforePublish(signal: Signal): Signal | undefined {
    let current: Signal | undefined = signal;
    for (const { name, beforePublish } of this.#beforePublish) {
      try {
        current = beforePublish?.(current);
      } catch (error) {
        throw busErrors.create("BUS_MIDDLEWARE_FAILED", `The middleware ${name} threw: ${messageOf(error)}.`, {
          cause: error,
          details: { middleware: name },
        });
      }
      if (current === undefined) return undefined;
    }
    return current;
  }

  #checkRoom(persistent: readonly PersistentSubscription[], signal: Signal): void {
    for (const subscription of persistent) {
      if (!subscription.full || subscription.options.whenFull !== "refuse" || !subscription.wants(signal)) continue;
      this.#refused += 1;
      throw busErrors.create("BUS_BACKPRESSURE", `${subscription.name} has ${subscription.pending} signals pending.`, {
        details: { subscription: subscription.name, pending: subscription.pending },
      });
    }
  }

  #full(): Error {
    this.#refused += 1;
    return busErrors.create("BUS_FULL", `${this.#queue.size} signals wait to be dispatched.`, {
      details: { queued: this.#queue.size },
    });
  }

  #setMiddleware(middleware: readonly BusMiddleware[]): void {
    this.#middleware = middleware;
    this.#beforePublish = middleware.filter(({ beforePublish }) => beforePublish !== undefined);
    this.#context.hooks = dispatchHooksOf(middleware);
  }

  #isIdle(): boolean {
    return this.#queue.size === 0 && this.#context.busy === 0;
  }

  #checkIdle(): void {
    if (this.#idleWaiters.length === 0 || !this.#isIdle()) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #checkOpen(): void {
    if (this.#closed) throw busErrors.create("BUS_CLOSED", "The bus is closed.");
  }
}

function planOf(members: BusMember[]): BusPlan {
  return {
    callbacks: members.filter((member) => member instanceof CallbackSubscription),
    sinks: members.filter((member) => member instanceof SinkSubscription),
    persistent: members.filter((member) => member instanceof PersistentSubscription),
  };
}
