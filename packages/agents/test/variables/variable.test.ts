import { ManualClock, ms, Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  Budgets,
  type ChangeOutcome,
  ChoiceKind,
  FloatKind,
  TimerWheel,
  UpdateBroadcast,
  Variable,
  type VariableOptions,
  type VariableSignalOut,
  type VariableUpdated,
  type Versioned,
} from "../../src/index.ts";

function setUp(options: Partial<VariableOptions<number>> = {}, economy?: Budgets, node = "n1") {
  const clock = new ManualClock();
  const told: { signal: VariableSignalOut<number>; affected: readonly string[] }[] = [];
  const variable = new Variable<number>({
    name: "rate",
    kind: new FloatKind({ min: 0, max: 10, direction: "maximise", bounds: "reject" }),
    environment: {
      clock,
      timers: new TimerWheel(clock),
      random: new Random(1),
      node,
      emit: (signal, affected) => told.push({ signal, affected }),
      ...(economy && { economy }),
    },
    ...options,
  });
  return { clock, told, variable, types: () => told.map(({ signal }) => signal.type.replace("variable.", "")) };
}

const affected = ["a", "b", "c"];

async function settled(change: ChangeOutcome<number>) {
  expect(change.state).toBe("pending");
  return change.state === "pending" ? change.settled : change;
}

describe("local scope", () => {
  test("a change is committed at once, and the affected agents are told with one signal (S0-048)", () => {
    const { told, variable } = setUp({ affected });
    expect(variable.handle({ type: "variable.value.change", value: 7, requester: "me" })).toEqual({
      state: "committed",
      value: 7,
      generation: 1,
      by: "local",
    });
    expect(told).toEqual([
      { signal: { type: "variable.value.updated", variable: "rate", old: 5, new: 7, generation: 1 }, affected },
    ]);
    expect(variable.history.map(({ value, by, requester }) => [value, by, requester])).toEqual([
      [5, "initial", "rate"],
      [7, "local", "me"],
    ]);
  });

  test("an invalid value changes nothing", () => {
    const { told, variable } = setUp();
    expect(() => variable.change(11, "me")).toThrow(expect.objectContaining({ code: "VARIABLE_VALUE_INVALID" }));
    expect(told).toEqual([]);
    expect(variable.generation).toBe(0);
  });

  test("the last hundred changes are remembered, oldest first", () => {
    const { variable } = setUp();
    for (let i = 1; i <= 250; i++) variable.change(i % 10, "me");
    expect(variable.history.map(({ generation }) => generation)).toEqual(
      Array.from({ length: 100 }, (_, i) => 151 + i),
    );
  });
});

describe("adaptation", () => {
  test("says what it did, and coordinates when it moved more than a thousandth", () => {
    const gradient = (value: number) =>
      ({ type: "variable.performance.feedback", performance: 1, gradient: value }) as const;
    const kind = new FloatKind({ min: 0, max: 10, direction: "maximise", strategy: "model", momentum: 0 });
    const { told, variable } = setUp({ affected, kind });
    expect(variable.handle(gradient(0.05))).toEqual({
      valueChanged: true,
      magnitude: expect.closeTo(0.0005, 9) as number,
      coordinationTriggered: false,
    });
    expect(told[0]).toMatchObject({ signal: { type: "variable.value.updated" }, affected: [] });
    expect(variable.handle(gradient(50))).toMatchObject({ valueChanged: true, coordinationTriggered: true });
    expect(told[2]).toMatchObject({ signal: { type: "variable.value.updated" }, affected });
    expect(told[3]).toMatchObject({ signal: { type: "variable.adaptation.completed", coordinationTriggered: true } });
    expect(variable.handle(gradient(0))).toEqual({ valueChanged: false, magnitude: 0, coordinationTriggered: false });
  });

  test("in a cluster the affected agents decide on it", async () => {
    const kind = new FloatKind({ min: 0, max: 10, direction: "maximise", strategy: "model" });
    const { types, variable } = setUp({ affected, kind, scope: "cluster" });
    const adaptation = variable.feedback({ performance: 1, gradient: 100 });
    expect(adaptation).toEqual({ valueChanged: false, magnitude: 1, coordinationTriggered: true });
    expect(types()).toEqual(["consensus.requested", "adaptation.completed"]);
    expect(variable.feedback({ performance: 1, gradient: 100 })).toMatchObject({ valueChanged: false, magnitude: 0 });
    variable.vote("a", true);
    variable.vote("b", true);
    expect(variable.value).toBe(6);
  });

  test("reputation grows with performance over the mean and falls with less", () => {
    const { variable } = setUp();
    expect(variable.reputation).toBe(0.5);
    for (const performance of [1, 2, 3]) variable.feedback({ performance });
    expect(variable.reputation).toBeCloseTo(1 - 0.5 * 0.9 ** 2, 12);
    variable.feedback({ performance: 0 });
    expect(variable.reputation).toBeCloseTo((1 - 0.5 * 0.9 ** 2) * 0.9, 12);
  });

  test.each([
    { performance: Number.NaN },
    { performance: 1, cost: Infinity },
    { performance: 1, gradient: Number.NaN },
  ])("%j is refused", (feedback) => {
    expect(() => setUp().variable.feedback(feedback)).toThrow(
      expect.objectContaining({ code: "VARIABLE_FEEDBACK_INVALID" }),
    );
  });
});

