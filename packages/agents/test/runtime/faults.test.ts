import { ms } from "@mettle/core";
import { expect, test } from "vitest";
import { type AnyRef, defineAction, defineAgent, directives, type Message, type Sensor } from "../../src/index.ts";
import type { AgentCell } from "../../src/runtime/agent-cell.ts";
import { counter, Gates, runtimeForTest, settled, type Total } from "../support.ts";

const code = (ask: Promise<unknown>): Promise<unknown> =>
  ask.then(
    () => "replied",
    (error: { code?: string }) => error.code,
  );

test("a permanent agent that is being stopped ends, whatever it decides meanwhile", async () => {
  const { runtime } = runtimeForTest();
  const finishing = defineAgent({
    name: "finishing",
    state: () => ({}),
    actions: { finish: defineAction({ run: (_state: object) => ({ directives: [directives.stop("done")] }) }) },
  });
  const agent = runtime.spawn(finishing, { restart: "permanent" });
  agent.send({ type: "finish" });
  await agent.stop({ drain: true });
  expect(agent.status).toBe("stopped");
  await runtime.close();
});

test("a message waits for the restart, also when one that had waited for a write fails first", async () => {
  const { runtime, clock } = runtimeForTest({ switches: { fastPath: false } });
  const gates = new Gates();
  const agent = runtime.spawn(
    defineAgent({
      name: "relaying",
      state: (): Total => ({ total: 0 }),
      actions: {
        wait: defineAction({ run: (_state: Total) => gates.wait("write").then(() => undefined) }),
        add: defineAction({ run: (state: Total, by: number) => ({ state: { total: state.total + by } }) }),
        fail: defineAction({
          run: (_state: Total, _input: void, { self }): undefined => {
            self.send({ type: "add", data: 5 });
            throw new Error("broken");
          },
        }),
        total: defineAction({ mode: "read", run: (state: Total) => ({ reply: state.total }) }),
      },
    }),
  );
  agent.send({ type: "fail" });
  await settled(); // the first restart is at once, the next one waits
  agent.send({ type: "wait" });
  await settled();
  agent.send({ type: "fail" });
  await settled();
  await gates.open("write");
  expect(agent.status).toBe("restarting");
  await clock.advance(ms(20));
  expect(await agent.ask({ type: "total" })).toBe(5);
  await runtime.close();
});

test("an agent that is stopped before it has begun begins before it handles what it has accepted", async () => {
  const { runtime } = runtimeForTest();
  const seen: string[] = [];
  const starting = defineAgent({
    name: "starting",
    state: () => ({}),
    start: "begin",
    actions: {
      begin: defineAction({ run: (_state: object) => void seen.push("begin") }),
      work: defineAction({ run: (_state: object) => void seen.push("work") }),
    },
  });
  const agent = runtime.spawn(starting);
  agent.send({ type: "work" });
  await agent.stop({ drain: true });
  const paused = runtime.spawn(starting);
  paused.pause();
  paused.send({ type: "work" });
  await paused.stop({ drain: true });
  expect(seen).toEqual(["begin", "work", "begin", "work"]);
  await runtime.close();
});

test("the reason of a stop is told, with draining too", async () => {
  const { runtime, events } = runtimeForTest();
  const agent = runtime.spawn(counter);
  agent.send({ type: "add", data: 1 });
  await agent.stop({ drain: true, reason: "moving out" });
  expect(events.at(-1)).toMatchObject({ kind: "agent-stopped", reason: "moving out" });
  await runtime.close();
});

test("an agent that has ended begins nothing more: directives behind its stop, or after it was stopped while it ran", async () => {
  const { runtime, clock } = runtimeForTest();
  let sensing = 0;
  const sensor: Sensor = {
    name: "sensor",
    start: () => {
      sensing += 1;
      return () => (sensing -= 1);
    },
  };
  const begun = [
    directives.spawn("child", counter),
    directives.schedule("again", { everyMs: 10 }, { type: "tick" }),
    directives.startSensor(sensor),
  ];
  const ending = defineAgent({
    name: "ending",
    state: () => ({}),
    actions: {
      finish: defineAction({ run: (_state: object) => ({ directives: [directives.stop(), ...begun] }) }),
      drop: defineAction({
        run: (_state: object, _input: void, { self }) => {
          void self.stop();
          return { directives: begun };
        },
      }),
      tick: defineAction({ run: (_state: object) => undefined }),
    },
  });
  for (const type of ["finish", "drop"] as const) runtime.spawn(ending).send({ type });
  await settled();
  await clock.advance(ms(100));
  expect([runtime.stats().agents, runtime.stats().deadLetters, sensing]).toEqual([0, 0, 0]);
  await runtime.close();
});

