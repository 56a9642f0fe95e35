import { ratesOf, timeEach } from "../../measure/operations.ts";
import { type Scenario, timesBeyondSmoke } from "../scenario.ts";

const common = { suite: "system", group: "infrastructure_benchmarks" } as const;

const settings = {
  agents: { limits: { mailbox: 10_000, memory: 52_428_800 }, pool: { size: 10 } },
  coordination: { consensus: { timeout: 5000, quorum: 0.66 } },
  name: "mettle",
} as const;

/** Paths, and what is there: the values are the oracle. */
const paths: readonly (readonly [path: string, value: unknown])[] = [
  ["agents.limits.mailbox", 10_000],
  ["agents.limits.memory", 52_428_800],
  ["agents.pool.size", 10],
  ["coordination.consensus.quorum", 0.66],
  ["name", "mettle"],
];

const configuration: Scenario = {
  ...common,
  id: "system.configuration",
  needs: ["settings"],
  title: "Reading settings by path",
  requirement: ["S3-063"],
  seconds: timesBeyondSmoke(0.5),
  rules: {
    thresholds: {
      "configuration.get.time": { threshold: "p(99) < 1ms", requirement: ["S3-063"] },
      "configuration.right": { threshold: "rate == 1", severity: "critical", requirement: ["S3-063"] },
    },
  },
  run: async ({ open, record, random, seconds, signal }) => {
    const platform = await open({ settings });
    let right = 0;
    let all = 0;
    await timeEach(
      record.operation("configuration.get.time"),
      { atMost: 50_000, atLeast: 200, seconds },
      {
        before: () => paths[random.below(paths.length)]!,
        run: ([path]) => platform.settings!.get(path),
        after: async ([path, value]) => {
          all += 1;
          if ((await platform.settings!.get(path)) === value) right += 1;
        },
      },
      signal,
    );
    record.rate("configuration.right", right, all);
  },
};

const emission: Scenario = {
  ...common,
  id: "system.journal",
  needs: ["journal"],
  title: "Appending events to the store, and finding them again",
  requirement: ["S3-064"],
  seconds: timesBeyondSmoke(1),
  rules: {
    thresholds: {
      "journal.append.time": { threshold: "p(99) < 1ms", requirement: ["S3-064"] },
      "journal.found": { threshold: "rate == 1", severity: "critical", requirement: ["S3-064"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const journal = platform.journal!;
    await timeEach(
      record.operation("journal.append.time"),
      { atMost: 20_000, atLeast: 200, seconds: seconds / 2 },
      { run: (_none, index) => journal.append("agent.updated", "timed", { index }) },
      signal,
    );
    let appended = 0;
    let found = 0;
    let bursts = 0;
    const burst = async (size: number): Promise<void> => {
      const correlation = `burst-${bursts++}`;
      for (let i = 0; i < size; i++) await journal.append("agent.updated", correlation, { i });
      appended += size;
      found += await journal.count(correlation);
    };
    const rates = await ratesOf(1000, seconds / 2, burst, signal);
    record.value("journal.append.rate", rates, { unit: "1/s", direction: "higher" });
    record.rate("journal.found", Math.max(0, appended - Math.abs(appended - found)), appended);
  },
};

/** What services ask all the time: settings and the event store. */
export const retrievalScenarios: readonly Scenario[] = [configuration, emission];
