// What a reading of the configuration, an event appended and a measurement that nobody listens to cost.
// Run: node -C mettle-source bench/agents/stores.ts
import { ConfigStore, EventStore, MetricsCollector, Telemetry } from "@mettle/agents";
import { compare, report } from "./measure.ts";

const settings = { dispatch: { retry: { attempts: 5 } } };
const config = new ConfigStore(settings);
const events = new EventStore();
const listed: object[] = [];
const telemetry = new Telemetry();
const silent = telemetry.counter("silent.calls");
const heard = telemetry.counter("heard.calls");
telemetry.attach(new MetricsCollector(), "heard.*");
let sink = 0;
const each = (count: number, act: (i: number) => unknown): void => {
  for (let i = 0; i < count; i++) if (act(i) !== undefined) sink += 1;
};
const correlations = Array.from({ length: 1024 }, (_, i) => `request-${i}`);

report(
  "configuration",
  await compare([
    { name: "control: properties", count: 2_000_000, run: (n) => each(n, () => settings.dispatch.retry.attempts) },
    { name: "get by path", count: 2_000_000, run: (n) => each(n, () => config.get("dispatch.retry.attempts")) },
  ]),
  "control: properties",
);
report(
  "events",
  await compare([
    {
      name: "control: push of an object, 100 000 kept",
      count: 200_000,
      run: (n) =>
        each(n, (i) => {
          if (listed.length === 100_000) listed.length = 0;
          return listed.push({ sequence: i, time: Date.now(), type: "a.b.c", correlation: undefined, data: i });
        }),
    },
    { name: "append", count: 200_000, run: (n) => each(n, (i) => events.append({ type: "a.b.c", data: i })) },
    {
      name: "append with correlation",
      count: 200_000,
      run: (n) => each(n, (i) => events.append({ type: "a.b.c", correlation: correlations[i & 1023], data: i })),
    },
    {
      name: "query of one correlation, newest 10",
      count: 20_000,
      run: (n) => each(n, (i) => events.query({ correlation: correlations[i & 1023]!, order: "newest", limit: 10 })),
    },
  ]),
  "control: push of an object, 100 000 kept",
);
report(
  "telemetry",
  await compare([
    { name: "control: an empty loop", count: 5_000_000, run: (n) => each(n, () => undefined) },
    { name: "counter, nobody listens", count: 5_000_000, run: (n) => each(n, () => silent.add()) },
    { name: "span, nobody listens", count: 5_000_000, run: (n) => each(n, () => telemetry.startSpan("x").end()) },
    { name: "counter, collected", count: 500_000, run: (n) => each(n, () => heard.add()) },
  ]),
  "control: an empty loop",
);
if (sink === 0) throw new Error("nothing was read");
