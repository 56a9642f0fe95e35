import type { Gauge } from "../http/metrics.ts";
import type { Orchestrator } from "./orchestrator.ts";

/** What the orchestrator tells at /metrics. */
export function executionGauges(orchestrator: Orchestrator): readonly Gauge[] {
  return [
    {
      name: "executions_running",
      help: "Executions that run in this instance.",
      kind: "gauge",
      read: () => orchestrator.statistics.running,
    },
    {
      name: "executions_capacity",
      help: "Executions that may run in this instance at once.",
      kind: "gauge",
      read: () => orchestrator.statistics.capacity,
    },
    {
      name: "executions_ended",
      help: "Executions that this instance ended; superseded: after another had taken them.",
      kind: "counter",
      label: "state",
      read: () => {
        const { succeeded, failed, cancelled, superseded } = orchestrator.statistics;
        return { succeeded, failed, cancelled, superseded };
      },
    },
    {
      name: "executions_recovered",
      help: "Executions of dead instances that this one queued again.",
      kind: "counter",
      read: () => orchestrator.statistics.recovered,
    },
  ];
}
