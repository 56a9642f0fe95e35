import { failureKind } from "../../measure/operations.ts";
import { pace } from "../../measure/pace.ts";
import { nowNs } from "../../measure/time.ts";
import type { AgentHandle } from "../../platform/platform.ts";
import { spawnMany } from "../descriptions.ts";
import { type Scenario, type ScenarioContext, timesBeyondSmoke } from "../scenario.ts";

/** Requests a second, step by step; 1 000 is what is expected and 10 000 ten times that (T-16). */
const rates = [1000, 2000, 5000, 10_000, 20_000] as const;
const agentCount = 10_000;

interface Step {
  readonly rate: number;
  readonly seconds: number;
}

/** One step: so many requests a second to agents drawn by lot, each timed from when it was due. */
async function step(
  { record, random, signal }: ScenarioContext,
  platform: Awaited<ReturnType<ScenarioContext["open"]>>,
  agents: readonly AgentHandle[],
  { rate, seconds }: Step,
): Promise<void> {
  const tags = { rate: String(rate) };
  const operation = record.operation("system.load.request.time", { tags });
  const start = nowNs();
  const before = process.cpuUsage();
  let answered = 0;
  let open = 0;
  let settled: () => void = () => undefined;
  const close = (): void => {
    open -= 1;
    if (open === 0) settled();
  };
  const begun = await pace({ perSecond: rate, seconds, signal }, (_index, dueNs) => {
    open += 1;
    platform.ask(agents[random.below(agents.length)]!, { type: "add", data: 1 }, 5000).then(
      () => {
        operation.times.record(Math.max(0, nowNs() - dueNs));
        answered += 1;
        close();
      },
      (error: unknown) => {
        operation.fail(failureKind(error));
        close();
      },
    );
  });
  if (open > 0) {
    await new Promise<void>((resolve) => {
      settled = resolve;
    });
  }
  const took = (nowNs() - start) / 1e9;
  const { user, system } = process.cpuUsage(before);
  record.rate("system.load.success", answered, begun, { tags });
  record.value("system.load.rate", answered / took, { unit: "1/s", direction: "higher", tags });
  // Pacing looks at the clock all the time, so that the share is an upper bound; what tells is how it grows.
  record.value("system.load.cpu", (user + system) / 1e6 / took, {
    unit: "1",
    direction: "lower",
    tags,
    requirement: ["S2-082"],
    notes: ["share of one core, the pacing of the load included"],
  });
  record.value("system.load.memory", process.memoryUsage().heapUsed, {
    unit: "bytes",
    direction: "lower",
    tags,
    requirement: ["S2-082"],
  });
}

const load: Scenario = {
  id: "system.load",
  suite: "system",
  group: "scalability_tests",
  needs: ["in-process"],
  title: "1 000 … 20 000 requests a second to 10 000 agents",
  requirement: ["S2-020", "S2-080", "S2-081", "S2-082"],
  seconds: timesBeyondSmoke(5),
  rules: {
    thresholds: {
      "system.load.success": { threshold: "rate == 1", severity: "critical", requirement: ["S2-080"] },
      "system.load.request.time{rate:10000}": [
        { threshold: "p(50) < 100us", requirement: ["S2-080"] },
        // What the third phase wants of the tail; it holds what a busy machine does to the pace as well.
        { threshold: "p(99) < 10ms", severity: "medium", requirement: ["S2-080"] },
      ],
      "system.load.degradation": { threshold: "value < 10", severity: "medium", requirement: ["S2-081"] },
    },
  },
  run: async (context) => {
    const { open, record, seconds } = context;
    const platform = await open();
    const agents = await spawnMany(platform, agentCount);
    for (const rate of rates) await step(context, platform, agents, { rate, seconds: seconds / rates.length });
    const medianAt = (rate: number): number =>
      record.operation("system.load.request.time", { tags: { rate: String(rate) } }).times.quantile(0.5) ?? 0;
    const [lightly, heavily] = [medianAt(1000), medianAt(20_000)];
    if (lightly > 0 && heavily > 0) {
      record.value("system.load.degradation", heavily / lightly, {
        unit: "1",
        direction: "lower",
        requirement: ["S2-081"],
      });
    }
  },
};

export const loadScenarios: readonly Scenario[] = [load];
