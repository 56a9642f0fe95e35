import { ManualClock, ms, Random } from "@mettle/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SignalBus } from "../../src/bus/bus.ts";
import { observeBus } from "../../src/telemetry/bus-telemetry.ts";
import { MetricsCollector } from "../../src/telemetry/metrics-collector.ts";
import { openTelemetryName, toOtlpMetrics, toOtlpTraces } from "../../src/telemetry/open-telemetry.ts";
import { type FinishedSpan, formatTraceparent, parseTraceparent } from "../../src/telemetry/spans.ts";
import { Telemetry, type TelemetryHandler } from "../../src/telemetry/telemetry.ts";
import { makeSignal } from "../signals/signals.ts";

function make() {
  const clock = new ManualClock(1000);
  const random = new Random(1);
  return { clock, telemetry: new Telemetry(clock, () => random.uint32()) };
}

function recorder() {
  const measured: [string, number, object][] = [];
  const handler: TelemetryHandler = {
    measured: ({ name }, value, attributes) => measured.push([name, value, attributes]),
  };
  return { measured, handler };
}

describe("measurements", () => {
  test("reach handlers that match, from attach to detach, and nobody else", () => {
    const { telemetry } = make();
    const requests = telemetry.counter("agent.requests");
    const { measured, handler } = recorder();
    requests.add();
    expect(requests.listened).toBe(false);
    const detach = telemetry.attach(handler, "agent.*");
    requests.add(2, { outcome: "ok" });
    telemetry.gauge("agent.mailbox", { unit: "1" }).set(7);
    telemetry.histogram("bus.time").record(5);
    detach();
    detach();
    requests.add(3);
    expect(measured).toEqual([
      ["agent.requests", 2, { outcome: "ok" }],
      ["agent.mailbox", 7, {}],
    ]);
    expect([requests.listened, telemetry.listened]).toEqual([false, false]);
  });

  test("a name is one instrument of one kind and unit", () => {
    const { telemetry } = make();
    const one = telemetry.counter("a", { unit: "bytes" });
    expect(telemetry.counter("a", { unit: "bytes" })).toBe(one);
    for (const again of [() => telemetry.gauge("a", { unit: "bytes" }), () => telemetry.counter("a")]) {
      expect(again).toThrow(expect.objectContaining({ code: "INSTRUMENT_CONFLICT" }));
    }
    expect(() => telemetry.counter("no name")).toThrow(expect.objectContaining({ code: "SIGNAL_TYPE_INVALID" }));
  });

  test("a handler that throws is detached, and what is measured goes on", async () => {
    const { telemetry } = make();
    const warning = new Promise<Error>((resolve) => {
      process.once("warning", resolve);
    });
    const { measured, handler } = recorder();
    const bad: TelemetryHandler = {
      measured: () => {
        throw new Error("full disk");
      },
    };
    telemetry.attach(bad);
    telemetry.attach(handler);
    const counter = telemetry.counter("a");
    counter.add();
    counter.add();
    expect(measured).toHaveLength(2);
    expect((await warning).message).toBe("A telemetry handler threw and was detached: full disk");
  });

  test("something can run only while anybody listens", () => {
    const { telemetry } = make();
    const calls: string[] = [];
    const end = telemetry.whileAttached(() => {
      calls.push("start");
      return () => calls.push("stop");
    });
    const detach = [telemetry.attach({}), telemetry.attach({})];
    for (const one of detach) one();
    expect(calls).toEqual(["start", "stop"]);
    telemetry.attach({});
    end();
    expect(calls).toEqual(["start", "stop", "start", "stop"]);
  });
});

