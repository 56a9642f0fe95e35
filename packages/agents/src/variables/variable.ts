import { inspect } from "node:util";
import { ReputationBook } from "../economy/reputation.ts";
import { variableErrors } from "./errors.ts";
import { History, type HistoryEntry } from "./history.ts";
import { checkFeedback, type Feedback } from "./kind.ts";
import { type AuctionResult, PendingAuction, PendingVote, type VoteResult } from "./pending-decision.ts";
import type {
  Adaptation,
  ChangeOutcome,
  CommittedBy,
  SettledChange,
  Suggestion,
  SuggestionAnswer,
  VariableSignalIn,
  Versioned,
} from "./signals.ts";
import { type ResolvedVariableOptions, resolveVariableOptions, type VariableOptions } from "./variable-options.ts";

export type VariableLock = "unlocked" | "consensusPending" | "auctionPending";

/** How much one feedback counts against the reputation so far. */
const REPUTATION_STEP = 0.1;
/** Feedback that a new one is compared with. */
const COMPARED = 10;

interface Pending<Value> {
  readonly decision: PendingVote | PendingAuction<Value>;
  readonly settle: (change: SettledChange<Value>) => void;
  /** Who suggested the value that is decided on. */
  advisedBy: string | undefined;
}

/**
 * One tunable value with its history: validates changes, coordinates them with the agents they affect as its scope asks,
 * and improves the value from feedback. A state machine: everything happens inside its methods and the ends of its
 * decisions; it never reads the time but when it commits.
 */
export class Variable<Value> {
  readonly #options: ResolvedVariableOptions<Value>;
  readonly #history: History<Value>;
  readonly #voters: ReadonlyMap<string, number>;
  readonly #trust: ReputationBook;
  readonly #worths: number[] = [];
  #value: Value;
  #generation = 0;
  #time: number;
  #node: string;
  #lock: VariableLock = "unlocked";
  #pending: Pending<Value> | undefined;
  #connected = true;
  #reputation = 0.5;
  /** Who suggested the present value, to be judged by the next feedback. */
  #advisedBy: string | undefined;

  /** @throws MettleError `OPTIONS_INVALID` */
  constructor(options: VariableOptions<Value>) {
    this.#options = resolveVariableOptions(options);
    const { environment, kind, historyLength, affected } = this.#options;
    this.#history = new History(historyLength);
    this.#voters = new Map(affected.map((agent, i) => [agent, i]));
    this.#trust = new ReputationBook({ clock: environment.clock, capacity: 1000 });
    this.#value = kind.initial;
    this.#time = environment.clock.wallTime();
    this.#node = environment.node;
    this.#history.add({ value: this.#value, generation: 0, time: this.#time, by: "initial", requester: options.name });
  }

  get name(): string {
    return this.#options.name;
  }

  get value(): Value {
    return this.#value;
  }

  /** Grows by one with each commit. */
  get generation(): number {
    return this.#generation;
  }

  get lock(): VariableLock {
    return this.#lock;
  }

