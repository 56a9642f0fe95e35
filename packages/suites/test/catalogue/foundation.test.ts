import { describe, expect, it } from "vitest";
import type { AgentPlatform, CoordinationFacet, RegistryFacet, VariablesFacet } from "../../src/platform/platform.ts";
import { eventEmitter, measured, mettle, type Open, replacing, trial } from "../trial.ts";

const withRegistry = (platform: AgentPlatform, parts: Partial<RegistryFacet>): AgentPlatform =>
  replacing(platform, { registry: { ...platform.registry!, ...parts } });

/** Forgets every seventh registration, and says nothing of it. */
const forgetful: Open = (options) => {
  const platform = eventEmitter(options);
  let registered = 0;
  return withRegistry(platform, {
    register: (name, agent, description) =>
      ++registered % 7 === 0 ? undefined : platform.registry!.register(name, agent, description),
  });
};

/** Finds one too few. */
const shortSighted: Open = (options) => {
  const platform = eventEmitter(options);
  return withRegistry(platform, {
    discover: async (query, limit) => (await platform.registry!.discover(query, limit)).slice(1),
  });
};

describe("registry scenarios", () => {
  it.each([
    "registry.registration.single",
    "registry.discovery",
    "registry.capability-matching",
    "registry.consistency",
  ])("%s is content with ours and with the plain one", async (id) => {
    for (const open of [mettle, eventEmitter]) expect((await trial(id, open)).wrong).toEqual([]);
  });

  it("find registrations that are lost", async () => {
    const { wrong } = await trial("registry.consistency", forgetful);
    expect(wrong).toEqual(["registry.consistent rate == 1"]);
    expect((await trial("registry.registration.concurrent", forgetful)).wrong).toEqual([
      "registry.registration.concurrent.complete rate == 1",
    ]);
  });

  it("find what is left of entries that have gone (S3-023)", async () => {
    const grows = "registry.growth.growth mean < 1024";
    for (const open of [mettle, eventEmitter])
      expect((await trial("registry.growth", open)).missed).not.toContain(grows);
    const kept: unknown[] = [];
    const hoarding: Open = (options) => {
      const platform = eventEmitter(options);
      return withRegistry(platform, {
        unregister: (name) => {
          kept.push(Array.from({ length: 100 }, (_, i) => ({ name, i })));
          return platform.registry!.unregister(name);
        },
      });
    };
    const { missed } = await trial("registry.growth", hoarding);
    kept.length = 0;
    expect(missed).toEqual([grows, "registry.growth.without-leak rate == 1"]);
  });

  it("find discovery that misses one", async () => {
    expect((await trial("registry.discovery", shortSighted)).wrong).toEqual(["registry.discovery.correct rate == 1"]);
    expect((await trial("registry.capability-matching", shortSighted)).wrong).toHaveLength(1);
  });

  it("time the registration alone, and not the start of its agent", async () => {
    const slowToStart: Open = (options) => {
      const platform = eventEmitter(options);
      return replacing(platform, {
        spawn: async (spawn) => {
          const end = performance.now() + 2;
          while (performance.now() < end);
          return platform.spawn(spawn);
        },
      });
    };
    const found = await trial("registry.registration.single", slowToStart);
    expect(measured(found, "registry.registration.single.time").summary.p50).toBeLessThan(1e6);
  });
});

const withVariables = (platform: AgentPlatform, parts: Partial<VariablesFacet>): AgentPlatform =>
  replacing(platform, { variables: { ...platform.variables!, ...parts } });

describe("variable scenarios", () => {
  it.each(["variables.creation", "variables.update", "variables.adaptation", "variables.coordination"])(
    "%s is content with ours",
    async (id) => {
      const found = await trial(id, mettle);
      expect(found.wrong).toEqual([]);
      expect(found.measurements.length).toBeGreaterThan(0);
    },
  );

  it.each(["old", "new"])("find news that name another %s value than there was", async (which) => {
    const lying: Open = (options) => {
      const platform = eventEmitter(options);
      return withVariables(platform, {
        kinds: ["float"],
        broadcast: (agents, values) => platform.variables!.broadcast(agents, values),
        create: async (kind, name, affected) => {
          const real = await platform.variables!.create(kind, name, affected);
          return {
            read: () => real.read(),
            change: async (position) => ({ ...(await real.change(position)), [which]: -1 }),
            close: () => real.close(),
          };
        },
      });
    };
    expect((await trial("variables.update", lying)).wrong).toEqual(["variables.update.correct rate == 1"]);
  });

  it("count a change that nobody tells of as a failed attempt, not as a fast one", async () => {
    let told = 0;
    const silent: Open = (options) => {
      const platform = eventEmitter(options);
      return withVariables(platform, {
        kinds: ["float"],
        create: async (kind, name, affected) => {
          const real = await platform.variables!.create(kind, name, affected);
          return {
            read: () => real.read(),
            change: (position) => (++told % 2 === 0 ? Promise.reject(new Error("no news")) : real.change(position)),
            close: () => real.close(),
          };
        },
      });
    };
    const { errors, summary } = measured(await trial("variables.update", silent), "variables.update.time");
    expect(errors!.count).toBeGreaterThan(50);
    expect(errors!.count + summary.count).toBeGreaterThanOrEqual(200);
  });
});

