import { ms, Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  flatTree,
  karyTree,
  type LinkOptions,
  levelTree,
  Relay,
  type RelayMessage,
  type RelayTree,
  SimulatedNetwork,
  SimulatedTime,
} from "../../src/index.ts";

const trees = fc.oneof(
  fc
    .record({ size: fc.integer({ min: 1, max: 300 }), fanOut: fc.integer({ min: 2, max: 7 }) })
    .map(({ size, fanOut }) => karyTree(size, fanOut)),
  fc.integer({ min: 1, max: 200 }).map(flatTree),
  fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 }).map(levelTree),
);

function childrenOf(tree: RelayTree, position: number): number[] {
  return Array.from({ length: tree.childCount(position) }, (_, i) => tree.firstChild(position) + i);
}

const slowHeight = (tree: RelayTree, position: number): number =>
  Math.max(-1, ...childrenOf(tree, position).map((child) => slowHeight(tree, child))) + 1;

describe("relay trees", () => {
  test("every position but the root has exactly one parent", () => {
    fc.assert(
      fc.property(trees, (tree) => {
        const below = Array.from({ length: tree.size }, (_, position) => childrenOf(tree, position)).flat();
        expect(below.toSorted((a, b) => a - b)).toEqual(Array.from({ length: tree.size - 1 }, (_, i) => i + 1));
        for (let position = 0; position < tree.size; position++) {
          expect(tree.height(position)).toBeGreaterThanOrEqual(slowHeight(tree, position));
        }
      }),
    );
  });

  test("heights of the heap-shaped tree are exact", () => {
    const tree = karyTree(200, 4);
    for (let position = 0; position < 200; position++) expect(tree.height(position)).toBe(slowHeight(tree, position));
  });

  test("levels share their children evenly", () => {
    const tree = levelTree([3, 10]);
    expect([0, 1, 2, 3].map((position) => tree.childCount(position))).toEqual([3, 4, 3, 3]);
  });
});

function group(tree: RelayTree, seed: number, links: LinkOptions) {
  const time = new SimulatedTime();
  const network = new SimulatedNetwork<RelayMessage<string>>(time, new Random(seed), links);
  const got = Array.from({ length: tree.size }, () => 0);
  const relays = got.map((_, position) => {
    const relay = new Relay<string>({
      position,
      tree,
      network,
      timers: time,
      deliver: () => void (got[position]! += 1),
    });
    network.attach(position, (from, message) => relay.receive(from, message));
    return relay;
  });
  return { time, network, relays, got };
}

describe("Relay", () => {
  test("reaches everyone once over a network that only delays and repeats", async () => {
    await fc.assert(
      fc.asyncProperty(trees, fc.nat(), async (tree, seed) => {
        const { time, relays, got } = group(tree, seed, { duplication: 0.2 });
        const sent = relays[0]!.broadcast("go");
        time.run();
        expect(await sent).toEqual({ unconfirmed: [], reached: tree.size - 1 });
        expect(got).toEqual([0, ...Array.from({ length: tree.size - 1 }, () => 1)]);
      }),
      { numRuns: 50 },
    );
  });

  test("crashed members cut off nobody but themselves, and are named", async () => {
    await fc.assert(
      fc.asyncProperty(trees, fc.nat(), fc.array(fc.nat(), { maxLength: 10 }), async (tree, seed, picks) => {
        const { time, network, relays, got } = group(tree, seed, {});
        const dead = new Set(tree.size > 1 ? picks.map((pick) => 1 + (pick % (tree.size - 1))) : []);
        for (const position of dead) network.crash(position);
        const sent = relays[0]!.broadcast("go");
        time.run();
        expect((await sent).unconfirmed).toEqual([...dead].sort((a, b) => a - b));
        expect(got).toEqual(got.map((_, position) => (position === 0 || dead.has(position) ? 0 : 1)));
      }),
      { numRuns: 50 },
    );
  });

  test("who is not named has got it, whatever was lost; nobody gets it twice", async () => {
    await fc.assert(
      fc.asyncProperty(trees, fc.nat(), async (tree, seed) => {
        const { time, relays, got } = group(tree, seed, { loss: 0.1, duplication: 0.1 });
        const sent = relays[0]!.broadcast("go");
        time.run();
        const { unconfirmed, reached } = await sent;
        expect(reached).toBe(tree.size - 1 - unconfirmed.length);
        for (let position = 1; position < tree.size; position++) {
          expect(got[position]).toBeLessThanOrEqual(1);
          if (!unconfirmed.includes(position)) expect(got[position]).toBe(1);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("two senders and two messages of one are four different messages", async () => {
    const { time, relays, got } = group(karyTree(21), 1, {});
    const sent = [relays[0]!.broadcast("a"), relays[0]!.broadcast("b"), relays[1]!.broadcast("c")];
    time.run();
    await Promise.all(sent);
    expect(got[1]).toBe(2);
    expect(got[5]).toBe(3); // below position 1
  });

  test("a sender's links carry at most fan-out messages of a broadcast", () => {
    const { time, network, relays } = group(karyTree(1001, 4), 1, { delay: { min: ms(1), max: ms(1) } });
    void relays[0]!.broadcast("go");
    expect(network.counts.sent).toBe(4);
    time.run();
    expect(network.counts.sent).toBe(2000); // there and back once for each
  });

  test("refuses a place outside the tree", () => {
    const { time, network } = group(karyTree(3), 1, {});
    const make = (position: number) => () =>
      new Relay({ position, tree: karyTree(3), network, timers: time, deliver: () => undefined });
    expect(make(3)).toThrow(expect.objectContaining({ code: "COORDINATION_MEMBER_UNKNOWN" }));
    expect(make(-1)).toThrow(expect.objectContaining({ code: "COORDINATION_MEMBER_UNKNOWN" }));
  });
});
