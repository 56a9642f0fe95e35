import { ratesOf, timeEach } from "../../measure/operations.ts";
import type { Recorder } from "../../measure/recorder.ts";
import { nowNs } from "../../measure/time.ts";
import type { AgentHandle, AgentPlatform } from "../../platform/platform.ts";
import { spawnMany } from "../descriptions.ts";
import { type Scenario, timesBeyondSmoke, timesOf } from "../scenario.ts";

const common = { suite: "agents", group: "infrastructure_benchmarks", needs: [] } as const;
const perSecond = { unit: "1/s", direction: "higher" } as const;

const action: Scenario = {
  ...common,
  id: "agents.action",
  title: "Requests of different weight, alone and 100 at a time",
  requirement: ["S2-002", "S2-015", "S2-060", "S2-061"],
  seconds: timesOf(3),
  rules: {
    thresholds: { "agents.action.time": { threshold: "p(95) < 10ms", requirement: ["S2-035"] } },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const agent = await platform.spawn();
    const kinds = {
      add: { type: "add", data: 1 },
      total: { type: "total" },
      echo: { type: "echo", data: { text: "hello", list: [1, 2, 3] } },
      "compute-1000": { type: "compute", data: 1000 },
      "compute-20000": { type: "compute", data: 20_000 },
    } as const;
    for (const [kind, message] of Object.entries(kinds)) {
      await timeEach(
        record.operation("agents.action.time", { tags: { action: kind } }),
        { atMost: 20_000, atLeast: 200, seconds: seconds / 8 },
        { run: () => platform.ask(agent, message, 5000) },
        signal,
      );
    }
    const agents = await spawnMany(platform, 100);
    await timeEach(
      record.operation("agents.action.concurrent.time"),
      { atMost: 2000, atLeast: 50, seconds: seconds / 4 },
      { run: () => Promise.all(agents.map((each) => platform.ask(each, { type: "add", data: 1 }, 5000))) },
      signal,
    );
  },
};

const throughput: Scenario = {
  ...common,
  id: "agents.throughput",
  title: "Messages and requests a second, to one agent and to 100",
  requirement: ["S3-075", "S3-077"],
  seconds: timesBeyondSmoke(3),
  rules: {
    thresholds: {
      "agents.send.rate": { threshold: "p(50) >= 10000", requirement: ["S3-075"] },
      "agents.request.rate": { threshold: "p(50) >= 50000", requirement: ["S3-077"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const agents = await spawnMany(platform, 100);
    const first = agents[0]!;
    const sends = async (size: number): Promise<void> => {
      for (let i = 0; i < size; i++) await passOn(platform.send(first, { type: "note", data: 1 }));
      await platform.ask(first, { type: "total" }, 5000);
    };
    record.value("agents.send.rate", await ratesOf(5000, seconds / 3, sends, signal), perSecond);
    const requests = async (size: number): Promise<void> => {
      for (let i = 0; i < size; i += agents.length) {
        await Promise.all(agents.map((agent) => platform.ask(agent, { type: "add", data: 1 }, 5000)));
      }
    };
    record.value("agents.request.rate", await ratesOf(5000, seconds / 3, requests, signal), perSecond);
    const alone = async (size: number): Promise<void> => {
      for (let i = 0; i < size; i++) await platform.ask(first, { type: "add", data: 1 }, 5000);
    };
    record.value("agents.request.alone.rate", await ratesOf(2000, seconds / 3, alone, signal), perSecond);
  },
};

/** Awaited only where there is something to wait for. */
const passOn = (result: void | Promise<void>): void | Promise<void> => result;

const failures: Scenario = {
  ...common,
  id: "agents.failures",
  title: "Requests that fail, and requests that are never answered",
  requirement: ["S2-062", "S2-063"],
  seconds: timesBeyondSmoke(1.5),
  rules: {
    thresholds: {
      "agents.failure.reported": { threshold: "rate == 1", severity: "critical", requirement: ["S2-063"] },
      "agents.timeout.reported": { threshold: "rate == 1", severity: "critical", requirement: ["S2-062"] },
      "agents.failure.state-kept": { threshold: "rate == 1", severity: "critical", requirement: ["S2-118"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const agent = await platform.spawn();
    let reported = 0;
    let kept = 0;
    let attempts = 0;
    await timeEach(
      record.operation("agents.failure.time"),
      { atMost: 5000, atLeast: 100, seconds: seconds / 2 },
      {
        before: () => {
          attempts += 1; // those of the warm-up too: what they get right must not make up for what others get wrong
          return platform.ask(agent, { type: "add", data: 1 }, 5000);
        },
        run: () => platform.ask(agent, { type: "fail" }, 5000).then(doNothing, () => (reported += 1)),
        after: async (total) => {
          if ((await platform.ask(agent, { type: "total" }, 5000)) === total) kept += 1;
        },
      },
      signal,
    );
    record.rate("agents.failure.reported", reported, attempts);
    record.rate("agents.failure.state-kept", kept, attempts);
    await timeOuts(platform, record, 40);
  },
};

const doNothing = (): void => undefined;

/** How late a request that nobody answers is given up, beyond its deadline. */
async function timeOuts(platform: AgentPlatform, record: Recorder, count: number): Promise<void> {
  const agents = await spawnMany(platform, count);
  const late = record.operation("agents.timeout.lateness.time");
  let reported = 0;
  const wait = async (agent: AgentHandle): Promise<void> => {
    const start = nowNs();
    await platform.ask(agent, { type: "silent" }, 50).then(doNothing, () => {
      reported += 1;
      late.times.record(Math.max(0, nowNs() - start - 50e6));
    });
  };
  await Promise.all(agents.map(wait));
  record.rate("agents.timeout.reported", reported, count);
}

/** What agents do when they are asked. */
export const actionScenarios: readonly Scenario[] = [action, throughput, failures];