  /** Why a change without force would be refused now. */
  get blocked(): "locked" | "partitioned" | undefined {
    if (this.#lock !== "unlocked") return "locked";
    return this.#options.scope !== "local" && !this.#connected ? "partitioned" : undefined;
  }

  get affected(): readonly string[] {
    return this.#options.affected;
  }

  /** How often its adaptations were followed by performance over the mean: 0 … 1, from 0.5. */
  get reputation(): number {
    return this.#reputation;
  }

  /** The last changes, oldest first. */
  get history(): readonly HistoryEntry<Value>[] {
    return this.#history.list();
  }

  /** The value with what decides between it and another node's. */
  get version(): Versioned<Value> {
    return { value: this.#value, generation: this.#generation, time: this.#time, node: this.#node };
  }

  /** Hot for local scope. The same as calling the method that belongs to the signal. */
  handle(
    signal: VariableSignalIn<Value>,
  ): ChangeOutcome<Value> | SuggestionAnswer<Value> | Adaptation | boolean | undefined {
    switch (signal.type) {
      case "variable.value.change":
        return this.change(signal.value, signal.requester, signal.force);
      case "variable.performance.feedback":
        return this.feedback(signal);
      case "variable.coordination.request":
        return this.coordinate(signal.value, signal.requester);
      case "variable.value.suggest":
        return this.suggest(signal);
      case "variable.vote.cast":
        return this.vote(signal.voter, signal.approve, signal.confidence);
      case "variable.bid.placed":
        return this.bid(signal.bidder, signal.value, signal.amount);
      case "variable.cluster.sync":
        return this.sync(signal);
    }
  }

  /** The value as it would be kept: clamped or wrapped. @throws MettleError `VARIABLE_VALUE_INVALID` */
  validate(value: unknown): Value {
    const accepted = this.#options.kind.accept(value);
    if (accepted === undefined) {
      const shown = inspect(value, { depth: 2, breakLength: Infinity });
      throw variableErrors.create("VARIABLE_VALUE_INVALID", `${this.name} cannot be ${shown}.`, {
        details: { variable: this.name, value: shown },
      });
    }
    return accepted;
  }

  /**
   * Asks for another value: committed at once for local scope and eventual sync, otherwise pending until the affected agents
   * have decided.
   *
   * @param force - commits at once, whatever the scope; a pending decision is superseded
   * @throws MettleError `VARIABLE_VALUE_INVALID`, `VARIABLE_LOCKED`, `VARIABLE_PARTITIONED`
   */
  change(value: Value, requester: string, force = false): ChangeOutcome<Value> {
    const accepted = this.validate(value);
    if (force) {
      this.#supersede();
      return this.#commit(accepted, "forced", requester);
    }
    this.#refuseLocked();
    const { scope, sync, affected } = this.#options;
    if (scope === "local") return this.#commit(accepted, "local", requester);
    this.#refusePartitioned();
    if (sync === "eventual" || affected.length === 0) return this.#commit(accepted, "local", requester);
    return this.#decide(accepted, requester);
  }

  /** As `change`, but asks the affected agents whatever the scope. */
  coordinate(value: Value, requester: string): ChangeOutcome<Value> {
    const accepted = this.validate(value);
    this.#refuseLocked();
    this.#refusePartitioned();
    if (this.#options.affected.length === 0) return this.#commit(accepted, "local", requester);
    return this.#decide(accepted, requester);
  }

  /**
   * Learns from how well the system did, and moves the value if that promises more. While a decision is pending, or the
   * node is cut off, it learns and keeps the value.
   *
   * @throws MettleError `VARIABLE_FEEDBACK_INVALID`, `VARIABLE_GRADIENT_TOO_LARGE`, `VARIABLE_VALUE_INVALID` for a model's suggestion
   */
  feedback(feedback: Feedback<Value>): Adaptation {
    checkFeedback(feedback);
    this.#judge(this.#options.kind.worth(feedback));
    const { kind, environment, coordinateOver, scope, sync, affected } = this.#options;
    const learned = kind.learn(feedback, this.#value, environment.random);
    const next = learned === undefined || this.blocked !== undefined ? this.#value : this.validate(learned);
    const magnitude = kind.magnitude(this.#value, next);
    const coordinated = magnitude > coordinateOver && affected.length > 0;
    let valueChanged = false;
    if (magnitude > 0) {
      const decided = coordinated && scope !== "local" && sync !== "eventual";
      const change = decided ? this.#decide(next, this.name) : this.#commit(next, "local", this.name, coordinated);
      valueChanged = change.state === "committed";
    }
    const adaptation: Adaptation = { valueChanged, magnitude, coordinationTriggered: coordinated };
    environment.emit({ type: "variable.adaptation.completed", variable: this.name, ...adaptation }, []);
    return adaptation;
  }

  /** Takes a suggestion, offers something between, or refuses, by the trust in who makes it. */
  suggest({ value, requester, confidence = 1 }: Suggestion<Value>): SuggestionAnswer<Value> {
    const { kind, acceptFrom, negotiateFrom } = this.#options;
    const accepted = kind.accept(value);
    if (accepted === undefined || !(confidence >= 0 && confidence <= 1))
      return { answer: "reject", because: "invalid" };
    if (this.blocked !== undefined) return { answer: "reject", because: this.blocked };
    // Twice the score: a stranger at one half is trusted as far as it is confident.
    const trust = confidence * Math.min(1, 2 * this.#trust.of(requester).score);
    if (trust >= acceptFrom) {
      const change = this.change(accepted, requester);
      if (change.state === "committed") this.#advisedBy = requester;
      else if (this.#pending !== undefined) this.#pending.advisedBy = requester;
      return { answer: "accept", change };
    }
    const counter = trust >= negotiateFrom ? kind.between(this.#value, accepted, trust) : undefined;
    return counter === undefined ? { answer: "reject", because: "trust" } : { answer: "negotiate", counter };
  }

  /** @throws MettleError `VARIABLE_NOT_PENDING` */
  vote(voter: string, approve: boolean, confidence = 1): undefined {
    const decision = this.#pending?.decision;
    if (!(decision instanceof PendingVote)) throw this.#notPending("vote");
    decision.vote(voter, approve, confidence);
  }

  /** @throws MettleError `VARIABLE_NOT_PENDING`, `VARIABLE_VALUE_INVALID`, `ACCOUNT_OVERDRAWN`, `ACCOUNT_UNKNOWN` */
  bid(bidder: string, value: Value, amount: number): undefined {
    const decision = this.#pending?.decision;
    if (!(decision instanceof PendingAuction)) throw this.#notPending("auction");
    decision.bid(bidder, this.validate(value), amount);
  }

  /**
   * Takes another node's value if it is newer: a higher generation, then a later time, then the greater name of the node, so that
   * all nodes end with the same value in whatever order they hear of them.
   *
   * @returns whether it was taken
   * @throws MettleError `VARIABLE_VALUE_INVALID`
   */
  sync(other: Versioned<Value>): boolean {
    const value = this.validate(other.value);
    this.#refuseVersion(other);
    const newer =
      other.generation - this.#generation ||
      other.time - this.#time ||
      (other.node > this.#node ? 1 : other.node < this.#node ? -1 : 0);
    if (!(newer > 0)) return false;
    this.#supersede();
    this.#store(value, other.generation, other.time, other.node, "sync", other.node);
    return true;
  }

  /** While the node is cut off, cluster and global variables keep the last known value. */
  setConnected(connected: boolean): void {
    this.#connected = connected;
  }

  /** Ends a pending decision; the change is rejected as superseded. */
  close(): void {
    this.#supersede();
  }

  #decide(value: Value, requester: string): ChangeOutcome<Value> {
    const { environment, scope, sync, decisionTimeout, affected } = this.#options;
    const { promise, resolve } = Promise.withResolvers<SettledChange<Value>>();
    const { timers, economy } = environment;
    const auctioned = scope === "global" && economy !== undefined && sync !== "strong";
    const settle = (change: SettledChange<Value>): void => resolve(change);
    if (auctioned) {
      this.#lock = "auctionPending";
      const concluded = (result: AuctionResult<Value>): void => this.#auctioned(result, value, requester);
      const decision = new PendingAuction<Value>(this.#voters, economy, timers, decisionTimeout, concluded);
      this.#pending = { decision, settle, advisedBy: undefined };
    } else {
      this.#lock = "consensusPending";
      const concluded = (result: VoteResult): void => this.#voted(result, value, requester);
      const decision = new PendingVote(this.#voters, sync === "strong", timers, decisionTimeout, concluded);
      this.#pending = { decision, settle, advisedBy: undefined };
    }
    const type = auctioned ? "variable.auction.requested" : "variable.consensus.requested";
    environment.emit({ type, variable: this.name, old: this.#value, new: value, requester }, affected);
    return { state: "pending", settled: promise };
  }

  #voted(result: VoteResult, value: Value, requester: string): void {
    const { settle, advisedBy } = this.#unlock();
    if (result === "approved") settle(this.#commitAdvised(value, "consensus", requester, advisedBy));
    else if (result === "denied") settle({ state: "rejected", reason: "voted" });
    else if (result === "cancelled") settle({ state: "rejected", reason: "superseded" });
    else if (this.#options.sync === "strong") settle({ state: "rejected", reason: "unreachable" });
    else settle(this.#commitAdvised(value, "fallback", requester, advisedBy));
  }

  #auctioned(result: AuctionResult<Value>, value: Value, requester: string): void {
    const { settle, advisedBy } = this.#unlock();
    if (result.state === "won") settle(this.#commit(result.value, "auction", result.bidder));
    else if (result.state === "uncontested") settle(this.#commitAdvised(value, "auction", requester, advisedBy));
    else if (result.state === "cancelled") settle({ state: "rejected", reason: "superseded" });
    else settle(this.#commitAdvised(value, "fallback", requester, advisedBy));
  }

  #unlock(): Pending<Value> {
    const pending = this.#pending!;
    this.#pending = undefined;
    this.#lock = "unlocked";
    return pending;
  }

  #commitAdvised(
    value: Value,
    by: CommittedBy,
    requester: string,
    advisedBy: string | undefined,
  ): SettledChange<Value> {
    const change = this.#commit(value, by, requester);
    this.#advisedBy = advisedBy;
    return change;
  }

  #supersede(): void {
    this.#pending?.decision.cancel();
  }

  /** Hot: once per change. */
  #commit(value: Value, by: CommittedBy, requester: string, tell = true): SettledChange<Value> {
    const { environment, scope } = this.#options;
    const generation = this.#generation + 1;
    this.#store(value, generation, environment.clock.wallTime(), environment.node, by, requester, tell);
    if (scope !== "local")
      environment.emit({ type: "variable.cluster.sync", variable: this.name, ...this.version }, []);
    return { state: "committed", value, generation, by };
  }

  #store(
    value: Value,
    generation: number,
    time: number,
    node: string,
    by: CommittedBy,
    requester: string,
    tell = true,
  ): void {
    const old = this.#value;
    this.#value = value;
    this.#generation = generation;
    this.#time = time;
    this.#node = node;
    this.#advisedBy = undefined;
    this.#history.add({ value, generation, time, by, requester });
    const { environment, affected } = this.#options;
    const signal = { type: "variable.value.updated", variable: this.name, old, new: value, generation } as const;
    environment.emit(signal, tell ? affected : []);
  }

  /** What the present value brought, against the mean of the last: for the variable's reputation, and its adviser's. */
  #judge(worth: number): void {
    const seen = this.#worths;
    if (seen.length > 0) {
      const better = worth >= seen.reduce((sum, value) => sum + value, 0) / seen.length ? 1 : 0;
      this.#reputation += REPUTATION_STEP * (better - this.#reputation);
      if (this.#advisedBy !== undefined) this.#trust.record(this.#advisedBy, better);
    }
    seen.push(worth);
    if (seen.length > COMPARED) seen.shift();
  }

  /** A generation without end would be newer than everything that any node could ever commit. */
  #refuseVersion({ generation, time, node }: Versioned<Value>): void {
    if (Number.isSafeInteger(generation) && generation >= 0 && Number.isFinite(time) && typeof node === "string")
      return;
    const details = { variable: this.name, generation: String(generation), time: String(time), node };
    throw variableErrors.create("VARIABLE_VALUE_INVALID", `${this.name} got a value with a version that is none.`, {
      details,
      next: "Sync with a whole generation from 0, a time and the name of a node.",
    });
  }

  #refuseLocked(): void {
    if (this.#lock === "unlocked") return;
    throw variableErrors.create("VARIABLE_LOCKED", `${this.name} is locked: ${this.#lock}.`, {
      details: { variable: this.name, lock: this.#lock },
    });
  }

  #refusePartitioned(): void {
    if (this.#connected) return;
    throw variableErrors.create("VARIABLE_PARTITIONED", `${this.name} keeps its value while the node is cut off.`, {
      details: { variable: this.name },
    });
  }

  #notPending(what: "vote" | "auction"): Error {
    return variableErrors.create("VARIABLE_NOT_PENDING", `${this.name} has no ${what} open.`, {
      details: { variable: this.name, lock: this.#lock },
    });
  }
}
