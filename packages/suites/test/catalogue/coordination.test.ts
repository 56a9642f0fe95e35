import { describe, expect, it } from "vitest";
import type { AgentPlatform, CoordinationFacet, VariablesFacet } from "../../src/platform/platform.ts";
import { eventEmitter, measured, mettle, type Open, replacing, trial } from "../trial.ts";

const coordinating =
  (parts: (facet: CoordinationFacet) => Partial<CoordinationFacet>): Open =>
  (options) => {
    const platform: AgentPlatform = eventEmitter(options);
    const facet = platform.coordination!;
    return replacing(platform, { coordination: { ...facet, ...parts(facet) } });
  };

/** Says that all took part, whoever did. */
const lying = coordinating((facet) => {
  const all = async (members: readonly object[], timeoutMs: number) => {
    await facet.consensus(members.slice(1), timeoutMs);
    return { participated: members.length, succeeded: true, messages: 2 * members.length };
  };
  return { consensus: all, broadcast: all };
});

/** Never reaches the last member. */
const losing = coordinating((facet) => ({
  consensus: (members, timeoutMs) => facet.consensus(members.slice(1), timeoutMs),
  broadcast: (members, timeoutMs) => facet.broadcast(members.slice(1), timeoutMs),
}));

const slow = coordinating((facet) => ({
  consensus: async (members, timeoutMs) => {
    await new Promise((resolve) => setTimeout(resolve, 55));
    return facet.consensus(members, timeoutMs);
  },
}));

const short = { seconds: 0.02 };

describe("a platform that coordinates passes", () => {
  it.each(["coordination.consensus", "coordination.agents", "coordination.scale", "coordination.waits"])(
    "%s",
    async (id) => {
      expect((await trial(id, mettle, short)).wrong).toEqual([]);
    },
  );

  it.each(["coordination.waiting", "coordination.allocation", "coordination.notices"])("%s", async (id) => {
    expect((await trial(id, mettle, short)).wrong).toEqual([]);
  });

  it("coordination.failures, where the dead are told from those who live", async () => {
    const tried = await trial("coordination.failures", mettle, short);
    expect(tried.missed).not.toContain("coordination.failures.reported rate == 1");
    expect(tried.missed).not.toContain("coordination.failures.healthy rate == 1");
  });

  it("coordination.load, at the rates that it was asked for", async () => {
    const tried = await trial("coordination.load", mettle, { seconds: 0.3 });
    expect(measured(tried, "coordination.load.decided").summary).toMatchObject({ count: 100, rate: 1 });
    expect(tried.missed).not.toContain("coordination.load.decided rate >= 0.999");
  });
});

describe("members who were left out are found", () => {
  it.each([
    ["coordination.consensus", "consensus.proposal.success rate >= 0.999"],
    ["coordination.agents", "coordination.agents.success rate >= 0.9999"],
    ["coordination.scale", "coordination.scale.success rate == 1"],
    ["coordination.concurrent", "coordination.concurrent.complete rate == 1"],
    ["coordination.load", "coordination.load.decided rate >= 0.999"],
  ])("by %s", async (id, rule) => {
    expect((await trial(id, losing, short)).missed).toContain(rule);
  });

  it("also when the platform counts the dead among them", async () => {
    const { missed } = await trial("coordination.failures", lying, short);
    expect(missed).toContain("coordination.failures.reported rate == 1");
  });
});

describe("slowness is found", () => {
  it("in the group beside one with dead members", async () => {
    expect((await trial("coordination.failures", slow, short)).missed).toContain(
      "coordination.failures.healthy.time p(95) < 50ms",
    );
  });

  it("and a collector that asks in turn is no quicker than asking in turn", async () => {
    const sequential = coordinating(() => ({
      consensus: async (members) => {
        for (let i = 0; i < 3 * members.length; i++) await Promise.resolve();
        return { participated: members.length, succeeded: true, messages: members.length };
      },
    }));
    const tried = await trial("coordination.concurrent", sequential, short);
    expect(measured(tried, "coordination.concurrent.speed-up").summary.count).toBeGreaterThanOrEqual(12);
  });
});

