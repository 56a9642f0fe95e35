import { ms } from "@mettle/core";
import { describe, expect, test } from "vitest";
import { defineAction, defineAgent, type Directive, directives, type Message, type Sensor } from "../../src/index.ts";
import { counter, runtimeForTest, settled } from "../support.ts";

interface Seen {
  readonly seen: readonly unknown[];
}

/** Does what it is told, and notes what it gets. */
const puppet = defineAgent({
  name: "puppet",
  state: (): Seen => ({ seen: [] }),
  actions: {
    do: defineAction({ run: (_state: Seen, list: readonly Directive[]) => ({ directives: list, reply: "done" }) }),
    doAndNote: defineAction({
      run: (state: Seen, list: readonly Directive[]) => ({
        state: { seen: [...state.seen, "noted"] },
        directives: list,
      }),
    }),
    note: defineAction({ run: (state: Seen, value: unknown) => ({ state: { seen: [...state.seen, value] } }) }),
    seen: defineAction({ mode: "read", run: (state: Seen) => ({ reply: state.seen }) }),
  },
});
const note = (data: unknown): Message => ({ type: "note", data });

describe("directives", () => {
  test("send and run queue messages, in order, behind what waits already", async () => {
    const { runtime } = runtimeForTest();
    const other = runtime.spawn(puppet, { name: "other" });
    const agent = runtime.spawn(puppet);
    expect(
      await agent.ask({
        type: "do",
        data: [
          directives.run({ action: "note", data: "mine" }),
          directives.send("other", note("by name")),
          directives.send(other.address, note("by address")),
          directives.send(other, note("by reference")),
          directives.send("nobody", note("lost")),
        ],
      }),
    ).toBe("done");
    await settled();
    expect(await agent.ask({ type: "seen" })).toEqual(["mine"]);
    expect(await other.ask({ type: "seen" })).toEqual(["by name", "by address", "by reference"]);
    expect(runtime.deadLetters.drain()).toMatchObject([
      { to: "nobody", reason: "unknown-address", message: note("lost") },
    ]);
    await runtime.close();
  });

  test("one that cannot be done fails the action; the state stays as it was, what was done stays done", async () => {
    const { runtime } = runtimeForTest();
    const agent = runtime.spawn(puppet);
    const broken = agent.ask({
      type: "doAndNote",
      data: [
        directives.run({ action: "note", data: "first" }),
        directives.emit("not a type"),
        directives.run({ action: "note", data: "never" }),
      ],
    });
    await expect(broken).rejects.toMatchObject({
      code: "AGENT_ACTION_FAILED",
      cause: { code: "SIGNAL_TYPE_INVALID" },
    });
    await settled();
    expect(await agent.ask({ type: "seen" })).toEqual(["first"]);
    await runtime.close();
  });

  test("emit publishes with the agent as source; patterns of a definition bring signals in until it ends", async () => {
    const listening = defineAgent({
      name: "listening",
      state: (): Seen => ({ seen: [] }),
      signals: { "orders.*.created": "note" },
      actions: {
        note: defineAction({
          run: (state: Seen, value: unknown) => ({
            state: { seen: [...state.seen, value] },
            directives: [directives.emit("noted.once", value, "subject")],
          }),
        }),
        seen: defineAction({ mode: "read", run: (state: Seen) => ({ reply: state.seen }) }),
      },
    });
    const { runtime } = runtimeForTest();
    const agent = runtime.spawn(listening, { name: "ears" });
    const published: unknown[] = [];
    runtime.bus.subscribe("noted.**", ({ type, source, subject, data }) =>
      published.push([type, source, subject, data]),
    );
    const order = runtime.bus.emit("orders.eu.created", "shop", { total: 12 });
    runtime.bus.emit("orders.eu.cancelled", "shop", {});
    await settled();
    expect(await agent.ask({ type: "seen" })).toEqual([order]);
    expect(published).toEqual([["noted.once", "ears", "subject", order]]);
    await agent.stop();
    expect(runtime.bus.statistics.subscriptions).toBe(1);
    await runtime.close();
  });

  test("children are known by name, one of a name, and end with their parent", async () => {
    const { runtime, events } = runtimeForTest();
    const agent = runtime.spawn(puppet);
    await agent.ask({
      type: "do",
      data: [directives.spawn("a", counter, { name: "child-a" }), directives.spawn("b", counter, { name: "child-b" })],
    });
    await expect(agent.ask({ type: "do", data: [directives.spawn("a", counter)] })).rejects.toMatchObject({
      cause: { code: "AGENT_NAME_TAKEN" },
    });
    // That failure restarted the parent, which ends its children: it spawns them again.
    expect(runtime.find("child-a")).toBeUndefined();
    await agent.ask({
      type: "do",
      data: [directives.spawn("a", counter, { name: "child-a" }), directives.spawn("b", counter, { name: "child-b" })],
    });
    await agent.ask({ type: "do", data: [directives.stopChild("a"), directives.stopChild("no such child")] });
    expect([runtime.find("child-a"), runtime.find("child-b")?.status]).toEqual([undefined, "idle"]);
    await agent.stop({ reason: "over" });
    expect(runtime.stats().agents).toBe(0);
    expect(events.at(-2)).toMatchObject({ kind: "agent-stopped", reason: "its parent: over" });
    await runtime.close();
  });

  test("stop ends the agent after its own reply; what waits is refused", async () => {
    const { runtime } = runtimeForTest();
    const agent = runtime.spawn(puppet);
    agent.pause();
    const stopping = agent.ask({ type: "do", data: [directives.stop("finished its work")] });
    const behind = agent.ask({ type: "seen" }).catch((error: unknown) => error);
    agent.resume();
    expect(await stopping).toBe("done");
    expect(await behind).toMatchObject({ code: "AGENT_STOPPED", details: { reason: "finished its work" } });
    await runtime.close();
  });
});