describe("cluster scope", () => {
  test("a majority of the affected agents commits", async () => {
    const { told, types, variable } = setUp({ affected, scope: "cluster" });
    const change = variable.change(7, "me");
    expect(told[0]).toEqual({
      signal: { type: "variable.consensus.requested", variable: "rate", old: 5, new: 7, requester: "me" },
      affected,
    });
    expect(variable.lock).toBe("consensusPending");
    expect(() => variable.change(8, "other")).toThrow(
      expect.objectContaining({ code: "VARIABLE_LOCKED", retryable: true }),
    );
    variable.handle({ type: "variable.vote.cast", voter: "a", approve: true });
    expect(variable.value).toBe(5);
    variable.handle({ type: "variable.vote.cast", voter: "c", approve: true });
    expect(await settled(change)).toEqual({ state: "committed", value: 7, generation: 1, by: "consensus" });
    expect(variable.lock).toBe("unlocked");
    expect(types()).toEqual(["consensus.requested", "value.updated", "cluster.sync"]);
  });

  test("a majority against it rejects; a tie that nobody can break as well", async () => {
    const { variable } = setUp({ affected: ["a", "b"], scope: "cluster" });
    const change = variable.change(7, "me");
    variable.vote("a", true);
    variable.vote("b", false);
    expect(await settled(change)).toEqual({ state: "rejected", reason: "voted" });
    expect([variable.value, variable.generation, variable.lock]).toEqual([5, 0, "unlocked"]);
  });

  test("when the group cannot be asked the node decides alone, and that is on record", async () => {
    const { clock, variable } = setUp({ affected, scope: "cluster" });
    const change = variable.change(7, "me");
    variable.vote("a", true);
    await clock.advance(ms(5000));
    expect(await settled(change)).toMatchObject({ state: "committed", by: "fallback" });
    expect(variable.history.at(-1)).toMatchObject({ value: 7, by: "fallback", requester: "me", time: 5000 });
  });

  test("strong: all of them, or no change", async () => {
    const all = setUp({ affected, scope: "cluster", sync: "strong" });
    const change = all.variable.change(7, "me");
    for (const voter of affected) all.variable.vote(voter, true);
    expect(await settled(change)).toMatchObject({ state: "committed", by: "consensus" });
    const some = setUp({ affected, scope: "cluster", sync: "strong" });
    const lost = some.variable.change(7, "me");
    some.variable.vote("a", true);
    some.variable.vote("b", true);
    await some.clock.advance(ms(5000));
    expect(await settled(lost)).toEqual({ state: "rejected", reason: "unreachable" });
    expect(some.variable.value).toBe(5);
  });

  test("eventual: at once, and the others are told", () => {
    const { types, variable } = setUp({ affected, scope: "cluster", sync: "eventual" });
    expect(variable.change(7, "me")).toMatchObject({ state: "committed" });
    expect(types()).toEqual(["value.updated", "cluster.sync"]);
  });

  test("force commits at once and ends what was pending", async () => {
    const { variable } = setUp({ affected, scope: "cluster" });
    const change = variable.change(7, "me");
    expect(variable.change(9, "boss", true)).toMatchObject({ state: "committed", by: "forced", generation: 1 });
    expect(await settled(change)).toEqual({ state: "rejected", reason: "superseded" });
    expect(() => variable.vote("a", true)).toThrow(expect.objectContaining({ code: "VARIABLE_NOT_PENDING" }));
  });

  test("only affected agents vote, with a confidence that is one", () => {
    const { variable } = setUp({ affected, scope: "cluster" });
    expect(() => variable.vote("a", true)).toThrow(/no vote open/);
    variable.change(7, "me");
    expect(() => variable.vote("stranger", true)).toThrow(/stranger may not vote/);
    expect(() => variable.vote("a", true, 2)).toThrow(/confidence of 2/);
    expect(() => variable.bid("a", 3, 1)).toThrow(/no auction open/);
  });

  test("an agent that votes while it is asked does no harm", async () => {
    const clock = new ManualClock();
    const variable: Variable<number> = new Variable<number>({
      name: "eager",
      kind: new FloatKind({ min: 0, max: 10, direction: "maximise" }),
      scope: "cluster",
      affected: ["a"],
      environment: {
        clock,
        timers: new TimerWheel(clock),
        random: new Random(1),
        node: "n",
        emit: (signal) => {
          if (signal.type === "variable.consensus.requested") variable.vote("a", true);
        },
      },
    });
    expect(await settled(variable.change(3, "me"))).toMatchObject({ state: "committed", value: 3 });
  });

  test("a node that is cut off keeps the last known value", () => {
    const { variable } = setUp({ affected, scope: "cluster", sync: "eventual" });
    variable.setConnected(false);
    expect(() => variable.change(7, "me")).toThrow(expect.objectContaining({ code: "VARIABLE_PARTITIONED" }));
    expect(variable.suggest({ value: 7, requester: "x" })).toEqual({ answer: "reject", because: "partitioned" });
    for (let i = 0; i < 10; i++) expect(variable.feedback({ performance: i }).valueChanged).toBe(false);
    expect(variable.value).toBe(5);
    variable.setConnected(true);
    expect(variable.change(7, "me").state).toBe("committed");
  });
});

