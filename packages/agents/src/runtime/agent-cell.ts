import type { ActionContext, AnyOutcome } from "../agent/action.ts";
import { type CompiledAction, CONCURRENT, WRITE } from "../agent/definition.ts";
import { INSTRUCTION, isQueued, type QueuedInstruction } from "../agent/instruction.ts";
import type { AskOptions, Message } from "../agent/message.ts";
import type { AnyRef } from "../agent/ref.ts";
import { issueText, validated } from "../agent/standard-schema.ts";
import { CellBase, HIBERNATED, IDLE, INITIALIZING, type MailboxItem, MOVED, RUNNING, STOPPING } from "./cell-base.ts";
import type { CellExtras } from "./cell-extras.ts";
import { failedError, fullError, inputError, timeoutError, unknownError } from "./cell-errors.ts";
import type { DeadLetterReason } from "./events.ts";
import { InstructionContext, retryLater } from "./instructions.ts";
import { PendingAsk } from "./pending-ask.ts";
import { RunningAction } from "./running-action.ts";

/** Of requests answered at once one in so many is timed, and each until one was quick. */
const PROBE_EVERY = 64;

type WaitingItem = MailboxItem | RunningAction;

/**
 * An agent and its server: state, mailbox, and the way from one to the other. It is also the reference that others hold
 * and the context that its actions get, so that an idle agent is one object. Hot: `send`, `ask`, `turn` and what they
 * call; every agent has the same shape.
 */
export class AgentCell extends CellBase implements AnyRef, ActionContext {
  get self(): AnyRef {
    return this;
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    return this.controller.signal;
  }

  now(): number {
    return this.host.clock.wallTime();
  }

  send(message: Message): void {
    if (this.phase >= STOPPING) {
      this.#sendEnded(message);
      return;
    }
    if (!this.accept(this.host.direct ? message : this.host.prepare(message))) throw fullError(this);
  }

  ask(message: Message, options?: AskOptions): Promise<unknown> {
    const { host } = this;
    if (this.phase >= STOPPING) return this.#askEnded(message, options);
    if (this.phase === IDLE && host.fastPath && options?.signal === undefined && host.enterNow(this)) {
      try {
        const reply = this.#runNow(message, options);
        if (reply !== undefined) return reply;
      } finally {
        host.leaveNow();
      }
    }
    if (!host.direct) return this.#askPrepared(message, options);
    return this.#request(message, options);
  }

