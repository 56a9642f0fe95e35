import type { Clock } from "@mettle/core";
import type { CompiledDefinition } from "../agent/definition.ts";
import type { Directive } from "../agent/directive.ts";
import type { AgentStatus, Message, StopOptions } from "../agent/message.ts";
import type { RestartKind } from "../agent/spawn-options.ts";
import type { Parent, Supervised } from "../supervision/supervised.ts";
import type { TimerWheel } from "../timers/timer-wheel.ts";
import { CellExtras } from "./cell-extras.ts";
import { agentErrors } from "./errors.ts";
import type { DeadLetterReason, Observers } from "./events.ts";
import { PendingAsk } from "./pending-ask.ts";
import type { Ring } from "../queues/ring.ts";
import { RunningAction } from "./running-action.ts";

export const IDLE = 0;
export const HIBERNATED = 1;
export const RUNNING = 2;
export const INITIALIZING = 3;
const PAUSED = 4;
const RESTARTING = 5;
export const STOPPING = 6;
export const STOPPED = 7;
/** Lives in another thread; see `moveTo` of AgentCell. */
export const MOVED = 8;

const statusNames: readonly AgentStatus[] = [
  "idle",
  "idle",
  "running",
  "initializing",
  "paused",
  "restarting",
  "stopping",
  "stopped",
  "running",
];

export type MailboxItem = Message | PendingAsk;
/** What an agent needs of the thread it lives in. */
export interface CellHost {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly observers: Observers;
  readonly mailboxLimit: number;
  readonly askTimeoutMs: number;
  readonly fastPath: boolean;
  readonly caching: boolean;
  /** True when messages are passed as they are; otherwise `prepare` makes what arrives. */
  readonly direct: boolean;
  readonly addressPrefix: string;
  prepare(message: Message): Message;
  /** An empty ring for a mailbox, and back when the agent needs none any more. */
  takeRing(): Ring<MailboxItem>;
  giveRing(ring: Ring<MailboxItem>): void;
  /** See these of the scheduler. */
  enterNow(cell: CellBase): boolean;
  leaveNow(): void;
  timeNow(cell: CellBase, tookNs: number): boolean;
  /** Puts the cell into the run queue. */
  schedule(cell: CellBase): void;
  deadLetter(to: string, item: MailboxItem, reason: DeadLetterReason, error: unknown): void;
  carryOut(cell: CellBase, directives: readonly Directive[]): void;
  /** Collects garbage when that can be forced and was not since the last check of memory; true when it did. */
  collectOnce(): boolean;
  /** Called every `untilCheckpoint` messages: snapshot, account of memory. */
  checkpoint(cell: CellBase): void;
  /** An action threw, or the agent is being ended by another's failure. */
  crashed(cell: CellBase, action: string | undefined, error: unknown): void;
  /** The cell has stopped working; its timers, sensors and children end. */
  released(cell: CellBase, reason: string): void;
  /** The state that a restart begins with. */
  restartState(cell: CellBase): unknown;
  /** The cell has ended for good. */
  ended(cell: CellBase, reason: string, error: unknown): void;
  unpack(cell: CellBase): void;
}

export interface CellOptions {
  readonly name: string | undefined;
  readonly restart: RestartKind;
  readonly high: boolean;
  readonly batch: number;
}

/** What an agent's server is made of, and its life from start to stop; what it does with messages is in AgentCell. */
export abstract class CellBase implements Supervised {
  readonly id: number;
  readonly host: CellHost;
  readonly definition: CompiledDefinition;
  readonly name: string | undefined;
  readonly restartKind: RestartKind;
  readonly high: boolean;
  parent: Parent;
  state: unknown;
  phase: number;
  /** In the run queue, or taking its turn. */
  queued = false;
  /** Messages a turn; fewer for an agent whose handlers take long. */
  batch: number;
  /** Turns that are timed still, because the agent may be slow. */
  suspicion = 0;
  processed = 0;
  untilCheckpoint: number;
  /**
   * The mailbox: its oldest message, and the ring of those behind it, made when a second one waits. Most agents never have
   * more than one, and then a message touches the agent and nothing else.
   */
  first: MailboxItem | undefined = undefined;
  box: Ring<MailboxItem> | undefined = undefined;
  /** Of the run that is starting; see `signal`. */
  controller: AbortController | undefined = undefined;
  extras: CellExtras<MailboxItem> | undefined = undefined;

