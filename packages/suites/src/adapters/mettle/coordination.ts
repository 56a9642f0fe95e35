import { type AnyRef, Coordinator, levelTree, Relay, type RelayMessage, type Timers, unanimity } from "@mettle/agents";
import { ms, systemClock } from "@mettle/core";
import type { AgentHandle, CoordinationFacet, CoordinationOutcome } from "../../platform/platform.ts";
import type { BallotFor, Hop } from "./agents.ts";

/** Proposals and relays over the mailboxes of agents. */
export class MettleCoordination implements CoordinationFacet {
  readonly #coordinator: Coordinator;
  readonly #timers: Timers;

  constructor(timers: Timers) {
    this.#timers = timers;
    this.#coordinator = new Coordinator({ timers, nowMs: () => systemClock.now() / 1e6 });
  }

  consensus(members: readonly AgentHandle[], timeoutMs: number): Promise<CoordinationOutcome> {
    return this.#askAll(members as readonly AnyRef[], timeoutMs);
  }

  broadcast(targets: readonly AgentHandle[], timeoutMs: number): Promise<CoordinationOutcome> {
    return this.#askAll(targets as readonly AnyRef[], timeoutMs);
  }

  /** All must vote for it, so that nobody's work is left out when a majority is there. */
  async #askAll(members: readonly AnyRef[], timeoutMs: number): Promise<CoordinationOutcome> {
    const { outcome } = this.#coordinator.propose({
      members: members.length,
      proposal: null,
      rule: unanimity,
      deadline: ms(timeoutMs),
      ask: (member, ballot) => {
        members[member]!.send({ type: "ballot", data: { ballot, member } satisfies BallotFor });
        return true;
      },
    });
    const { votes, state } = await outcome;
    return { participated: votes, succeeded: state === "decided", messages: members.length + votes };
  }

  async hierarchy(levels: readonly (readonly AgentHandle[])[], timeoutMs: number): Promise<CoordinationOutcome> {
    const tree = levelTree(levels.map((level) => level.length));
    // Position 0 is the caller: an agent of no level begins.
    const agents: (AnyRef | undefined)[] = [undefined, ...(levels.flat() as readonly AnyRef[])];
    let messages = 0;
    const relays: Relay<unknown>[] = [];
    const send = (from: number, to: number, message: RelayMessage<unknown>): void => {
      messages += 1;
      const agent = agents[to];
      if (agent === undefined) relays[to]!.receive(from, message);
      else agent.send({ type: "relay", data: { relay: relays[to]!, from, message } satisfies Hop });
    };
    for (let position = 0; position < tree.size; position++) {
      relays.push(
        new Relay({
          position,
          tree,
          network: { send },
          timers: this.#timers,
          deliver: () => undefined,
          hopTimeout: ms(timeoutMs / (levels.length + 1)),
        }),
      );
    }
    const { reached, unconfirmed } = await relays[0]!.broadcast(null);
    return { participated: reached, succeeded: unconfirmed.length === 0, messages };
  }

  close(): void {
    this.#coordinator.close();
  }
}