describe("global scope", () => {
  function auction() {
    const budgets = new Budgets();
    for (const agent of affected) budgets.open(agent, 100);
    return { budgets, ...setUp({ affected, scope: "global" }, budgets) };
  }

  test("the highest bid has its value and pays the second price", async () => {
    const { budgets, variable, types } = auction();
    const change = variable.change(7, "me");
    expect(variable.lock).toBe("auctionPending");
    variable.handle({ type: "variable.bid.placed", bidder: "a", value: 3, amount: 40 });
    variable.bid("b", 9, 60);
    expect(budgets.of("b").reserved).toBe(60);
    variable.bid("c", 5, 0);
    expect(await settled(change)).toMatchObject({ state: "committed", value: 9, by: "auction" });
    expect([budgets.of("a"), budgets.of("b")]).toMatchObject([
      { spent: 0, reserved: 0 },
      { spent: 40, reserved: 0 },
    ]);
    expect(types()).toEqual(["auction.requested", "value.updated", "cluster.sync"]);
    expect(variable.history.at(-1)).toMatchObject({ requester: "b" });
  });

  test("when nobody cares the change is made; when nobody answers, by the node alone", async () => {
    const indifferent = auction();
    const change = indifferent.variable.change(7, "me");
    for (const bidder of affected) indifferent.variable.bid(bidder, 1, 0);
    expect(await settled(change)).toMatchObject({ value: 7, by: "auction" });
    const silent = auction();
    const other = silent.variable.change(7, "me");
    await silent.clock.advance(ms(5000));
    expect(await settled(other)).toMatchObject({ value: 7, by: "fallback" });
  });

  test("a bid over the budget, a second one, and a stranger's are refused; force gives the money back", async () => {
    const { budgets, variable } = auction();
    const change = variable.change(7, "me");
    expect(() => variable.bid("a", 3, 101)).toThrow(expect.objectContaining({ code: "ACCOUNT_OVERDRAWN" }));
    variable.bid("a", 3, 100);
    expect(() => variable.bid("a", 4, 0)).toThrow(expect.objectContaining({ code: "VARIABLE_NOT_PENDING" }));
    expect(() => variable.bid("z", 4, 0)).toThrow(expect.objectContaining({ code: "VARIABLE_NOT_PENDING" }));
    expect(() => variable.bid("b", 99, 1)).toThrow(expect.objectContaining({ code: "VARIABLE_VALUE_INVALID" }));
    variable.change(1, "boss", true);
    expect(await settled(change)).toMatchObject({ reason: "superseded" });
    expect(budgets.of("a").available).toBe(100);
  });

  test("without an economy the affected agents vote", () => {
    const { variable } = setUp({ affected, scope: "global" });
    variable.change(7, "me");
    expect(variable.lock).toBe("consensusPending");
  });
});

