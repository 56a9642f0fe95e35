import { k6Errors } from "../errors.ts";

type Task = () => unknown;

/**
 * The event loop of one virtual user. In k6 a blocking call stops the whole user; here it waits, and meanwhile nothing else
 * of the user may run: events queue up behind it, and a call that nevertheless gets in is an error, never a wrong result.
 */
export class EventLoop {
  /** The blocking call under way. */
  #blockedBy: string | undefined;
  /** Of the aborted iterations, calls may still be under way: what they end must not be taken for what runs now. */
  #epoch = 0;
  readonly #queue: Task[] = [];
  #pending = 0;
  /** Made with the first thing that is held. */
  #cancels: Set<() => void> | undefined;
  #flushing = false;
  #failure: { readonly error: unknown } | undefined;
  #idle: (() => void) | undefined;

  /** Hot: before every call of k6's API. @throws MettleError `K6_OVERLAP` while a blocking call is under way */
  check(name: string): void {
    if (this.#blockedBy !== undefined) throw overlap(name, this.#blockedBy);
  }

  /** Hot: a blocking call begins. */
  block(name: string): number {
    if (this.#blockedBy !== undefined) throw overlap(name, this.#blockedBy);
    this.#blockedBy = name;
    return this.#epoch;
  }

  /** Hot: it ended; what it returns is on its way to the script. @param epoch - what `block` returned */
  unblock(epoch: number): void {
    if (epoch !== this.#epoch) return;
    this.#blockedBy = undefined;
    if (this.#queue.length > 0) this.#flushSoon();
    else if (this.#idle) this.#settle();
  }

  /** A blocking call as a whole. */
  async blocking<T>(name: string, work: () => Promise<T>): Promise<T> {
    const epoch = this.block(name);
    try {
      return await work();
    } finally {
      this.unblock(epoch);
    }
  }

  /**
   * Keeps the iteration open until the returned function is called, once or more often.
   *
   * @param cancel - ends what is held where the iteration was aborted
   */
  hold(cancel?: () => void): () => void {
    this.#pending += 1;
    let held = true;
    if (cancel) (this.#cancels ??= new Set()).add(cancel);
    return () => {
      if (cancel) this.#cancels?.delete(cancel);
      if (!held) return;
      held = false;
      this.#pending -= 1;
      this.#settle();
    };
  }

  /** Runs a function of the script as soon as nothing else of this user runs; what it throws fails the iteration. */
  post(task: Task): void {
    this.#queue.push(task);
    this.#flushSoon();
  }

  /** A promise for the script: it settles as an event of this loop, and the iteration waits for it. */
  promise<T>(work: Promise<T>): Promise<T> {
    const release = this.hold();
    return new Promise<T>((resolve, reject) => {
      const settle = (how: () => void): void => {
        this.post(() => {
          how();
          // What the script does with it comes first: its reactions run before this.
          setImmediate(release);
        });
      };
      work.then(
        (value) => settle(() => resolve(value)),
        (error: unknown) => settle(() => reject(error)),
      );
    });
  }

  /** Hot: nothing is pending, and nothing failed. */
  get isQuiet(): boolean {
    return this.#pending === 0 && this.#queue.length === 0 && !this.#flushing && this.#failure === undefined;
  }

  /** Until no timer, socket or promise keeps the iteration open. Rejects with the first error of an event. */
  async drain(): Promise<void> {
    this.check("the end of the iteration");
    if (this.isQuiet) return;
    if (this.#pending > 0 || this.#queue.length > 0 || this.#flushing) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
        this.#settle();
      });
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
  }

  /** An event failed: the iteration ends with this error. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#settle();
  }

  /** Forgets what an aborted iteration left behind. */
  reset(): void {
    this.#epoch += 1;
    if (this.#cancels && this.#cancels.size > 0) {
      const cancels = this.#cancels;
      this.#cancels = undefined;
      for (const cancel of cancels) cancel();
    }
    if (this.#queue.length > 0) this.#queue.length = 0;
    this.#pending = 0;
    this.#blockedBy = undefined;
    this.#failure = undefined;
  }

  #flushSoon(): void {
    if (this.#flushing || this.#blockedBy !== undefined) return;
    this.#flushing = true;
    setImmediate(flush, this);
  }

  /** @internal One event a turn of Node's loop, so that all that one event leads to is done before the next. */
  flush(): void {
    this.#flushing = false;
    if (this.#blockedBy !== undefined) return;
    const task = this.#queue.shift();
    if (task) this.#run(task);
    if (this.#queue.length > 0) this.#flushSoon();
    else this.#settle();
  }

  #run(task: Task): void {
    try {
      const result = task();
      if (result instanceof Promise) {
        const release = this.hold();
        result.then(release, (error: unknown) => {
          this.fail(error);
          release();
        });
      }
    } catch (error) {
      this.fail(error);
    }
  }

  /** Looks a turn later, when what the script does about the last event is done or blocks again. */
  #settle(): void {
    if (this.#idle) setImmediate(settleNow, this);
  }

  /** @internal */
  settleNow(): void {
    const quiet = this.#pending === 0 && this.#queue.length === 0 && !this.#flushing && this.#blockedBy === undefined;
    if (!this.#idle || (!quiet && !this.#failure)) return;
    const idle = this.#idle;
    this.#idle = undefined;
    idle();
  }
}

// Not closures: there is a loop for each of thousands of users.
const flush = (loop: EventLoop): void => loop.flush();
const settleNow = (loop: EventLoop): void => loop.settleNow();

const overlap = (name: string, by: string): Error =>
  k6Errors.create(
    "K6_OVERLAP",
    `${name} was reached while ${by} was still under way: a call that blocks in k6 was not waited for.`,
    {
      details: { reached: name, underWay: by },
    },
  );
