import { type Clock, messageOf } from "@mettle/core";
import type { RestartKind } from "../agent/spawn-options.ts";
import { agentErrors } from "../runtime/errors.ts";
import type { Observers } from "../runtime/events.ts";
import { CallbackTimer, type TimerWheel } from "../timers/timer-wheel.ts";
import { type RestartLimits, RestartWindow } from "./restart-window.ts";
import type { Parent, Supervised } from "./supervised.ts";

/**
 * Which children a failure takes along: only itself, all of them, or itself and those started after it.
 */
export type SupervisionStrategy = "one-for-one" | "one-for-all" | "rest-for-one";

export interface SupervisorContext {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly observers: Observers;
}

/** The children that a failure of the one at `failed` takes along, as a range of their order. */
function affectedBy(strategy: SupervisionStrategy, failed: number, count: number): readonly [from: number, to: number] {
  if (strategy === "one-for-one") return [failed, failed + 1];
  return strategy === "one-for-all" ? [0, count] : [failed, count];
}

type State = "running" | "suspended" | "ended";

/**
 * Restarts its children by a strategy, and is itself somebody's child.
 *
 * - A failure suspends the affected children, last started first, and restarts them in the order of their start after
 *   the backoff. A failure meanwhile adds to what is restarted.
 * - More than `maxRestarts` failures within the window end all children and fail the supervisor to its own parent.
 * - A child that ended for good is forgotten; a temporary child that failed has, and so has one that another's failure
 *   took along: it is never restarted, as in OTP.
 */
export class Supervisor implements Supervised, Parent {
  readonly address: string;
  readonly restartKind: RestartKind;
  readonly #strategy: SupervisionStrategy;
  readonly #limits: RestartLimits;
  readonly #parent: Parent;
  readonly #context: SupervisorContext;
  readonly #children: Supervised[] = [];
  readonly #down = new Set<Supervised>();
  readonly #timer = new CallbackTimer(() => this.#restartDown());
  #window: RestartWindow;
  #state: State = "running";

  constructor(
    address: string,
    parent: Parent,
    context: SupervisorContext,
    options: { readonly strategy: SupervisionStrategy; readonly limits: RestartLimits; readonly restart: RestartKind },
  ) {
    this.address = address;
    this.restartKind = options.restart;
    this.#strategy = options.strategy;
    this.#limits = options.limits;
    this.#parent = parent;
    this.#context = context;
    this.#window = new RestartWindow(options.limits);
  }

  get state(): State {
    return this.#state;
  }

  /** In the order of their start. */
  get children(): readonly Supervised[] {
    return this.#children;
  }

  /** Asked before a child is made, and when it comes. @throws AGENT_STOPPED */
  refuseEnded(): void {
    if (this.#state === "ended") {
      throw agentErrors.create("AGENT_STOPPED", `Supervisor ${this.address} has ended.`, {
        details: { address: this.address },
      });
    }
  }

  adopt(child: Supervised): void {
    this.refuseEnded();
    this.#children.push(child);
    if (this.#state === "suspended") child.suspend();
  }

  childFailed(child: Supervised, error: unknown): void {
    const failed = this.#children.indexOf(child);
    if (failed < 0) return;
    if (child.restartKind === "temporary") {
      child.terminate("crashed", error);
      return;
    }
    if (this.#state !== "running") {
      child.suspend(); // restarted together with the rest when the supervisor is
      return;
    }
    const delay = this.#window.next(this.#context.clock.now() / 1e6);
    if (delay === undefined) {
      this.#escalate(error);
      return;
    }
    const [from, to] = affectedBy(this.#strategy, failed, this.#children.length);
    for (const affected of this.#children.slice(from, to).toReversed()) {
      if (affected.restartKind === "temporary") affected.terminate(`taken along: ${child.address} failed`);
      else {
        affected.suspend();
        this.#down.add(affected);
      }
    }
    if (this.#state !== "running") return; // who learned of an end has ended or failed this supervisor
    if (delay === 0) this.#restartDown();
    else this.#context.wheel.add(this.#timer, delay);
  }

  /** A child that ended for good is forgotten. */
  childEnded(child: Supervised): void {
    const place = this.#children.indexOf(child);
    if (place >= 0) this.#children.splice(place, 1);
    this.#down.delete(child);
  }

  suspend(): void {
    if (this.#state !== "running") return;
    this.#state = "suspended";
    this.#forgetRestarts();
    for (const child of this.#children.toReversed()) {
      if (child.restartKind === "temporary") child.terminate(`taken along: ${this.address} failed`);
      else child.suspend();
    }
  }

  restart(): void {
    if (this.#state !== "suspended") return;
    this.#state = "running";
    this.#window = new RestartWindow(this.#limits);
    for (const child of this.#children) this.#down.add(child);
    this.#restartDown();
  }

  terminate(reason: string, error?: unknown): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#forgetRestarts();
    for (const child of this.#children.toReversed()) child.terminate(reason, error);
    this.#parent.childEnded(this);
  }

  #restartDown(): void {
    this.#context.wheel.remove(this.#timer);
    for (const child of this.#children.slice()) {
      if (this.#state !== "running" || !this.#down.delete(child)) continue;
      try {
        child.restart();
      } catch (error) {
        this.childFailed(child, error);
      }
    }
  }

  #forgetRestarts(): void {
    this.#down.clear();
    this.#context.wheel.remove(this.#timer);
  }

  #escalate(cause: unknown): void {
    const { maxRestarts, withinMs } = this.#limits;
    const error = agentErrors.create(
      "AGENT_CRASH_LOOP",
      `Supervisor ${this.address} gave up: more than ${maxRestarts} failures within ${withinMs} ms, the last: ${messageOf(cause)}`,
      { details: { address: this.address, maxRestarts, withinMs }, cause },
    );
    this.#context.observers.tell({ kind: "supervisor-escalated", supervisor: this.address, error });
    this.suspend();
    this.#parent.childFailed(this, error);
  }
}
