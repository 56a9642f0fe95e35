import { failureKind, timeEach } from "../../measure/operations.ts";
import { pace } from "../../measure/pace.ts";
import type { Recorder } from "../../measure/recorder.ts";
import { nowNs } from "../../measure/time.ts";
import type { AgentHandle, AgentPlatform, CoordinationOutcome } from "../../platform/platform.ts";
import { spawnMany, stopAll } from "../descriptions.ts";
import { type Scenario, timesBeyondSmoke } from "../scenario.ts";

const common = { suite: "coordination", group: "infrastructure_benchmarks", needs: ["coordination"] } as const;

interface Paced {
  readonly during: string;
  readonly seconds: number;
  readonly signal: AbortSignal;
  /** Proposals for each two requests. */
  readonly groups: readonly (readonly AgentHandle[])[];
}

/** Requests at a fixed rate, and proposals between them; each is timed from when it was due. */
async function requestsAndProposals(
  platform: AgentPlatform,
  agents: readonly AgentHandle[],
  record: Recorder,
  { during, seconds, signal, groups }: Paced,
): Promise<void> {
  const requests = record.operation("coordination.load.request.time", { tags: { during } });
  const proposals = record.operation("coordination.load.time");
  const pending: Promise<void>[] = [];
  let begun = 0;
  let decided = 0;
  const start = nowNs();
  const propose = async (group: readonly AgentHandle[], dueNs: number): Promise<void> => {
    begun += 1;
    const { succeeded, participated } = await platform.coordination!.consensus(group, 5000);
    if (!succeeded || participated !== group.length) return;
    decided += 1;
    proposals.times.record(Math.max(0, nowNs() - dueNs));
  };
  await pace({ perSecond: 1500, seconds, signal }, (index, dueNs) => {
    const group = index % 3 === 0 ? groups[index % groups.length] : undefined;
    pending.push(
      (group === undefined
        ? platform
            .ask(agents[index % agents.length]!, { type: "add", data: 1 }, 5000)
            .then(() => requests.times.record(Math.max(0, nowNs() - dueNs)))
        : propose(group, dueNs)
      ).catch((error: unknown) => requests.fail(failureKind(error))),
    );
  });
  await Promise.all(pending);
  if (groups.length === 0) return;
  record.rate("coordination.load.decided", decided, begun);
  record.value("coordination.load.rate", decided / ((nowNs() - start) / 1e9), { unit: "1/s", direction: "higher" });
}

const load: Scenario = {
  ...common,
  id: "coordination.load",
  title: "500 proposals a second to 100 agents each, and 1 000 requests a second to others",
  requirement: ["S2-077", "S2-019"],
  seconds: timesBeyondSmoke(2.5),
  rules: {
    thresholds: {
      "coordination.load.rate": { threshold: "value >= 100", requirement: ["S3-076", "S2-077"] },
      "coordination.load.decided": { threshold: "rate >= 0.999", severity: "critical", requirement: ["S2-077"] },
      "coordination.load.time": { threshold: "p(50) < 50ms", requirement: ["S2-077", "S3-073"] },
      // Times count from when a request was due, so that their tail holds what a busy machine does to the pace as well.
      "coordination.load.request.time": [
        { threshold: "p(50) < 10ms", requirement: ["S2-077"] },
        { threshold: "p(95) < 10ms", severity: "medium", requirement: ["S2-077"] },
      ],
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const others = await spawnMany(platform, 100);
    const groups: AgentHandle[][] = [];
    for (let i = 0; i < 20; i++) groups.push(await spawnMany(platform, 100));
    const calm = { during: "calm", seconds: seconds / 3, signal, groups: [] };
    await requestsAndProposals(platform, others, record, calm);
    const busy = { during: "coordination", seconds: (seconds * 2) / 3, signal, groups };
    await requestsAndProposals(platform, others, record, busy);
  },
};

const members = 100;
const deadlineMs = 30;
/** For whoever is still to be heard when the machine, and not the platform, was held up for as long as the deadline. */
const patientMs = 5000;

const failures: Scenario = {
  ...common,
  id: "coordination.failures",
  title: "Proposals to 100 agents of whom 1, 10 or 33 are dead, beside a healthy group",
  requirement: ["S2-078"],
  // Most of it is waiting for deadlines: nothing for the shortest profile.
  seconds: { ci: 2, full: 10, soak: 40 },
  rules: {
    thresholds: {
      // Told as it was: not decided by all, and by exactly those who live.
      "coordination.failures.reported": { threshold: "rate == 1", severity: "critical", requirement: ["S2-078"] },
      "coordination.failures.healthy": { threshold: "rate == 1", severity: "critical", requirement: ["S2-078"] },
      "coordination.failures.time": { threshold: "p(50) < 130ms", requirement: ["S2-078"] },
      "coordination.failures.healthy.time": { threshold: "p(95) < 50ms", requirement: ["S2-078", "S3-073"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const healthy = await spawnMany(platform, members);
    const beside = record.operation("coordination.failures.healthy.time");
    let healthyDecided = 0;
    let healthyTried = 0;
    const healthyOnce = async (): Promise<void> => {
      healthyTried += 1;
      const start = nowNs();
      const outcome = await platform.coordination!.consensus(healthy, 5000);
      beside.times.record(nowNs() - start);
      if (outcome.succeeded && outcome.participated === members) healthyDecided += 1;
    };
    for (const dead of [1, 10, 33]) {
      const group = await spawnMany(platform, members);
      // Spread over the group: not merely the last ones.
      await stopAll(
        platform,
        Array.from({ length: dead }, (_, i) => group[Math.floor((i * members) / dead)]!),
      );
      const tags = { dead: String(dead) };
      const living = members - dead;
      let reported = 0;
      let tried = 0;
      let outcomes: readonly CoordinationOutcome[] = [];
      let loses = false;
      const toldAsItWas = async (outcome: CoordinationOutcome): Promise<boolean> => {
        let { succeeded, participated } = outcome;
        // With more time all who live are heard, unless the platform loses them: then it is not asked for more again.
        if (!succeeded && participated < living && !loses) {
          ({ succeeded, participated } = await platform.coordination!.consensus(group, patientMs));
          loses = participated < living;
        }
        return !succeeded && participated === living;
      };
      await timeEach(
        record.operation("coordination.failures.time", { tags }),
        { atMost: 200, atLeast: 20, seconds: seconds / 3 },
        {
          // Ten at a time: each waits for its deadline, and all of them for the same one.
          run: async () => {
            const asked = Array.from({ length: 10 }, () => platform.coordination!.consensus(group, deadlineMs));
            await healthyOnce();
            outcomes = await Promise.all(asked);
          },
          after: async () => {
            for (const outcome of outcomes) {
              tried += 1;
              if (await toldAsItWas(outcome)) reported += 1;
            }
          },
        },
        signal,
      );
      record.rate("coordination.failures.reported", reported, tried, { tags });
    }
    record.rate("coordination.failures.healthy", healthyDecided, healthyTried);
  },
};

export const coordinationStress: readonly Scenario[] = [load, failures];