test("dead letters stay when sending one again is refused", async () => {
  const { runtime } = runtimeForTest({ switches: { zeroCopy: false } });
  const agent = runtime.spawn(counter);
  const loose: AnyRef = runtime.find(agent.address)!;
  for (const text of ["one", "two"]) agent.send({ type: "nothing known" as "fail", data: text });
  await settled();
  const stuck: Message = { type: "add", data: () => 1 };
  (loose as AgentCell).host.deadLetter(agent.address, stuck, "not-cloneable", undefined);
  for (const text of ["three", "four"]) agent.send({ type: "nothing known" as "fail", data: text });
  await settled();
  expect(runtime.deadLetters.size).toBe(5);
  expect(runtime.redrive()).toBe(4);
  expect(runtime.deadLetters.list({ reason: "not-cloneable" })).toHaveLength(1);
  await runtime.close();
});

test("what selects or takes dead letters may throw: none is lost", async () => {
  const { runtime } = runtimeForTest();
  const agent = runtime.spawn(counter, { restart: "temporary" });
  await agent.stop();
  for (let n = 0; n < 3; n++) agent.send({ type: "add", data: n });
  let taken = 0;
  expect(() =>
    runtime.deadLetters.remove({}, () => {
      if (++taken === 2) throw new Error("no more");
      return true;
    }),
  ).toThrow("no more");
  expect(runtime.deadLetters.list().map(({ message }) => message.data)).toEqual([1, 2]);
  await runtime.close();
});

test("an agent that its watcher stops when it fails stays stopped, and its failure is forgotten", async () => {
  const { runtime, kinds } = runtimeForTest();
  const agent = runtime.spawn(counter);
  const news: boolean[] = [];
  runtime.monitor(agent, ({ mayRestart }) => {
    news.push(mayRestart);
    if (mayRestart) void agent.stop();
  });
  let failures = 0;
  const { parent } = agent as unknown as AgentCell;
  const childFailed = parent.childFailed.bind(parent);
  parent.childFailed = (child, error) => {
    failures += 1;
    childFailed(child, error);
  };
  agent.send({ type: "fail", data: "broken" });
  await settled();
  expect([agent.status, news, failures]).toEqual(["stopped", [true, false], 0]);
  expect(kinds()).not.toContain("agent-restarted");
  await runtime.close();
});

test("an agent that cannot subscribe is not started, and leaves nothing behind", async () => {
  const { runtime } = runtimeForTest();
  const make = () =>
    defineAgent({
      name: "deaf",
      state: () => ({}),
      signals: { "orders.**": "hear", "orders..created": "hear" },
      actions: { hear: defineAction({ run: (_state: object) => undefined }) },
    });
  expect(make).toThrow(expect.objectContaining({ code: "AGENT_DEFINITION_INVALID" }));
  const hearing = defineAgent({
    name: "hearing",
    state: () => ({}),
    signals: { "orders.**": "hear" },
    actions: { hear: defineAction({ run: (_state: object) => undefined }) },
  });
  await runtime.bus.close();
  expect(() => runtime.spawn(hearing, { name: "ear" })).toThrow(expect.objectContaining({ code: "BUS_CLOSED" }));
  expect([runtime.stats().agents, runtime.find("ear")]).toEqual([0, undefined]);
  await runtime.close();
});

test("a supervisor that has ended starts nobody", async () => {
  const { runtime } = runtimeForTest();
  const supervisor = runtime.supervisor();
  supervisor.stop();
  expect(() => supervisor.spawn(counter, { name: "late" })).toThrow(expect.objectContaining({ code: "AGENT_STOPPED" }));
  expect(() => supervisor.supervisor()).toThrow(expect.objectContaining({ code: "AGENT_STOPPED" }));
  expect([runtime.stats().agents, runtime.find("late")]).toEqual([0, undefined]);
  await runtime.close();
});

test("children that have ended are forgotten", async () => {
  const { runtime } = runtimeForTest();
  const brief = defineAgent({
    name: "brief",
    state: () => ({}),
    actions: { end: defineAction({ run: (_state: object) => ({ directives: [directives.stop()] }) }) },
  });
  const parent = runtime.spawn(
    defineAgent({
      name: "parent",
      state: () => ({}),
      actions: {
        hire: defineAction({
          run: (_state: object, name: string) => ({
            directives: [directives.spawn(name, brief, { name }), directives.send(name, { type: "end" })],
          }),
        }),
        keep: defineAction({ run: (_state: object) => ({ directives: [directives.spawn("kept", brief)] }) }),
      },
    }),
  );
  await parent.ask({ type: "keep" });
  for (let n = 0; n < 1000; n++) {
    await parent.ask({ type: "hire", data: `child-${n}` });
    if (n % 10 === 0) await settled();
  }
  await settled();
  const { children } = (parent as unknown as AgentCell).extras!;
  expect(children!.size).toBeLessThan(100);
  expect(children!.get("kept")!.status).toBe("idle");
  expect(runtime.stats().agents).toBe(2);
  await runtime.close();
});

