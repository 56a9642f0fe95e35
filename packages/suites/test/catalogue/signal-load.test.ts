import { describe, expect, test } from "vitest";
import { mixedWeights } from "../../src/catalogue/load/signal-load.ts";
import type { AgentPlatform, SignalsFacet } from "../../src/platform/platform.ts";
import { eventEmitter, measured, mettle, type Open, replacing, trial } from "../trial.ts";

const signalsOf = (platform: AgentPlatform, parts: Partial<SignalsFacet>): AgentPlatform => {
  const { signals } = platform;
  if (signals === undefined) throw new Error("the platform has no signals");
  return replacing(platform, { signals: { ...signals, ...parts } });
};

/** Loses one signal in a hundred, and says nothing of it. */
const losing: Open = (options) => {
  const platform = eventEmitter(options);
  let published = 0;
  return signalsOf(platform, {
    publish: (type, data) => (++published % 100 === 0 ? undefined : platform.signals!.publish(type, data)),
  });
};

/** Delivers one in a hundred twice. */
const doubling: Open = (options) => {
  const platform = eventEmitter(options);
  let published = 0;
  return signalsOf(platform, {
    publish: (type, data) => {
      if (++published % 100 === 0) void platform.signals!.publish(type, data);
      return platform.signals!.publish(type, data);
    },
  });
};

/** Refuses one in a hundred with an error. */
const refusing: Open = (options) => {
  const platform = eventEmitter(options);
  let published = 0;
  return signalsOf(platform, {
    publish: (type, data) => {
      if (++published % 100 === 0) throw new RangeError("full");
      return platform.signals!.publish(type, data);
    },
  });
};

/** Works a millisecond for each signal. */
const slow: Open = (options) => {
  const platform = eventEmitter(options);
  return signalsOf(platform, {
    publish: (type, data) => {
      const until = performance.now() + 1;
      while (performance.now() < until);
      return platform.signals!.publish(type, data);
    },
  });
};

const seconds = 0.25;

describe.each([
  ["mettle", mettle],
  ["EventEmitter", eventEmitter],
] as const)("on %s", (_, open) => {
  test("a burst: bursts of 10 000, none lost, the rate of each", async () => {
    const of = await trial("load.burst", open, { seconds });
    const { count, rate } = measured(of, "load.burst.errors").summary;
    expect(count % 10_000).toBe(0);
    expect(count).toBeGreaterThan(0);
    expect(rate).toBe(0);
    expect(measured(of, "load.burst.wait.time").summary.count).toBe(count);
    expect(measured(of, "load.burst.throughput").summary.count).toBe(count / 10_000);
  });

  test.each([
    ["load.sustained", 1000],
    ["load.tenfold", 10_000],
  ])("%s: every signal that was due is timed once", async (id, perSecond) => {
    const of = await trial(id, open, { seconds });
    const { count, rate } = measured(of, `${id}.errors`).summary;
    expect(Math.abs(count - perSecond * seconds)).toBeLessThanOrEqual(1);
    expect(rate).toBe(0);
    expect(measured(of, `${id}.time`).summary.count).toBe(count);
    expect(measured(of, `${id}.generator.late`).summary.mean).toBeGreaterThanOrEqual(0);
  });

  test("mixed: all kinds of action in about their shares", async () => {
    const of = await trial("load.mixed", open, { seconds });
    const { count, rate } = measured(of, "load.mixed.errors").summary;
    expect(rate).toBe(0);
    let sum = 0;
    for (const { name, weight } of mixedWeights) {
      const times = measured(of, "load.mixed.time", { action: name }).summary.count;
      sum += times;
      // Four binomial standard errors.
      expect(Math.abs(times - count * weight)).toBeLessThan(4 * Math.sqrt(count * weight * (1 - weight)) + 1);
    }
    expect(sum).toBe(count);
  });
});

describe("platforms that lie", () => {
  test.each([
    ["loses one in a hundred", losing],
    ["delivers one in a hundred twice", doubling],
    ["refuses one in a hundred", refusing],
  ])("%s: ten times the errors that are allowed", async (_, open) => {
    for (const id of ["load.burst", "load.sustained"]) {
      const of = await trial(id, open, { seconds });
      expect(measured(of, `${id}.errors`).summary.rate, id).toBeGreaterThan(0.005);
      expect(of.missed.join("\n")).toContain(`${id}.errors`);
    }
    const refused = await trial("load.sustained", refusing, { seconds });
    expect(measured(refused, "load.sustained.time").errors?.kinds).toEqual({
      RangeError: expect.any(Number) as number,
    });
  });

  test("a slow one misses the latency, and ten times the load is too much for it", async () => {
    const sustained = await trial("load.sustained", slow, { seconds });
    expect(measured(sustained, "load.sustained.time").summary.p50 ?? 0).toBeGreaterThan(1e6);
    expect(sustained.missed.join("\n")).toContain("load.sustained.time");
    // A fifth of the time: each signal takes a millisecond and more, and all that were due are waited for.
    const tenfold = await trial("load.tenfold", slow, { seconds: seconds / 5 });
    expect(tenfold.missed.join("\n")).toContain("load.tenfold.throughput");
  });
});