describe("suggestions", () => {
  test("trust decides between taking it, meeting half way and refusing", () => {
    const { variable } = setUp();
    const suggest = (confidence: number) => variable.suggest({ value: 9, requester: "x", confidence });
    expect(suggest(0.2)).toEqual({ answer: "reject", because: "trust" });
    expect(suggest(0.5)).toEqual({ answer: "negotiate", counter: 7 });
    expect(suggest(0.7)).toMatchObject({ answer: "accept", change: { state: "committed", value: 9 } });
    expect(variable.suggest({ value: 99, requester: "x" })).toEqual({ answer: "reject", because: "invalid" });
    expect(suggest(2)).toEqual({ answer: "reject", because: "invalid" });
  });

  test("bad advice costs trust", () => {
    const { variable } = setUp({ kind: new FloatKind({ min: 0, max: 10, direction: "maximise", strategy: "static" }) });
    variable.feedback({ performance: 10 });
    for (let i = 0; i < 6; i++) {
      variable.suggest({ value: 9 - i / 10, requester: "fool" });
      variable.feedback({ performance: 10 - 10 * (i + 1) });
    }
    expect(variable.suggest({ value: 8, requester: "fool" }).answer).not.toBe("accept");
    expect(variable.suggest({ value: 8, requester: "stranger" }).answer).toBe("accept");
  });

  test("there is nothing between two choices", () => {
    const clock = new ManualClock();
    const environment = {
      clock,
      timers: new TimerWheel(clock),
      random: new Random(1),
      node: "n",
      emit: () => undefined,
    };
    const variable = new Variable<string>({
      name: "model",
      kind: new ChoiceKind({ choices: ["a", "b"] }),
      environment,
    });
    expect(variable.suggest({ value: "b", requester: "x", confidence: 0.5 })).toEqual({
      answer: "reject",
      because: "trust",
    });
  });
});

describe("synchronization", () => {
  const versions: fc.Arbitrary<Versioned<number>[]> = fc.array(
    fc.record({
      value: fc.integer({ min: 0, max: 10 }),
      generation: fc.nat(4),
      time: fc.nat(3),
      node: fc.constantFrom("n1", "n2", "n3"),
    }),
    { maxLength: 8 },
  );

  test("all nodes end with the same value, in whatever order they hear of it, however often", () => {
    fc.assert(
      fc.property(versions, fc.nat(), (heard, seed) => {
        // A node commits a version once: the same generation, time and node never carry two values.
        const seen = new Map(
          heard.map((version) => [`${version.generation} ${version.time} ${version.node}`, version]),
        );
        const real = [...seen.values()];
        const ends = [1, 2].map((run) => {
          const { variable } = setUp({}, undefined, "n0");
          for (const version of new Random(seed + run).shuffle([...real, ...real])) variable.sync(version);
          return variable.version;
        });
        expect(ends[0]).toEqual(ends[1]);
        const newest = real.toSorted(
          (a, b) => b.generation - a.generation || b.time - a.time || (a.node < b.node ? 1 : -1),
        )[0];
        expect(ends[0]!.value).toBe(newest?.value ?? 5);
      }),
      { numRuns: 300 },
    );
  });

  test("a newer value ends a pending decision; an older one does not", async () => {
    const { variable, told } = setUp({ affected, scope: "cluster" });
    const change = variable.change(7, "me");
    expect(variable.sync({ value: 1, generation: 0, time: -1, node: "n2" })).toBe(false);
    expect(variable.lock).toBe("consensusPending");
    expect(variable.handle({ type: "variable.cluster.sync", value: 2, generation: 3, time: 0, node: "n2" })).toBe(true);
    expect(await settled(change)).toEqual({ state: "rejected", reason: "superseded" });
    expect(variable.version).toEqual({ value: 2, generation: 3, time: 0, node: "n2" });
    // What was heard from another node is not sent on as if it were this node's.
    expect(told.filter(({ signal }) => signal.type === "variable.cluster.sync")).toEqual([]);
  });
});

