import { ms, Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formHierarchy,
  HierarchyMember,
  type HierarchyMessage,
  type HierarchyOptions,
  type LinkOptions,
  SimulatedNetwork,
  SimulatedTime,
  VoteCollector,
} from "../../src/index.ts";

describe("formHierarchy", () => {
  test("every member is in one cluster, every cluster but the root under one, within the levels", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.integer({ min: 2, max: 6 }),
        fc.integer({ min: 1, max: 5 }),
        (members, clusterSize, maxLevels) => {
          const { clusters, levels, root } = formHierarchy(members, { clusterSize, maxLevels });
          expect(clusters.flatMap((cluster) => cluster.members)).toEqual(Array.from({ length: members }, (_, i) => i));
          const under = clusters.flatMap(({ children }) => children).toSorted((a, b) => a - b);
          expect(under).toEqual(clusters.map(({ id }) => id).filter((id) => id !== root));
          expect(levels).toBeLessThanOrEqual(maxLevels);
          const most = Math.max(...clusters.map(({ members, children }) => Math.max(members.length, children.length)));
          if (members <= clusterSize ** maxLevels) expect(most).toBeLessThanOrEqual(clusterSize);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("625 members stand on four levels of fives; more make wider clusters", () => {
    expect(formHierarchy(625)).toMatchObject({ levels: 4 });
    expect(formHierarchy(10_000).levels).toBe(4);
    expect(Math.max(...formHierarchy(10_000).clusters.map(({ members }) => members.length))).toBe(10);
  });

  test("the best represent, on every level", () => {
    const scores = Float64Array.from({ length: 25 }, (_, i) => (i === 13 ? 9 : i % 5));
    const { clusters, root } = formHierarchy(25, { scores });
    expect(clusters.filter(({ level }) => level === 0).map(({ candidates }) => candidates[0])).toEqual([
      4, 9, 13, 19, 24,
    ]);
    expect(clusters[root]!.candidates).toEqual([13, 4, 9]);
  });
});

interface Group {
  readonly members: number;
  readonly seed?: number;
  readonly links?: LinkOptions;
  readonly plan?: HierarchyOptions;
  /** A member's choice; undefined abstains; "silent" never answers. */
  readonly choice: (member: number) => number | undefined | "silent";
}

function group({ members, seed = 1, links = {}, plan = {}, choice }: Group) {
  const time = new SimulatedTime();
  const network = new SimulatedNetwork<HierarchyMessage<string>>(time, new Random(seed), links);
  const hierarchy = formHierarchy(members, plan);
  const asked = Array.from({ length: members }, () => 0);
  const nodes = asked.map((_, member) => {
    const node = new HierarchyMember<string>({
      member,
      hierarchy,
      network,
      timers: time,
      decide: (_proposal, answer) => {
        asked[member]! += 1;
        const mine = choice(member);
        if (mine !== "silent") answer(mine);
      },
    });
    network.attach(member, (from, message) => node.receive(from, message));
    return node;
  });
  return { time, network, hierarchy, nodes, asked };
}

const answers = fc.array(fc.constantFrom(0, 1, undefined, "silent" as const), { minLength: 1, maxLength: 160 });

describe("HierarchyMember", () => {
  test("decides what a flat vote would decide, with the same counts", async () => {
    await fc.assert(
      fc.asyncProperty(answers, fc.nat(), fc.integer({ min: 2, max: 5 }), async (choices, seed, clusterSize) => {
        const { time, nodes, asked } = group({
          members: choices.length,
          seed,
          links: { duplication: 0.2 },
          plan: { clusterSize },
          choice: (member) => choices[member],
        });
        const proposed = nodes[seed % nodes.length]!.propose("plan");
        time.run();
        const outcome = await proposed;
        const support = [0, 1].map((choice) => choices.filter((mine) => mine === choice).length);
        const winner = support.findIndex((sum) => 2 * sum > choices.length);
        expect(outcome).toMatchObject({
          support,
          abstentions: choices.filter((mine) => mine === undefined).length,
          silent: choices.filter((mine) => mine === "silent").length,
          ...(winner === -1 ? { state: "undecided" } : { state: "decided", choice: winner }),
        });
        const flat = new VoteCollector({ members: choices.length });
        for (const [member, mine] of choices.entries()) if (typeof mine === "number") flat.vote(member, mine);
        expect(flat.outcome?.state === "decided" ? flat.outcome.choice : -1).toBe(winner);
        expect(asked.every((times) => times === 1)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test("a dead representative is replaced: only the dead are silent", async () => {
    const { time, network, hierarchy, nodes } = group({ members: 125, choice: () => 1 });
    const dead = new Set(hierarchy.clusters.flatMap(({ level, candidates }) => (level > 0 ? [candidates[0]!] : [])));
    for (const member of dead) network.crash(member);
    const proposed = nodes[7]!.propose("plan");
    time.run();
    expect(await proposed).toMatchObject({ state: "decided", choice: 1, votes: 125 - dead.size, silent: dead.size });
  });

  test("a death that is told costs no waiting", async () => {
    const endsBefore = async (until: number, told: boolean): Promise<boolean> => {
      const { time, network, nodes } = group({ members: 25, choice: () => 1 });
      network.crash(0); // represents its cluster and the root
      const proposed = nodes[7]!.propose("plan");
      if (told) for (const node of nodes) node.memberDown(0);
      time.run({ until: ms(until) });
      const outcome = await Promise.race([proposed, Promise.resolve(undefined)]);
      return outcome?.state === "decided" && outcome.votes === 24;
    };
    expect(await endsBefore(100, true)).toBe(true);
    expect(await endsBefore(250, false)).toBe(false);
    expect(await endsBefore(1000, false)).toBe(true);
  });

  test("a cluster whose candidates are all dead abstains; the others decide", async () => {
    const { time, network, hierarchy, nodes } = group({ members: 25, choice: () => 1 });
    for (const member of hierarchy.clusters[4]!.candidates) network.crash(member);
    const proposed = nodes[0]!.propose("plan");
    time.run();
    expect(await proposed).toMatchObject({ state: "decided", votes: 20, silent: 5 });
  });

  test("one result, and no vote counted twice, whatever is lost, repeated or crashes (S2-043)", async () => {
    await fc.assert(
      fc.asyncProperty(answers, fc.nat(), fc.array(fc.nat(), { maxLength: 8 }), async (choices, seed, crashes) => {
        const links = { loss: 0.15, duplication: 0.15, delay: { min: ms(0), max: ms(60) } };
        const { time, network, nodes } = group({ members: choices.length, seed, links, choice: (m) => choices[m] });
        const initiator = seed % nodes.length;
        for (const [i, crash] of crashes.entries()) {
          const member = crash % nodes.length;
          if (member !== initiator) time.after(ms(i * 20), () => network.crash(member));
        }
        const proposed = nodes[initiator]!.propose("plan");
        time.run();
        const { support, votes, abstentions, silent } = await proposed;
        for (const choice of [0, 1]) {
          expect(support[choice]).toBeLessThanOrEqual(choices.filter((mine) => mine === choice).length);
        }
        expect(votes).toBe(support[0]! + support[1]!);
        expect(votes + abstentions + silent).toBe(choices.length);
        expect(silent).toBeGreaterThanOrEqual(choices.filter((mine) => mine === "silent").length);
      }),
      { numRuns: 100 },
    );
  });
});

test("a member that remembers little forgets what has ended, never what has just begun", async () => {
  const time = new SimulatedTime();
  const network = new SimulatedNetwork<HierarchyMessage<string>>(time, new Random(1));
  const hierarchy = formHierarchy(5);
  const group = Array.from({ length: 5 }, (_, member) => {
    const decide = (_: string, answer: (choice: number) => void): void => answer(1);
    const one = new HierarchyMember<string>({ member, hierarchy, network, timers: time, decide, remembered: 1 });
    network.attach(member, (from, message) => one.receive(from, message));
    return one;
  });
  const outcomes = Promise.all(["a", "b", "c"].map((proposal) => group[0]!.propose(proposal)));
  time.run();
  expect((await outcomes).map(({ state, votes }) => [state, votes])).toEqual(
    Array.from({ length: 3 }, () => ["decided", 5]),
  );
});
