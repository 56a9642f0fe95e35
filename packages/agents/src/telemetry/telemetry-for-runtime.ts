import type { TelemetryPort } from "../runtime/ports.ts";
import type { Telemetry } from "./telemetry.ts";

/** Telemetry as a runtime tells it: names ending in `.bytes` are sizes, other recordings durations in ns. */
export function telemetryForRuntime(telemetry: Telemetry): TelemetryPort {
  return {
    get enabled() {
      return telemetry.listened;
    },
    count: (name, by) => telemetry.counter(name).add(by),
    record: (name, value) =>
      telemetry.histogram(name, { unit: name.endsWith(".bytes") ? "bytes" : "ns" }).record(value),
  };
}
