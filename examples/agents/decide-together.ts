// Asks a group to decide, and listens for the result: one collector counts the votes as they come.
// Prints:
//   scale up: yes, by 3 of 5 votes; 2 had not answered yet
//   scale down: undecided, since no side can win any more
import { systemClock } from "@mettle/core";
import { type Ballot, Coordinator, TimerWheel, type VoteOutcome } from "@mettle/agents";

using timers = new TimerWheel(systemClock);
const coordinator = new Coordinator({ timers, nowMs: () => performance.now() });

/** In a runtime, `ask` puts the ballot into an agent's mailbox, and the agent votes when it gets to it. */
async function decide(proposal: string, votes: ReadonlyMap<number, number>): Promise<VoteOutcome> {
  const mailboxes: Ballot<string>[] = [];
  const ask = (_member: number, ballot: Ballot<string>): boolean => mailboxes.push(ballot) > 0;
  const { outcome } = coordinator.propose({ members: 5, proposal, ask });
  for (const [member, choice] of votes) {
    const ballot = mailboxes[member];
    if (choice === -1) ballot?.abstain(member);
    else ballot?.vote(member, choice);
  }
  return outcome;
}

const up = await decide(
  "scale up",
  new Map([
    [4, 1],
    [0, 1],
    [2, 1],
  ]),
);
if (up.state === "decided") {
  console.log(
    `scale up: ${up.choice === 1 ? "yes" : "no"}, by ${up.votes} of ${up.maximum} votes; ${up.silent} had not answered yet`,
  );
}
const down = await decide(
  "scale down",
  new Map([
    [0, 1],
    [1, 1],
    [2, 0],
    [3, 0],
    [4, -1],
  ]),
);
if (down.state === "undecided") {
  console.log(
    `scale down: undecided, since ${down.reason === "unreachable" ? "no side can win any more" : down.reason}`,
  );
}
