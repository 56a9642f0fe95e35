import { type Milliseconds, ms } from "@mettle/core";
import { refuseProblems, wholeAtLeast } from "./check-options.ts";
import type { Cluster, Hierarchy } from "./hierarchy.ts";
import type { Network } from "./network.ts";
import type { Timer, Timers } from "../timers/timers.ts";
import { type DecisionRule, simpleMajority, type VoteOutcome } from "./vote-collector.ts";

/** Votes of a cluster, summed. Members in neither number were silent. */
export interface Tally {
  readonly support: readonly number[];
  readonly votes: number;
  readonly abstentions: number;
}

export type HierarchyMessage<Proposal> =
  | { readonly kind: "gather"; readonly id: number; readonly cluster: number; readonly proposal: Proposal }
  | { readonly kind: "ask"; readonly id: number; readonly proposal: Proposal }
  | { readonly kind: "vote"; readonly id: number; readonly choice: number | undefined }
  | { readonly kind: "tally"; readonly id: number; readonly cluster: number; readonly tally: Tally };

export interface HierarchyMemberOptions<Proposal> {
  readonly member: number;
  readonly hierarchy: Hierarchy;
  readonly network: Network<HierarchyMessage<Proposal>>;
  readonly timers: Timers;
  /**
   * Asks this member for its choice, once per proposal; answers at once or later, with `undefined` to abstain.
   */
  readonly decide: (proposal: Proposal, answer: (choice: number | undefined) => void) => void;
  /** Choices, from 0. @defaultValue 2 */
  readonly choices?: number;
  /** How long a question to one member and its answer may take. @defaultValue 50 ms */
  readonly memberTimeout?: Milliseconds;
  /** Proposals remembered, so that a repeated question gets the same answer. @defaultValue 1 000 */
  readonly remembered?: number;
}

interface Gathering {
  /** Whom to tell: several, when the one who asked first was replaced. */
  readonly askers: Set<number>;
  readonly support: Float64Array;
  votes: number;
  abstentions: number;
  /** Members or clusters not heard of. */
  readonly waiting: Set<number>;
  readonly timers: Timer[];
  /** The candidate asked for each cluster below. */
  readonly asked: Map<number, number>;
  sent: Tally | undefined;
}

interface Held<Proposal> {
  readonly proposal: Proposal;
  /** Set once the member was asked; its choice never changes after that. */
  choice: { readonly value: number | undefined } | undefined;
  asked: boolean;
  /** Who waits for the choice. */
  readonly askers: Set<number>;
  readonly gatherings: Map<number, Gathering>;
}

export interface HierarchyProposal {
  /** @defaultValue more than half of all members */
  readonly rule?: DecisionRule;
}

/**
 * One member of a consensus by representatives: votes go up as sums, so the result is that of a flat vote, while nobody
 * handles more than a cluster's messages. A representative who does not answer in time, or is known to be down, is replaced
 * by the next candidate, who gathers again; members who stay silent abstain. Survives crashes, not lies.
 */
export class HierarchyMember<Proposal> {
  readonly #options: HierarchyMemberOptions<Proposal>;
  readonly #choices: number;
  readonly #memberTimeout: Milliseconds;
  readonly #remembered: number;
  readonly #held = new Map<number, Held<Proposal>>();
  readonly #down = new Set<number>();
  readonly #concluded = new Map<number, (tally: Tally) => void>();
  #nextId = 0;

  /** @throws MettleError `OPTIONS_INVALID` */
  constructor(options: HierarchyMemberOptions<Proposal>) {
    const { member, hierarchy, choices = 2, memberTimeout = ms(50), remembered = 1000 } = options;
    refuseProblems("Hierarchy member", [
      ...wholeAtLeast("choices", choices, 1),
      ...wholeAtLeast("remembered", remembered, 1),
      ...wholeAtLeast("member", member, 0),
      ...(member < hierarchy.members ? [] : [`member ${member} of ${hierarchy.members}`]),
      ...(memberTimeout > 0 ? [] : [`memberTimeout must be over 0 ms, got ${memberTimeout}`]),
    ]);
    this.#options = options;
    this.#choices = choices;
    this.#memberTimeout = memberTimeout;
    this.#remembered = remembered;
  }

