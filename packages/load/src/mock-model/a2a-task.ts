import type { Clock } from "@mettle/core";
import { isTerminal, type TaskEvent, type TaskState, type TaskView } from "./a2a-wire.ts";
import type { ReplyPlan } from "./reply-plan.ts";
import type { Timed, TimerWheel } from "./timer-wheel.ts";

export type TaskListener = (event: TaskEvent) => void;

/** One task at work: it goes on whether or not anybody listens, as an agent does. */
export class A2aTask implements Timed {
  readonly id: string;
  readonly contextId: string;
  readonly plan: ReplyPlan;
  readonly #clock: Clock;
  readonly #input: string;
  readonly #messageId: string;
  readonly #perChunk: number;
  readonly #listeners = new Set<TaskListener>();
  #state: TaskState = "submitted";
  #timestamp: string;
  #text = "";
  #next = 0;
  #dueAt = 0;
  #stalled = false;

  constructor(options: {
    readonly id: string;
    readonly contextId: string;
    readonly messageId: string;
    readonly input: string;
    readonly plan: ReplyPlan;
    readonly tokensPerChunk: number;
    readonly clock: Clock;
  }) {
    this.id = options.id;
    this.contextId = options.contextId;
    this.plan = options.plan;
    this.#clock = options.clock;
    this.#input = options.input;
    this.#messageId = options.messageId;
    this.#perChunk = options.tokensPerChunk;
    this.#timestamp = this.#time();
  }

  get state(): TaskState {
    return this.#state;
  }

  /** Tokens produced so far. */
  get tokens(): number {
    return this.#next;
  }

  view(): TaskView {
    return {
      id: this.id,
      contextId: this.contextId,
      state: this.#state,
      timestamp: this.#timestamp,
      text: this.#text,
      messageId: this.#messageId,
      input: this.#input,
    };
  }

  /** @returns stops listening */
  listen(listener: TaskListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  start(wheel: TimerWheel): void {
    this.#dueAt = wheel.now() + this.plan.firstTokenAfterMs;
    this.#become("working");
    wheel.add(this.#dueAt, this);
  }

  /** @returns whether there was anything left to cancel */
  cancel(): boolean {
    if (isTerminal(this.#state)) return false;
    this.#become("canceled");
    return true;
  }

  due(now: number): number {
    if (isTerminal(this.#state)) return Number.NaN;
    const { pieces, fault, faultAfter } = this.plan;
    if (fault?.kind === "stall" && !this.#stalled && this.#next >= faultAfter) {
      this.#stalled = true;
      this.#dueAt = fault.stallMs === undefined ? Infinity : now + fault.stallMs;
      return this.#dueAt;
    }
    while (this.#dueAt <= now && this.#next < pieces.length) this.#emitChunk();
    if (this.#next < pieces.length) return this.#dueAt;
    this.#become("completed");
    return Number.NaN;
  }

  #emitChunk(): void {
    const { pieces } = this.plan;
    const to = Math.min(pieces.length, this.#next + this.#perChunk);
    let text = "";
    for (let i = this.#next; i < to; i++) text += pieces[i]?.text ?? "";
    const append = this.#next > 0;
    for (let i = this.#next; i < to; i++) this.#dueAt += this.plan.nextGap();
    this.#next = to;
    this.#text += text;
    this.#tell({ kind: "artifact", task: this.view(), text, append, last: to === pieces.length });
  }

  #become(state: TaskState): void {
    this.#state = state;
    this.#timestamp = this.#time();
    this.#tell({ kind: "status", task: this.view() });
  }

  #tell(event: TaskEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #time(): string {
    return new Date(this.#clock.wallTime()).toISOString();
  }
}