  constructor(
    host: CellHost,
    id: number,
    definition: CompiledDefinition,
    parent: Parent,
    state: unknown,
    options: CellOptions,
  ) {
    this.id = id;
    this.host = host;
    this.definition = definition;
    this.name = options.name;
    this.restartKind = options.restart;
    this.high = options.high;
    this.parent = parent;
    this.state = state;
    this.batch = options.batch;
    this.untilCheckpoint = definition.snapshotEvery > 0 ? definition.snapshotEvery : 64;
    this.phase = IDLE;
  }

  /** Handles up to `limit` messages and says how many it did. */
  abstract turn(limit: number): number;

  get address(): string {
    return `${this.host.addressPrefix}${this.id}`;
  }

  get status(): AgentStatus {
    if (this.phase === MOVED) return this.extras!.moved!.status;
    const working = this.phase === IDLE && this.extras !== undefined && this.extras.running.size > 0;
    return working ? "running" : statusNames[this.phase]!;
  }

  /** Messages and requests that wait. */
  get waiting(): number {
    return (this.first === undefined ? 0 : 1) + (this.box?.size ?? 0) + (this.extras?.waiting.size ?? 0);
  }

  cold(): CellExtras<MailboxItem> {
    this.extras ??= new CellExtras<MailboxItem>();
    return this.extras;
  }

  /** Begins: with the start action if there is one. */
  begin(): void {
    if (this.definition.start === undefined) return;
    this.phase = INITIALIZING;
    this.enqueue();
  }

  enqueue(): void {
    if (this.queued) return;
    this.queued = true;
    this.host.schedule(this);
  }

  becomeRunnable(): void {
    if (this.phase === HIBERNATED) this.host.unpack(this);
    this.phase = RUNNING;
    this.enqueue();
  }

  /** True while there is something that a turn could handle. */
  get hasWork(): boolean {
    const { box, extras } = this;
    if (this.first !== undefined || (box !== undefined && box.head !== box.tail)) return true;
    return extras !== undefined && extras.writing === undefined && extras.waiting.size > 0;
  }

  /** Takes the oldest message out of the mailbox, when no turn will. */
  take(): MailboxItem | undefined {
    const { first } = this;
    if (first === undefined) return this.box?.shift();
    this.first = undefined;
    return first;
  }

  pause(): void {
    if (this.phase === MOVED) this.extras!.moved!.pause();
    if (this.phase === HIBERNATED) this.host.unpack(this);
    if (this.phase > INITIALIZING) return;
    if (this.phase === INITIALIZING) this.#startLater();
    this.phase = PAUSED;
  }

