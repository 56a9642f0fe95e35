import { type Clock, type Milliseconds, ms, systemClock } from "@mettle/core";
import { dispatchErrors } from "./errors.ts";

export interface BreakerOptions {
  /** Failures within the window that open it. @defaultValue 5 */
  readonly failures?: number;
  /** @defaultValue 10 s */
  readonly window?: Milliseconds;
  /** How long it stays open before one call may try. @defaultValue 30 s */
  readonly openFor?: Milliseconds;
  readonly clock?: Clock;
  /** Whether what was thrown counts as a failure of the receiver. @defaultValue everything does */
  readonly isFailure?: (error: unknown) => boolean;
  readonly onChange?: (state: BreakerState) => void;
}

/** `halfOpen`: one call is trying whether the receiver is back; others are refused, until it has taken `openFor`. */
export type BreakerState = "closed" | "open" | "halfOpen";

/**
 * Stops calling what keeps failing: after 5 failures in 10 s it refuses for 30 s, then lets one call through, which
 * closes it or opens it for another 30 s.
 */
export class CircuitBreaker {
  readonly #options: Required<Omit<BreakerOptions, "onChange" | "clock">>;
  readonly #clock: Clock;
  readonly #onChange: ((state: BreakerState) => void) | undefined;
  /** Times of the last failures in ns, a circular array as long as the number that opens it. */
  readonly #failedAt: Float64Array;
  #failures = 0;
  #state: BreakerState = "closed";
  #openedAt = 0;
  /** Counts changes of state: what began under an earlier one tells nothing of the present one. */
  #epoch = 0;

  /** @throws MettleError `DISPATCH_OPTIONS_INVALID` */
  constructor(options: BreakerOptions = {}) {
    const { failures = 5, window = ms(10_000), openFor = ms(30_000), isFailure = () => true } = options;
    if (!(Number.isInteger(failures) && failures >= 1 && window > 0 && openFor > 0)) {
      throw dispatchErrors.create(
        "DISPATCH_OPTIONS_INVALID",
        "A circuit breaker needs a whole number of failures from 1 and durations over 0 ms.",
      );
    }
    this.#options = { failures, window, openFor, isFailure };
    this.#clock = options.clock ?? systemClock;
    this.#onChange = options.onChange;
    this.#failedAt = new Float64Array(failures);
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Calls `work`, or throws `BREAKER_OPEN` without calling it. Passes on what `work` returns or throws. */
  async run<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    this.#admit();
    const epoch = this.#epoch;
    try {
      const result = await work();
      if (epoch === this.#epoch) this.#succeeded();
      return result;
    } catch (error) {
      if (epoch === this.#epoch) {
        if (this.#options.isFailure(error)) this.#failed();
        else this.#succeeded();
      }
      throw error;
    }
  }

  #admit(): void {
    if (this.#state === "closed") return;
    const waitedMs = (this.#clock.now() - this.#openedAt) / 1e6;
    if (waitedMs >= this.#options.openFor) {
      // In half-open too: a try that has not settled for so long may never do, and would keep all others out.
      this.#openedAt = this.#clock.now();
      this.#change("halfOpen");
      return;
    }
    const retryAfterMs = Math.max(0, Math.ceil(this.#options.openFor - waitedMs));
    throw dispatchErrors.create("BREAKER_OPEN", "The circuit breaker is open.", { details: { retryAfterMs } });
  }

  #succeeded(): void {
    if (this.#state === "halfOpen") this.#change("closed");
  }

  #failed(): void {
    if (this.#state === "halfOpen") {
      this.#open();
      return;
    }
    const now = this.#clock.now();
    this.#failedAt[this.#failures % this.#options.failures] = now;
    this.#failures += 1;
    const oldest = this.#failedAt[this.#failures % this.#options.failures]!;
    if (this.#failures >= this.#options.failures && now - oldest <= this.#options.window * 1e6) this.#open();
  }

  #open(): void {
    this.#openedAt = this.#clock.now();
    this.#change("open");
  }

  #change(state: BreakerState): void {
    this.#state = state;
    this.#epoch += 1;
    if (state === "closed") this.#failures = 0;
    this.#onChange?.(state);
  }
}