  /** Asks everyone, this member included. Resolves when the root cluster has reported or was given up on; never rejects. */
  propose(proposal: Proposal, { rule = simpleMajority }: HierarchyProposal = {}): Promise<VoteOutcome> {
    const { hierarchy, member } = this.#options;
    const id = this.#nextId++ * hierarchy.members + member;
    return new Promise((resolve) => {
      this.#concluded.set(id, (tally) => {
        this.#concluded.delete(id);
        resolve(judge(tally, hierarchy.members, rule));
      });
      const held = this.#holding(id, proposal);
      // As if there were a cluster over the root with this member as its representative.
      const top = this.#gathering(member, [hierarchy.root]);
      held.gatherings.set(-1, top);
      this.#askCluster(id, held, -1, hierarchy.clusters[hierarchy.root]!, 0);
    });
  }

  /** A member is known to have died: whoever waits for it turns to the next candidate at once. */
  memberDown(member: number): void {
    this.#down.add(member);
    for (const [id, held] of this.#held) {
      for (const [cluster, gathering] of held.gatherings) {
        for (const [child, candidate] of gathering.asked) {
          if (candidate === member && gathering.waiting.has(child)) this.#next(id, held, cluster, child);
        }
        if (this.#options.hierarchy.clusters[cluster]?.level === 0 && gathering.waiting.delete(member)) {
          this.#reportIfDone(id, cluster, gathering);
        }
      }
    }
  }

  memberUp(member: number): void {
    this.#down.delete(member);
  }

  receive(from: number, message: HierarchyMessage<Proposal>): void {
    if (message.kind === "ask") this.#onAsk(from, message.id, message.proposal);
    else if (message.kind === "gather") this.#onGather(from, message.id, message.cluster, message.proposal);
    else if (message.kind === "vote") this.#onVote(from, message.id, message.choice);
    else this.#onTally(message.id, message.cluster, message.tally);
  }

  #holding(id: number, proposal: Proposal): Held<Proposal> {
    let held = this.#held.get(id);
    if (held === undefined) {
      held = { proposal, choice: undefined, asked: false, askers: new Set(), gatherings: new Map() };
      this.#held.set(id, held);
      if (this.#held.size > this.#remembered) this.#forget(held);
    }
    return held;
  }

  /** Forgets the oldest proposal that nothing waits for any more, but not the one that has just come. */
  #forget(newest: Held<Proposal>): void {
    for (const [id, held] of this.#held) {
      if (held === newest) return;
      const open = (held.asked && !held.choice) || [...held.gatherings.values()].some(({ sent }) => sent === undefined);
      if (open) continue;
      this.#held.delete(id);
      return;
    }
  }

  #onAsk(from: number, id: number, proposal: Proposal): void {
    const held = this.#holding(id, proposal);
    held.askers.add(from);
    if (held.choice !== undefined) {
      this.#send(from, { kind: "vote", id, choice: held.choice.value });
      return;
    }
    if (held.asked) return;
    held.asked = true;
    this.#options.decide(proposal, (value) => {
      if (held.choice !== undefined) return;
      held.choice = { value };
      for (const asker of held.askers) this.#send(asker, { kind: "vote", id, choice: value });
    });
  }

  #onGather(from: number, id: number, cluster: number, proposal: Proposal): void {
    const plan = this.#options.hierarchy.clusters[cluster];
    if (plan === undefined) return;
    const held = this.#holding(id, proposal);
    const before = held.gatherings.get(cluster);
    if (before !== undefined) {
      before.askers.add(from);
      if (before.sent !== undefined) this.#send(from, { kind: "tally", id, cluster, tally: before.sent });
      return;
    }
    const gathering = this.#gathering(from, plan.level === 0 ? plan.members : plan.children);
    held.gatherings.set(cluster, gathering);
    if (plan.level > 0) {
      for (const child of plan.children)
        this.#askCluster(id, held, cluster, this.#options.hierarchy.clusters[child]!, 0);
      return;
    }
    const silence = this.#options.timers.after(this.#memberTimeout, () => {
      gathering.waiting.clear(); // silence is abstention
      this.#reportIfDone(id, cluster, gathering);
    });
    gathering.timers.push(silence);
    for (const member of plan.members) {
      if (this.#down.has(member)) gathering.waiting.delete(member);
      else this.#send(member, { kind: "ask", id, proposal });
    }
    this.#reportIfDone(id, cluster, gathering);
  }

  #gathering(asker: number, waiting: readonly number[]): Gathering {
    return {
      askers: new Set([asker]),
      support: new Float64Array(this.#choices),
      votes: 0,
      abstentions: 0,
      waiting: new Set(waiting),
      timers: [],
      asked: new Map(),
      sent: undefined,
    };
  }

  /** Asks the cluster's candidate of rank `rank`, or the next who is not known to be down. */
  #askCluster(id: number, held: Held<Proposal>, parent: number, child: Cluster, rank: number): void {
    const gathering = held.gatherings.get(parent)!;
    for (let i = rank; i < child.candidates.length; i++) {
      const candidate = child.candidates[i]!;
      if (this.#down.has(candidate)) continue;
      gathering.asked.set(child.id, candidate);
      const patience = this.#patience(child.level);
      gathering.timers.push(
        this.#options.timers.after(patience, () => {
          if (gathering.asked.get(child.id) === candidate && gathering.waiting.has(child.id)) {
            this.#next(id, held, parent, child.id);
          }
        }),
      );
      this.#send(candidate, { kind: "gather", id, cluster: child.id, proposal: held.proposal });
      return;
    }
    gathering.waiting.delete(child.id); // nobody left to speak for it: its members are silent
    this.#reportIfDone(id, parent, gathering);
  }

  #next(id: number, held: Held<Proposal>, parent: number, child: number): void {
    const plan = this.#options.hierarchy.clusters[child]!;
    const rank = plan.candidates.indexOf(held.gatherings.get(parent)!.asked.get(child) ?? -1) + 1;
    this.#askCluster(id, held, parent, plan, rank);
  }

  /** Long enough for the cluster to find one of its own representatives silent and ask a second. */
  #patience(level: number): Milliseconds {
    let patience = 2 * this.#memberTimeout;
    for (let i = 0; i < level; i++) patience = this.#memberTimeout + 2 * patience;
    return ms(patience);
  }

  #onVote(from: number, id: number, choice: number | undefined): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    for (const [cluster, gathering] of held.gatherings) {
      // -1 waits for a cluster, whose number could be a member's.
      if (this.#options.hierarchy.clusters[cluster]?.level !== 0 || !gathering.waiting.delete(from)) continue;
      if (choice !== undefined && choice >= 0 && choice < this.#choices) {
        gathering.support[choice]! += 1;
        gathering.votes += 1;
      } else {
        gathering.abstentions += 1;
      }
      this.#reportIfDone(id, cluster, gathering);
    }
  }

  #onTally(id: number, child: number, tally: Tally): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    for (const [cluster, gathering] of held.gatherings) {
      // The first tally of a cluster counts; a replaced representative may send another.
      if (!gathering.asked.has(child) || !gathering.waiting.delete(child)) continue;
      for (let i = 0; i < this.#choices; i++) gathering.support[i]! += tally.support[i] ?? 0;
      gathering.votes += tally.votes;
      gathering.abstentions += tally.abstentions;
      this.#reportIfDone(id, cluster, gathering);
    }
  }

  #reportIfDone(id: number, cluster: number, gathering: Gathering): void {
    if (gathering.sent !== undefined || gathering.waiting.size > 0) return;
    for (const timer of gathering.timers) timer.cancel();
    const { votes, abstentions } = gathering;
    const tally: Tally = { support: [...gathering.support], votes, abstentions };
    gathering.sent = tally;
    if (cluster === -1) this.#concluded.get(id)?.(tally);
    else for (const asker of gathering.askers) this.#send(asker, { kind: "tally", id, cluster, tally });
  }

  /** To itself as well: a representative is a member of its own cluster. */
  #send(to: number, message: HierarchyMessage<Proposal>): void {
    this.#options.network.send(this.#options.member, to, message);
  }
}

function judge({ support, votes, abstentions }: Tally, members: number, rule: DecisionRule): VoteOutcome {
  const count = {
    support,
    maximum: members,
    votes,
    abstentions,
    silent: members - votes - abstentions,
    equivocations: 0,
  };
  const choice = support.findIndex((sum) =>
    rule.strict ? sum > rule.threshold * members : sum >= rule.threshold * members,
  );
  return choice === -1
    ? { state: "undecided", reason: "unreachable", ...count }
    : { state: "decided", choice, ...count };
}