test("a message that looks like an instruction and is none is refused", async () => {
  const { runtime } = runtimeForTest();
  const agent: AnyRef = runtime.find(runtime.spawn(counter).address)!;
  for (const data of [undefined, null, 1, {}, { action: 1 }]) agent.send({ type: "$instruction", data });
  expect(await agent.ask({ type: "add", data: 1 })).toBe(1);
  expect(runtime.deadLetters.count("action-unknown")).toBe(5);
  await runtime.close();
});

test("an action that returns null returns nothing, and what it throws may be anything", async () => {
  const { runtime } = runtimeForTest();
  const odd = defineAgent({
    name: "odd",
    onFailure: "resume",
    state: (): Total => ({ total: 1 }),
    actions: {
      nothing: defineAction({ run: (_state: Total) => null as unknown as undefined }),
      nothingLater: defineAction({ run: async (_state: Total) => null as unknown as undefined }),
      bare: defineAction({
        run: (_state: Total): undefined => {
          throw Object.create(null);
        },
      }),
      total: defineAction({ mode: "read", run: (state: Total) => ({ reply: state.total }) }),
    },
  });
  const agent = runtime.spawn(odd);
  for (const type of ["nothing", "nothingLater"] as const) {
    expect(await agent.ask({ type })).toBeUndefined(); // at once
    agent.send({ type });
  }
  expect(await code(agent.ask({ type: "bare" }))).toBe("AGENT_ACTION_FAILED");
  agent.send({ type: "bare" });
  expect(await agent.ask({ type: "total" })).toBe(1);
  await runtime.close();
});

test("a message that was being worked on when its agent began again or ended is a dead letter", async () => {
  const { runtime } = runtimeForTest();
  const gates = new Gates();
  const slow = defineAgent({
    name: "slow",
    state: () => ({}),
    actions: {
      work: defineAction({
        mode: "concurrent",
        run: (_state: object, name: string) => gates.wait(name).then(() => undefined),
      }),
      fail: defineAction({
        run: (_state: object): undefined => {
          throw new Error("broken");
        },
      }),
    },
  });
  const agent = runtime.spawn(slow);
  agent.send({ type: "work", data: "one" });
  const asked = code(agent.ask({ type: "work", data: "asked" }));
  await settled();
  agent.send({ type: "fail" });
  await settled();
  expect(await asked).toBe("AGENT_RESTARTED");
  agent.send({ type: "work", data: "two" });
  await settled();
  await agent.stop();
  expect(runtime.deadLetters.list({ reason: "restarted" }).map(({ message }) => message.data)).toEqual(["one"]);
  expect(runtime.deadLetters.list({ reason: "stopped" }).map(({ message }) => message.data)).toEqual(["two"]);
  await runtime.close();
});

test("an agent whose state would come back as another stays awake", async () => {
  class Celsius {
    readonly degrees: number;
    constructor(degrees: number) {
      this.degrees = degrees;
    }
    get kelvin(): number {
      return this.degrees + 273.15;
    }
  }
  const { runtime, clock, kinds } = runtimeForTest();
  const thermometer = defineAgent({
    name: "thermometer",
    state: () => ({ last: new Celsius(20), at: new Date(0), all: new Map([["a", [1, 2]]]) }),
    actions: {
      kelvin: defineAction({ mode: "read", run: ({ last }: { last: Celsius }) => ({ reply: last.kelvin }) }),
    },
  });
  const plain = runtime.spawn(counter, { hibernateAfterMs: 10 });
  const agent = runtime.spawn(thermometer, { hibernateAfterMs: 10 });
  await clock.advance(ms(50));
  expect(kinds().filter((kind) => kind === "agent-hibernated")).toHaveLength(1);
  expect(await agent.ask({ type: "kelvin" })).toBeCloseTo(293.15);
  expect(await plain.ask({ type: "add", data: 1 })).toBe(1);
  await runtime.close();
});

test("an agent has one address", async () => {
  const { runtime } = runtimeForTest();
  const agent = runtime.spawn(counter);
  expect(runtime.find(agent.address)).toBe(agent);
  const id = agent.address.slice("0/".length);
  for (const other of [`${id}.5`, `0${id}`, ` ${id}`, `${id}e0`, `0x${id}`, `+${id}`, "", "NaN"])
    expect(runtime.find(`0/${other}`)).toBeUndefined();
  await runtime.close();
});
