import { describe, expect, it } from "vitest";
import type { AgentPlatform, SignalsFacet } from "../../src/platform/platform.ts";
import { eventEmitter, measured, mettle, type Open, replacing, trial } from "../trial.ts";

const signalsOf = (platform: AgentPlatform, parts: Partial<SignalsFacet>): AgentPlatform => {
  const { signals } = platform;
  if (signals === undefined) throw new Error("the platform has no signals");
  return replacing(platform, { signals: { ...signals, ...parts } });
};

/** Loses every tenth event, and says nothing of it. */
const losing: Open = (options) => {
  const platform = eventEmitter(options);
  let published = 0;
  return signalsOf(platform, {
    publish: (type, data) => {
      published += 1;
      return published % 10 === 0 ? undefined : platform.signals!.publish(type, data);
    },
  });
};

/** Delivers every tenth event twice: as many as it should, to whoever only counts up to there. */
const doubling: Open = (options) => {
  const platform = eventEmitter(options);
  let published = 0;
  return signalsOf(platform, {
    publish: (type, data) => {
      published += 1;
      if (published % 10 === 0) void platform.signals!.publish(type, data);
      return platform.signals!.publish(type, data);
    },
  });
};

/** Says that everything is delivered when nothing is yet. */
const lying: Open = (options) => {
  const platform = eventEmitter(options);
  return signalsOf(platform, {
    publish: (type, data) => void setTimeout(() => void platform.signals!.publish(type, data), 5),
    delivered: () => undefined,
  });
};

/** Takes 20 ms for each event. */
const slow: Open = (options) => {
  const platform = eventEmitter(options);
  const underWay = new Set<Promise<void>>();
  return signalsOf(platform, {
    publish: (type, data) => {
      const delivery = new Promise<void>((resolve) => {
        setTimeout(() => {
          void platform.signals!.publish(type, data);
          resolve();
        }, 20);
      });
      underWay.add(delivery);
      void delivery.finally(() => underWay.delete(delivery));
    },
    delivered: async () => void (await Promise.all(underWay)),
  });
};

describe("a platform that does its work passes (S2-135)", () => {
  it.each([
    "events.small",
    "events.throughput",
    "events.propagation",
    "events.filtering",
    "events.ordering",
    "events.subscriber-cleanup",
  ])("%s", async (id) => {
    expect((await trial(id, mettle)).wrong).toEqual([]);
  });

  it("events.patterns, with a list of expressions as its oracle", async () => {
    const tried = await trial("events.patterns", mettle);
    expect(tried.wrong).toEqual([]);
    // Some hundred times as quick: half of the rounds would have to be held up for as much, and the list in none of them.
    expect(measured(tried, "events.patterns.speed-up", { patterns: "1000" }).summary.p50).toBeGreaterThan(1);
  });
});

describe("events that do not arrive are found", () => {
  it("by the count of the smallest sizing", async () => {
    const everyThird: Open = (options) => {
      const platform = eventEmitter(options);
      let published = 0;
      return signalsOf(platform, {
        publish: (type, data) => (published++ % 3 === 0 ? undefined : platform.signals!.publish(type, data)),
      });
    };
    expect((await trial("events.small", everyThird)).missed).toContain("events.small.success rate > 0.9");
  });

  it("by throughput, whose rate counts only what arrived", async () => {
    const tried = await trial("events.throughput", losing);
    expect(tried.missed).toContain("events.delivered rate == 1");
    expect(measured(tried, "events.delivered", { subscribers: "10" }).summary.rate).toBeCloseTo(0.9, 2);
  });

  it("by propagation", async () => {
    expect((await trial("events.propagation", losing)).missed).toContain("events.propagation.complete rate == 1");
  });

  it("also when the platform says that they did", async () => {
    expect((await trial("events.small", lying)).missed).toContain("events.small.success rate > 0.9");
    expect((await trial("events.propagation", lying)).missed).toContain("events.propagation.complete rate == 1");
  });

  it("and so are events that arrive twice", async () => {
    expect((await trial("events.throughput", doubling)).missed).toContain("events.delivered rate == 1");
    expect((await trial("events.latency", doubling, { seconds: 0.2 })).missed).toContain(
      "events.latency.delivered rate == 1",
    );
  });

  it("at a sustained rate", async () => {
    const tried = await trial("events.sustained", losing, { seconds: 0.2 });
    expect(tried.missed).toContain("events.sustained.delivered rate == 1");
    expect(measured(tried, "events.sustained.delivered").summary).toEqual({ count: 20_000, rate: 0.9 });
  });

  it("after an overload", async () => {
    const swallowing: Open = (options) => {
      const platform = eventEmitter(options);
      let inTurn = 0;
      return signalsOf(platform, {
        publish: (type, data) => {
          if (inTurn++ === 0) setImmediate(() => (inTurn = 0));
          return inTurn > 50_000 ? undefined : platform.signals!.publish(type, data);
        },
      });
    };
    const tried = await trial("events.overload", swallowing);
    expect(tried.missed).toContain("events.overload.accounted rate == 1");
    expect(measured(tried, "events.overload.accounted").summary.rate).toBeLessThan(0.6);
  });
});