describe("scalability scenarios", () => {
  const withCoordination = (platform: AgentPlatform, parts: Partial<CoordinationFacet>): AgentPlatform =>
    replacing(platform, { coordination: { ...platform.coordination!, ...parts } });
  const everyOneThere: CoordinationFacet = {
    consensus: (members) =>
      Promise.resolve({ participated: members.length, succeeded: true, messages: members.length }),
    broadcast: (members) =>
      Promise.resolve({ participated: members.length, succeeded: true, messages: members.length }),
  };

  it("ask the tenth and the fifth of 100 to 10 000 agents, and judge each by its class", async () => {
    const asked: number[] = [];
    const counting: Open = (options) =>
      withCoordination(eventEmitter(options), {
        ...everyOneThere,
        consensus: (members, timeoutMs) => {
          asked.push(members.length);
          return everyOneThere.consensus(members, timeoutMs);
        },
        hierarchy: (levels) => {
          const all = levels.flat().length;
          return Promise.resolve({ participated: all, succeeded: true, messages: all });
        },
      });
    const found = await trial("scalability.coordination", counting);
    expect([...new Set(asked)]).toEqual([10, 50, 100, 500, 1000]);
    expect(measured(found, "scalability.coordination.time", { way: "broadcast", agents: "500" }).tags["class"]).toBe(
      "medium",
    );
    expect(found.findings.filter(({ metric }) => metric === "scalability.coordination.success")).toHaveLength(15);
  });

  it("find members who do not take part", async () => {
    const losing: Open = (options) =>
      withCoordination(eventEmitter(options), {
        ...everyOneThere,
        broadcast: (members) =>
          Promise.resolve({
            participated: members.length - 1,
            succeeded: members.length < 500,
            messages: members.length,
          }),
        hierarchy: (levels) => Promise.resolve({ participated: levels.flat().length, succeeded: true, messages: 1 }),
      });
    const { missed, measurements } = await trial("scalability.coordination", losing);
    expect(missed.filter((rule) => rule.includes("success"))).toHaveLength(2); // 5 000 and 10 000
    const participation = measurements.filter(
      ({ metric, tags }) => metric.endsWith("participation") && tags["way"] === "broadcast",
    );
    for (const { summary } of participation) expect(summary.mean).toBeLessThan(1);
  });
});

describe("load scenarios", () => {
  /** Of a tenth of a second at 10 000 a second, a third more comes before, for the compiler. */
  const warmUp = Math.round(1000 / 3);

  it("count what fails against what was asked", async () => {
    let asked = 0;
    const failing: Open = (options) => {
      const platform = eventEmitter(options);
      return replacing(platform, {
        ask: (agent, message, timeoutMs) =>
          ++asked > 0 && asked % 50 === 0
            ? Promise.reject(new Error("refused"))
            : platform.ask(agent, message, timeoutMs),
      });
    };
    expect((await trial("load.requests", eventEmitter)).wrong).toEqual([]);
    asked = -warmUp;
    const { wrong, measurements } = await trial("load.requests", failing, { seconds: 0.1 });
    const failed = measurements.find(({ metric }) => metric === "load.request.errors")!;
    expect(failed.summary.rate).toBeCloseTo(0.02, 3);
    expect(wrong).toEqual(["load.request.errors rate < 0.001"]);
  });

  it("take times from when a request was due: a platform that stalls does not hide it", async () => {
    const stalling: Open = (options) => {
      const platform = eventEmitter(options);
      let asked = 0;
      return replacing(platform, {
        ask: async (agent, message, timeoutMs) => {
          if (++asked === warmUp + 50) {
            const end = performance.now() + 60;
            while (performance.now() < end);
          }
          return platform.ask(agent, message, timeoutMs);
        },
      });
    };
    const found = await trial("load.requests", stalling, { seconds: 0.1 });
    const { summary } = measured(found, "load.request.time");
    // 60 ms of 100: most requests were due while nothing moved.
    expect(summary.p50).toBeGreaterThan(5e6);
  });
});

describe("core scenarios", () => {
  it("refuse a figure for messages that were not handled", async () => {
    const losing: Open = (options) => {
      const platform = eventEmitter(options);
      let sent = 0;
      return replacing(platform, {
        send: (agent, message) => (++sent % 1000 === 0 ? undefined : platform.send(agent, message)),
      });
    };
    await expect(trial("core.operations", losing)).rejects.toThrow(/of 5000 messages were handled/);
  });
});
