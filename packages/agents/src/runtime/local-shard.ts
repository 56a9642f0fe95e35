import type { Clock } from "@mettle/core";
import { compiledOf, type SignalRoute } from "../agent/definition.ts";
import type { AnyDefinition } from "../agent/definition-types.ts";
import type { Directive } from "../agent/directive.ts";
import { actionOf } from "../agent/instruction.ts";
import type { Message } from "../agent/message.ts";
import type { AnyRef } from "../agent/ref.ts";
import type { SpawnOptions } from "../agent/spawn-options.ts";
import { Ring } from "../queues/ring.ts";
import { RootSupervisor } from "../supervision/root.ts";
import type { Parent } from "../supervision/supervised.ts";
import { preparer } from "../switches/prepare.ts";
import { CallbackTimer, TimerWheel } from "../timers/timer-wheel.ts";
import { AgentCell } from "./agent-cell.ts";
import type { Census } from "./census.ts";
import { carryOut, type Effects, endEffects } from "./carry-out.ts";
import { type CellBase, type CellHost, IDLE, type MailboxItem, STOPPED } from "./cell-base.ts";
import { DeadLetters } from "../dead-letters/dead-letters.ts";
import type { DeadMessage } from "./dead-message.ts";
import type { Down, DownListener } from "./down.ts";
import { Directory } from "./directory.ts";
import { agentErrors } from "./errors.ts";
import type { DeadLetterReason, Observers } from "./events.ts";
import type { ResolvedOptions } from "./options.ts";
import { messageOfItem } from "./pending-ask.ts";
import type { SignalOffer, SignalPort } from "./ports.ts";
import { Ceiling, checkpoint, hibernateWhenIdle, holdToLimit, unpack } from "./resources.ts";
import { Scheduler } from "./scheduler.ts";

/** Messages that the mailbox of an idle agent has room for at most. */
const KEPT_CAPACITY = 256;

const POOLED_RINGS = 1024;

/** Puts signals of one pattern into an agent's mailbox. Hot: once per delivery, so an object and not a closure in another. */
class AgentSink implements SignalOffer {
  readonly #cell: AgentCell;
  readonly #route: SignalRoute;

  constructor(cell: AgentCell, route: SignalRoute) {
    this.#cell = cell;
    this.#route = route;
  }

  offer(signal: unknown): boolean {
    return this.#cell.offer(this.#route.messageOf(signal));
  }
}

/** What a shard needs of the runtime around it. */
export interface ShardSurroundings {
  /** The bus, once the shard has its timers. */
  signals(wheel: TimerWheel): SignalPort;
  readonly observers: Observers;
  /** Agents of other threads, by address or name. */
  resolve(to: string): AnyRef | undefined;
  /** Spawns where the placement says, when that is not this thread. */
  spawnElsewhere(definition: AnyDefinition, options: SpawnOptions): AnyRef;
  /** A handler computed too long: one strike. */
  onLongTurn(cell: AgentCell, computedNs: number): void;
  readonly current: Int32Array | undefined;
  readonly census: Census;
  /** Agents ordered in other threads from here, begun or not: those that have not are in no census yet. */
  ordered(): number;
}

/** The agents of one thread and everything they share: run queue, timers, directory, dead letters. */
export class LocalShard implements CellHost, Effects {
  readonly number: number;
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly observers: Observers;
  readonly mailboxLimit: number;
  readonly askTimeoutMs: number;
  readonly fastPath: boolean;
  readonly caching: boolean;
  readonly direct: boolean;
  readonly addressPrefix: string;
  readonly deadLetters: DeadLetters<DeadMessage>;
  readonly signals: SignalPort;
  readonly root: RootSupervisor;
  readonly prepare: (message: Message) => Message;
  readonly census: Census;
  readonly #cells = new Directory<AgentCell>();
  /** Ends of the subscriptions that definitions ask for. Not with the agent, whose hot path they would lengthen. */
  readonly #subscribed = new Map<CellBase, readonly (() => void)[]>();
  /** Of agents that have ended, for those that begin. */
  readonly #rings: Ring<MailboxItem>[] = [];
  readonly #pooling: boolean;
  readonly #names = new Map<string, AnyRef>();
  readonly #scheduler: Scheduler;
  readonly #ceiling: Ceiling;
  readonly #batch: number;
  readonly #surroundings: ShardSurroundings;
  readonly #memoryTimer = new CallbackTimer(() => this.#checkMemory());
  readonly #accounted = new WeakMap<AgentCell, number>();
  #lastId: number;
  /** Garbage was collected since the last check of memory. */
  #collected = false;
  #closed = false;

