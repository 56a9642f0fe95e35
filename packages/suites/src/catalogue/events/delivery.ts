import { recordGrowth } from "../../measure/growth.ts";
import { ratesOf, timeEach } from "../../measure/operations.ts";
import { pace } from "../../measure/pace.ts";
import { nowNs } from "../../measure/time.ts";
import { baselineOf } from "../baselines.ts";
import { type Scenario, timesBeyondSmoke, timesOf } from "../scenario.ts";
import { countingSubscribers, eventType, publishMany } from "./subscribers.ts";

const common = { suite: "events", group: "infrastructure_benchmarks", needs: ["signals"] } as const;
const perSecond = { unit: "1/s", direction: "higher" } as const;

const baseline = baselineOf("event_system");

/** The smallest sizing: 100 events to 10 subscribers (S2-123). */
const small: Scenario = {
  ...common,
  id: "events.small",
  title: "100 events to 10 subscribers",
  requirement: ["S2-022", "S2-123"],
  seconds: timesOf(0.5),
  rules: {
    thresholds: {
      "events.small.rate": { threshold: "p(50) > 0", requirement: ["S2-123"] },
      "events.small.latency.time": { threshold: "mean > 0", requirement: ["S2-123"] },
      "events.small.success": { threshold: "rate > 0.9", severity: "critical", requirement: ["S2-123"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const latency = record.operation("events.small.latency.time");
    let burst = 0;
    let good = 0;
    let all = 0;
    for (let i = 0; i < 10; i++) {
      await platform.signals!.subscribe("timed.event", (data) => {
        const [of, sentNs] = data as readonly [number, number];
        latency.times.record(Math.max(0, nowNs() - sentNs));
        // One that comes after its burst was said to be delivered came too late to count.
        if (of === burst) good += 1;
      });
    }
    const rates = await ratesOf(
      100,
      seconds,
      async (size) => {
        burst += 1;
        all += size * 10;
        for (let i = 0; i < size; i++) await platform.signals!.publish("timed.event", [burst, nowNs()]);
        await platform.signals!.delivered();
      },
      signal,
    );
    burst = 0;
    record.value("events.small.rate", rates, perSecond);
    record.rate("events.small.success", Math.max(0, all - Math.abs(all - good)), all);
  },
};

const throughput: Scenario = {
  ...common,
  id: "events.throughput",
  title: "Events a second to 1, 10 and 100 subscribers, counted where they arrive",
  requirement: ["S2-003", "S2-022", "S2-088"],
  seconds: timesOf(2.4),
  rules: {
    thresholds: {
      "events.rate": { threshold: `p(50) >= ${baseline.eventsPerSecond}`, requirement: ["S2-050"] },
      "events.delivered": { threshold: "rate == 1", severity: "critical", requirement: ["S2-088"] },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    for (const subscribers of [1, 10, 100]) {
      const tags = { subscribers: String(subscribers) };
      const counting = await countingSubscribers(platform, subscribers);
      let published = 0;
      const burst = async (size: number): Promise<void> => {
        published += size;
        await publishMany(platform, size);
      };
      const rates = await ratesOf(2000, seconds / 3, burst, signal);
      const arrived = counting.received() / subscribers / published;
      // Only what arrived is counted as done: a platform that drops half is half as fast.
      record.value(
        "events.rate",
        rates.map((rate) => rate * Math.min(1, arrived)),
        { ...perSecond, tags },
      );
      const expected = published * subscribers;
      record.rate("events.delivered", expected - Math.abs(expected - counting.received()), expected, { tags });
      await counting.end();
    }
  },
};

const sizes = [1, 3, 10, 30, 100, 300, 1000] as const;

const propagation: Scenario = {
  ...common,
  id: "events.propagation",
  group: "scalability_tests",
  title: "From publishing until every one of 1 … 1 000 subscribers has it",
  requirement: ["S2-023", "S2-090", "S2-092"],
  seconds: timesBeyondSmoke(2.8),
  rules: {
    thresholds: {
      "events.propagation.time": { threshold: "p(95) < 5ms", requirement: ["S2-036"] },
      "events.propagation.complete": { threshold: "rate == 1", severity: "critical", requirement: ["S2-092"] },
      // In proportion to the subscribers would be 10.
      "events.propagation.growth-per-tenfold": {
        threshold: "value < 20",
        severity: "medium",
        requirement: ["S2-090"],
      },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const medians: number[] = [];
    for (const subscribers of sizes) {
      const tags = { subscribers: String(subscribers) };
      const counting = await countingSubscribers(platform, subscribers);
      const operation = record.operation("events.propagation.time", { tags });
      let complete = 0;
      let tried = 0;
      await timeEach(
        operation,
        { atMost: 5000, atLeast: 30, seconds: seconds / sizes.length },
        {
          before: () => counting.received(),
          run: () => publishMany(platform, 1),
          after: (before) => {
            tried += 1;
            if (counting.received() - before === subscribers) complete += 1;
          },
        },
        signal,
      );
      record.rate("events.propagation.complete", complete, tried, { tags });
      medians.push(operation.times.quantile(0.5) ?? 0);
      await counting.end();
    }
    recordGrowth(record, "events.propagation", sizes, medians);
  },
};

/** Latency of each delivery at a rate far below what is possible, from the moment the event was due. */
const latency: Scenario = {
  ...common,
  id: "events.latency",
  title: "Delivery latency of 1 000 events a second to 10 subscribers",
  requirement: ["S2-089"],
  seconds: timesBeyondSmoke(2),
  rules: {
    thresholds: {
      "events.latency.time": [
        { threshold: `mean < ${baseline.averageLatencyMs}ms`, requirement: ["S2-051"] },
        // The largest of tens of thousands is the machine's; what happens to one in a hundred is the platform's.
        { threshold: `p(99) < ${baseline.maxLatencyMs}ms`, requirement: ["S2-052"] },
      ],
      "events.latency.delivered": { threshold: "rate == 1", severity: "critical" },
    },
  },
  run: async ({ open, record, seconds, signal }) => {
    const platform = await open();
    const operation = record.operation("events.latency.time");
    let received = 0;
    for (let i = 0; i < 10; i++) {
      await platform.signals!.subscribe(eventType, (dueNs) => {
        received += 1;
        operation.times.record(Math.max(0, nowNs() - (dueNs as number)));
      });
    }
    const publishing: Promise<unknown>[] = [];
    const published = await pace({ perSecond: 1000, seconds, signal }, (_index, dueNs) => {
      const result = platform.signals!.publish(eventType, dueNs);
      if (result instanceof Promise) publishing.push(result);
    });
    await Promise.all(publishing);
    await platform.signals!.delivered();
    const expected = published * 10;
    record.rate("events.latency.delivered", expected - Math.abs(expected - received), expected);
  },
};

export const deliveryScenarios: readonly Scenario[] = [small, throughput, propagation, latency];