  #sendEnded(message: Message): void {
    if (this.phase === MOVED) this.extras!.moved!.send(message);
    else this.host.deadLetter(this.address, message, "stopped", undefined);
  }

  #askEnded(message: Message, options: AskOptions | undefined): Promise<unknown> {
    if (this.phase === MOVED) return this.extras!.moved!.ask(message, options);
    return Promise.reject(this.stoppedError("stopped"));
  }

  /** Continues in another thread, as `ref`: what waits goes there in order, and so does everything that still comes. */
  moveTo(ref: AnyRef & { forward(ask: PendingAsk): void }): void {
    this.phase = MOVED;
    this.cold().moved = ref;
    this.state = undefined;
    for (let item = this.take(); item !== undefined; item = this.take()) {
      if (item instanceof PendingAsk) ref.forward(item);
      else this.#passOn(item, ref);
    }
  }

  #passOn(message: Message, ref: AnyRef): void {
    try {
      ref.send(message);
    } catch (error) {
      this.host.deadLetter(this.address, message, "not-cloneable", error); // its sender has gone on
    }
  }

  #askPrepared(message: Message, options: AskOptions | undefined): Promise<unknown> {
    let prepared: Message;
    try {
      prepared = this.host.prepare(message);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#request(prepared, options);
  }

  #request(message: Message, options: AskOptions | undefined): Promise<unknown> {
    const ask = new PendingAsk(message, this);
    if (!this.accept(ask)) {
      ask.fail(fullError(this));
      return ask.promise;
    }
    this.#limit(ask, options);
    if (options?.signal !== undefined) ask.until(options.signal);
    return ask.promise;
  }

  /** Hot: takes a message from the bus; false when there is no room for it. */
  offer(message: Message): boolean {
    if (this.phase < STOPPING) return this.accept(this.host.direct ? message : this.host.prepare(message));
    if (this.phase !== MOVED) return false;
    this.extras!.moved!.send(message);
    return true;
  }

  /** Hot: takes an item into the mailbox; false when there is no room. */
  accept(item: MailboxItem): boolean {
    const { box, extras } = this;
    const empty = this.first === undefined && (box === undefined || box.head === box.tail);
    if (empty && (extras === undefined || extras.waiting.head === extras.waiting.tail)) this.first = item;
    else if (!this.#acceptBehind(item)) return false;
    if (this.phase <= HIBERNATED) this.becomeRunnable();
    return true;
  }

  #acceptBehind(item: MailboxItem): boolean {
    if (this.extras !== undefined || this.box === undefined || this.box.size >= this.host.mailboxLimit - 1) {
      if (this.waiting >= this.host.mailboxLimit) return false;
    }
    this.box ??= this.host.takeRing();
    this.box.push(item);
    return true;
  }

  /** Hot: handles up to `limit` messages and says how many it did. Afterwards `queued` says whether it has more. */
  turn(limit: number): number {
    if (this.phase === INITIALIZING) this.#runStart();
    const { phase } = this;
    if (phase === INITIALIZING) {
      if (this.extras?.starting === true) this.queued = false; // goes on when its start action has ended
      return 0; // else it failed and was restarted at once: it begins again in its next turn
    }
    if (phase !== RUNNING && !this.#finishing()) {
      this.queued = false;
      return 0;
    }
    let done = 0;
    if (this.extras !== undefined && this.extras.waiting.size > 0) done = this.#turnOfWaiting(limit);
    if (this.first !== undefined && done < limit && this.phase === phase) {
      const item = this.first;
      this.first = undefined;
      done++;
      this.#handle(item);
    }
    const { box } = this;
    if (box !== undefined) {
      while (done < limit && box.head !== box.tail && this.phase === phase) {
        done++;
        this.#handle(box.shift()!);
      }
    }
    this.processed += done;
    this.untilCheckpoint -= done;
    if (this.untilCheckpoint <= 0 && this.phase <= RUNNING) this.host.checkpoint(this);
    this.#afterTurn();
    return done;
  }

  #afterTurn(): void {
    if (this.phase === RUNNING) {
      if (this.hasWork) return;
      this.phase = IDLE;
    } else if (this.phase === STOPPING) {
      if (this.hasWork) return;
      if (this.extras === undefined || this.extras.running.size === 0) {
        this.terminate(this.extras?.stopReason ?? "stopped");
      }
    } else if (this.phase === INITIALIZING) return; // restarted within its turn: the start action comes next
    this.queued = false;
  }

  #turnOfWaiting(limit: number): number {
    const { extras, phase } = this;
    let done = 0;
    while (done < limit && extras!.writing === undefined && extras!.waiting.size > 0 && this.phase === phase) {
      const item = extras!.waiting.shift() as WaitingItem;
      done++;
      if (item instanceof RunningAction) this.#finish(item);
      else this.#handle(item);
    }
    return done;
  }

  /** True for an agent that handles what it has accepted before it stops. One that has not begun begins first. */
  #finishing(): boolean {
    if (this.phase !== STOPPING) return false;
    if (this.extras!.startDue) {
      this.extras!.startDue = false;
      this.#start();
    }
    return this.phase === STOPPING && !this.extras!.starting;
  }

  #runStart(): void {
    if (this.extras?.starting === true) return;
    this.phase = RUNNING;
    if (this.definition.start !== undefined) this.#start();
  }

  /** A start action that is a write and awaits keeps even reads waiting: before its end there is no state to be seen. */
  #start(): void {
    this.#handle({ type: this.definition.start! });
    if (this.extras?.writing === undefined) return;
    this.extras.starting = true;
    if (this.phase === RUNNING) this.phase = INITIALIZING;
  }

  #started(extras: CellExtras<MailboxItem>): void {
    extras.starting = false;
    if (this.phase === INITIALIZING) this.phase = IDLE;
  }

  #handle(item: MailboxItem): void {
    let ask: PendingAsk | undefined;
    let message: Message;
    if (item instanceof PendingAsk) {
      if (item.settled) return; // its asker has given up; nothing has begun
      ask = item;
      message = item.message;
    } else message = item;
    const action = this.#actionOf(message.type);
    if (action === undefined) {
      if (ask === undefined && message.type === INSTRUCTION && isQueued(message.data)) this.#instruct(message);
      else this.#refuse(item, "action-unknown", unknownError(this, message.type));
      return;
    }
    if (action.mode === WRITE && this.extras !== undefined && this.extras.writing !== undefined) {
      this.extras.waiting.push(item);
      return;
    }
    let input = message.data;
    if (action.input !== undefined) {
      const result = this.#validate(action, input, item);
      if (result === undefined) return;
      input = result.value;
    }
    if (ask !== undefined) ask.began = true;
    let outcome: AnyOutcome | void | Promise<AnyOutcome | void>;
    try {
      outcome = action.run(this.state, input, this) ?? undefined; // null of one whose types do not hold
    } catch (error) {
      this.#failed(item, action, error);
      return;
    }
    if (outcome === undefined) {
      if (ask !== undefined) ask.reply(undefined);
    } else if (outcome instanceof Promise) this.#follow(outcome, action, item);
    else if (action.mode === WRITE && outcome.directives === undefined) {
      if (outcome.state !== undefined) this.state = outcome.state;
      if (ask !== undefined) ask.reply(outcome.reply);
    } else this.#apply(outcome, action, item);
    if (this.controller !== undefined) this.controller = undefined;
  }

  /** Runs the action of an instruction: as `#handle`, with a context and limits of its own. */
  #instruct(message: Message): void {
    const instruction = message.data as QueuedInstruction;
    const action = this.#actionOf(instruction.action);
    if (action === undefined) {
      this.#refuse(message, "action-unknown", unknownError(this, instruction.action));
      return;
    }
    if (action.mode === WRITE && this.extras?.writing !== undefined) {
      this.extras.waiting.push(message);
      return;
    }
    const input =
      action.input === undefined ? { value: instruction.data } : this.#validate(action, instruction.data, message);
    if (input === undefined) return;
    try {
      const outcome = action.run(this.state, input.value, new InstructionContext(this, instruction)) ?? undefined;
      if (outcome instanceof Promise) this.#follow(outcome, action, message, instruction.options?.timeoutMs);
      else if (outcome !== undefined) this.#apply(outcome, action, message);
    } catch (error) {
      this.#failed(message, action, error);
    }
    this.controller = undefined;
  }

  #actionOf(type: string): CompiledAction | undefined {
    return this.host.caching ? this.definition.find(type) : this.definition.actions.get(type);
  }

  #validate(action: CompiledAction, input: unknown, item: MailboxItem): { readonly value: unknown } | undefined {
    try {
      const result = validated(action.input!, input);
      if (result.issues === undefined) return result;
      const problems = result.issues.map(issueText);
      this.#refuse(item, "input-invalid", inputError(this, action.name, problems));
    } catch (error) {
      this.#refuse(item, "input-invalid", error);
    }
    return undefined;
  }

  /** Hot: what an action returned becomes state, effects and reply, in this order. */
  #apply(outcome: AnyOutcome, action: CompiledAction, item: MailboxItem): void {
    const before = this.state;
    try {
      if (outcome.state !== undefined) {
        if (action.mode !== WRITE) throw new TypeError(`"${action.name}" is no write and must not return a state`);
        this.state = outcome.state;
      } else if (outcome.update !== undefined) {
        if (action.mode !== CONCURRENT)
          throw new TypeError(`"${action.name}" is not concurrent and must not return an update`);
        this.state = outcome.update(this.state as never);
      }
      if (outcome.directives !== undefined) this.host.carryOut(this, outcome.directives);
    } catch (error) {
      this.state = before;
      this.#failed(item, action, error);
      return;
    }
    if (item instanceof PendingAsk) item.reply(outcome.reply);
  }

  /**
   * Fast path: the request of an idle agent needs no mailbox, turn or deadline, as it is answered before anything else
   * can happen. Undefined when it does need them.
   */
  #runNow(message: Message, options: AskOptions | undefined): Promise<unknown> | undefined {
    const action = this.#actionOf(message.type);
    if (action === undefined || action.input !== undefined) return undefined;
    if (action.mode === WRITE && this.extras !== undefined && this.extras.writing !== undefined) return undefined;
    this.phase = RUNNING;
    this.queued = true;
    const probed = --action.untilProbe < 0;
    const startedAt = probed ? this.host.clock.now() : 0;
    const reply = this.#answerNow(action, message, options);
    this.controller = undefined;
    this.processed++;
    if (--this.untilCheckpoint <= 0 && this.phase === RUNNING) this.host.checkpoint(this);
    this.#afterTurn();
    if (this.queued) this.host.schedule(this); // it has sent something to itself
    if (probed && !this.host.timeNow(this, this.host.clock.now() - startedAt)) action.untilProbe = PROBE_EVERY;
    return reply;
  }

  #answerNow(action: CompiledAction, message: Message, options: AskOptions | undefined): Promise<unknown> {
    let outcome: AnyOutcome | void | Promise<AnyOutcome | void>;
    try {
      outcome = action.run(this.state, message.data, this) ?? undefined;
    } catch (error) {
      const ask = new PendingAsk(message, this);
      this.#failed(ask, action, error);
      return ask.promise;
    }
    if (outcome === undefined) return Promise.resolve();
    const simple = !(outcome instanceof Promise) && outcome.directives === undefined && outcome.update === undefined;
    if (simple && (action.mode === WRITE || (outcome as AnyOutcome).state === undefined)) {
      if ((outcome as AnyOutcome).state !== undefined) this.state = (outcome as AnyOutcome).state;
      return Promise.resolve((outcome as AnyOutcome).reply);
    }
    const ask = new PendingAsk(message, this);
    ask.began = true;
    if (outcome instanceof Promise) {
      this.#limit(ask, options);
      this.#follow(outcome, action, ask);
    } else this.#apply(outcome, action, ask);
    return ask.promise;
  }

  #limit(ask: PendingAsk, options: AskOptions | undefined): void {
    const timeout = options?.timeout ?? this.host.askTimeoutMs;
    if (timeout !== Number.POSITIVE_INFINITY) ask.within(timeout, this.host.wheel);
  }

  #follow(
    promise: Promise<AnyOutcome | void>,
    action: CompiledAction,
    item: MailboxItem,
    timeoutMs: number = action.timeoutMs,
  ): void {
    const extras = this.cold();
    const running = new RunningAction(this, action, timeoutMs, item, this.controller);
    this.controller = undefined;
    extras.running.add(running);
    if (action.mode === WRITE) extras.writing = running;
    if (timeoutMs !== Number.POSITIVE_INFINITY) this.host.wheel.addCoarse(running, timeoutMs);
    running.follow(promise);
  }

  /** An asynchronous action has settled. Its result counts from here, whatever ended before it. */
  actionEnded(running: RunningAction): void {
    const { observers, wheel } = this.host;
    if (running.dropped) {
      observers.tell({ kind: "late-result", agent: this.address, action: running.action.name, failed: running.failed });
      return;
    }
    wheel.remove(running);
    const extras = this.extras!;
    extras.running.delete(running);
    if (extras.writing === running) {
      extras.writing = undefined;
      if (extras.starting) this.#started(extras);
    } else if (extras.writing !== undefined && running.outcome?.update !== undefined) {
      extras.waiting.push(running); // the write under way must not undo it
      return;
    }
    this.#finish(running);
    this.#afterAction();
  }

  actionExpired(running: RunningAction): void {
    const { action, item, timeoutMs } = running;
    const extras = this.extras!;
    const error = timeoutError(this, action.name, timeoutMs);
    extras.running.delete(running);
    if (extras.writing === running) {
      extras.writing = undefined;
      if (extras.starting) this.#started(extras);
    }
    running.drop(error);
    if (!retryLater(this, item)) this.host.deadLetter(this.address, item, "action-timeout", error);
    this.#afterAction();
  }

  #finish({ failed, error, outcome, action, item }: RunningAction): void {
    if (failed) this.#failed(item, action, error);
    else if (outcome !== undefined) this.#apply(outcome, action, item);
    else if (item instanceof PendingAsk) item.reply(undefined);
  }

  /** Writes that waited may go on; an agent that stops when it has finished may have. */
  #afterAction(): void {
    if (this.phase === IDLE && this.hasWork) this.becomeRunnable();
    else if (this.phase === STOPPING) this.enqueue();
  }

  #failed(item: MailboxItem, action: CompiledAction, cause: unknown): void {
    this.controller?.abort(cause);
    this.controller = undefined;
    if (retryLater(this, item)) return;
    if (item instanceof PendingAsk) item.fail(failedError(this, action.name, cause));
    this.host.deadLetter(this.address, item, "action-failed", cause);
    this.crash(action.name, cause);
  }

  #refuse(item: MailboxItem, reason: DeadLetterReason, error: unknown): void {
    if (item instanceof PendingAsk) item.fail(error);
    else this.host.deadLetter(this.address, item, reason, error);
  }
}