  constructor(number: number, options: ResolvedOptions, surroundings: ShardSurroundings, firstId = 0) {
    this.#lastId = firstId;
    this.number = number;
    this.options = options;
    this.clock = options.clock;
    this.wheel = new TimerWheel(options.clock);
    this.observers = surroundings.observers;
    this.mailboxLimit = options.mailboxLimit;
    this.askTimeoutMs = options.askTimeoutMs;
    this.prepare = preparer(options.switches);
    this.caching = options.switches.caching;
    this.#pooling = options.switches.pooling;
    this.direct = options.switches.zeroCopy && options.switches.monomorphic;
    this.fastPath = options.switches.fastPath && this.direct;
    this.addressPrefix = `${number}/`;
    this.deadLetters = new DeadLetters(options.maxDeadLetters);
    this.signals = surroundings.signals(this.wheel);
    this.root = new RootSupervisor(`${number}/root`, this, options.restarts);
    this.#batch = options.switches.batching ? options.batch : 1;
    this.#ceiling = new Ceiling(options.maxAgents, options.maxHeapShare);
    this.#surroundings = surroundings;
    this.census = surroundings.census;
    this.#scheduler = new Scheduler({
      clock: options.clock,
      batch: this.#batch,
      handlerBudgetNs: options.handlerBudgetMs * 1e6,
      cpuTime: options.cpuTime,
      onLongTurn: (cell, computedNs) => surroundings.onLongTurn(cell as AgentCell, computedNs),
      current: surroundings.current,
    });
  }

  /** Agents alive. */
  get living(): number {
    return this.#cells.size;
  }

  /** Agents that wait for their turn. */
  get ready(): number {
    return this.#scheduler.ready;
  }

  cell(id: number): AgentCell | undefined {
    return this.#cells.get(id);
  }

  named(name: string): AnyRef | undefined {
    return this.#names.get(name);
  }

  nextId(): number {
    return ++this.#lastId;
  }

  spawn(definition: AnyDefinition, options: SpawnOptions): AnyRef {
    const placement = options.placement ?? "here";
    if (placement === "here" || placement === this.number) return this.start(definition, options, this.root);
    return this.#surroundings.spawnElsewhere(definition, options);
  }

  /**
   * Starts an agent in this thread.
   * @throws RUNTIME_CLOSED, AGENT_CEILING_REACHED, AGENT_NAME_TAKEN, AGENT_STATE_INVALID, and BUS_CLOSED for one with signals
   */
  start(definition: AnyDefinition, options: SpawnOptions, parent: Parent, id: number = this.nextId()): AgentCell {
    if (this.#closed)
      throw agentErrors.create("RUNTIME_CLOSED", `The runtime is closed: no ${definition.name} was started.`);
    this.admit();
    const compiled = compiledOf(definition);
    const { name } = options;
    if (name !== undefined && this.#names.has(name)) {
      throw agentErrors.create("AGENT_NAME_TAKEN", `There is an agent named "${name}" already.`, { details: { name } });
    }
    const cell = new AgentCell(this, id, compiled, parent, compiled.createState(options.state), {
      name,
      restart: options.restart ?? "transient",
      high: options.priority === "high",
      batch: this.#batch,
    });
    if (compiled.signals.length > 0) this.#subscribe(cell); // first: what follows cannot fail
    this.#ceiling.added(compiled, cell.state, options.state !== undefined);
    this.#cells.set(id, cell);
    this.census.add(1);
    if (name !== undefined) this.#names.set(name, cell);
    if (options.state !== undefined) cell.cold().givenState = options.state;
    if (options.memoryLimitBytes !== undefined) cell.cold().memoryLimitBytes = options.memoryLimitBytes;
    if (options.hibernateAfterMs !== undefined) hibernateWhenIdle(cell, options.hibernateAfterMs);
    if (this.#memoryTimer.wheelSlot < 0) this.wheel.add(this.#memoryTimer, this.options.memoryCheckMs);
    if (this.observers.active)
      this.observers.tell({ kind: "agent-started", agent: cell.address, definition: compiled.name });
    cell.begin();
    return cell;
  }

  /** @throws AGENT_CEILING_REACHED when there is no room for one more */
  admit(): void {
    this.#ceiling.admit(Math.max(this.census.living, this.#cells.size + this.#surroundings.ordered()));
  }

  /** A name of an agent somewhere else, so that it is found and taken here too. */
  nameElsewhere(name: string, ref: AnyRef): void {
    this.#names.set(name, ref);
  }

  forgetName(name: string): void {
    this.#names.delete(name);
  }

  resolve(to: string): AnyRef | undefined {
    if (!this.options.switches.localFirst)
      return this.#surroundings.resolve(to) ?? this.#names.get(to) ?? this.#own(to);
    return this.#names.get(to) ?? this.#own(to) ?? this.#surroundings.resolve(to);
  }

  #own(address: string): AgentCell | undefined {
    if (!address.startsWith(this.addressPrefix)) return undefined;
    const text = address.slice(this.addressPrefix.length);
    const id = Number(text);
    // "1.5", "01" and "1e0" are nobody's: an agent has one address.
    return Number.isSafeInteger(id) && String(id) === text ? this.#cells.get(id) : undefined;
  }

  takeRing(): Ring<MailboxItem> {
    return this.#rings.pop() ?? new Ring<MailboxItem>();
  }

  giveRing(ring: Ring<MailboxItem>): void {
    if (this.#pooling && ring.capacity <= KEPT_CAPACITY && this.#rings.length < POOLED_RINGS) this.#rings.push(ring);
  }

  enterNow(cell: CellBase): boolean {
    return this.#scheduler.enterNow(cell);
  }

  timeNow(cell: CellBase, tookNs: number): boolean {
    return this.#scheduler.timeNow(cell, tookNs);
  }

  leaveNow(): void {
    this.#scheduler.leaveNow();
  }

  schedule(cell: CellBase): void {
    this.#scheduler.schedule(cell);
  }

  deadLetter(to: string, item: MailboxItem, reason: DeadLetterReason, error: unknown): void {
    const message = messageOfItem(item);
    this.deadLetters.add({ to, message, reason, error, at: this.clock.wallTime() });
    if (this.observers.active)
      this.observers.tell({ kind: "dead-letter", agent: to, action: actionOf(message), reason });
  }

  unknownAddress(to: string, message: Message): void {
    this.deadLetter(to, message, "unknown-address", undefined);
  }

  carryOut(cell: CellBase, directives: readonly Directive[]): void {
    carryOut(cell as AgentCell, directives, this);
  }

  checkpoint(cell: CellBase): void {
    checkpoint(cell, this.options.memoryLimitBytes);
  }

  unpack(cell: CellBase): void {
    unpack(cell);
  }

  crashed(cell: CellBase, action: string | undefined, error: unknown): void {
    this.observers.tell({
      kind: "agent-failed",
      agent: cell.address,
      ...(action === undefined ? {} : { action }),
      error,
      restart: cell.restartKind,
    });
    if (cell.definition.onFailure === "resume" && action !== undefined) return;
    this.#tellWatchers(cell, { reason: "crashed", error, mayRestart: true });
    this.#breakLinks(cell, error);
  }

  released(cell: CellBase, reason: string): void {
    endEffects(cell as AgentCell, reason);
  }

  restartState(cell: CellBase): unknown {
    const snapshot = cell.extras?.snapshot;
    if (snapshot !== undefined) {
      this.observers.tell({ kind: "agent-restarted", agent: cell.address, from: "snapshot" });
      return snapshot.state;
    }
    const state = cell.definition.createState(cell.extras?.givenState);
    this.observers.tell({ kind: "agent-restarted", agent: cell.address, from: "initial" });
    this.#tellReset(cell);
    return state;
  }

  ended(cell: CellBase, reason: string, error: unknown): void {
    if (this.#cells.delete(cell.id)) this.census.add(-1);
    if (cell.definition.signals.length > 0) {
      for (const end of this.#subscribed.get(cell) ?? []) end();
      this.#subscribed.delete(cell);
    }
    if (cell.name !== undefined && this.#names.get(cell.name) === (cell as AgentCell)) this.#names.delete(cell.name);
    if (this.observers.active) this.observers.tell({ kind: "agent-stopped", agent: cell.address, reason });
    if (cell.extras === undefined) return;
    this.#tellWatchers(cell, { reason, error, mayRestart: false });
    if (error !== undefined) this.#breakLinks(cell, error);
    for (const peer of cell.extras.links ?? []) (peer as AgentCell).extras?.links?.delete(cell as AgentCell);
  }

  /**
   * Calls `listener` in the same turn in which the agent fails or ends. Of an agent that has ended, at once.
   * @returns the end of the watch
   */
  monitor(cell: AgentCell, listener: DownListener): () => void {
    if (cell.phase === STOPPED) {
      listener({ address: cell.address, name: cell.name, reason: "stopped", error: undefined, mayRestart: false });
      return () => undefined;
    }
    const extras = cell.cold();
    extras.watchers ??= new Set();
    extras.watchers.add(listener);
    return () => cell.extras?.watchers?.delete(listener);
  }

  /**
   * When one of the two fails, so does the other. An agent that ends as it should leaves the other alone; but one that had
   * ended before fails the other at once, as in OTP: nobody knows how it ended.
   */
  link(one: AgentCell, other: AgentCell): void {
    if (one.phase === STOPPED || other.phase === STOPPED) {
      const [dead, living] = one.phase === STOPPED ? [one, other] : [other, one];
      living.crash(undefined, linkBroken(living, `${dead.label}, which has ended`, dead));
      return;
    }
    for (const [cell, peer] of [
      [one, other],
      [other, one],
    ] as const) {
      const extras = cell.cold();
      extras.links ??= new Set();
      extras.links.add(peer);
    }
  }

  unlink(one: AgentCell, other: AgentCell): void {
    one.extras?.links?.delete(other);
    other.extras?.links?.delete(one);
  }

  /** Ends every agent: with `drain`, after what it has accepted; at the latest after `withinMs`. */
  async close(drain: boolean, withinMs: number, beforeTimersEnd?: () => Promise<void>): Promise<void> {
    const living = [...this.#cells.values()];
    this.#closed = true;
    if (drain && living.length > 0) {
      const late = new CallbackTimer(() => {
        for (const cell of this.#cells.values()) cell.terminate("the runtime closed before it had finished");
      });
      this.wheel.add(late, withinMs);
      await Promise.all(living.map((cell) => cell.stop({ drain: true, reason: "runtime closed" })));
    }
    for (const cell of [...this.#cells.values()].toReversed()) cell.terminate("runtime closed");
    await beforeTimersEnd?.();
    this.#scheduler.close();
    this.wheel.close();
  }

  #subscribe(cell: AgentCell): void {
    const ends: (() => void)[] = [];
    try {
      for (const route of cell.definition.signals) {
        ends.push(this.signals.subscribe(route.pattern, new AgentSink(cell, route)));
      }
    } catch (error) {
      for (const end of ends) end();
      throw error;
    }
    this.#subscribed.set(cell, ends);
  }

  #tellWatchers(cell: CellBase, news: Pick<Down, "reason" | "error" | "mayRestart">): void {
    for (const listener of cell.extras?.watchers ?? []) {
      try {
        listener({ address: cell.address, name: cell.name, ...news });
      } catch (error) {
        this.observers.tell({ kind: "observer-failed", error });
      }
    }
  }

  /** Everyone linked to the failed one, directly or through others, fails once; then none of these links is left. */
  #breakLinks(cell: CellBase, cause: unknown): void {
    const first = cell.extras?.links;
    if (first === undefined || first.size === 0) return;
    const failed = new Set<CellBase>([cell]);
    for (const member of failed) {
      for (const peer of member.extras?.links ?? []) failed.add(peer as AgentCell);
      member.extras?.links?.clear();
    }
    failed.delete(cell);
    for (const peer of failed) {
      peer.crash(undefined, linkBroken(peer, `${cell.label}, which failed`, cell, cause));
    }
  }

  #tellReset(cell: CellBase): void {
    this.observers.tell({ kind: "agent-state-reset", agent: cell.address });
    const type = "agent.state.reset";
    try {
      this.signals.publish(type, { address: cell.address }, cell.address, cell.name);
    } catch (error) {
      // A bus that takes nothing now must not turn a restart into another failure.
      this.observers.tell({ kind: "signal-refused", agent: cell.address, type, error });
    }
  }

  /** Accounts every agent that has handled messages since the last time, and takes back large mailboxes of idle ones. */
  collectOnce(): boolean {
    const { collect } = this.options;
    if (collect === undefined || this.#collected) return false;
    this.#collected = true;
    collect();
    return true;
  }

  #checkMemory(): void {
    this.#collected = false;
    for (const cell of this.#cells.values()) {
      if (cell.phase === IDLE && cell.box !== undefined && cell.box.capacity > KEPT_CAPACITY) cell.dropBox();
      if (cell.processed === 0 || this.#accounted.get(cell) === cell.processed) continue;
      this.#accounted.set(cell, cell.processed);
      holdToLimit(cell, this.options.memoryLimitBytes);
    }
    if (this.#cells.size > 0) this.wheel.add(this.#memoryTimer, this.options.memoryCheckMs);
  }
}

function linkBroken(cell: CellBase, to: string, { address }: CellBase, cause?: unknown): Error {
  return agentErrors.create("AGENT_LINK_BROKEN", `${cell.label} is linked to ${to}.`, {
    details: { address: cell.address, failed: address },
    cause,
  });
}
