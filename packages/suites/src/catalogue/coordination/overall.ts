import {
  type AgentRef,
  allocateResources,
  ballotsTo,
  computeOptimalAllocation,
  Coordinator,
  TimerWheel,
  unanimity,
} from "@mettle/agents";
import { systemClock } from "@mettle/core";
import type { MettlePlatform } from "../../adapters/mettle/mettle-platform.ts";
import { contest } from "../../measure/contest.ts";
import type { AgentHandle } from "../../platform/platform.ts";
import { populate } from "../descriptions.ts";
import { type Scenario, timesBeyondSmoke } from "../scenario.ts";
import { type ThinkerProtocol, thinkers } from "./thinkers.ts";

const capacity = 12;

/** What both ways of a step work with. */
interface Step {
  readonly platform: MettlePlatform;
  readonly members: readonly AgentRef<ThinkerProtocol>[];
  readonly others: readonly AgentHandle[];
  readonly names: readonly string[];
  readonly values: readonly number[];
}

/** As it was: a registry that is asked, agents asked in turn, updates told one by one. @returns the value allocated */
async function inTurn({ platform, members, others, names, values }: Step): Promise<number> {
  for (const name of names) await platform.ask(others[0]!, { type: "echo", data: name }, 5000);
  const requests = [];
  for (const [i, member] of members.entries())
    requests.push({ agent: `member-${i}`, ...(await member.ask({ type: "need" })) });
  for (const member of members) await member.ask({ type: "need" }); // its vote
  for (const value of values) await platform.variables.broadcast(others, [value]);
  return computeOptimalAllocation(capacity, requests).value;
}

/** As it is: a registry that is read, answers gathered and votes collected, updates in a batch. */
async function together(step: Step, coordinator: Coordinator, wheel: TimerWheel): Promise<number> {
  const { platform, members, others, names, values } = step;
  for (const name of names) platform.registry.lookup(name);
  const agents = members.map((_, i) => `member-${i}`);
  const { value } = await allocateResources(capacity, {
    agents,
    timers: wheel,
    ask: (name, answer) => {
      void members[agents.indexOf(name)]!.ask({ type: "need" }).then(answer, () => answer(undefined));
    },
  });
  const { outcome } = coordinator.propose({
    members: members.length,
    proposal: value,
    rule: unanimity,
    ask: ballotsTo(members, "consider"),
  });
  const [{ state }] = await Promise.all([outcome, platform.variables.broadcast(others, values)]);
  return state === "decided" ? value : Number.NaN;
}

/** One step of a system of agents, with everything that the roadmap changes in it. */
export const overall: Scenario = {
  id: "coordination.overall",
  suite: "coordination",
  group: "infrastructure_benchmarks",
  needs: ["mettle"],
  title: "A step of work (50 lookups, an allocation and a vote of 10, 20 updates to 50) as it was and as it is",
  requirement: ["S3-087", "S3-092"],
  seconds: timesBeyondSmoke(1.5),
  rules: {
    thresholds: {
      "coordination.overall.speed-up": { threshold: "p(50) >= 5", requirement: ["S3-092"] },
      "coordination.overall.same": { threshold: "rate == 1", severity: "critical", requirement: ["S3-092"] },
    },
  },
  run: async ({ open, record, seconds, random, signal }) => {
    const platform = (await open()) as MettlePlatform;
    const { agents, names } = await populate(platform, 50, random);
    const members = thinkers(platform.runtime, 10);
    const values = Array.from({ length: 20 }, () => random.uniform());
    const step: Step = { platform, members, others: agents, names, values };
    const wheel = new TimerWheel(systemClock);
    const coordinator = new Coordinator({ timers: wheel, nowMs: () => systemClock.now() / 1e6 });
    let expected = Number.NaN;
    let same = 0;
    let rounds = 0;
    try {
      await contest(record, {
        metric: "coordination.overall",
        operations: 1,
        seconds,
        random,
        signal,
        traditional: {
          name: "in-turn",
          run: async () => {
            expected = await inTurn(step);
          },
        },
        ours: {
          name: "together",
          run: async () => {
            rounds += 1;
            // What is right is told by the other way, which has its first turn before this one.
            if ((await together(step, coordinator, wheel)) === expected) same += 1;
          },
        },
      });
    } finally {
      coordinator.close();
      wheel.close();
    }
    record.rate("coordination.overall.same", same, rounds);
  },
};
