import { timeEach } from "../../measure/operations.ts";
import { nowNs } from "../../measure/time.ts";
import { type Scenario, timesOf } from "../scenario.ts";
import { baselineOf } from "../baselines.ts";
import { componentStart } from "./components.ts";
import { startInProcess } from "./startup-process.ts";

const common = { suite: "system", group: "infrastructure_benchmarks" } as const;

const baseline = baselineOf("system");

const startup: Scenario = {
  ...common,
  id: "system.startup",
  needs: ["in-process"],
  title: "From nothing to the first answer, each time in a process of its own",
  requirement: ["S2-018", "S2-072", "S2-073", "S2-122"],
  // A process each: starts as often as the time allows, three times at least.
  seconds: { ci: 3, full: 10, soak: 30 },
  rules: {
    thresholds: {
      "system.startup.time": [
        // A start is all processor time: the shortest is the one that nobody else was given a part of.
        { threshold: `min < ${baseline.startupMs}ms`, requirement: ["S2-047"] },
        { threshold: `p(50) < ${baseline.startupMs}ms`, severity: "medium", requirement: ["S2-047"] },
        { threshold: "min > 0", requirement: ["S2-122"] },
      ],
      "system.ready.time": [
        { threshold: `min < ${baseline.readyMs}ms`, requirement: ["S2-049"] },
        { threshold: `p(50) < ${baseline.readyMs}ms`, severity: "medium", requirement: ["S2-049"] },
        { threshold: "min > 0", requirement: ["S2-122"] },
      ],
      "system.startup.answered": { threshold: "rate == 1", severity: "critical", requirement: ["S2-072"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const { name } = await open();
    const startupTimes = record.operation("system.startup.time");
    const readyTimes = record.operation("system.ready.time");
    const memory: number[] = [];
    let answered = 0;
    const end = nowNs() + seconds * 1e9;
    while (memory.length < 3 || nowNs() < end) {
      const times = await startInProcess(name, signal);
      startupTimes.times.record(times.startupMs * 1e6);
      readyTimes.times.record(times.readyMs * 1e6);
      memory.push(times.memoryBytes);
      if (times.answered) answered += 1;
    }
    record.rate("system.startup.answered", answered, memory.length);
    record.value("system.startup.memory", memory, { unit: "bytes", direction: "lower", requirement: ["S2-073"] });
  },
};

/** Once its code is loaded: opening all of a platform's parts, and until it has answered and delivered. */
const initialization: Scenario = {
  ...common,
  id: "system.initialization",
  needs: [],
  title: "Starting all components of a platform, until a request is answered and an event delivered",
  requirement: ["S2-018", "S2-072"],
  seconds: timesOf(1.5),
  rules: {
    thresholds: {
      "system.initialization.time": [
        { threshold: `p(95) < ${baseline.componentInitializationMs}ms`, requirement: ["S2-048"] },
        { threshold: "min > 0", requirement: ["S2-122"] },
      ],
      "system.initialization.works": {
        threshold: "rate == 1",
        severity: "critical",
        requirement: ["S2-072", "S3-026"],
      },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const ready = record.operation("system.first-answer.time", { requirement: ["S3-026"] });
    let works = 0;
    let tried = 0;
    await timeEach(
      record.operation("system.initialization.time"),
      { atMost: 300, atLeast: 25, seconds },
      {
        run: () => open(),
        after: async () => {
          const start = nowNs();
          const platform = await open();
          const agent = await platform.spawn();
          let delivered = platform.signals === undefined;
          await platform.signals?.subscribe("system.ready", () => {
            delivered = true;
          });
          const answer = await platform.ask(agent, { type: "add", data: 2 }, 5000);
          await platform.signals?.publish("system.ready", null);
          await platform.signals?.delivered();
          ready.times.record(nowNs() - start);
          tried += 1;
          if (answer === 2 && delivered) works += 1;
        },
      },
      signal,
    );
    record.rate("system.initialization.works", works, tried);
  },
};

export const startupScenarios: readonly Scenario[] = [startup, initialization, componentStart];