describe("schedules", () => {
  test("after, every and cron come at their times; cancel, replacement and the end of the agent end them", async () => {
    const { runtime, clock } = runtimeForTest();
    const agent = runtime.spawn(puppet);
    const times = async (): Promise<unknown> => agent.ask({ type: "seen" });
    await agent.ask({
      type: "do",
      data: [
        directives.schedule("once", { afterMs: 100 }, note("once")),
        directives.schedule("often", { everyMs: 70 }, note("often")),
        directives.schedule("never", { afterMs: 50 }, note("never")),
        directives.schedule("replaced", { afterMs: 60 }, note("replaced")),
        directives.cancel("never"),
        directives.schedule("replaced", { afterMs: 90 }, note("replacement")),
      ],
    });
    await clock.advance(ms(215));
    await settled();
    expect(await times()).toEqual(["often", "replacement", "once", "often", "often"]);
    await agent.ask({
      type: "do",
      data: [directives.cancel("often"), directives.schedule("calendar", { cron: "*/10 * * * *" }, note("cron"))],
    });
    await clock.advance(ms(20 * 60_000));
    await settled();
    expect((await agent.ask({ type: "seen" })).slice(5)).toEqual(["cron", "cron"]);
    await agent.stop();
    await clock.advance(ms(20 * 60_000));
    expect(runtime.deadLetters.added).toBe(0);
    await runtime.close();
  });

  test("a repeated one keeps its beat when the loop was late, and leaves out what was missed", async () => {
    const { runtime, clock } = runtimeForTest();
    const timed = defineAgent({
      name: "timed",
      state: (): Seen => ({ seen: [] }),
      start: "begin",
      actions: {
        begin: defineAction({
          run: (_state: Seen) => ({ directives: [directives.schedule("beat", { everyMs: 100 }, { type: "beat" })] }),
        }),
        beat: defineAction({
          run: (state: Seen, _input: void, context) => ({ state: { seen: [...state.seen, context.now()] } }),
        }),
        count: defineAction({ mode: "read", run: (state: Seen) => ({ reply: state.seen.length }) }),
      },
    });
    const agent = runtime.spawn(timed);
    await settled();
    for (let i = 0; i < 10; i++) {
      await clock.advance(ms(100));
      await settled();
    }
    expect(await agent.ask({ type: "count" })).toBe(10);
    await runtime.close();
  });

  test("a full mailbox loses the tick, not the schedule", async () => {
    const { runtime, clock } = runtimeForTest({ mailboxLimit: 2 });
    const agent = runtime.spawn(puppet);
    await agent.ask({ type: "do", data: [directives.schedule("often", { everyMs: 10 }, note("tick"))] });
    agent.pause();
    await clock.advance(ms(45));
    expect(runtime.deadLetters.count("mailbox-full")).toBe(2);
    agent.resume();
    await settled();
    await clock.advance(ms(10));
    await settled();
    expect(await agent.ask({ type: "seen" })).toHaveLength(3);
    await runtime.close();
  });

  test.each([{ everyMs: 0 }, { everyMs: Number.NaN }, { afterMs: -1 }, { cron: "nonsense" }])(
    "%j is refused",
    async (timing) => {
      const { runtime } = runtimeForTest();
      const agent = runtime.spawn(puppet);
      await expect(agent.ask({ type: "do", data: [directives.schedule("x", timing, note(1))] })).rejects.toMatchObject({
        cause: { code: "AGENT_OPTIONS_INVALID" },
      });
      await runtime.close();
    },
  );
});

