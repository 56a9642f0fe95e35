import { PbftMember, type PbftMessage, processNotary, SimulatedNetwork, SimulatedTime } from "@mettle/agents";
import { ms, Random } from "@mettle/core";
import { failureKind } from "../../measure/operations.ts";
import { nowNs } from "../../measure/time.ts";
import { spawnMany } from "../descriptions.ts";
import { type Scenario, timesBeyondSmoke } from "../scenario.ts";

const common = { suite: "limits", group: "infrastructure_benchmarks" } as const;

/** Delays of one way, in ms, and what is lost on it. */
const links = [
  { name: "1-10ms", min: 1, max: 10, loss: 0 },
  { name: "10-50ms", min: 10, max: 50, loss: 0 },
  { name: "50-200ms", min: 50, max: 200, loss: 0 },
  { name: "1-10ms-lossy", min: 1, max: 10, loss: 0.05 },
] as const;

interface Link {
  /** Milliseconds. */
  readonly min: number;
  readonly max: number;
  /** Share of the messages, 0 … 1. */
  readonly loss: number;
}

interface Decision {
  readonly agreed: boolean;
  /** Simulated, until the last member had decided; absent when one never did. */
  readonly tookMs: number | undefined;
  readonly messages: number;
}

/** One decision among seven over links that delay and lose, in simulated time: the same for the same seed. */
export function decide(link: Link, seed: number, members: number = 7): Decision {
  const time = new SimulatedTime();
  const delay = { min: ms(link.min), max: ms(link.max) };
  const network = new SimulatedNetwork<PbftMessage<string>>(time, new Random(seed), { delay, loss: link.loss });
  const notary = processNotary();
  const decided = new Map<number, string>();
  const all = Array.from({ length: members }, (_, member) => {
    const replica = new PbftMember<string>({
      member,
      members,
      instance: `delays-${seed}`,
      network,
      timers: time,
      signer: notary.signer(member),
      verifier: notary.verifier,
      viewTimeout: ms(5 * link.max),
      decided: (value) => decided.set(member, value),
    });
    network.attach(member, (from, message) => replica.receive(from, message));
    return replica;
  });
  for (const [i, replica] of all.entries()) replica.propose(`value-${i}`);
  time.run({ until: ms(100_000), enough: () => decided.size === members });
  const tookMs = decided.size === members ? time.nowMs() : undefined;
  for (const replica of all) replica.stop();
  return { agreed: new Set(decided.values()).size <= 1, tookMs, messages: network.counts.sent };
}

const consensus: Scenario = {
  ...common,
  id: "limits.delays.consensus",
  needs: ["mettle"],
  title: "Byzantine fault tolerant decisions of seven over seeded delays and losses, in simulated time",
  requirement: ["S2-043"],
  seconds: timesBeyondSmoke(1),
  rules: {
    thresholds: {
      "limits.delays.agreed": { threshold: "rate == 1", severity: "critical", requirement: ["S2-043"] },
      "limits.delays.decided": { threshold: "rate == 1", severity: "critical", requirement: ["S2-043"] },
      // Three one-way delays, and as much again for the slowest of a quorum.
      "limits.delays.decision.time{link:1-10ms}": { threshold: "p(95) < 60ms", requirement: ["S2-043"] },
    },
  },
  run: ({ record, random, seconds, signal }) => {
    for (const { name, ...link } of links) {
      const tags = { link: name };
      const notes = ["simulated time"];
      const times = record.operation("limits.delays.decision.time", { tags, notes });
      const end = nowNs() + (seconds / links.length) * 1e9;
      const found = { agreed: 0, decided: 0, tried: 0, messages: [] as number[] };
      while (found.tried < 30 || (nowNs() < end && found.tried < 1000)) {
        signal.throwIfAborted();
        const { agreed, tookMs, messages } = decide(link, random.below(2 ** 31));
        found.tried += 1;
        found.messages.push(messages);
        if (agreed) found.agreed += 1;
        if (tookMs === undefined) continue;
        found.decided += 1;
        times.times.record(tookMs * 1e6);
      }
      record.rate("limits.delays.agreed", found.agreed, found.tried, { tags });
      record.rate("limits.delays.decided", found.decided, found.tried, { tags });
      record.value("limits.delays.messages", found.messages, { unit: "count", direction: "lower", tags });
    }
    return Promise.resolve();
  },
};

const wait = (delayMs: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });

const requests: Scenario = {
  ...common,
  id: "limits.delays.requests",
  needs: [],
  title: "200 requests at a time over lines that delay by 1 … 20 ms each way: what comes on top of the delays",
  requirement: ["S2-043"],
  seconds: timesBeyondSmoke(1),
  rules: {
    thresholds: {
      "limits.delays.answered": { threshold: "rate == 1", severity: "critical", requirement: ["S2-043"] },
      // Two timers, which Node rounds up to whole milliseconds, are in it.
      "limits.delays.overhead.time": { threshold: "p(50) < 10ms", requirement: ["S2-043"] },
    },
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open();
    const agents = await spawnMany(platform, 200);
    const overhead = record.operation("limits.delays.overhead.time");
    let answered = 0;
    let all = 0;
    const request = async (index: number): Promise<void> => {
      const [there, back] = [1 + random.uniform() * 19, 1 + random.uniform() * 19];
      const start = nowNs();
      all += 1;
      try {
        await wait(there);
        const echo = await platform.ask(agents[index]!, { type: "echo", data: index }, 5000);
        await wait(back);
        overhead.times.record(Math.max(0, nowNs() - start - (there + back) * 1e6));
        if (echo === index) answered += 1;
      } catch (error) {
        overhead.fail(failureKind(error));
      }
    };
    const end = nowNs() + seconds * 1e9;
    do {
      signal.throwIfAborted();
      await Promise.all(agents.map((_, index) => request(index)));
    } while (nowNs() < end);
    record.rate("limits.delays.answered", answered, all);
  },
};

export const delayScenarios: readonly Scenario[] = [consensus, requests];
