import type { AnyOutcome } from "../agent/action.ts";
import type { CompiledAction } from "../agent/definition.ts";
import type { Message } from "../agent/message.ts";
import { WheelTimer } from "../timers/timer-wheel.ts";
import { PendingAsk } from "./pending-ask.ts";

/** Who is told how an asynchronous action ends. */
export interface ActionOwner {
  actionEnded(running: RunningAction): void;
  actionExpired(running: RunningAction): void;
}

/** An action that has returned a promise, until it settles, times out, or its agent ends. */
export class RunningAction extends WheelTimer {
  readonly owner: ActionOwner;
  readonly action: CompiledAction;
  /** How long it may take, in ms. */
  readonly timeoutMs: number;
  readonly item: Message | PendingAsk;
  /** Made when the action asked for its signal; aborted when nobody waits for the action any more. */
  readonly controller: AbortController | undefined;
  /** True once the agent no longer counts on it; what it still brings is reported as late. */
  dropped = false;
  outcome: AnyOutcome | undefined = undefined;
  failed = false;
  error: unknown = undefined;

  constructor(
    owner: ActionOwner,
    action: CompiledAction,
    timeoutMs: number,
    item: Message | PendingAsk,
    controller: AbortController | undefined,
  ) {
    super();
    this.owner = owner;
    this.action = action;
    this.timeoutMs = timeoutMs;
    this.item = item;
    this.controller = controller;
  }

  get ask(): PendingAsk | undefined {
    return this.item instanceof PendingAsk ? this.item : undefined;
  }

  follow(promise: PromiseLike<AnyOutcome | void>): void {
    promise.then(
      (outcome) => {
        this.outcome = outcome ?? undefined;
        this.owner.actionEnded(this);
      },
      (error: unknown) => {
        this.failed = true;
        this.error = error;
        this.owner.actionEnded(this);
      },
    );
  }

  expire(): void {
    this.owner.actionExpired(this);
  }

  /** Ends the wait for it: its request fails with `error`, its signal aborts. */
  drop(error: unknown): void {
    this.dropped = true;
    this.ask?.fail(error);
    this.controller?.abort(error);
  }
}