describe("sensors", () => {
  test("turn outside events into messages until they are stopped, replaced, or their agent ends", async () => {
    const { runtime } = runtimeForTest();
    const agent = runtime.spawn(puppet);
    const emitters: ((message: Message) => void)[] = [];
    const ended: string[] = [];
    const sensor = (name: string, id: string): Sensor => ({
      name,
      start: (emit) => {
        emitters.push(emit);
        return () => ended.push(id);
      },
    });
    await agent.ask({
      type: "do",
      data: [directives.startSensor(sensor("s", "first")), directives.startSensor(sensor("t", "other"))],
    });
    emitters[0]!(note("sensed"));
    await settled();
    await agent.ask({ type: "do", data: [directives.startSensor(sensor("s", "second")), directives.stopSensor("t")] });
    expect(ended).toEqual(["first", "other"]);
    expect(await agent.ask({ type: "seen" })).toEqual(["sensed"]);
    await agent.stop();
    expect(ended).toEqual(["first", "other", "second"]);
    emitters[2]!(note("too late"));
    await runtime.close();
  });

  test("one that fails to stop is reported; one that fails to start fails the action", async () => {
    const { runtime, events } = runtimeForTest();
    const agent = runtime.spawn(puppet);
    const stubborn: Sensor = {
      name: "stubborn",
      start: () => () => {
        throw new Error("will not stop");
      },
    };
    const broken: Sensor = {
      name: "broken",
      start: () => {
        throw new Error("will not start");
      },
    };
    await agent.ask({ type: "do", data: [directives.startSensor(stubborn), directives.stopSensor("stubborn")] });
    expect(events.at(-1)).toMatchObject({
      kind: "sensor-failed",
      sensor: "stubborn",
      error: { message: "will not stop" },
    });
    await expect(agent.ask({ type: "do", data: [directives.startSensor(broken)] })).rejects.toMatchObject({
      cause: { message: "will not start" },
    });
    await runtime.close();
  });
});

test("a calendar's tick comes once, also when the wall clock is behind", async () => {
  const { runtime, clock } = runtimeForTest();
  const wall = clock.wallTime.bind(clock);
  let slewed = 0;
  clock.wallTime = () => ms(wall() - slewed);
  const agent = runtime.spawn(puppet);
  await agent.ask({ type: "do", data: [directives.schedule("calendar", { cron: "*/10 * * * *" }, note("cron"))] });
  slewed = 5; // set back while the tick is awaited
  await clock.advance(ms(5 * 60_000));
  await settled();
  expect(await agent.ask({ type: "seen" })).toEqual(["cron"]);
  await runtime.close();
});