const updating =
  (parts: (facet: VariablesFacet) => Partial<VariablesFacet>): Open =>
  (options) => {
    const platform = mettle(options);
    const facet = platform.variables!;
    const whole: VariablesFacet = {
      kinds: facet.kinds,
      create: (kind, name, affected) => facet.create(kind, name, affected),
      broadcast: (agents, values) => facet.broadcast(agents, values),
    };
    return replacing(platform, { variables: { ...whole, ...parts(whole) } });
  };

describe("variables", () => {
  it.each(["variables.agent-update", "variables.broadcast", "variables.batch"])("%s passes on ours", async (id) => {
    expect((await trial(id, mettle, short)).wrong).toEqual([]);
  });

  it("agents that are not told are found", async () => {
    const losing = updating((facet) => ({ broadcast: (agents, values) => facet.broadcast(agents.slice(1), values) }));
    expect((await trial("variables.broadcast", losing, short)).missed).toContain(
      "variables.broadcast.reached rate == 1",
    );
    expect((await trial("variables.batch", losing, short)).missed).toContain("variables.batch.reached rate == 1");
  });

  it("an update that is told but not made is found", async () => {
    const forgetting = updating((facet) => ({
      create: async (kind, name, affected) => {
        const handle = await facet.create(kind, name, affected);
        return { change: (position) => handle.change(position), read: () => 0.123, close: () => handle.close() };
      },
    }));
    expect((await trial("variables.agent-update", forgetting, short)).missed).toContain(
      "variables.agent-update.correct rate == 1",
    );
  });

  it("an update that takes too long is found, by its budget", async () => {
    const slow = updating((facet) => ({
      create: async (kind, name, affected) => {
        const handle = await facet.create(kind, name, affected);
        return {
          change: async (position) => {
            await new Promise((resolve) => setTimeout(resolve, 12));
            return handle.change(position);
          },
          read: () => handle.read(),
          close: () => handle.close(),
        };
      },
    }));
    expect((await trial("variables.agent-update", slow, short)).missed).toEqual([
      "variables.agent-update.time latency p99: 10ms, mean: 2ms",
    ]);
  });

  it("a batch that is no better than its parts is found", async () => {
    // Each message takes a millisecond, of a time in which nothing else happens.
    let nowNs = 0;
    const piecemeal = updating((facet) => ({
      broadcast: async (agents, values) => {
        let reached = 0;
        // A batch of 20 as 40 single ones.
        for (const value of values.length > 1 ? [...values, ...values] : values)
          ({ reached } = await facet.broadcast(agents, [value]));
        nowNs += 1e6 * (values.length > 1 ? 2 * values.length : 1);
        return { reached };
      },
    }));
    const tried = await trial("variables.batch", piecemeal, { ...short, now: () => nowNs });
    expect(measured(tried, "variables.batch.speed-up").summary.p50).toBeCloseTo(0.5, 6);
    expect(tried.missed).toContain("variables.batch.speed-up p(50) > 1");
  });
});

describe("waits", () => {
  it("are counted, not assumed: a registry that is asked makes the caller wait as before", async () => {
    const waiting: Open = (options) => {
      const platform = mettle(options);
      const { registry } = platform;
      return replacing(platform, {
        registry: { ...registry!, lookup: async (name) => registry!.lookup(name) },
      });
    };
    const tried = await trial("coordination.waits", waiting, short);
    expect(measured(tried, "waits.per-step", { way: "together" }).summary.mean).toBe(52);
    expect(measured(tried, "waits.per-step", { way: "one-by-one" }).summary.mean).toBe(120);
    expect(
      measured(await trial("coordination.waits", mettle, short), "waits.per-step", { way: "together" }).summary.mean,
    ).toBe(2);
  });
});
