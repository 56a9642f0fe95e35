import { messageOf } from "@mettle/core";
import { agentErrors } from "../runtime/errors.ts";
import { CallbackTimer } from "../timers/timer-wheel.ts";
import { type RestartLimits, RestartWindow } from "./restart-window.ts";
import type { Parent, Supervised } from "./supervised.ts";
import type { SupervisorContext } from "./supervisor.ts";

/**
 * The top of a thread's supervision: every child by itself, with failures counted for each child alone. One that fails
 * too often is ended, and the rest goes on.
 */
export class RootSupervisor implements Parent {
  readonly address: string;
  readonly #limits: RestartLimits;
  readonly #context: SupervisorContext;
  /** Only of children that have failed. */
  readonly #windows = new Map<Supervised, RestartWindow>();
  readonly #waiting = new Map<Supervised, CallbackTimer>();

  constructor(address: string, context: SupervisorContext, limits: RestartLimits) {
    this.address = address;
    this.#context = context;
    this.#limits = limits;
  }

  childFailed(child: Supervised, error: unknown): void {
    if (child.restartKind === "temporary") {
      child.terminate("crashed", error);
      return;
    }
    let window = this.#windows.get(child);
    if (window === undefined) {
      window = new RestartWindow(this.#limits);
      this.#windows.set(child, window);
    }
    const delay = window.next(this.#context.clock.now() / 1e6);
    if (delay === undefined) {
      this.#giveUp(child, error);
      return;
    }
    child.suspend();
    if (delay === 0) this.#restart(child);
    else this.#restartAfter(child, delay);
  }

  childEnded(child: Supervised): void {
    this.#windows.delete(child);
    this.#cancel(child);
  }

  #restartAfter(child: Supervised, delayMs: number): void {
    this.#cancel(child);
    const timer = new CallbackTimer(() => {
      this.#waiting.delete(child);
      this.#restart(child);
    });
    this.#waiting.set(child, timer);
    this.#context.wheel.add(timer, delayMs);
  }

  #restart(child: Supervised): void {
    try {
      child.restart();
    } catch (error) {
      this.childFailed(child, error);
    }
  }

  #cancel(child: Supervised): void {
    const timer = this.#waiting.get(child);
    if (timer === undefined) return;
    this.#context.wheel.remove(timer);
    this.#waiting.delete(child);
  }

  #giveUp(child: Supervised, cause: unknown): void {
    const { maxRestarts, withinMs } = this.#limits;
    const error = agentErrors.create(
      "AGENT_CRASH_LOOP",
      `${child.address} failed more than ${maxRestarts} times within ${withinMs} ms, the last: ${messageOf(cause)}`,
      { details: { address: child.address, maxRestarts, withinMs }, cause },
    );
    this.#context.observers.tell({ kind: "supervisor-escalated", supervisor: this.address, error });
    child.terminate("crashed", error);
  }
}