describe("spans", () => {
  test("have a place in a trace, a time and an outcome", async () => {
    const { clock, telemetry } = make();
    const ended: FinishedSpan[] = [];
    telemetry.attach({ ended: (span) => ended.push(span) }, "work.**");
    const outer = telemetry.startSpan("work.outer", { attributes: { agent: "ada" } });
    await clock.advance(ms(2));
    const inner = telemetry.startSpan("work.inner", { parent: outer.traceparent });
    const elsewhere = telemetry.startSpan("other", { parent: outer.traceparent });
    await clock.advance(ms(3));
    const error = new Error("no");
    inner.end({ state: "error", error });
    elsewhere.end();
    outer.end();
    outer.end({ state: "error", error });
    const [first, second] = ended;
    expect(ended).toHaveLength(2);
    expect(first).toMatchObject({
      name: "work.inner",
      startNs: 1002e6,
      durationNs: 3e6,
      status: { state: "error", error },
    });
    expect(second).toMatchObject({
      name: "work.outer",
      durationNs: 5e6,
      attributes: { agent: "ada" },
      parentSpanId: undefined,
    });
    expect([first?.traceId, first?.parentSpanId]).toEqual([second?.traceId, second?.spanId]);
  });

  test("follow functions and promises, and pass on what they return or throw", async () => {
    const { telemetry } = make();
    const states: string[] = [];
    const error = new Error("no");
    const fail = (): never => {
      throw error;
    };
    const calls = async (): Promise<void> => {
      expect(telemetry.track("a", () => 1)).toBe(1);
      expect(() => telemetry.track("a", fail)).toThrow(error);
      expect(await telemetry.track("a", async () => Promise.resolve(2))).toBe(2);
      await expect(telemetry.track("a", async () => Promise.reject(error))).rejects.toBe(error);
    };
    await calls(); // nobody listens
    telemetry.attach({ ended: ({ status }) => states.push(status.state) });
    await calls();
    expect(states).toEqual(["ok", "error", "ok", "error"]);
  });

  test("cost nothing while nobody listens: one object for all", () => {
    const { telemetry } = make();
    telemetry.attach({ measured: () => undefined });
    expect(telemetry.startSpan("a")).toBe(telemetry.startSpan("b"));
    expect(telemetry.startSpan("a").traceparent).toBeUndefined();
  });

  test("trace context is read as W3C writes it", () => {
    const hex = (length: number) =>
      fc.string({ unit: fc.constantFrom(...Array.from("0123456789abcdef")), minLength: length, maxLength: length });
    const nonzero = (length: number) => hex(length).filter((text) => /[^0]/.test(text));
    fc.assert(
      fc.property(nonzero(32), nonzero(16), fc.boolean(), (traceId, spanId, sampled) => {
        const context = { traceId, spanId, sampled };
        expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
        expect(parseTraceparent(`cc-${traceId}-${spanId}-09-what-the-future-brings`)).toEqual({
          ...context,
          sampled: true,
        });
      }),
    );
    const [trace, span] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
    for (const bad of [
      "",
      `00-${trace}-${span}-01-more`,
      `ff-${trace}-${span}-01`,
      `00-${"0".repeat(32)}-${span}-01`,
      `00-${trace}-${"0".repeat(16)}-01`,
      `00-${trace.toUpperCase()}-${span}-01`,
    ]) {
      expect(parseTraceparent(bad)).toBeUndefined();
    }
  });
});

describe("the collector", () => {
  test("adds up by attributes, whatever their order", () => {
    const { telemetry } = make();
    const collector = new MetricsCollector();
    telemetry.attach(collector);
    const [counter, gauge] = [telemetry.counter("c"), telemetry.gauge("g", { unit: "bytes", description: "d" })];
    counter.add(1, { a: 1, b: "x" });
    counter.add(2, { b: "x", a: 1 });
    counter.add(4, { a: "1", b: "x" });
    gauge.set(5);
    gauge.set(3);
    expect(collector.collect()).toEqual([
      {
        name: "c",
        kind: "counter",
        unit: "1",
        description: "",
        series: [
          { attributes: { a: 1, b: "x" }, value: 3 },
          { attributes: { a: "1", b: "x" }, value: 4 },
        ],
      },
      { name: "g", kind: "gauge", unit: "bytes", description: "d", series: [{ attributes: {}, value: 3 }] },
    ]);
  });

  test("puts each value into the bucket that holds it", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 1e-6, max: 1e12, noNaN: true }), { minLength: 1 }), (values) => {
        const { telemetry } = make();
        const collector = new MetricsCollector();
        telemetry.attach(collector);
        for (const value of values) telemetry.histogram("h").record(value);
        const distribution = collector.collect()[0]?.series[0]?.distribution;
        expect(distribution).toMatchObject({
          count: values.length,
          min: Math.min(...values),
          max: Math.max(...values),
        });
        const expected = new Map<number, number>();
        for (const value of values) {
          let bucket = -100;
          while (value > 2 ** ((bucket + 1) / 4)) bucket++;
          expected.set(bucket, (expected.get(bucket) ?? 0) + 1);
        }
        expect(new Map([...distribution!.buckets].toSorted((a, b) => a[0] - b[0]))).toEqual(
          new Map([...expected].toSorted((a, b) => a[0] - b[0])),
        );
      }),
    );
  });

  test("holds no more series than allowed and loses no value", () => {
    const { telemetry } = make();
    const collector = new MetricsCollector(10);
    telemetry.attach(collector);
    const counter = telemetry.counter("c");
    for (let i = 0; i < 1000; i++) counter.add(1, { user: i });
    const series = collector.collect()[0]?.series ?? [];
    expect(series).toHaveLength(10);
    expect(series.at(-1)).toEqual({ attributes: { "otel.metric.overflow": true }, value: 991 });
  });
});

