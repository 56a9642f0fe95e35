import {
  type AgentRef,
  allocateResources,
  ballotsTo,
  computeOptimalAllocation,
  Coordinator,
  type ResourceRequest,
  type Runtime,
  TimerWheel,
  unanimity,
} from "@mettle/agents";
import { ms, systemClock } from "@mettle/core";
import type { MettlePlatform } from "../../adapters/mettle/mettle-platform.ts";
import { contest } from "../../measure/contest.ts";
import { timeEach } from "../../measure/operations.ts";
import type { AgentPlatform } from "../../platform/platform.ts";
import { type Scenario, type ScenarioContext, timesBeyondSmoke, timesOf } from "../scenario.ts";
import { overall } from "./overall.ts";
import { type ThinkerProtocol, thinkers } from "./thinkers.ts";

const common = { suite: "coordination", group: "infrastructure_benchmarks", needs: ["mettle"] } as const;

const runtimeOf = (platform: AgentPlatform): Runtime => (platform as MettlePlatform).runtime;

const coordinatorOn = (wheel: TimerWheel): Coordinator =>
  new Coordinator({ timers: wheel, nowMs: () => systemClock.now() / 1e6 });

const concurrent: Scenario = {
  ...common,
  id: "coordination.waiting",
  group: "scalability_tests",
  title: "Four coordinations of 10 agents that wait 1 ms each: in turn, and all at once through a collector",
  requirement: ["S3-001", "S3-008", "S3-014", "S3-088"],
  seconds: timesOf(1.5),
  rules: {
    thresholds: {
      "coordination.waiting.speed-up": { threshold: "p(50) >= 3", requirement: ["S3-008", "S3-014", "S3-088"] },
      "coordination.waiting.decided": { threshold: "rate == 1", severity: "critical", requirement: ["S3-008"] },
    },
  },
  run: async (context) => {
    const { open, record, seconds, random, signal } = context;
    const runtime = runtimeOf(await open());
    const groups = Array.from({ length: 4 }, () => thinkers(runtime, 10));
    const wheel = new TimerWheel(systemClock);
    const coordinator = coordinatorOn(wheel);
    const propose = (group: AgentRef<ThinkerProtocol>[]) =>
      coordinator.propose({
        members: group.length,
        proposal: { value: 0.7 },
        rule: unanimity,
        ask: ballotsTo(group, "consider"),
      }).outcome;
    let decided = 0;
    let begun = 0;
    try {
      await contest(record, {
        metric: "coordination.waiting",
        operations: groups.length,
        seconds,
        random,
        signal,
        traditional: {
          name: "sequential",
          run: async () => {
            for (const group of groups) for (const agent of group) await agent.ask({ type: "need" });
          },
        },
        ours: {
          name: "collected",
          run: async () => {
            const outcomes = await Promise.all(groups.map(propose));
            begun += outcomes.length;
            decided += outcomes.filter(({ state, votes }) => state === "decided" && votes === 10).length;
          },
        },
      });
    } finally {
      coordinator.close();
      wheel.close();
    }
    record.rate("coordination.waiting.decided", decided, begun);
  },
};

const capacity = 40;

/** Dividing a resource among agents: the sequential baseline, and the gathering one with a deadline of 5 s. */
const allocation: Scenario = {
  ...common,
  id: "coordination.allocation",
  title: "Dividing a resource among 20 agents: asked in turn, and gathered in parallel",
  requirement: ["S3-001", "S3-007"],
  seconds: timesBeyondSmoke(1.5),
  rules: {
    thresholds: {
      "coordination.allocation.speed-up": { threshold: "p(50) >= 3", requirement: ["S3-007"] },
      "coordination.allocation.same": { threshold: "rate == 1", severity: "critical", requirement: ["S3-007"] },
    },
  },
  run: async ({ open, record, seconds, random, signal }: ScenarioContext) => {
    const runtime = runtimeOf(await open());
    const agents = thinkers(runtime, 20);
    const names = agents.map((_, i) => `thinker-${i}`);
    const wheel = new TimerWheel(systemClock);
    let expected = Number.NaN;
    let same = 0;
    let rounds = 0;
    const gather = () =>
      allocateResources(capacity, {
        agents: names,
        timers: wheel,
        deadline: ms(5000),
        ask: (name, answer) => {
          void agents[names.indexOf(name)]!.ask({ type: "need" }).then(answer, () => answer(undefined));
        },
      });
    try {
      await contest(record, {
        metric: "coordination.allocation",
        operations: 1,
        seconds,
        random,
        signal,
        traditional: {
          name: "sequential",
          run: async () => {
            const requests: ResourceRequest[] = [];
            for (const [i, agent] of agents.entries())
              requests.push({ agent: names[i]!, ...(await agent.ask({ type: "need" })) });
            expected = computeOptimalAllocation(capacity, requests).value;
          },
        },
        ours: {
          name: "gathered",
          run: async () => {
            rounds += 1;
            const { value, silent } = await gather();
            // What is right is told by the other way, which has its first turn before this one.
            if (silent.length === 0 && value === expected) same += 1;
          },
        },
      });
    } finally {
      wheel.close();
    }
    record.rate("coordination.allocation.same", same, rounds);
  },
};

/** Waiting for the event itself instead of for a while: how late its news is, and whether it comes at all. */
const notices: Scenario = {
  ...common,
  id: "coordination.notices",
  title: "Who subscribed to a decision is told of it",
  requirement: ["S3-002", "S3-024"],
  seconds: timesBeyondSmoke(0.5),
  rules: {
    thresholds: {
      "coordination.notices.told": { threshold: "rate == 1", severity: "critical", requirement: ["S3-024"] },
      "coordination.notice.time": { threshold: "p(95) < 10ms", requirement: ["S3-024"] },
    },
  },
  run: async ({ record, seconds, signal }) => {
    const wheel = new TimerWheel(systemClock);
    const coordinator = coordinatorOn(wheel);
    let told = 0;
    let begun = 0;
    try {
      await timeEach(
        record.operation("coordination.notice.time"),
        { atMost: 20_000, atLeast: 100, seconds },
        {
          run: async () => {
            begun += 1;
            let vote: (() => void) | undefined;
            const reached = new Promise<void>((resolve) => {
              const end = coordinator.subscribe(({ type }) => {
                if (type !== "coordination.consensus.reached") return;
                end();
                told += 1;
                resolve();
              });
            });
            coordinator.propose({
              members: 1,
              proposal: null,
              ask: (member, ballot) => {
                vote = () => void ballot.vote(member, 1);
                return true;
              },
            });
            vote?.();
            await reached;
          },
        },
        signal,
      );
    } finally {
      coordinator.close();
      wheel.close();
    }
    record.rate("coordination.notices.told", told, begun);
  },
};

/** On our own runtime: agents that wait, so that asking in turn costs what it costs in practice. */
export const waitingScenarios: readonly Scenario[] = [concurrent, allocation, notices, overall];
