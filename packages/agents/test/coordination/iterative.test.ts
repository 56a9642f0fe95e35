import { ManualClock, ms } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { agreeByKey, agreeWithin, iterativeConsensus, type Position, type Round, TimerWheel } from "../../src/index.ts";

function consensus(
  opinions: readonly number[],
  respond: (member: number, round: Round<number>) => Position<number> | undefined,
  limits: { maxRounds?: number; convergence?: number; quality?: number } = {},
) {
  const clock = new ManualClock();
  const rounds: number[] = [];
  const outcome = iterativeConsensus<number>({
    members: opinions.length,
    agree: agreeWithin(0.5),
    roundDeadline: ms(100),
    timers: new TimerWheel(clock),
    ...limits,
    ask: (member, round, answer) => {
      if (member === 0) rounds.push(round.number);
      const position = respond(member, round);
      if (position !== undefined) answer(position);
    },
  });
  return { clock, rounds, outcome };
}

describe("iterativeConsensus", () => {
  test("members who go half way towards the leading value converge, in the rounds that halving takes", async () => {
    const opinions = [0, 4, 8, 12, 16];
    const { outcome } = consensus(opinions, (member, { leading }) => {
      opinions[member] = leading === undefined ? opinions[member]! : (opinions[member]! + leading) / 2;
      return { value: opinions[member] };
    });
    // The farthest is 8 away; 8 → 4 → 2 → 1 → 0.5 takes four steps after the first round.
    expect(await outcome).toEqual({ state: "converged", leading: 8, agreement: 1, quality: undefined, rounds: 5 });
  });

  test("a result that is good enough ends it before all agree", async () => {
    const { outcome } = consensus([1, 2, 3], (member, { number }) => ({
      value: member * 10,
      ...(number > 1 && { quality: [0.7, 0.8, 0.9][member]! }),
    }));
    const result = await outcome;
    expect(result).toMatchObject({ state: "goodEnough", rounds: 2, agreement: 1 / 3 });
    expect(result.quality).toBeCloseTo(0.8, 12);
  });

  test("stubborn members use the rounds up", async () => {
    const { outcome, rounds } = consensus([1, 5, 9], (member) => ({ value: member * 5 }), { maxRounds: 4 });
    expect(await outcome).toMatchObject({ state: "rounds", rounds: 4 });
    expect(rounds).toEqual([1, 2, 3, 4]);
  });

  test("the silent count against agreement, and keep the position they had", async () => {
    const { clock, outcome } = consensus(
      [1, 1, 1, 1],
      (member, { number }) => (member === 3 && number > 1 ? undefined : { value: member === 3 ? 9 : 1 }),
      { maxRounds: 2 },
    );
    await new Promise(setImmediate); // the first round is over at once; the second waits for its deadline
    await clock.advance(ms(100));
    expect(await outcome).toMatchObject({ state: "rounds", agreement: 0.75, leading: 1 });
  });

  test("a group that never answers ends by its deadlines", async () => {
    const { clock, outcome } = consensus([1, 1], () => undefined, { maxRounds: 3 });
    await clock.advance(ms(300));
    expect(await outcome).toEqual({
      state: "silence",
      leading: undefined,
      agreement: 0,
      quality: undefined,
      rounds: 3,
    });
  });

  test("only a member's first answer of a round counts, and none after its end", async () => {
    const late: ((position: Position<string>) => void)[] = [];
    const outcome = await iterativeConsensus<string>({
      members: 1,
      agree: agreeByKey((value) => value),
      roundDeadline: ms(1),
      timers: new TimerWheel(new ManualClock()),
      ask: (_member, _round, answer) => {
        answer({ value: "first" });
        late.push(answer);
      },
    });
    late[0]!({ value: "second" });
    expect(outcome).toMatchObject({ state: "converged", leading: "first" });
  });

  test("a failing question is the caller's to see", async () => {
    const { outcome } = consensus([1], () => {
      throw new Error("mailbox full");
    });
    await expect(outcome).rejects.toThrow("mailbox full");
  });
});

test("the most frequent key leads, the first met among equals", () => {
  const agree = agreeByKey((value: string) => value);
  expect(agree(["b", "a", "a", "b"])).toEqual({ leading: "b", supporters: 2 });
  expect(agree(["b", "a", "a"])).toEqual({ leading: "a", supporters: 2 });
});