describe("an overload that is refused with an error is accounted for", () => {
  it("as no loss", async () => {
    // Our own bus takes 65 536 before it refuses.
    expect((await trial("events.overload", mettle)).missed).not.toContain("events.overload.accounted rate == 1");
  });
});

describe("slowness is found", () => {
  it("by propagation and latency", async () => {
    expect((await trial("events.propagation", slow)).missed).toContain("events.propagation.time p(95) < 5ms");
    expect((await trial("events.latency", slow, { seconds: 0.2 })).missed).toContain("events.latency.time mean < 1ms");
  });

  it("by the rate", async () => {
    const busy: Open = (options) =>
      signalsOf(eventEmitter(options), { delivered: () => new Promise((resolve) => setTimeout(resolve, 250)) });
    expect((await trial("events.throughput", busy)).missed).toContain("events.rate p(50) >= 10000");
  });
});

describe("subscriptions that do not do what they should are found", () => {
  it("a filter that is not applied", async () => {
    const unfiltered: Open = (options) => {
      const platform = mettle(options);
      return signalsOf(platform, { subscribe: (pattern, handler) => platform.signals!.subscribe(pattern, handler) });
    };
    expect((await trial("events.filtering", unfiltered)).missed).toContain("events.filtering.correct rate == 1");
  });

  it("a pattern that matches too much, or too little", async () => {
    const greedy: Open = (options) => {
      const platform = mettle(options);
      return signalsOf(platform, {
        subscribe: (pattern, handler) => platform.signals!.subscribe(pattern.replace(/\.\*$/, ".**"), handler),
      });
    };
    const deaf: Open = (options) => {
      const platform = mettle(options);
      return signalsOf(platform, {
        subscribe: (pattern, handler) => platform.signals!.subscribe(pattern.replace("**", "none"), handler),
      });
    };
    expect((await trial("events.patterns", deaf)).missed).toContain("events.patterns.correct rate == 1");
    expect((await trial("events.patterns", greedy)).missed).toContain("events.patterns.correct rate == 1");
  });

  it("a subscription that cannot be ended", async () => {
    const endless: Open = (options) => {
      const platform = eventEmitter(options);
      return signalsOf(platform, {
        subscribe: async (pattern, handler) => {
          await platform.signals!.subscribe(pattern, handler);
          return () => undefined;
        },
      });
    };
    expect((await trial("events.subscriber-cleanup", endless)).missed).toContain(
      "events.unsubscribed.silent rate == 1",
    );
  });

  it("and one in thirty that cannot", async () => {
    const lingering: Open = (options) => {
      const platform = eventEmitter(options);
      let ended = 0;
      return signalsOf(platform, {
        subscribe: async (pattern, handler) => {
          const end = await platform.signals!.subscribe(pattern, handler);
          return () => (++ended % 30 === 0 ? undefined : end());
        },
      });
    };
    expect((await trial("events.subscriber-cleanup", lingering)).missed).toContain(
      "events.unsubscribed.silent rate == 1",
    );
  });

  it("a subscriber that awaits and is overtaken by itself", async () => {
    // An emitter waits for nobody.
    expect((await trial("events.ordering", eventEmitter)).missed).toContain("events.ordering.in-order rate == 1");
  });
});
