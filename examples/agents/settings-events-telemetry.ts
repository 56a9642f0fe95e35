// Settings that may change while the system runs, what happened as events, and measurements for whoever listens.
//
//   node -C mettle-source examples/agents/settings-events-telemetry.ts
//
// Prints:
//   concurrency 8 → 16
//   refused: SETTING_INVALID
//   refused: SETTING_FIXED
//   request r1: requests.started, requests.done
//   mettle.requests.done {"outcome":"ok"} = 1
import { ConfigStore, EventStore, MetricsCollector, openTelemetryName, Telemetry } from "@mettle/agents";
import { MettleError } from "@mettle/core";

const config = new ConfigStore(
  { dispatch: { concurrency: 8 }, node: "node-1" },
  {
    // A function that returns the value or throws, or any Standard Schema: zod, valibot, arktype.
    "dispatch.concurrency": (value) => {
      if (typeof value === "number" && Number.isInteger(value) && value > 0) return value;
      throw new Error("must be a whole number from 1");
    },
  },
);
config.subscribe("dispatch.concurrency", ({ previous, value }) => console.log(`concurrency ${previous} → ${value}`));
config.update("dispatch.concurrency", 16);
for (const values of [{ "dispatch.concurrency": -1 }, { node: "node-2" }]) {
  try {
    config.updateAll(values);
  } catch (error) {
    console.log(`refused: ${error instanceof MettleError ? error.code : String(error)}`);
  }
}

const telemetry = new Telemetry();
const requests = telemetry.counter("requests.done");
requests.add(); // nobody listens: it costs the reading of one field
const collector = new MetricsCollector();
telemetry.attach(collector, "requests.**");

const events = new EventStore({ maxEvents: 10_000 });
events.append({ type: "requests.started", correlation: "r1", data: {} });
events.append({ type: "requests.started", correlation: "r2", data: {} });
events.append({ type: "requests.done", correlation: "r1", data: { outcome: "ok" } });
requests.add(1, { outcome: "ok" });

const story = events.query({ correlation: "r1" }).map(({ type }) => type);
console.log(`request r1: ${story.join(", ")}`);
for (const { name, series } of collector.collect()) {
  for (const { attributes, value } of series) {
    console.log(`${openTelemetryName(name)} ${JSON.stringify(attributes)} = ${value}`);
  }
}
