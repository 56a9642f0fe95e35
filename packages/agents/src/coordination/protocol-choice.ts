import { refuseProblems, wholeAtLeast } from "./check-options.ts";
import { coordinationErrors } from "./errors.ts";

export type Protocol = "majority" | "weighted" | "iterative" | "pbft" | "hierarchical";

/** What members may do wrong: stop and lose messages, or say different things to different members as well. */
export type FaultAssumption = "crash" | "byzantine";

export interface GroupDescription {
  readonly members: number;
  /** @defaultValue crash */
  readonly faults?: FaultAssumption;
  /** Whether members differ in weight or give a confidence. @defaultValue false */
  readonly weighted?: boolean;
  /** Whether members shall approach one another rather than choose among fixed options. @defaultValue false */
  readonly negotiated?: boolean;
  /** Whether the members are reached over links, where each message costs. @defaultValue false */
  readonly remote?: boolean;
}

export interface ProtocolChoice {
  readonly protocol: Protocol;
  /** In words, for logs. */
  readonly because: string;
  /** Messages until the initiator knows the result, without faults. */
  readonly messages: number;
}

/** Largest group asked directly. In process a vote costs well under a microsecond; over links one member's ports decide. */
const DIRECT = { local: 10_000, remote: 50 } as const;

/**
 * The protocol for a group by its size and by what may go wrong. A caller who knows better names a protocol instead.
 *
 * @throws MettleError `OPTIONS_INVALID`, `COORDINATION_GROUP_TOO_SMALL` for Byzantine faults among fewer than four
 */
export function chooseProtocol(group: GroupDescription): ProtocolChoice {
  const { members, faults = "crash", weighted = false, negotiated = false, remote = false } = group;
  refuseProblems("Group", wholeAtLeast("members", members, 1));
  if (faults === "byzantine") {
    if (members < 4) {
      throw coordinationErrors.create(
        "COORDINATION_GROUP_TOO_SMALL",
        `A group of ${members} cannot survive a member that lies.`,
        { details: { members } },
      );
    }
    const messages = (members - 1) * (1 + 2 * members);
    return { protocol: "pbft", because: "members may lie", messages };
  }
  if (negotiated) return { protocol: "iterative", because: "members approach one another", messages: 2 * members };
  const direct = remote ? DIRECT.remote : DIRECT.local;
  if (members > direct && !weighted) {
    const because = `${members} members are more than the ${direct} that one collector asks`;
    // Each member is asked and answers; each cluster of about five is asked and reports.
    return { protocol: "hierarchical", because, messages: 2 * members + 2 * Math.ceil(members / 4) };
  }
  if (weighted) return { protocol: "weighted", because: "members differ in weight", messages: 2 * members };
  return { protocol: "majority", because: "one collector can ask everyone", messages: 2 * members };
}
