import { ManualClock, ms } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type DecisionRule,
  simpleMajority,
  TimerWheel,
  unanimity,
  VoteCollector,
  type VoteOutcome,
  weightedMajority,
} from "../../src/index.ts";

interface Vote {
  readonly member: number;
  readonly choice: number;
  /** In quarters, so that every sum is exact. */
  readonly confidence: number;
}

/** The choices that could still win, by trying every way in which the others might vote with full confidence. */
function possibleWinners(
  votes: readonly Vote[],
  weights: readonly number[],
  choices: number,
  rule: DecisionRule,
): Set<string> {
  const voted = new Set(votes.map(({ member }) => member));
  const silent = weights.map((_, member) => member).filter((member) => !voted.has(member));
  const maximum = weights.reduce((sum, weight) => sum + weight, 0);
  const support = Array.from({ length: choices }, () => 0);
  for (const { member, choice, confidence } of votes) support[choice]! += weights[member]! * confidence;
  const winners = new Set<string>();
  const fill = (i: number): void => {
    if (i === silent.length) {
      const won = support.findIndex((sum) =>
        rule.strict ? sum > rule.threshold * maximum : sum + 1e-9 >= rule.threshold * maximum,
      );
      winners.add(String(won));
      return;
    }
    fill(i + 1); // silent for ever
    for (let choice = 0; choice < choices; choice++) {
      support[choice]! += weights[silent[i]!]!;
      fill(i + 1);
      support[choice]! -= weights[silent[i]!]!;
    }
  };
  fill(0);
  return winners;
}

const ballots = fc.integer({ min: 1, max: 6 }).chain((members) =>
  fc.record({
    weights: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: members, maxLength: members }),
    choices: fc.integer({ min: 1, max: 3 }),
    rule: fc.constantFrom(simpleMajority, weightedMajority, unanimity),
    order: fc.shuffledSubarray(
      Array.from({ length: members }, (_, i) => i),
      { minLength: members },
    ),
    answers: fc.array(fc.record({ choice: fc.nat(2), quarters: fc.nat(4) }), {
      minLength: members,
      maxLength: members,
    }),
  }),
);

describe("VoteCollector", () => {
  test("ends at the first vote after which nothing can change, with the right result", () => {
    fc.assert(
      fc.property(ballots, ({ weights, choices, rule, order, answers }) => {
        fc.pre(weights.some((weight) => weight > 0));
        const collector = new VoteCollector({
          members: weights.length,
          choices,
          rule,
          weights: Float64Array.from(weights),
        });
        const votes: Vote[] = [];
        for (const [i, member] of order.entries()) {
          const { choice, quarters } = answers[i]!;
          const vote = { member, choice: choice % choices, confidence: quarters / 4 };
          const won = possibleWinners(votes, weights, choices, rule);
          // Before the vote it was open, so more than one result was possible, or only one that silence would deny.
          expect(collector.open).toBe(won.size > 1);
          if (!collector.open) break;
          expect(collector.vote(vote.member, vote.choice, vote.confidence)).toBe("counted");
          votes.push(vote);
        }
        const [only, ...others] = possibleWinners(votes, weights, choices, rule);
        expect(others).toEqual([]);
        expect(collector.outcome).toMatchObject(
          only === "-1" ? { state: "undecided", reason: "unreachable" } : { state: "decided", choice: Number(only) },
        );
      }),
      { numRuns: 400 },
    );
  });

  test("a repeated vote counts once, and a changed one is called an equivocation", () => {
    const collector = new VoteCollector({ members: 3 });
    expect(collector.vote(0, 1)).toBe("counted");
    expect(collector.vote(0, 1)).toBe("duplicate");
    expect(collector.vote(0, 0)).toBe("duplicate");
    expect(collector.abstain(0)).toBe("duplicate");
    expect(collector.vote(1, 1)).toBe("counted");
    expect(collector.outcome).toMatchObject({ state: "decided", choice: 1, votes: 2, silent: 1, equivocations: 2 });
    expect(collector.vote(2, 1)).toBe("late");
    expect(collector.abstain(2)).toBe("late");
  });

  test.each([
    ["a member who is none", -1, 1, 1],
    ["a member beyond the group", 3, 1, 1],
    ["a member between two", 0.5, 1, 1],
    ["no member", Number.NaN, 1, 1],
    ["a choice that is none", 0, 2, 1],
    ["a choice between two", 0, 0.5, 1],
    ["more confidence than certainty", 0, 1, 1.5],
    ["no confidence", 0, 1, Number.NaN],
  ])("%s changes nothing", (_, member, choice, confidence) => {
    const collector = new VoteCollector({ members: 3 });
    expect(collector.vote(member, choice, confidence)).toBe("unknown");
    expect(collector.vote(0, 1)).toBe("counted");
    expect(collector.vote(1, 1)).toBe("counted");
    expect(collector.outcome).toMatchObject({ votes: 2, support: [0, 2] });
  });

  test("a deadline ends it undecided, and silence is told from abstention", async () => {
    const clock = new ManualClock();
    const seen: VoteOutcome[] = [];
    const collector = new VoteCollector({
      members: 5,
      deadline: ms(100),
      timers: new TimerWheel(clock),
      concluded: (outcome) => seen.push(outcome),
    });
    const result = collector.result();
    collector.vote(0, 1);
    collector.abstain(1);
    await clock.advance(ms(99));
    expect(seen).toEqual([]);
    await clock.advance(ms(1));
    expect(await result).toMatchObject({ state: "undecided", reason: "deadline", votes: 1, abstentions: 1, silent: 3 });
    expect(seen).toHaveLength(1);
    expect(collector.vote(2, 1)).toBe("late");
  });

  test("a decision cancels the deadline", async () => {
    const clock = new ManualClock();
    const collector = new VoteCollector({ members: 1, deadline: ms(100), timers: new TimerWheel(clock) });
    collector.vote(0, 0);
    await clock.advance(ms(200));
    expect(await collector.result()).toMatchObject({ state: "decided", choice: 0 });
  });

  test("tenths add up to the threshold they reach on paper", () => {
    // 0.1 + 0.2 + 0.3 is more than 0.6 in binary, 0.3 + 0.2 + 0.1 is less.
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
    ]) {
      const collector = new VoteCollector({
        members: 4,
        rule: weightedMajority,
        weights: Float64Array.of(0.1, 0.2, 0.3, 0.4),
      });
      for (const member of order) collector.vote(member, 1);
      expect(collector.outcome).toMatchObject({ state: "decided", choice: 1 });
    }
  });

  test("ten thousand members in any order", () => {
    const collector = new VoteCollector({ members: 10_000 });
    for (let i = 0; i < 5000; i++) collector.vote((i * 7919) % 10_000, 1);
    expect(collector.open).toBe(true);
    collector.vote((5000 * 7919) % 10_000, 1);
    expect(collector.outcome).toMatchObject({ state: "decided", votes: 5001, silent: 4999 });
  });

  test("a group without weight cannot decide", () => {
    const collector = new VoteCollector({ members: 2, weights: new Float64Array(2) });
    expect(collector.outcome).toMatchObject({ state: "undecided", reason: "unreachable" });
  });

  test("all problems of the options are told together", () => {
    expect(
      () =>
        new VoteCollector({
          members: 0,
          choices: 300,
          rule: { threshold: 0.5, strict: false },
          weights: Float64Array.of(-1),
          deadline: ms(1),
        }),
    ).toThrow(/members must be .*choices must be .*lets two choices win.*weights must be .*deadline needs timers/);
  });
});
