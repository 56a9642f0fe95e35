import type { Gauge } from "../http/metrics.ts";

/** What this process takes of the machine. */
export const processGauges: readonly Gauge[] = [
  {
    name: "process_cpu_seconds",
    help: "Processor time of this process, all its threads together.",
    kind: "counter",
    read: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    },
  },
  {
    name: "process_resident_memory_bytes",
    help: "Memory of this process that is in the machine's memory.",
    kind: "gauge",
    read: () => process.memoryUsage.rss(),
  },
];
