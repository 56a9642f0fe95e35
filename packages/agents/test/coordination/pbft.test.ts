import { generateKeyPairSync } from "node:crypto";
import { ms, Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ed25519Signer,
  ed25519Verifier,
  faultsTolerated,
  type LinkOptions,
  LocalNetwork,
  PbftMember,
  type PbftMessage,
  processNotary,
  quorumOf,
  SimulatedNetwork,
  SimulatedTime,
  type ViewChange,
} from "../../src/index.ts";
import { lastPrepared } from "../../src/coordination/pbft-messages.ts";

type Message = PbftMessage<string>;

interface Further {
  readonly accept?: (value: string) => boolean;
  /** Whether the message is lost, on top of what the links lose. */
  readonly lost?: (from: number, to: number, message: Message) => boolean;
}

function group(members: number, seed: number, links: LinkOptions = {}, { accept, lost = () => false }: Further = {}) {
  const time = new SimulatedTime();
  const random = new Random(seed);
  const network = new SimulatedNetwork<Message>(time, random, links);
  const filtered = {
    send: (from: number, to: number, message: Message): void => {
      if (!lost(from, to, message)) network.send(from, to, message);
    },
  };
  const notary = processNotary();
  const decisions: (string | undefined)[] = Array.from({ length: members });
  const replicas = decisions.map((_, member) => {
    const replica = new PbftMember<string>({
      member,
      members,
      instance: "test",
      network: filtered,
      timers: time,
      signer: notary.signer(member),
      verifier: notary.verifier,
      viewTimeout: ms(100),
      ...(accept && { accept }),
      decided: (value) => {
        expect(decisions[member]).toBeUndefined(); // told once
        decisions[member] = value;
      },
    });
    network.attach(member, (from, message) => replica.receive(from, message));
    return replica;
  });
  return { time, random, network, notary, replicas, decisions };
}

/** Different decided values; at most one when the protocol is safe. */
const decidedValues = (decisions: readonly (string | undefined)[]): string[] => [
  ...new Set(decisions.filter((value) => value !== undefined)),
];

describe("quorums", () => {
  test.each([
    [4, 1, 3],
    [5, 1, 4],
    [6, 1, 5],
    [7, 2, 5],
    [10, 3, 7],
    [100, 33, 67],
  ])("of %i members, %i may lie and %i decide", (members, faults, quorum) => {
    expect(faultsTolerated(members)).toBe(faults);
    expect(quorumOf(members)).toBe(quorum);
  });

  test("two of them share an honest member, and the honest ones are enough for one", () => {
    for (let n = 4; n < 500; n++) {
      expect(2 * quorumOf(n) - n).toBeGreaterThan(faultsTolerated(n));
      expect(n - faultsTolerated(n)).toBeGreaterThanOrEqual(quorumOf(n));
    }
  });
});

