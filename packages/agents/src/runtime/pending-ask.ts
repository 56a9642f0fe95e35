import type { Message } from "../agent/message.ts";
import { type TimerWheel, WheelTimer } from "../timers/timer-wheel.ts";
import { agentErrors } from "./errors.ts";

/** What most requests do without. */
interface RareParts {
  /** Number of a request that another thread answers; 0 for one of this thread. */
  request: number;
  signal: AbortSignal | undefined;
  onAbort: (() => void) | undefined;
  /** Told when the request ended before its reply came: by deadline or abort. */
  onGivenUp: ((ask: PendingAsk) => void) | undefined;
}

/**
 * A request that somebody waits for: message, promise and deadline in one object. Settles once; the first of reply,
 * failure, deadline and abort wins. Hot: one per request, so plain fields and no closure but the promise's own.
 */
export class PendingAsk extends WheelTimer {
  readonly message: Message;
  readonly to: { readonly address: string };
  readonly promise: Promise<unknown>;
  /** True once its action has begun, or may have in another thread: only then may it have had an effect. */
  began = false;
  settled = false;
  wheel: TimerWheel | undefined = undefined;
  timeoutMs = 0;
  rare: RareParts | undefined = undefined;
  resolve!: (value: unknown) => void;
  reject!: (error: unknown) => void;

  constructor(message: Message, to: { readonly address: string }) {
    super();
    this.message = message;
    this.to = to;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** Starts the deadline; ends the request when that is no time. */
  within(timeoutMs: number, wheel: TimerWheel): void {
    if (!(timeoutMs >= 0)) {
      this.giveUp(
        agentErrors.create("AGENT_OPTIONS_INVALID", `timeout must be 0 ms or more, got ${String(timeoutMs)}.`, {
          details: { timeoutMs: String(timeoutMs) },
        }),
      );
      return;
    }
    this.wheel = wheel;
    this.timeoutMs = timeoutMs;
    wheel.addCoarse(this, timeoutMs);
  }

  /** Ends the request when `signal` aborts, at once if it has. */
  until(signal: AbortSignal): void {
    const onAbort = (): void => {
      const { address } = this.to;
      this.giveUp(
        agentErrors.create("AGENT_ASK_ABORTED", `The request "${this.message.type}" to ${address} was aborted.`, {
          details: { address, action: this.message.type, began: this.began },
          cause: signal.reason,
        }),
      );
    };
    const rare = this.rareParts();
    rare.signal = signal;
    rare.onAbort = onAbort;
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  }

  rareParts(): RareParts {
    this.rare ??= { request: 0, signal: undefined, onAbort: undefined, onGivenUp: undefined };
    return this.rare;
  }

  reply(value: unknown): void {
    if (this.settled) return;
    this.release();
    this.resolve(value);
  }

  fail(error: unknown): void {
    if (this.settled) return;
    this.release();
    this.reject(error);
  }

  /** The deadline has passed. */
  expire(): void {
    const { address } = this.to;
    this.giveUp(
      agentErrors.create(
        "AGENT_ASK_TIMEOUT",
        `No reply to "${this.message.type}" from ${address} within ${this.timeoutMs} ms.`,
        { details: { address, action: this.message.type, timeoutMs: this.timeoutMs, began: this.began } },
      ),
    );
  }

  giveUp(error: unknown): void {
    if (this.settled) return;
    this.fail(error);
    this.rare?.onGivenUp?.(this);
  }

  release(): void {
    this.settled = true;
    this.wheel?.remove(this);
    if (this.rare?.onAbort !== undefined) this.rare.signal?.removeEventListener("abort", this.rare.onAbort);
  }
}

/** The message of an item of a mailbox. */
export const messageOfItem = (item: Message | PendingAsk): Message =>
  item instanceof PendingAsk ? item.message : item;
