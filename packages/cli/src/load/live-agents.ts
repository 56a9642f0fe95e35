import type { LiveAgents } from "@mettle/dashboard";
import { type LoadSnapshot, requestMetrics, taskMetrics } from "@mettle/load";

type Board = LoadSnapshot["board"];

/** What the agent layer measured so far; undefined where a run has neither requests to models nor tasks. */
export function liveAgentsOf(board: Board): LiveAgents | undefined {
  const row = (metric: { readonly name: string }) => board.find(metric.name);
  if (!row(requestMetrics.requests) && !row(taskMetrics.tasks)) return undefined;
  const passed = row(taskMetrics.passed);
  const steps = row(taskMetrics.steps);
  const cost = row(requestMetrics.cost);
  return {
    ...known({
      tasksPerSecond: row(taskMetrics.tasks)?.lastStep("perSecond"),
      passedShare: passed?.sum === undefined ? undefined : passed.sum / passed.count,
      stepsPerTask: steps?.sum === undefined ? undefined : steps.sum / steps.count,
      inFlight: row(requestMetrics.inFlight)?.lastStep("value"),
      outputTokensPerSecond: row(requestMetrics.outputTokens)?.lastStep("perSecond"),
      timeToFirstTokenP95: row(requestMetrics.timeToFirstToken)?.quantile(0.95),
      goodShare: row(requestMetrics.good)?.lastStep("rate"),
      // A second in which no request ended cost nothing, once it is known what requests cost.
      costPerSecond: cost && (cost.lastStep("mean") ?? 0) * (cost.lastStep("count") ?? 0),
    }),
    tools: toolsOf(board),
  };
}

function toolsOf(board: Board): LiveAgents["tools"] {
  const rows = board.rows.filter(
    ({ definition, tags }) => definition.name === taskMetrics.toolDuration.name && tags["tool"] !== undefined,
  );
  return rows
    .toSorted((a, b) => b.count - a.count)
    .map((times) => {
      const { tags } = times;
      const failed = board.find(taskMetrics.toolFailed.name, tags);
      return {
        name: tags["tool"] ?? "",
        ...known({
          p95: times.quantile(0.95),
          failedShare: failed?.sum === undefined ? undefined : failed.sum / failed.count,
        }),
      };
    });
}

/** Without what is not known. */
function known<T extends Readonly<Record<string, number | undefined>>>(values: T): { [K in keyof T]?: number } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: number;
  };
}
