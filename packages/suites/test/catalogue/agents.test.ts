import { describe, expect, it } from "vitest";
import { slowdownOf } from "../../src/catalogue/agents/life.ts";
import { openConnection, EchoServer } from "../../src/catalogue/pools/echo-server.ts";
import { eventEmitter, measured, mettle, type Open, replacing, trial } from "../trial.ts";

describe("agents that work pass (S2-133)", () => {
  it.each(["agents.creation", "agents.failures", "agents.lifecycle", "agents.monitoring"])("%s", async (id) => {
    expect((await trial(id, mettle)).wrong).toEqual([]);
  });
});

describe("agents that do not are found", () => {
  it("such as those that are one and the same", async () => {
    const sharing: Open = (options) => {
      const platform = eventEmitter(options);
      let last: object | undefined;
      let spawned = 0;
      return replacing(platform, {
        spawn: async (settings) => {
          spawned += 1;
          if (spawned % 5 !== 0 || last === undefined) last = await platform.spawn(settings);
          return last;
        },
      });
    };
    expect((await trial("agents.creation", sharing)).wrong).toContain("agents.creation.success rate == 1");
  });

  it("such as those whose failures nobody hears of", async () => {
    const silent: Open = (options) => {
      const platform = eventEmitter(options);
      return replacing(platform, {
        ask: (agent, message, timeoutMs) =>
          platform
            .ask(agent, message, timeoutMs)
            .catch((error: unknown) => (message.type === "fail" ? undefined : Promise.reject(error as Error))),
      });
    };
    expect((await trial("agents.failures", silent)).wrong).toContain("agents.failure.reported rate == 1");
  });

  it("such as those of whose failures one in thirty is heard by nobody", async () => {
    let failures = 0;
    const unreliable: Open = (options) => {
      const platform = eventEmitter(options);
      return replacing(platform, {
        ask: (agent, message, timeoutMs) => {
          const swallowed = message.type === "fail" && ++failures % 30 === 0;
          const asked = platform.ask(agent, message, timeoutMs);
          return swallowed ? asked.catch(() => undefined) : asked;
        },
      });
    };
    expect((await trial("agents.failures", unreliable)).wrong).toContain("agents.failure.reported rate == 1");
  });

  it("such as those whose deaths a watcher does not learn of", async () => {
    const unwatched: Open = (options) => {
      const platform = eventEmitter(options);
      let watched = 0;
      return replacing(platform, {
        supervision: {
          monitor: (agent, onDown) => {
            if (++watched % 10 === 0) throw new Error("nobody watches this one");
            return platform.supervision!.monitor(agent, onDown);
          },
        },
      });
    };
    expect((await trial("agents.monitoring", unwatched)).wrong).toContain("agents.down.noticed rate == 1");
  });

  it("such as those that lose their state when they fail", async () => {
    const forgetting: Open = (options) => {
      const platform = eventEmitter(options);
      return replacing(platform, {
        ask: async (agent, message, timeoutMs) => {
          if (message.type === "fail") await platform.ask(agent, { type: "add", data: -1 }, timeoutMs);
          return platform.ask(agent, message, timeoutMs);
        },
      });
    };
    expect((await trial("agents.failures", forgetting)).wrong).toContain("agents.failure.state-kept rate == 1");
  });

  it("such as those that keep what is left of each life", async () => {
    const kept: unknown[] = [];
    const leaking: Open = (options) => {
      const platform = eventEmitter(options);
      return replacing(platform, {
        stop: (agent) => {
          kept.push(Array.from({ length: 500 }, (_, i) => ({ i })));
          return platform.stop(agent);
        },
      });
    };
    const { missed } = await trial("agents.lifecycle", leaking);
    kept.length = 0;
    expect(missed).toEqual(
      expect.arrayContaining(["agents.lifecycle.growth mean < 1024", "agents.lifecycle.without-leak rate == 1"]),
    );
  });
});

describe("lives that become slower", () => {
  it("are told by the last third of the cycles against the first, without what the compiler takes (S2-070)", () => {
    const warming = [50, 20, 15];
    const steady = Array.from({ length: 27 }, (_, i) => 10 + (i % 3));
    expect(slowdownOf([...warming, ...steady])).toBe(1);
    expect(slowdownOf([...warming, ...steady.map((took, i) => took + i)])).toBeGreaterThan(2);
    expect(slowdownOf([4, 4, 8])).toBe(2);
  });
});

describe("events that leave something behind", () => {
  it("are found by their growth", async () => {
    const kept: unknown[] = [];
    const leaking: Open = (options) => {
      const platform = eventEmitter(options);
      const { signals } = platform;
      return replacing(platform, {
        signals: {
          ...signals!,
          publish: (type, data) => {
            kept.push({ type, data, list: [1, 2, 3, 4] });
            return signals!.publish(type, data);
          },
        },
      });
    };
    const { missed } = await trial("events.growth", leaking);
    kept.length = 0;
    expect(missed).toContain("events.growth.without-leak rate == 1");
  });
});

describe("pools", () => {
  it("of agents are set against spawning, with an interval, and add up", async () => {
    const tried = await trial("pools.agents", mettle);
    expect(tried.wrong).toEqual([]);
    // How much quicker is for the catalogue's limit to judge: a few milliseconds on a busy machine decide nothing.
    const { summary, interval } = measured(tried, "pools.agents.speed-up");
    expect(summary.mean ?? summary.p50).toBeGreaterThan(0);
    expect(interval?.high).toBeGreaterThan(interval?.low ?? Number.POSITIVE_INFINITY);
  });

  it("of connections hold to their size and their order", async () => {
    const tried = await trial("pools.connections", mettle, { seconds: 0.05 });
    expect(tried.wrong).toEqual([]);
    expect(measured(tried, "pools.connections.open").summary.max).toBe(15);
  });

  it("of tasks compute what the asking thread computes", async () => {
    expect((await trial("pools.tasks", mettle)).wrong).toEqual([]);
  });

  it("are measured against a server that echoes, and whose absence is an error", async () => {
    const server = await EchoServer.listen();
    const connection = await openConnection(server.port);
    expect(await connection.echo(42)).toBe(42);
    await connection.close();
    const { port } = server;
    await server[Symbol.asyncDispose]();
    await expect(openConnection(port)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});