test("whatever happens: the generation never falls, the lock ends, every pending change is settled once", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("change" as const), value: fc.integer({ min: -2, max: 12 }), force: fc.boolean() }),
    fc.record({ do: fc.constant("vote" as const), voter: fc.constantFrom("a", "b", "c", "d"), approve: fc.boolean() }),
    fc.record({
      do: fc.constant("bid" as const),
      bidder: fc.constantFrom("a", "b", "c"),
      value: fc.nat(10),
      amount: fc.nat(60),
    }),
    fc.record({ do: fc.constant("sync" as const), value: fc.nat(10), generation: fc.nat(20) }),
    fc.record({ do: fc.constant("feedback" as const), performance: fc.integer({ min: 1, max: 100 }) }),
    fc.record({ do: fc.constant("wait" as const), for: fc.constantFrom(10, 5000) }),
  );
  const scopes = fc.constantFrom("local" as const, "cluster" as const, "global" as const);
  const modes = fc.constantFrom("consensus" as const, "eventual" as const, "strong" as const);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), scopes, modes, async (steps, scope, sync) => {
      const budgets = new Budgets();
      for (const agent of affected) budgets.open(agent, 100);
      const { clock, variable } = setUp({ affected, scope, sync }, budgets);
      const pending: Promise<unknown>[] = [];
      let generation = 0;
      for (const one of steps) {
        try {
          if (one.do === "change") {
            const change = variable.change(one.value, "me", one.force);
            if (change.state === "pending") pending.push(change.settled);
          } else if (one.do === "vote") variable.vote(one.voter, one.approve);
          else if (one.do === "bid") variable.bid(one.bidder, one.value, one.amount);
          else if (one.do === "sync")
            variable.sync({ value: one.value, generation: one.generation, time: 1, node: "n2" });
          else if (one.do === "feedback") variable.feedback({ performance: one.performance });
          else await clock.advance(ms(one.for));
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/^(VARIABLE|ACCOUNT)_/);
        }
        expect(variable.generation).toBeGreaterThanOrEqual(generation);
        generation = variable.generation;
        expect(variable.value >= 0 && variable.value <= 10).toBe(true);
      }
      await clock.advance(ms(5000));
      expect(variable.lock).toBe("unlocked");
      await Promise.all(pending);
      for (const agent of affected) expect(budgets.of(agent).reserved).toBe(0);
    }),
    { numRuns: 200 },
  );
});

describe("UpdateBroadcast (S3-011)", () => {
  const update = (variable: string, old: number, now: number): VariableUpdated => {
    return { type: "variable.value.updated", variable, old, new: now, generation: now };
  };

  test("one message for each agent, with each variable's last value, the same object for all", () => {
    const got = new Map<string, unknown>();
    const broadcast = new UpdateBroadcast({
      agents: () => ["a", "b", "c"],
      deliver: (agent, batch) => agent !== "b" && got.set(agent, batch) === got,
    });
    broadcast.add(update("x", 0, 1));
    broadcast.add(update("y", 0, 5));
    broadcast.add(update("x", 1, 2));
    expect(broadcast.waiting).toBe(2);
    expect(broadcast.flush()).toEqual({ variables: 2, delivered: 2, refused: ["b"] });
    expect(got.get("a")).toEqual([update("x", 0, 2), update("y", 0, 5)]);
    expect(got.get("a")).toBe(got.get("c"));
    expect(Object.isFrozen(got.get("a"))).toBe(true);
    expect(broadcast.flush()).toEqual({ variables: 0, delivered: 0, refused: [] });
  });
});

test.each([
  { generation: Number.POSITIVE_INFINITY },
  { generation: Number.NaN },
  { generation: -1 },
  { generation: 1.5 },
  { generation: undefined as unknown as number },
  { time: Number.POSITIVE_INFINITY },
  { time: Number.NaN },
  { node: 7 as unknown as string },
])("another node's value is not taken with a version that no node could have: %o", (wrong) => {
  const { variable } = setUp({ scope: "cluster" });
  const version = { value: 5, generation: 3, time: 1, node: "n2", ...wrong };
  expect(() => variable.sync(version)).toThrow(expect.objectContaining({ code: "VARIABLE_VALUE_INVALID" }));
  expect(variable.version).toMatchObject({ value: 5, generation: 0 });
  expect(variable.sync({ value: 6, generation: 1, time: 1, node: "n2" })).toBe(true);
});

test("who suggested a value is judged by it, from when the affected agents have agreed", async () => {
  const kind = new FloatKind({ min: 0, max: 10, direction: "maximise", strategy: "static" });
  const { variable } = setUp({ scope: "cluster", affected, kind });
  const trust = (): unknown => variable.suggest({ value: 7, requester: "adviser", confidence: 0.4 });
  expect(trust()).toMatchObject({ answer: "negotiate" });
  for (const performance of [10, 10]) variable.feedback({ performance });
  const { change } = variable.suggest({ value: 8, requester: "adviser" }) as { change: ChangeOutcome<number> };
  // Still the value before: bad as it does, that is not the adviser's fault.
  for (let i = 0; i < 20; i++) variable.feedback({ performance: 20 - i });
  expect(trust()).toMatchObject({ answer: "reject", because: "locked" });
  for (const voter of affected) if (variable.lock === "consensusPending") variable.vote(voter, true);
  expect(await settled(change)).toMatchObject({ state: "committed", by: "consensus", value: 8 });
  expect(trust()).toMatchObject({ answer: "negotiate" });
  variable.feedback({ performance: 0 });
  expect(trust()).toMatchObject({ answer: "reject", because: "trust" });
});
