import { recordGrowth } from "../../measure/growth.ts";
import { ratesOf, timeEach } from "../../measure/operations.ts";
import type { CoordinationOutcome } from "../../platform/platform.ts";
import { spawnMany } from "../descriptions.ts";
import { type Scenario, timesBeyondSmoke, timesOf } from "../scenario.ts";

const common = { suite: "coordination", group: "infrastructure_benchmarks", needs: ["coordination"] } as const;
const perSecond = { unit: "1/s", direction: "higher" } as const;
const timeoutMs = 5000;

/** An outcome is good when all took part and the platform says so. */
const went = ({ succeeded, participated }: CoordinationOutcome, members: number): boolean =>
  succeeded && participated === members;

const consensus: Scenario = {
  ...common,
  id: "coordination.consensus",
  title: "Proposals to 10 and to 100 agents, one after the other and as fast as they go",
  requirement: ["S2-019", "S2-076", "S3-019", "S3-066"],
  seconds: timesOf(2),
  rules: {
    budgets: [
      {
        name: "consensus_operation",
        metric: "consensus.proposal.time",
        kind: "latency",
        limits: { p99: "50ms", mean: "20ms" },
        requirement: ["S3-051", "S3-073"],
      },
    ],
    thresholds: {
      "consensus.proposal.rate": { threshold: "p(50) >= 100", requirement: ["S3-076"] },
      "consensus.proposal.success": { threshold: "rate >= 0.999", severity: "critical", requirement: ["S3-080"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    for (const members of [10, 100]) {
      const agents = await spawnMany(platform, members);
      const tags = { agents: String(members) };
      let good = 0;
      let all = 0;
      const propose = async (): Promise<void> => {
        all += 1;
        if (went(await platform.coordination!.consensus(agents, timeoutMs), members)) good += 1;
      };
      await timeEach(
        record.operation("consensus.proposal.time", { tags }),
        { atMost: 20_000, atLeast: 120, seconds: seconds / 4 },
        { run: propose },
        signal,
      );
      const burst = async (size: number): Promise<void> => {
        for (let i = 0; i < size; i++) await propose();
      };
      record.value("consensus.proposal.rate", await ratesOf(50, seconds / 4, burst, signal), { ...perSecond, tags });
      record.rate("consensus.proposal.success", good, all, { tags });
    }
  },
};

const groups: Scenario = {
  ...common,
  id: "coordination.agents",
  title: "Coordinating 10 agents, and telling 100 at once",
  requirement: ["S2-019", "S2-076", "S3-067", "S3-068"],
  seconds: timesBeyondSmoke(2),
  rules: {
    thresholds: {
      "coordination.agents.time": { threshold: "p(99) < 10ms", requirement: ["S3-072"] },
      "coordination.agents.success": { threshold: "rate >= 0.9999", severity: "critical", requirement: ["S3-081"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    for (const members of [10, 100]) {
      const agents = await spawnMany(platform, members);
      const tags = { agents: String(members) };
      let good = 0;
      let all = 0;
      await timeEach(
        record.operation("coordination.agents.time", { tags }),
        // Four nines need ten thousand trials to be seen.
        { atMost: 50_000, atLeast: 200, seconds: seconds / 2 },
        {
          run: async () => {
            all += 1;
            if (went(await platform.coordination!.broadcast(agents, timeoutMs), members)) good += 1;
          },
        },
        signal,
      );
      record.rate("coordination.agents.success", good, all, { tags });
    }
  },
};

const sizes = [10, 30, 100, 300, 1000, 3000] as const;

const scale: Scenario = {
  ...common,
  id: "coordination.scale",
  group: "scalability_tests",
  title: "Proposals to 10 … 3 000 agents",
  requirement: ["S2-079"],
  seconds: timesBeyondSmoke(2.4),
  rules: {
    thresholds: {
      // In proportion to the agents would be 10.
      "coordination.scale.growth-per-tenfold": { threshold: "value < 20", requirement: ["S2-079"] },
      "coordination.scale.success": { threshold: "rate == 1", severity: "critical", requirement: ["S2-079"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const medians: number[] = [];
    for (const members of sizes) {
      const agents = await spawnMany(platform, members);
      const tags = { agents: String(members) };
      const operation = record.operation("coordination.scale.time", { tags });
      let good = 0;
      let all = 0;
      await timeEach(
        operation,
        { atMost: 5000, atLeast: 20, seconds: seconds / sizes.length },
        {
          run: async () => {
            all += 1;
            if (went(await platform.coordination!.consensus(agents, timeoutMs), members)) good += 1;
          },
        },
        signal,
      );
      record.rate("coordination.scale.success", good, all, { tags });
      medians.push(operation.times.quantile(0.5) ?? 0);
    }
    recordGrowth(record, "coordination.scale", sizes, medians);
  },
};

export const coordinationOperations: readonly Scenario[] = [consensus, groups, scale];