describe("PBFT without faults", () => {
  test("decides in the first view", () => {
    const { time, replicas, decisions } = group(4, 1);
    replicas[2]!.propose("blue");
    time.run();
    expect(decisions).toEqual(["blue", "blue", "blue", "blue"]);
    expect(replicas.map(({ view }) => view)).toEqual([0, 0, 0, 0]);
    expect(time.nowMs()).toBeLessThan(100);
  });

  test("runs on a network within the process", async () => {
    const network = new LocalNetwork<Message>();
    const notary = processNotary();
    const time = new SimulatedTime();
    const decided = await Promise.all(
      Array.from({ length: 31 }, (_, member) => {
        const { promise, resolve } = Promise.withResolvers<string>();
        const replica = new PbftMember<string>({
          member,
          members: 31,
          instance: "local",
          network,
          timers: time,
          signer: notary.signer(member),
          verifier: notary.verifier,
          decided: resolve,
        });
        network.attach(member, (from, message) => replica.receive(from, message));
        if (member === 30) replica.propose("go");
        return promise;
      }),
    );
    expect(decided).toEqual(Array.from({ length: 31 }, () => "go"));
  });

  test("signatures of keys do what seals of the process do", () => {
    const pairs = Array.from({ length: 4 }, () => generateKeyPairSync("ed25519"));
    const verifier = ed25519Verifier(pairs.map(({ publicKey }) => publicKey));
    const time = new SimulatedTime();
    const network = new SimulatedNetwork<Message>(time, new Random(1));
    const decisions: string[] = [];
    for (const [member, { privateKey }] of pairs.entries()) {
      const replica = new PbftMember<string>({
        member,
        members: 4,
        instance: "keys",
        network,
        timers: time,
        signer: ed25519Signer(privateKey),
        verifier,
        decided: (value) => void decisions.push(value),
      });
      // As bytes would carry it.
      network.attach(member, (from, message) => replica.receive(from, JSON.parse(JSON.stringify(message)) as Message));
      if (member === 1) replica.propose("red");
    }
    time.run();
    expect(decisions).toEqual(["red", "red", "red", "red"]);
    const seal = ed25519Signer(pairs[0]!.privateKey).sign("a");
    expect([verifier.verify(0, "a", seal), verifier.verify(0, "b", seal), verifier.verify(1, "a", seal)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(verifier.verify(0, "a", undefined)).toBe(false);
    expect(verifier.verify(9, "a", seal)).toBe(false);
  });
});

describe("PBFT with faults", () => {
  test("a crashed primary is replaced once f + 1 lose patience", () => {
    const { time, network, replicas, decisions } = group(7, 1);
    network.crash(0);
    network.crash(1);
    replicas[3]!.propose("blue");
    time.run({ until: ms(5000) });
    expect(decisions).toEqual([undefined, undefined, "blue", "blue", "blue", "blue", "blue"]);
    expect(replicas[2]!.view).toBe(2);
  });

  test("f + 1 wishes take a patient member along", () => {
    const { time, network, replicas } = group(4, 1);
    network.crash(0);
    replicas[1]!.propose("blue");
    time.run({ until: ms(112) }); // the wishes of two at 100 to 110 ms
    expect(replicas.slice(1).map(({ view }) => view)).toEqual([1, 1, 1]);
  });

  test("a value nobody accepts is never decided", () => {
    const { time, replicas, decisions } = group(4, 1, {}, { accept: (value) => value !== "poison" });
    replicas[0]!.propose("poison");
    time.run({ until: ms(2000) });
    expect(decidedValues(decisions)).toEqual([]);
    for (const replica of replicas) replica.stop();
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "what one member decided before it died, the others decide as well (seed %i)",
    (seed) => {
      const lost = (_from: number, to: number, message: Message): boolean =>
        message.kind === "commit" && message.view === 0 && to !== 0;
      const { time, network, replicas, decisions } = group(7, seed, {}, { lost });
      replicas[0]!.propose("blue");
      time.run({ enough: () => decisions[0] !== undefined });
      expect(decisions).toEqual(["blue", ...Array.from({ length: 6 }, () => undefined)]);
      network.crash(0);
      // The next primaries would rather have something else.
      for (const replica of replicas.slice(1)) replica.propose("red");
      time.run({ until: ms(60_000), enough: () => decisions.every((value) => value !== undefined) });
      expect(decidedValues(decisions)).toEqual(["blue"]);
      expect(decisions).not.toContain(undefined);
    },
  );

  test("who was cut off learns the decision afterwards", () => {
    const { time, network, replicas, decisions } = group(4, 1);
    network.partition([0, 0, 0, 1]);
    replicas[0]!.propose("blue");
    time.run({ until: ms(90) });
    expect(decisions).toEqual(["blue", "blue", "blue", undefined]);
    network.heal();
    replicas[3]!.propose("red");
    time.run({ until: ms(5000) });
    expect(decisions).toEqual(["blue", "blue", "blue", "blue"]);
  });

  test("a minority decides nothing", () => {
    const { time, network, replicas, decisions } = group(7, 1);
    network.partition([0, 0, 0, 0, 1, 1, 1]);
    replicas[0]!.propose("blue");
    replicas[4]!.propose("red");
    time.run({ until: ms(20_000) });
    expect(decidedValues(decisions)).toEqual([]);
    network.heal();
    time.run({ until: ms(60_000), enough: () => decisions.every((value) => value !== undefined) });
    expect(decisions.every((value) => value !== undefined)).toBe(true);
    expect(decidedValues(decisions)).toHaveLength(1);
  });
});

const schedules = fc.record({
  members: fc.integer({ min: 4, max: 8 }),
  seed: fc.nat(),
  loss: fc.integer({ min: 0, max: 30 }),
  duplication: fc.integer({ min: 0, max: 30 }),
  longestDelay: fc.integer({ min: 1, max: 400 }),
  proposers: fc.array(fc.nat(7), { minLength: 1, maxLength: 4 }),
  /** Crashes and recoveries at random times, any number of members: safety must not depend on it. */
  crashes: fc.array(fc.record({ member: fc.nat(7), at: fc.nat(3000), until: fc.nat(6000) }), { maxLength: 6 }),
});

describe("PBFT is safe", () => {
  test("no two values decided under loss, delay, duplication and crash, and all decide in the end (S2-043)", () => {
    fc.assert(
      fc.property(schedules, ({ members, seed, loss, duplication, longestDelay, proposers, crashes }) => {
        const delay = { min: ms(0), max: ms(longestDelay) };
        const { time, network, replicas, decisions } = group(members, seed, {
          delay,
          loss: loss / 100,
          duplication: duplication / 100,
        });
        for (const { member, at, until } of crashes) {
          time.after(ms(at), () => network.crash(member));
          time.after(ms(until), () => network.recover(member));
        }
        time.after(ms(6001), () => crashes.forEach(({ member }) => network.recover(member)));
        for (const [i, proposer] of proposers.entries()) {
          time.after(ms(i * 200), () => replicas[proposer % members]!.propose(`value ${i}`));
        }
        // Who missed everything must know that there is something to ask for.
        time.after(ms(6002), () => replicas.forEach((replica) => replica.propose("late")));
        time.run({ until: ms(3_600_000), enough: () => decisions.every((value) => value !== undefined) });
        expect(decidedValues(decisions)).toHaveLength(1);
        expect(decisions.filter((value) => value === undefined)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  test("nor when f members lie: two proposals, votes for everything, invented certificates", () => {
    fc.assert(
      fc.property(fc.constantFrom(4, 7, 10), fc.nat(), fc.integer({ min: 1, max: 300 }), (members, seed, longest) => {
        const f = faultsTolerated(members);
        const { time, random, network, notary, replicas, decisions } = group(members, seed, {
          delay: { min: ms(0), max: ms(longest) },
          loss: 0.05,
        });
        for (let liar = 0; liar < f; liar++) {
          const signer = notary.signer(liar);
          const say = (message: Message, to: number): void => network.send(liar, to, message);
          const endorse = (view: number, value: string, to: number): void => {
            const digest = JSON.stringify(value);
            for (const kind of ["prepare", "commit"] as const) {
              say({ kind, view, digest, seal: signer.sign(`test|${kind}|${view}|${digest}`) }, to);
            }
          };
          let lies = 0;
          network.attach(liar, (_, message) => {
            if ((lies += 1) > 500) return;
            const to = f + random.below(members - f);
            const value = random.uniform() < 0.5 ? "one" : "two";
            const view = "view" in message ? message.view : random.below(5);
            if (view === 0 && liar === 0) say({ kind: "prePrepare", value }, to);
            endorse(view, value, to);
            // A certificate of its own seal, repeated; and others' names on it.
            const seal = signer.sign(`test|prepare|${view}|${JSON.stringify(value)}`);
            const forged = Array.from({ length: members }, (_, member) => ({ member, seal }));
            const prepared = { view, value, endorsements: forged };
            const changeSeal = signer.sign(`test|viewChange|${view + 1}|${view}|${JSON.stringify(value)}`);
            say({ kind: "viewChange", change: { member: liar, view: view + 1, prepared, seal: changeSeal } }, to);
            const honest = signer.sign(`test|viewChange|${view + 1}|nothing`);
            const change = { member: liar, view: view + 1, prepared: undefined, seal: honest };
            say({ kind: "viewChange", change }, to);
            if ((view + 1) % members === liar) say({ kind: "newView", view: view + 1, value, changes: [change] }, to);
            say({ kind: "decided", proof: prepared }, to);
          });
          replicas[liar]!.stop();
        }
        for (let member = f; member < members; member++) replicas[member]!.propose(`value ${member}`);
        const honest = (): (string | undefined)[] => decisions.slice(f);
        time.run({ until: ms(600_000), enough: () => honest().every((value) => value !== undefined) });
        expect(decidedValues(honest())).toHaveLength(1);
        expect(honest().filter((value) => value === undefined)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test("the same seed gives the same run", () => {
    const run = (seed: number): string => {
      const { time, network, replicas, decisions } = group(5, seed, { loss: 0.2, duplication: 0.2 });
      replicas[1]!.propose("a");
      replicas[2]!.propose("b");
      time.run({ until: ms(100_000), enough: () => decisions.every((value) => value !== undefined) });
      return JSON.stringify([decisions, network.counts, time.nowMs()]);
    };
    expect(run(7)).toBe(run(7));
    expect(new Set([1, 2, 3, 4].map(run)).size).toBeGreaterThan(1);
  });

  test("a group that cannot survive a lie is refused", () => {
    expect(() => group(3, 1)).toThrow(expect.objectContaining({ code: "COORDINATION_GROUP_TOO_SMALL" }));
  });
});

describe("a value that the default digest cannot tell from all others", () => {
  /** One member, what it has sent, and messages as a liar among the others would send them. */
  function lonely(digestOf?: (value: unknown) => string) {
    const sent: PbftMessage<unknown>[] = [];
    const decided: unknown[] = [];
    const notary = processNotary();
    const member = new PbftMember<unknown>({
      member: 3,
      members: 4,
      instance: "test",
      network: { send: (_from, _to, message) => void sent.push(message) },
      timers: new SimulatedTime(),
      signer: notary.signer(3),
      verifier: notary.verifier,
      decided: (value) => void decided.push(value),
      ...(digestOf && { digestOf }),
    });
    const certificate = (kind: "prepare" | "commit", view: number, value: unknown, digest: string) => {
      const statement = `test|${kind}|${view}|${digest}`;
      return {
        view,
        value,
        endorsements: [0, 1, 2].map((by) => ({ member: by, seal: notary.signer(by).sign(statement) })),
      };
    };
    const wish = (by: number, view: number): ViewChange<unknown> => ({
      member: by,
      view,
      prepared: undefined,
      seal: notary.signer(by).sign(`test|viewChange|${view}|nothing`),
    });
    return { member, sent, decided, certificate, wish };
  }
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  const deep = (levels: number): unknown => {
    let value: unknown = 1;
    for (let i = 0; i < levels; i++) value = [value];
    return value;
  };
  const ambiguous: [string, unknown][] = [
    ["a map", new Map([["a", 1]])],
    ["a set within", { a: [new Set([1])] }],
    ["NaN", NaN],
    ["an infinity within", [Infinity]],
    ["minus zero", -0],
    ["undefined in an object", { a: undefined }],
    ["undefined in a list", [undefined]],
    ["a hole", Array.from({ length: 3 }, () => 1).concat(Array(1) as number[])],
    ["a list with a field", Object.assign([1], { a: 1 })],
    ["a date", new Date(0)],
    ["an object that writes itself", { toJSON: () => 1 }],
    ["an object of a class", new URL("http://a")],
    ["bytes", new Uint8Array(2)],
    ["a hidden field", Object.defineProperty({}, "a", { value: 1 })],
    ["a symbol as key", { [Symbol("a")]: 1 }],
    ["a big integer", 1n],
    ["a function", () => 1],
    ["a circle", cyclic],
  ];

  test.each(ambiguous)("is not proposed: %s", (_, value) => {
    const { member, sent } = lonely();
    expect(() => member.propose(value)).toThrow(expect.objectContaining({ code: "COORDINATION_VALUE_AMBIGUOUS" }));
    expect(sent).toEqual([]);
    const own = lonely(() => "one");
    own.member.propose(value);
    expect(own.sent[0]).toMatchObject({ kind: "request" });
  });

  test("the message says where", () => {
    expect(() => lonely().member.propose({ a: [1, new Map()] })).toThrow(
      expect.objectContaining({ details: { path: "a.1" }, message: expect.stringContaining("a.1") }),
    );
  });

  test.each([...ambiguous, ["what is deeper than the stack", deep(100_000)] as [string, unknown]])(
    "is not agreed to when another sends it: %s",
    (_, value) => {
      const { member, sent, decided, certificate, wish } = lonely();
      for (const digest of ["{}", "null", "0"]) {
        member.receive(0, { kind: "decided", proof: certificate("commit", 0, value, digest) });
        const prepared = certificate("prepare", 0, value, digest);
        member.receive(1, { kind: "viewChange", change: { ...wish(1, 1), prepared } });
      }
      member.receive(1, { kind: "request", value });
      member.receive(0, { kind: "prePrepare", value });
      member.receive(1, { kind: "newView", view: 1, value, changes: [0, 1, 2].map((by) => wish(by, 1)) });
      expect([sent, decided, member.view]).toEqual([[], [], 0]);
      member.receive(0, { kind: "prePrepare", value: { a: [1, "b", null, true] } });
      expect(sent[0]).toMatchObject({ kind: "prepare", digest: '{"a":[1,"b",null,true]}' });
    },
  );

  test("undefined itself is a value as any other", () => {
    const { member, sent } = lonely();
    member.receive(0, { kind: "prePrepare", value: undefined });
    expect(sent[0]).toMatchObject({ kind: "prepare", digest: "undefined" });
  });
});

test("a message with more endorsements or wishes than members costs no check of a seal", () => {
  const notary = processNotary();
  let checks = 0;
  const member = new PbftMember<string>({
    member: 3,
    members: 4,
    instance: "test",
    network: { send: () => undefined },
    timers: new SimulatedTime(),
    signer: notary.signer(3),
    verifier: { verify: (...seal) => ++checks > 0 && notary.verifier.verify(...seal) },
    decided: () => undefined,
  });
  const endorsements = [0, 1, 2, 0, 1].map((by) => ({
    member: by,
    seal: notary.signer(by).sign('test|commit|0|"blue"'),
  }));
  const proof = { view: 0, value: "blue", endorsements };
  member.receive(0, { kind: "decided", proof });
  const change: ViewChange<string> = { member: 1, view: 1, prepared: proof, seal: undefined };
  member.receive(1, { kind: "viewChange", change });
  member.receive(1, { kind: "newView", view: 1, value: "blue", changes: Array.from({ length: 5 }, () => change) });
  expect([checks, member.decision, member.view]).toEqual([0, undefined, 0]);
  member.receive(0, { kind: "decided", proof: { ...proof, endorsements: endorsements.slice(0, 4) } });
  expect([checks, member.decision]).toEqual([4, { value: "blue" }]);
});

test("a new view keeps the value prepared last, whoever tells of it first", () => {
  const change = (view: number | undefined, value: string): ViewChange<string> => ({
    member: 0,
    view: 9,
    prepared: view === undefined ? undefined : { view, value, endorsements: [] },
    seal: undefined,
  });
  const changes = [change(2, "two"), change(5, "five"), change(undefined, ""), change(3, "three")];
  expect(lastPrepared(changes)?.value).toBe("five");
  expect(lastPrepared(changes.toReversed())?.value).toBe("five");
  expect(lastPrepared([change(undefined, "")])).toBeUndefined();
});
