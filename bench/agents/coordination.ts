// What it costs to ask a group and have its answer: counted as they come, or with a promise for each vote, or one member after
// the other. Members vote when they are asked, or each in its own microtask. The ratios are against the promise for each vote.
//
// Run: node -C mettle-source bench/agents/coordination.ts
import { ms } from "@mettle/core";
import {
  type Ballot,
  ballotsTo,
  Coordinator,
  createRuntime,
  formHierarchy,
  HierarchyMember,
  type HierarchyMessage,
  karyTree,
  levelTree,
  LocalNetwork,
  PbftMember,
  type PbftMessage,
  processNotary,
  Relay,
  type RelayMessage,
  type RelayTree,
  type Timers,
  unanimity,
  VoteCollector,
} from "@mettle/agents";
import { alternate, show } from "./alternate.ts";
import { voter } from "./subjects.ts";

/** Deadlines cost the same everywhere, and none of them comes: what is measured is the counting. */
const timers: Timers = {
  after: () => ({ cancel: () => undefined }),
};

/** The same with real agents: each message goes through a mailbox and is handled in a turn of its own. */
async function agentVotes(members: number): Promise<void> {
  await using runtime = createRuntime();
  const coordinator = new Coordinator({ timers, nowMs: () => performance.now() });
  const agents = Array.from({ length: members }, () => runtime.spawn(voter));
  const ask = ballotsTo<string>(agents, "propose");
  const timings = await alternate(
    [
      {
        name: "a request to each, Promise.all",
        run: async () => {
          const answers = await Promise.all(agents.map((agent) => agent.ask({ type: "decide" })));
          if (answers.length !== members) throw new Error("undecided");
        },
      },
      {
        name: "Coordinator, ballots, all votes",
        run: async () => {
          const { outcome } = coordinator.propose({ members, proposal: "scale", rule: unanimity, ask });
          if ((await outcome).state !== "decided") throw new Error("undecided");
        },
      },
    ],
    { rounds: 15, runs: Math.max(3, Math.round(20_000 / members)) },
  );
  show(`propose and collect among ${members} agents of a runtime`, timings);
}

async function votes(members: number): Promise<void> {
  const coordinator = new Coordinator({ timers, nowMs: () => performance.now() });
  const later: (() => void)[] = [];
  const timings = await alternate(
    [
      {
        name: "a promise for each vote, Promise.all",
        run: async () => {
          const asked = Array.from({ length: members }, async (_, member) => {
            await Promise.resolve();
            return member % 8 === 0 ? 0 : 1;
          });
          let support = 0;
          for (const vote of await Promise.all(asked)) support += vote;
          if (support <= members / 2) throw new Error("undecided");
        },
      },
      {
        name: "one member after the other",
        run: async () => {
          let support = 0;
          for (let member = 0; member < members; member++) {
            support += await Promise.resolve(member % 8 === 0 ? 0 : 1);
          }
          if (support <= members / 2) throw new Error("undecided");
        },
      },
      {
        name: "Coordinator, each vote in a turn of its own, all of them",
        run: async () => {
          const { outcome } = coordinator.propose({
            members,
            proposal: "scale",
            rule: unanimity,
            ask: (member: number, ballot: Ballot<string>) => later.push(() => void ballot.vote(member, 1)) > 0,
          });
          await Promise.resolve();
          for (const vote of later.splice(0)) vote();
          if ((await outcome).state !== "decided") throw new Error("undecided");
        },
      },
      {
        name: "Coordinator, until a majority is certain",
        run: async () => {
          const { outcome } = coordinator.propose({
            members,
            proposal: "scale",
            ask: (member: number, ballot: Ballot<string>) => ballot.vote(member, member % 8 === 0 ? 0 : 1) !== "late",
          });
          if ((await outcome).state !== "decided") throw new Error("undecided");
        },
      },
      {
        name: "VoteCollector alone, all votes",
        run: () => {
          const collector = new VoteCollector({ members, rule: unanimity });
          for (let member = 0; member < members; member++) collector.vote(member, 1);
          if (collector.open) throw new Error("undecided");
        },
      },
    ],
    { rounds: 15, runs: Math.max(3, Math.round(50_000 / members)) },
  );
  show(`propose and collect among ${members}`, timings);
}

function relays(tree: RelayTree): () => Promise<void> {
  const network = new LocalNetwork<RelayMessage<string>>();
  const nodes = Array.from({ length: tree.size }, (_, position) => {
    const relay = new Relay<string>({ position, tree, network, timers, deliver: () => undefined, remembered: 10 });
    network.attach(position, (from, message) => relay.receive(from, message));
    return relay;
  });
  return async () => {
    const { reached } = await nodes[0]!.broadcast("go");
    if (reached !== tree.size - 1) throw new Error("not all reached");
  };
}

function hierarchy(members: number): () => Promise<void> {
  const network = new LocalNetwork<HierarchyMessage<string>>();
  const plan = formHierarchy(members);
  const nodes = Array.from({ length: members }, (_, member) => {
    const decide = (_proposal: string, answer: (choice: number) => void): void => answer(1);
    const node = new HierarchyMember<string>({ member, hierarchy: plan, network, timers, decide, remembered: 10 });
    network.attach(member, (from, message) => node.receive(from, message));
    return node;
  });
  return async () => {
    if ((await nodes[0]!.propose("go")).state !== "decided") throw new Error("undecided");
  };
}

let instance = 0;
function pbft(members: number): () => Promise<void> {
  return async () => {
    const network = new LocalNetwork<PbftMessage<string>>();
    const notary = processNotary();
    const decided = Array.from({ length: members }, (_, member) => {
      const { promise, resolve } = Promise.withResolvers<string>();
      const replica = new PbftMember<string>({
        member,
        members,
        instance: `${instance}`,
        network,
        timers,
        signer: notary.signer(member),
        verifier: notary.verifier,
        viewTimeout: ms(1000),
        decided: resolve,
      });
      network.attach(member, (from, message) => replica.receive(from, message));
      if (member === 0) replica.propose("go");
      return promise;
    });
    instance += 1;
    await Promise.all(decided);
  };
}

for (const members of [100, 1000, 10_000]) await votes(members);
for (const members of [100, 1000, 10_000]) await agentVotes(members);
for (const members of [100, 1000, 10_000]) {
  const runs = Math.max(1, Math.round(5000 / members));
  show(
    `reach ${members} through the process's own network, each confirmed`,
    await alternate(
      [
        { name: "flat", run: relays(karyTree(members + 1, members)) },
        { name: "tree, fan-out 4", run: relays(karyTree(members + 1, 4)) },
        { name: "three levels", run: relays(levelTree([members / 4, members / 4, members / 2].map(Math.floor))) },
        { name: "consensus by representatives", run: hierarchy(members) },
      ],
      { rounds: 9, runs },
    ),
  );
}
show(
  "Byzantine agreement, all members decided",
  await alternate(
    [4, 7, 16, 31, 64].map((members) => ({ name: `${members} members`, run: pbft(members) })),
    { rounds: 9, runs: 3 },
  ),
);
