import { ManualClock, ms } from "@mettle/core";
import { describe, expect, test } from "vitest";
import {
  type Ballot,
  chooseProtocol,
  type CoordinationEvent,
  Coordinator,
  type CoordinatorOptions,
  TimerWheel,
  weightedMajority,
} from "../../src/index.ts";

function setUp(options: Partial<CoordinatorOptions> = {}) {
  const clock = new ManualClock();
  const coordinator = new Coordinator({ timers: new TimerWheel(clock), nowMs: () => clock.now() / 1e6, ...options });
  const events: CoordinationEvent[] = [];
  coordinator.subscribe((event) => events.push(event));
  return { clock, coordinator, events };
}

describe("Coordinator", () => {
  test("asks everyone the same, and says when consensus is reached (S3-008, S3-024)", async () => {
    const { clock, coordinator, events } = setUp();
    const ballots: Ballot<string>[] = [];
    const { id, outcome } = coordinator.propose({
      members: 3,
      proposal: "scale up",
      ask: (_member, ballot) => ballots.push(ballot) > 0,
    });
    expect(new Set(ballots).size).toBe(1);
    expect(ballots[0]).toMatchObject({ id, proposal: "scale up" });
    expect(coordinator.statistics).toEqual({ open: 1, started: 1, decided: 0, undecided: 0 });
    await clock.advance(ms(20));
    ballots[0]!.vote(0, 1);
    ballots[1]!.vote(2, 1);
    expect(await outcome).toMatchObject({ state: "decided", choice: 1 });
    expect(events.map(({ type }) => type)).toEqual([
      "coordination.consensus.started",
      "coordination.consensus.reached",
    ]);
    expect(events[1]).toMatchObject({ id, elapsed: 20, outcome: { silent: 1 } });
    expect(coordinator.statistics).toEqual({ open: 0, started: 1, decided: 1, undecided: 0 });
  });

  test("votes may come as messages with the proposal's id", async () => {
    const { coordinator } = setUp();
    const { id, outcome } = coordinator.propose({ members: 3, proposal: 1, ask: () => true });
    expect(coordinator.vote(id, 0, 1)).toBe("counted");
    expect(coordinator.abstain(id, 1)).toBe("counted");
    expect(coordinator.vote(id + 1, 2, 1)).toBe("late");
    expect(coordinator.vote(id, 2, 1)).toBe("counted");
    expect(await outcome).toMatchObject({ state: "decided", votes: 2, abstentions: 1 });
    expect(coordinator.vote(id, 2, 1)).toBe("late");
    expect(coordinator.abstain(id, 2)).toBe("late");
  });

  test("asks nobody more once those who answered at once have settled it", async () => {
    const { coordinator } = setUp();
    let asked = 0;
    const { outcome } = coordinator.propose({
      members: 100,
      proposal: 1,
      ask: (member, ballot) => {
        asked += 1;
        ballot.vote(member, 1);
        return true;
      },
    });
    expect(asked).toBe(51);
    expect(await outcome).toMatchObject({ silent: 49 });
  });

  test("who cannot be asked abstains", async () => {
    const { coordinator } = setUp();
    const { outcome } = coordinator.propose({ members: 4, proposal: 1, ask: (member) => member >= 2 });
    expect(await outcome).toMatchObject({ state: "undecided", reason: "unreachable", abstentions: 2 });
  });

  test("a deadline ends a proposal; one of many", async () => {
    const { clock, coordinator, events } = setUp({ deadline: ms(100) });
    const first = coordinator.propose({ members: 2, proposal: 1, ask: () => true });
    const second = coordinator.propose({ members: 2, proposal: 2, ask: () => true, deadline: ms(300) });
    await clock.advance(ms(100));
    expect(await first.outcome).toMatchObject({ state: "undecided", reason: "deadline" });
    expect(coordinator.statistics.open).toBe(1);
    expect(events.at(-1)).toMatchObject({ type: "coordination.consensus.failed", elapsed: 100 });
    coordinator.close();
    expect(await second.outcome).toMatchObject({ reason: "cancelled" });
    expect(coordinator.statistics.open).toBe(0);
  });

  test("an abort rejects, and leaves nothing behind", async () => {
    const { coordinator } = setUp();
    const controller = new AbortController();
    const { outcome } = coordinator.propose({ members: 2, proposal: 1, ask: () => true, signal: controller.signal });
    controller.abort(new Error("never mind"));
    await expect(outcome).rejects.toMatchObject({ code: "COORDINATION_CANCELLED", cause: new Error("never mind") });
    expect(coordinator.statistics.open).toBe(0);
    expect(() => coordinator.propose({ members: 2, proposal: 1, ask: () => true, signal: controller.signal })).toThrow(
      expect.objectContaining({ code: "COORDINATION_CANCELLED" }),
    );
  });

  test("what asking throws is thrown, and the proposal is closed", () => {
    const { coordinator } = setUp();
    const ask = (): boolean => {
      throw new Error("broken");
    };
    expect(() => coordinator.propose({ members: 2, proposal: 1, ask })).toThrow("broken");
    expect(coordinator.statistics.open).toBe(0);
  });

  test("open proposals are limited", () => {
    const { coordinator } = setUp({ maxOpen: 2 });
    const propose = () => coordinator.propose({ members: 2, proposal: 1, ask: () => true });
    propose();
    propose();
    expect(propose).toThrow(expect.objectContaining({ code: "COORDINATION_LIMIT_REACHED", retryable: true }));
  });

  test("a proposal that is settled before anyone votes leaves nothing open", async () => {
    const { coordinator } = setUp();
    const { outcome } = coordinator.propose({
      members: 2,
      proposal: 1,
      ask: () => true,
      weights: new Float64Array(2),
      rule: weightedMajority,
    });
    expect(await outcome).toMatchObject({ reason: "unreachable" });
    expect(coordinator.statistics.open).toBe(0);
  });
});

describe("chooseProtocol", () => {
  test.each([
    [{ members: 3 }, "majority"],
    [{ members: 10_000 }, "majority"],
    [{ members: 10_001 }, "hierarchical"],
    [{ members: 51, remote: true }, "hierarchical"],
    [{ members: 20_000, weighted: true }, "weighted"],
    [{ members: 5, negotiated: true }, "iterative"],
    [{ members: 4, faults: "byzantine" }, "pbft"],
  ] as const)("%j → %s", (group, protocol) => {
    expect(chooseProtocol(group).protocol).toBe(protocol);
  });

  test("three cannot survive a lie", () => {
    expect(() => chooseProtocol({ members: 3, faults: "byzantine" })).toThrow(/survive/);
  });
});
