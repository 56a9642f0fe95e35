import { expect, test } from "vitest";
import { type BallotMessage, ballotsTo, Coordinator, defineAction, defineAgent, TimerWheel } from "../../src/index.ts";
import { runtimeForTest } from "../support.ts";

const voter = defineAgent({
  name: "voter",
  state: (): readonly string[] => [],
  actions: {
    propose: defineAction({
      run: (state: readonly string[], { member, ballot }: BallotMessage<string>) => {
        ballot.vote(member, 1);
        return { state: [...state, ballot.proposal] };
      },
    }),
    seen: defineAction({ mode: "read", run: (state: readonly string[]) => ({ reply: state }) }),
  },
});

test("agents get their ballot as a message and vote in their own turn; who cannot take it, or has stopped, abstains", async () => {
  const { runtime, clock } = runtimeForTest({ mailboxLimit: 1 });
  const coordinator = new Coordinator({ timers: new TimerWheel(clock), nowMs: () => clock.now() / 1e6 });
  const agents = Array.from({ length: 7 }, () => runtime.spawn(voter));
  agents[1]!.pause();
  agents[1]!.send({ type: "seen" }); // its mailbox is full now
  await agents[2]!.stop();
  const ask = ballotsTo<string>(agents, "propose");
  const { outcome } = coordinator.propose({ members: 7, proposal: "scale up", ask });
  expect(coordinator.statistics.open).toBe(1); // nobody has voted inside the call
  expect(await outcome).toMatchObject({ state: "decided", choice: 1, votes: 4, abstentions: 2, silent: 1 });
  expect(await agents[0]!.ask({ type: "seen" })).toEqual(["scale up"]);
  await runtime.close({ drain: false });
});