describe("OpenTelemetry", () => {
  const resource = { attributes: { "service.name": "test" } };

  test("metrics go out under its names and units", () => {
    const { telemetry } = make();
    const collector = new MetricsCollector();
    telemetry.attach(collector);
    telemetry.counter("bus.published").add(3, { type: "a.b" });
    const time = telemetry.histogram("bus.handler.time", { unit: "ns" });
    for (const value of [0, 1e9, 1e9, 4e9]) time.record(value);
    const text = JSON.stringify(toOtlpMetrics(collector.collect(), resource, 5, 1.7e18));
    const { resourceMetrics } = JSON.parse(text) as { resourceMetrics: { scopeMetrics: { metrics: unknown[] }[] }[] };
    const times = { startTimeUnixNano: "5", timeUnixNano: "1700000000000000000" };
    expect(resourceMetrics[0]?.scopeMetrics[0]?.metrics).toEqual([
      {
        name: "messaging.client.sent.messages",
        unit: "1",
        description: "",
        sum: {
          aggregationTemporality: 2,
          isMonotonic: true,
          dataPoints: [
            {
              attributes: [{ key: "messaging.destination.name", value: { stringValue: "a.b" } }],
              ...times,
              asDouble: 3,
            },
          ],
        },
      },
      {
        name: "messaging.process.duration",
        unit: "s",
        description: "",
        exponentialHistogram: {
          aggregationTemporality: 2,
          dataPoints: [
            {
              attributes: [],
              ...times,
              count: "4",
              sum: 6,
              min: 0,
              max: 4,
              scale: 2,
              zeroCount: "1",
              // 1 s ends bucket −1, and 4 s lies 8 buckets of 2^(1/4) further.
              positive: { offset: -1, bucketCounts: ["2", "0", "0", "0", "0", "0", "0", "0", "1"] },
            },
          ],
        },
      },
    ]);
    expect([openTelemetryName("registry.size"), openTelemetryName("constructor")]).toEqual([
      "mettle.registry.size",
      "mettle.constructor",
    ]);
  });

  test("spans go out with their parent and error", () => {
    const [traceId, spanId, parentSpanId] = ["a".repeat(32), "b".repeat(16), "c".repeat(16)];
    const status = { state: "error", error: new Error("no") } as const;
    const span: FinishedSpan = {
      name: "s",
      traceId,
      spanId,
      parentSpanId,
      startNs: 1e18,
      durationNs: 5,
      attributes: { n: 1, ok: true },
      status,
    };
    expect(toOtlpTraces([span], resource)).toMatchObject({
      resourceSpans: [
        {
          resource: { attributes: [{ key: "service.name", value: { stringValue: "test" } }] },
          scopeSpans: [
            {
              spans: [
                {
                  traceId,
                  spanId,
                  parentSpanId,
                  startTimeUnixNano: "1000000000000000000",
                  attributes: [
                    { key: "n", value: { doubleValue: 1 } },
                    { key: "ok", value: { boolValue: true } },
                  ],
                  status: { code: 2, message: "Error: no" },
                },
              ],
            },
          ],
        },
      ],
    });
  });
});

test("a bus is measured while anybody listens", async () => {
  const { clock, telemetry } = make();
  const bus = new SignalBus({ clock, onProblem: () => undefined });
  const stop = observeBus(bus, telemetry, clock);
  bus.subscribe("a.*", ({ data }) => clock.sleep(ms(data as number)), { name: "slow" });
  bus.subscribe("a.*", () => {
    throw new TypeError("no");
  });
  /** Publishes, and lets the time pass that the slow handler takes. */
  const publish = async (duration: number): Promise<void> => {
    bus.publish(makeSignal("a.b", duration));
    await Promise.resolve();
    await clock.advance(ms(duration));
    await bus.idle();
  };
  await publish(1);
  const collector = new MetricsCollector();
  const detach = telemetry.attach(collector);
  await publish(5);
  detach();
  await publish(1);
  const found = collector.collect().map(({ name, series }) => [name, series]);
  expect(found).toEqual([
    ["bus.published", [{ attributes: { type: "a.b" }, value: 1 }]],
    [
      "bus.consumed",
      expect.arrayContaining([
        { attributes: { type: "a.b", subscription: "slow" }, value: 1 },
        { attributes: { type: "a.b", subscription: "a.*", error: "TypeError" }, value: 1 },
      ]),
    ],
    [
      "bus.handler.time",
      expect.arrayContaining([
        {
          attributes: { type: "a.b", subscription: "slow" },
          distribution: expect.objectContaining({ sum: 5e6 }) as unknown,
        },
      ]),
    ],
  ]);
  stop();
});

test("a value that is no number leaves a histogram that can be told", () => {
  const { telemetry } = make();
  const collector = new MetricsCollector();
  telemetry.attach(collector);
  const time = telemetry.histogram("agent.time", { unit: "ns" });
  for (const value of [1, Number.NaN, Number.POSITIVE_INFINITY, 4]) time.record(value);
  expect(collector.collect()[0]!.series[0]!.distribution).toMatchObject({ count: 2, sum: 5, min: 1, max: 4 });
  expect(JSON.stringify(toOtlpMetrics(collector.collect(), { attributes: {} }, 0, 1))).toContain('"count":"2"');
});
