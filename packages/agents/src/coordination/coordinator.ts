import { type Milliseconds, ms } from "@mettle/core";
import { refuseProblems, wholeAtLeast } from "./check-options.ts";
import { coordinationErrors } from "./errors.ts";
import type { Timers } from "../timers/timers.ts";
import { type DecisionRule, VoteCollector, type VoteOutcome, type VoteReceipt } from "./vote-collector.ts";

/** One question to a group, with the place to put the answers. All members get the same object. */
export interface Ballot<Proposal> {
  readonly id: number;
  readonly proposal: Proposal;
  /** Hot. @param member - the number under which the member was asked */
  vote(member: number, choice: number, confidence?: number): VoteReceipt;
  abstain(member: number): VoteReceipt;
}

/**
 * Hands a ballot to one member, who votes at once or later, in one turn or in many. Returns false when the member cannot take it (it is
 * gone, or its mailbox is full): it then counts as abstaining.
 */
export type Ask<Proposal> = (member: number, ballot: Ballot<Proposal>) => boolean;

export interface ProposeOptions<Proposal> {
  readonly members: number;
  readonly proposal: Proposal;
  readonly ask: Ask<Proposal>;
  readonly choices?: number;
  readonly rule?: DecisionRule;
  readonly weights?: Float64Array;
  /** @defaultValue the coordinator's */
  readonly deadline?: Milliseconds;
  readonly signal?: AbortSignal;
}

/** What a coordinator tells those who listen. */
export type CoordinationEvent =
  | { readonly type: "coordination.consensus.started"; readonly id: number; readonly members: number }
  | {
      readonly type: "coordination.consensus.reached" | "coordination.consensus.failed";
      readonly id: number;
      readonly outcome: VoteOutcome;
      /** From proposing to the end. */
      readonly elapsed: Milliseconds;
    };

export interface CoordinatorOptions {
  readonly timers: Timers;
  /** Monotonic, for the durations in events. */
  readonly nowMs: () => number;
  /** Until a proposal ends undecided. @defaultValue 5 s */
  readonly deadline?: Milliseconds;
  /** Proposals open at a time. @defaultValue 10 000 */
  readonly maxOpen?: number;
}

export interface CoordinationStatistics {
  readonly open: number;
  readonly started: number;
  readonly decided: number;
  readonly undecided: number;
}

/** An open proposal. */
export interface OpenProposal {
  readonly id: number;
  /** Resolves when it ends; rejects with `COORDINATION_CANCELLED` when its signal aborts first. */
  readonly outcome: Promise<VoteOutcome>;
}

/** Asks groups and counts the answers: one collector and one timer for each proposal, whatever the size of the group. */
export class Coordinator {
  readonly #options: Required<CoordinatorOptions>;
  readonly #open = new Map<number, VoteCollector>();
  readonly #listeners = new Set<(event: CoordinationEvent) => void>();
  #nextId = 1;
  #decided = 0;
  #undecided = 0;

  /** @throws MettleError `OPTIONS_INVALID` */
  constructor(options: CoordinatorOptions) {
    this.#options = { deadline: ms(5000), maxOpen: 10_000, ...options };
    refuseProblems("Coordinator", [
      ...wholeAtLeast("maxOpen", this.#options.maxOpen, 1),
      ...(this.#options.deadline > 0 ? [] : [`deadline must be over 0 ms, got ${this.#options.deadline}`]),
    ]);
  }

  get statistics(): CoordinationStatistics {
    const open = this.#open.size;
    return { open, started: this.#nextId - 1, decided: this.#decided, undecided: this.#undecided };
  }

  /** Calls `listener` with every event from now on, until the returned function is called. */
  subscribe(listener: (event: CoordinationEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Asks all members at once and returns at once.
   *
   * @throws MettleError `OPTIONS_INVALID`, `COORDINATION_LIMIT_REACHED`, `COORDINATION_CANCELLED` when already aborted
   */
  propose<Proposal>(options: ProposeOptions<Proposal>): OpenProposal {
    const { members, proposal, ask, signal, deadline = this.#options.deadline, ...collecting } = options;
    if (signal?.aborted) throw cancelled(signal);
    if (this.#open.size >= this.#options.maxOpen) {
      throw coordinationErrors.create("COORDINATION_LIMIT_REACHED", `${this.#open.size} proposals are open.`, {
        details: { open: this.#open.size },
      });
    }
    const id = this.#nextId;
    const started = this.#options.nowMs();
    const { promise, resolve, reject } = Promise.withResolvers<VoteOutcome>();
    const onAbort = (): void => collector.cancel();
    const collector = new VoteCollector({
      ...collecting,
      members,
      deadline,
      timers: this.#options.timers,
      concluded: (outcome) => {
        signal?.removeEventListener("abort", onAbort);
        this.#concluded(id, outcome, started);
        if (outcome.state === "undecided" && outcome.reason === "cancelled" && signal?.aborted)
          reject(cancelled(signal));
        else resolve(outcome);
      },
    });
    this.#nextId += 1;
    if (collector.open) this.#open.set(id, collector);
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#emit({ type: "coordination.consensus.started", id, members });
    this.#askAll(members, ask, new CollectingBallot(id, proposal, collector), collector);
    return { id, outcome: promise };
  }

  /** Hot. A vote that came as a message: `id` is the ballot's. Late when that proposal is not open any more. */
  vote(id: number, member: number, choice: number, confidence?: number): VoteReceipt {
    return this.#open.get(id)?.vote(member, choice, confidence) ?? "late";
  }

  /** As {@link vote}, for a member who supports nothing. */
  abstain(id: number, member: number): VoteReceipt {
    return this.#open.get(id)?.abstain(member) ?? "late";
  }

  /** Ends all open proposals undecided. */
  close(): void {
    for (const collector of this.#open.values()) collector.cancel();
  }

  #askAll<Proposal>(members: number, ask: Ask<Proposal>, ballot: Ballot<Proposal>, collector: VoteCollector): void {
    try {
      // Hot. Members who answer at once may settle it: the rest need not be asked.
      for (let member = 0; member < members && collector.open; member++) {
        if (!ask(member, ballot)) collector.abstain(member);
      }
    } catch (error) {
      collector.cancel();
      throw error;
    }
  }

  #concluded(id: number, outcome: VoteOutcome, started: number): void {
    this.#open.delete(id);
    if (outcome.state === "decided") this.#decided += 1;
    else this.#undecided += 1;
    const type = outcome.state === "decided" ? "coordination.consensus.reached" : "coordination.consensus.failed";
    this.#emit({ type, id, outcome, elapsed: ms(this.#options.nowMs() - started) });
  }

  #emit(event: CoordinationEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        // A listener's fault is no voter's: it surfaces as an uncaught error, and the count goes on.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

class CollectingBallot<Proposal> implements Ballot<Proposal> {
  readonly id: number;
  readonly proposal: Proposal;
  readonly #collector: VoteCollector;

  constructor(id: number, proposal: Proposal, collector: VoteCollector) {
    this.id = id;
    this.proposal = proposal;
    this.#collector = collector;
  }

  vote(member: number, choice: number, confidence?: number): VoteReceipt {
    return this.#collector.vote(member, choice, confidence);
  }

  abstain(member: number): VoteReceipt {
    return this.#collector.abstain(member);
  }
}

function cancelled(signal: AbortSignal): Error {
  return coordinationErrors.create("COORDINATION_CANCELLED", "The proposal was cancelled before it was decided.", {
    cause: signal.reason,
  });
}
