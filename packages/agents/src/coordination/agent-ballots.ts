import { MettleError } from "@mettle/core";
import type { AnyRef } from "../agent/ref.ts";
import { AgentCell } from "../runtime/agent-cell.ts";
import type { Ask, Ballot } from "./coordinator.ts";

/** What an agent gets when it is asked: it answers with `ballot.vote(member, choice)`. */
export interface BallotMessage<Proposal> {
  /** The agent's number in the group. */
  readonly member: number;
  readonly ballot: Ballot<Proposal>;
}

/**
 * Asks agents of this thread, in their order, by a message of this type. One that cannot take it (a full mailbox) abstains, and so
 * does one that has stopped. Agents of other threads need the proposal's id instead of the ballot, and `Coordinator.vote`.
 */
export function ballotsTo<Proposal>(agents: readonly AnyRef[], type: string): Ask<Proposal> {
  // Hot: once per member.
  return (member, ballot) => {
    const agent = agents[member];
    const data: BallotMessage<Proposal> = { member, ballot };
    if (agent instanceof AgentCell) return agent.offer({ type, data });
    if (agent === undefined || agent.status === "stopped") return false;
    try {
      agent.send({ type, data });
      return true;
    } catch (error) {
      if (error instanceof MettleError && error.retryable) return false;
      throw error;
    }
  };
}
