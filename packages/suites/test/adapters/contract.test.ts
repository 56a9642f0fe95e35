import { MettleError, Random } from "@mettle/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { installedPlatforms, openPlatform, platformNames } from "../../src/adapters/adapters.ts";
import { type AgentPlatform, capabilitiesOf, type CoreOperation } from "../../src/platform/platform.ts";
import { computeRounds } from "../../src/platform/work.ts";
import { describeAgent } from "../../src/catalogue/descriptions.ts";

const installed = await installedPlatforms();
/** For every answer that comes, however busy the machine is. */
const patienceMs = 60_000;

describe("platforms", () => {
  it("names those there are when it is asked for another", async () => {
    await expect(async () => openPlatform("erlang")).rejects.toMatchObject({
      code: "PLATFORM_UNKNOWN",
      message: expect.stringContaining(platformNames.join(", ")) as string,
    });
  });

  it("takes no name of an object's own property for a platform", async () => {
    await expect(async () => openPlatform("constructor")).rejects.toBeInstanceOf(MettleError);
  });

  it("has all that are packages installed here", () => {
    expect(installed).toEqual(expect.arrayContaining(["mettle", "event-emitter", "xstate", "moleculer"]));
  });
});

// The law of every adapter: whatever the platform has, it does as the contract says. What it has not is not tested.
describe.each(installed)("%s keeps the contract", (name) => {
  let platform: AgentPlatform;
  beforeEach(async () => {
    platform = await openPlatform(name, { settings: { a: { b: 3 } } });
  });
  afterEach(() => platform[Symbol.asyncDispose]());

  it("says who it is", () => {
    expect(platform.name).toBe(name);
    expect(platform.version).toMatch(/\d/);
    expect(capabilitiesOf(platform).has("mettle")).toBe(name === "mettle");
  });

  it("adds up what was sent, in order before a later request", async () => {
    const agent = await platform.spawn();
    for (let i = 1; i <= 100; i++) await platform.send(agent, { type: "note", data: i });
    expect(await platform.ask(agent, { type: "total" }, patienceMs)).toBe(5050);
    expect(await platform.ask(agent, { type: "add", data: 2 }, patienceMs)).toBe(5052);
  });

  it("keeps agents apart", async () => {
    const [one, other] = [await platform.spawn(), await platform.spawn()];
    await platform.ask(one, { type: "add", data: 7 }, patienceMs);
    expect(await platform.ask(other, { type: "total" }, patienceMs)).toBe(0);
  });

  it("echoes data and computes as every platform does", async () => {
    const agent = await platform.spawn();
    const data = { text: "a b\nc", list: [1, 2, 3], nested: { deep: null } };
    expect(await platform.ask(agent, { type: "echo", data }, patienceMs)).toEqual(data);
    expect(await platform.ask(agent, { type: "compute", data: 1000 }, patienceMs)).toBe(computeRounds(1000));
  });

  it("rejects when the agent fails, and goes on with the state it had", async () => {
    const agent = await platform.spawn();
    await platform.ask(agent, { type: "add", data: 4 }, patienceMs);
    await expect(platform.ask(agent, { type: "fail" }, patienceMs)).rejects.toThrow();
    expect(await platform.ask(agent, { type: "total" }, patienceMs)).toBe(4);
  });

  it("rejects when nobody answers in time", async () => {
    const agent = await platform.spawn();
    await expect(platform.ask(agent, { type: "silent" }, 20)).rejects.toThrow();
    expect(await platform.ask(agent, { type: "echo", data: 1 }, patienceMs)).toBe(1);
  });

  it("rejects requests to an agent that has stopped", async () => {
    const agent = await platform.spawn();
    await platform.stop(agent);
    await expect(platform.ask(agent, { type: "total" }, patienceMs)).rejects.toThrow();
  });

  it("ends an agent that was spawned to end when it fails", async () => {
    const agent = await platform.spawn({ onFailure: "stop" });
    await expect(platform.ask(agent, { type: "fail" }, patienceMs)).rejects.toThrow();
    await expect(platform.ask(agent, { type: "total" }, patienceMs)).rejects.toThrow();
  });

  it("tells every subscriber of a signal, each in order, and none after its end", async ({ skip }) => {
    const { signals } = platform;
    if (signals === undefined) return skip();
    const seen: unknown[] = [];
    const other: unknown[] = [];
    const end = await signals.subscribe("orders.created", (data) => void seen.push(data));
    await signals.subscribe("orders.created", (data, type) => void other.push([data, type]));
    for (let i = 0; i < 20; i++) await signals.publish("orders.created", i);
    await signals.publish("orders.ended", 99);
    await signals.delivered();
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i));
    await end();
    await signals.publish("orders.created", { of: "the end" });
    await signals.delivered();
    expect(seen).toHaveLength(20);
    expect(other.at(-1)).toEqual([{ of: "the end" }, "orders.created"]);
  });

  it("matches patterns where it says so", async ({ skip }) => {
    const { signals } = platform;
    if (signals?.patterns !== true) return skip();
    const seen: string[] = [];
    await signals.subscribe("orders.*.created", (_data, type) => void seen.push(type));
    await signals.subscribe("audit.**", (_data, type) => void seen.push(type));
    for (const type of ["orders.eu.created", "orders.eu.b.created", "audit.a.b.c", "other"]) {
      await signals.publish(type, 1);
    }
    await signals.delivered();
    expect(seen.toSorted()).toEqual(["audit.a.b.c", "orders.eu.created"]);
  });

  it("registers, finds, discovers and forgets", async ({ skip }) => {
    const { registry } = platform;
    if (registry === undefined) return skip();
    const [one, two] = [await platform.spawn(), await platform.spawn()];
    const about = {
      ...describeAgent(new Random(1)),
      region: "us_east",
      health: "healthy",
      capabilities: ["plan"],
    } as const;
    await registry.register("one", one, about);
    await registry.register("two", two, { ...about, region: "eu_central", resources: { cpu: 0.9, memory: 0.9 } });
    await expect(async () => registry.register("one", two, about)).rejects.toThrow();
    expect(await registry.lookup("one")).toBe(one);
    expect(await registry.lookup("nobody")).toBeUndefined();
    expect((await registry.discover({ capability: "plan" })).toSorted()).toEqual(["one", "two"]);
    expect(await registry.discover({ capability: "plan" }, 1)).toHaveLength(1);
    expect(await registry.discover({ region: "eu_central", resources: { cpu: 0.9 } })).toEqual(["two"]);
    expect(await registry.unregister("one")).toBe(true);
    expect(await registry.unregister("one")).toBe(false);
    expect(await registry.lookup("one")).toBeUndefined();
  });

  it("coordinates: all take part, one who has gone does not", async ({ skip }) => {
    const { coordination } = platform;
    if (coordination === undefined) return skip();
    const agents = await Promise.all(Array.from({ length: 9 }, async () => platform.spawn()));
    expect(await coordination.consensus(agents, patienceMs)).toMatchObject({ participated: 9, succeeded: true });
    expect(await coordination.broadcast(agents, patienceMs)).toMatchObject({ participated: 9, succeeded: true });
    const levels = [agents.slice(0, 3), agents.slice(3, 6), agents.slice(6)];
    const outcome = await coordination.hierarchy?.(levels, patienceMs);
    if (outcome) expect(outcome).toMatchObject({ participated: 9, succeeded: true });
  });

  it("tells a watcher once that an agent is no more", async ({ skip }) => {
    const { supervision } = platform;
    if (supervision === undefined) return skip();
    const agent = await platform.spawn({ onFailure: "stop" });
    const reasons: string[] = [];
    const down = new Promise<void>((resolve) => {
      void supervision.monitor(agent, (reason) => {
        reasons.push(reason);
        resolve();
      });
    });
    await expect(platform.ask(agent, { type: "fail" }, patienceMs)).rejects.toThrow();
    await down;
    expect(reasons).toHaveLength(1);
  });

  it("reads settings by their path and counts what was written down", async ({ skip }) => {
    const { settings, journal } = platform;
    if (settings === undefined || journal === undefined) return skip();
    expect(await settings.get("a.b")).toBe(3);
    for (let i = 0; i < 5; i++) await journal.append("happened", i % 2 ? "odd" : "even", i);
    expect(await journal.count("even")).toBe(3);
  });

  it("changes a variable, tells those affected, and learns where it can", async ({ skip }) => {
    const { variables } = platform;
    if (variables === undefined) return skip();
    const agents = await Promise.all(Array.from({ length: 3 }, async () => platform.spawn()));
    for (const kind of variables.kinds) {
      const variable = await variables.create(kind, `v-${kind}`, agents);
      const before = await variable.read();
      const update = await variable.change(0.9);
      expect(update.old).toEqual(before);
      expect(await variable.read()).toEqual(update.new);
      if (variable.feedback) {
        const learned = await variable.feedback(0.5, 0.1);
        expect(learned).toMatchObject({ valueChanged: expect.any(Boolean) as boolean });
      }
      if (variable.coordinate) expect(await variable.coordinate(0.1)).toEqual({ committed: true });
      await variable.close();
    }
    expect(await variables.broadcast(agents, [1, 2])).toEqual({ reached: 3 });
  });

  it("times the core operations itself where it lives outside", async ({ skip }) => {
    const { outside } = platform;
    if (outside === undefined) return skip();
    const sizes: Record<CoreOperation, number> = {
      create: 1,
      send: 1,
      request: 1,
      lookup: 100,
      publish: 10,
      propose: 10,
    };
    for (const [operation, size] of Object.entries(sizes)) {
      const times = await outside.time(operation as CoreOperation, size, 100, 3);
      expect(times).toHaveLength(3);
      for (const time of times) expect(time).toBeGreaterThan(0);
    }
    const before = await outside.memory();
    for (let i = 0; i < 500; i++) await platform.spawn();
    expect((await outside.memory()) - before).toBeGreaterThan(500 * 300);
  });
});