  /** Unless the start action is under way already. */
  #startLater(): void {
    const extras = this.cold();
    extras.startDue = !extras.starting;
  }

  resume(): void {
    if (this.phase === MOVED) this.extras!.moved!.resume();
    if (this.phase === PAUSED) this.continue();
  }

  /** To idle, or to work on what waits. */
  continue(): void {
    if (this.extras !== undefined && this.extras.startDue) {
      this.extras.startDue = false;
      this.begin();
      return;
    }
    if (this.extras !== undefined && this.extras.starting) {
      this.phase = INITIALIZING;
      return;
    }
    this.phase = IDLE;
    if (this.hasWork) this.becomeRunnable();
  }

  stop(options: StopOptions = {}): Promise<void> {
    if (this.phase === STOPPED) return Promise.resolve();
    if (this.phase === MOVED) return this.extras!.moved!.stop(options);
    const ended = new Promise<void>((resolve) => this.cold().onEnd.push(resolve));
    if (options.drain !== true || this.phase === RESTARTING) this.terminate(options.reason ?? "stopped");
    else if (this.phase !== STOPPING) {
      if (this.phase === HIBERNATED) this.host.unpack(this);
      this.cold().stopReason = options.reason;
      if (this.phase === INITIALIZING) this.#startLater();
      this.phase = STOPPING;
      this.enqueue();
    }
    return ended;
  }

  /**
   * The agent ends by its own decision. A permanent one begins again, within the limits that hold after a failure, unless
   * others are stopping it.
   */
  finish(reason: string): void {
    if (this.restartKind !== "permanent" || this.phase >= STOPPING) this.terminate(reason);
    else this.parent.childFailed(this, this.stoppedError(reason));
  }

  /** The agent has failed: whoever watches it learns, and its supervisor decides. */
  crash(action: string | undefined, error: unknown): void {
    if (this.phase >= STOPPED || this.phase === RESTARTING) return;
    this.host.crashed(this, action, error);
    if (this.phase >= STOPPED) return; // who learned of it has ended it
    if (this.definition.onFailure === "resume" && action !== undefined) return;
    if (this.definition.onFailure === "stop" || this.phase === STOPPING) this.terminate("crashed", error);
    else this.parent.childFailed(this, error);
  }

  suspend(): void {
    if (this.phase >= STOPPED) return;
    if (this.phase === HIBERNATED) this.host.unpack(this);
    this.phase = RESTARTING;
    this.#dropRunning("restarted", (running) =>
      agentErrors.create(
        "AGENT_RESTARTED",
        `${this.label} was restarted while it worked on "${running.action.name}".`,
        {
          details: { address: this.address, action: running.action.name },
        },
      ),
    );
    this.host.released(this, "restarting");
  }

  restart(): void {
    if (this.phase !== RESTARTING) return;
    if (this.extras !== undefined) this.extras.startDue = false; // begin() runs the start action
    this.state = this.host.restartState(this);
    if (this.definition.start === undefined) this.continue();
    else this.begin();
  }

  terminate(reason: string, error?: unknown): void {
    if (this.phase === STOPPED) return;
    if (this.phase === MOVED) void this.extras!.moved!.stop({ reason });
    this.phase = STOPPED;
    this.queued = false;
    this.#dropRunning("stopped", () => this.stoppedError(reason, error));
    this.#refuseWaiting(reason, error);
    this.host.released(this, reason);
    this.host.ended(this, reason, error);
    this.state = undefined;
    this.parent.childEnded(this);
    const onEnd = this.extras?.onEnd ?? [];
    this.extras = undefined;
    for (const tell of onEnd) tell();
  }

  #dropRunning(reason: DeadLetterReason, errorFor: (running: RunningAction) => Error): void {
    const { extras } = this;
    if (extras === undefined) return;
    for (const running of extras.running) {
      this.host.wheel.remove(running);
      this.#drop(running, reason, errorFor(running));
    }
    extras.running.clear();
    extras.writing = undefined;
    extras.starting = false;
  }

  /** Who asked is told; nobody else would learn of a message without an asker. The start action is nobody's message. */
  #drop(running: RunningAction, reason: DeadLetterReason, error: Error): void {
    running.drop(error);
    if (running.ask !== undefined || running.action.name === this.definition.start) return;
    this.host.deadLetter(this.address, running.item, reason, error);
  }

  #refuseWaiting(reason: string, error: unknown): void {
    const { extras } = this;
    for (const [timer, message] of extras?.retries ?? []) {
      this.host.wheel.remove(timer);
      this.#refuseStopped(message, reason, error);
    }
    for (let item = extras?.waiting.shift(); item !== undefined; item = extras?.waiting.shift()) {
      if (item instanceof RunningAction) this.#drop(item, "stopped", this.stoppedError(reason, error));
      else this.#refuseStopped(item, reason, error);
    }
    for (let item = this.take(); item !== undefined; item = this.take()) this.#refuseStopped(item, reason, error);
    this.dropBox();
  }

  /** Gives up the room for more than one message; the mailbox must be empty. */
  dropBox(): void {
    if (this.box === undefined) return;
    this.host.giveRing(this.box);
    this.box = undefined;
  }

  #refuseStopped(item: MailboxItem, reason: string, error: unknown): void {
    if (item instanceof PendingAsk) item.fail(this.stoppedError(reason, error));
    else this.host.deadLetter(this.address, item, "stopped", error);
  }

  get label(): string {
    return `Agent ${this.name ?? this.address} (${this.definition.name})`;
  }

  stoppedError(reason: string, cause?: unknown): Error {
    return agentErrors.create("AGENT_STOPPED", `${this.label} has stopped: ${reason}.`, {
      details: { address: this.address, reason },
      cause,
    });
  }
}
