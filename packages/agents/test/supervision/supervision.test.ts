import { ms } from "@mettle/core";
import { describe, expect, test } from "vitest";
import {
  type AgentRef,
  defineAction,
  defineAgent,
  type Down,
  type RefOf,
  type SupervisionStrategy,
} from "../../src/index.ts";
import { counter, Gates, runtimeForTest, settled } from "../support.ts";

const failing = (agent: RefOf<typeof counter>, text = "broken"): Promise<unknown> =>
  agent.ask({ type: "fail", data: text }).catch((error: unknown) => error);

describe("a failing agent", () => {
  test("is restarted with its mailbox kept; without a snapshot that its state was reset is said, never silent", async () => {
    const { runtime, events } = runtimeForTest();
    const agent = runtime.spawn(counter);
    agent.send({ type: "add", data: 5 });
    agent.send({ type: "fail", data: "broken" });
    agent.send({ type: "add", data: 2 });
    expect(await agent.ask({ type: "add", data: 0 })).toBe(2);
    expect(events.slice(1)).toMatchObject([
      { kind: "dead-letter", action: "fail", reason: "action-failed" },
      { kind: "agent-failed", action: "fail", error: { message: "broken" }, restart: "transient" },
      { kind: "agent-restarted", from: "initial" },
      { kind: "agent-state-reset" },
    ]);
    await runtime.close();
  });

  test("a snapshot is restored; no figure is told that a turn under way would make wrong", async () => {
    const { runtime, events } = runtimeForTest();
    const keeping = defineAgent({
      name: "keeping",
      state: () => ({ total: 0 }),
      snapshotEvery: 3,
      actions: {
        add: defineAction({
          run: (state: { total: number }, by: number) => ({
            state: { total: state.total + by },
            reply: state.total + by,
          }),
        }),
        fail: defineAction({
          run: (_state: { total: number }): undefined => {
            throw new Error("broken");
          },
        }),
      },
    });
    const agent = runtime.spawn(keeping);
    for (const by of [1, 10, 100, 1000]) await agent.ask({ type: "add", data: by });
    agent.send({ type: "fail" });
    expect(await agent.ask({ type: "add", data: 1 })).toBe(112);
    expect(events).toContainEqual({ kind: "agent-restarted", agent: agent.address, from: "snapshot" });
    await runtime.close();
  });

  test("resume goes on with the state as it was, stop ends the agent", async () => {
    const { runtime } = runtimeForTest();
    const make = (onFailure: "resume" | "stop") =>
      defineAgent({
        name: onFailure,
        onFailure,
        state: () => ({ n: 0 }),
        actions: {
          add: defineAction({ run: (state: { n: number }) => ({ state: { n: state.n + 1 }, reply: state.n + 1 }) }),
          fail: defineAction({
            run: (_state: { n: number }): undefined => {
              throw new Error("broken");
            },
          }),
        },
      });
    const resuming = runtime.spawn(make("resume"));
    await resuming.ask({ type: "add" });
    resuming.send({ type: "fail" });
    expect(await resuming.ask({ type: "add" })).toBe(2);
    const stopping = runtime.spawn(make("stop"));
    stopping.send({ type: "fail" });
    await expect(stopping.ask({ type: "add" })).rejects.toMatchObject({
      code: "AGENT_STOPPED",
      cause: { message: "broken" },
    });
    await runtime.close();
  });

  test("backs off between restarts, and a crash loop ends: never a hot loop", async () => {
    const { runtime, clock, events, kinds } = runtimeForTest({
      restarts: { maxRestarts: 3, withinMs: 5000, backoffMs: 100 },
    });
    const agent = runtime.spawn(counter);
    for (let i = 0; i < 2; i++) await failing(agent);
    expect(agent.status).toBe("restarting");
    const waiting = agent.ask({ type: "add", data: 1 });
    await clock.advance(ms(99));
    expect(agent.status).toBe("restarting");
    await clock.advance(ms(2));
    expect(await waiting).toBe(1);
    await failing(agent);
    await clock.advance(ms(201));
    await failing(agent);
    expect(agent.status).toBe("stopped");
    expect(kinds().filter((kind) => kind === "agent-restarted")).toHaveLength(3);
    expect(events.find(({ kind }) => kind === "supervisor-escalated")).toMatchObject({
      error: { code: "AGENT_CRASH_LOOP", cause: { message: "broken" } },
    });
    await runtime.close();
  });

  test("failures outside the window do not count", async () => {
    const { runtime, clock } = runtimeForTest({ restarts: { maxRestarts: 1, withinMs: 1000 } });
    const agent = runtime.spawn(counter);
    for (let i = 0; i < 5; i++) {
      await failing(agent);
      await clock.advance(ms(1001));
      expect(agent.status).toBe("idle");
    }
    await runtime.close();
  });

  test("a start action that always fails is a crash loop too", async () => {
    const { runtime, clock } = runtimeForTest();
    const broken = defineAgent({
      name: "broken",
      state: () => ({}),
      start: "begin",
      actions: {
        begin: defineAction({
          run: (_state: object): undefined => {
            throw new Error("cannot begin");
          },
        }),
      },
    });
    const agent = runtime.spawn(broken);
    const asked = agent.ask({ type: "begin" }).catch((error: unknown) => error);
    await settled();
    await clock.advance(ms(2000));
    expect(agent.status).toBe("stopped");
    expect(await asked).toMatchObject({ code: "AGENT_STOPPED", cause: { code: "AGENT_CRASH_LOOP" } });
    await runtime.close();
  });

  test("what it was doing ends with AGENT_RESTARTED", async () => {
    const gates = new Gates();
    const { runtime } = runtimeForTest();
    const worker = defineAgent({
      name: "worker",
      state: () => ({}),
      actions: {
        work: defineAction({ mode: "concurrent", run: (_state: object) => gates.wait("work").then(() => undefined) }),
        fail: defineAction({
          run: (_state: object): undefined => {
            throw new Error("broken");
          },
        }),
      },
    });
    const agent = runtime.spawn(worker);
    const working = agent.ask({ type: "work" }).catch((error: unknown) => error);
    agent.send({ type: "fail" });
    expect(await working).toMatchObject({ code: "AGENT_RESTARTED", retryable: true, details: { action: "work" } });
    await runtime.close();
  });
});

describe("strategies", () => {
  const cases: readonly (readonly [SupervisionStrategy, readonly number[]])[] = [
    ["one-for-one", [1]],
    ["one-for-all", [0, 1, 2]],
    ["rest-for-one", [1, 2]],
  ];
  test.each(cases)("%s restarts %j when the second of three fails", async (strategy, restarted) => {
    const { runtime, events } = runtimeForTest();
    const supervisor = runtime.supervisor({ strategy });
    const children = [0, 1, 2].map(() => supervisor.spawn(counter));
    await Promise.all(children.map((child) => child.ask({ type: "add", data: 7 })));
    await failing(children[1]!);
    const totals = await Promise.all(children.map((child) => child.ask({ type: "total" })));
    expect(totals).toEqual(children.map((_, i) => (restarted.includes(i) ? 0 : 7)));
    const order = events.flatMap((event) => (event.kind === "agent-restarted" ? [event.agent] : []));
    expect(order).toEqual(restarted.map((i) => children[i]!.address));
    await runtime.close();
  });

  test("too many failures go up: the parent restarts the whole supervisor, then gives up on it", async () => {
    const { runtime, clock } = runtimeForTest();
    const top = runtime.supervisor({ name: "top", maxRestarts: 1, withinMs: 60_000 });
    const inner = top.supervisor({ name: "inner", maxRestarts: 1, withinMs: 60_000 });
    const [a, b] = [inner.spawn(counter), inner.spawn(counter)];
    b.send({ type: "add", data: 3 });
    await failing(a);
    expect(await b.ask({ type: "total" })).toBe(3);
    await failing(a); // inner gives up; top restarts it with both children
    expect([inner.state, await b.ask({ type: "total" })]).toEqual(["running", 0]);
    await failing(a);
    await failing(a); // inner gives up again, and so does top; its parent restarts it
    await clock.advance(ms(5000));
    expect([top.state, inner.state, a.status]).toEqual(["running", "running", "idle"]);
    await runtime.close();
  });

  test("temporary children are not restarted, and stop ends all children, last started first", async () => {
    const { runtime, events } = runtimeForTest();
    const supervisor = runtime.supervisor({ strategy: "one-for-all" });
    const children = [
      supervisor.spawn(counter),
      supervisor.spawn(counter, { restart: "temporary" }),
      supervisor.spawn(counter),
    ];
    await failing(children[1]!);
    expect(children.map(({ status }) => status)).toEqual(["idle", "stopped", "idle"]);
    supervisor.stop();
    const stopped = events.flatMap((event) => (event.kind === "agent-stopped" ? [event.agent] : []));
    expect(stopped).toEqual([children[1]!.address, children[2]!.address, children[0]!.address]);
    expect(() => supervisor.spawn(counter)).toThrow(expect.objectContaining({ code: "AGENT_STOPPED" }));
    await runtime.close();
  });

  test.each<[SupervisionStrategy, string[]]>([
    ["one-for-one", ["idle", "idle", "idle"]],
    ["one-for-all", ["stopped", "idle", "stopped"]],
    ["rest-for-one", ["idle", "idle", "stopped"]],
  ])("%s: a temporary child that another's failure takes along ends", async (strategy, statuses) => {
    const { runtime } = runtimeForTest();
    const supervisor = runtime.supervisor({ strategy });
    const children = (["temporary", "transient", "temporary"] as const).map((restart) =>
      supervisor.spawn(counter, { restart }),
    );
    await failing(children[1]!);
    expect(children.map(({ status }) => status)).toEqual(statuses);
    expect(await children[1]!.ask({ type: "add", data: 1 })).toBe(1);
    await runtime.close();
  });

  test("a supervisor that is restarted has no temporary children any more", async () => {
    const { runtime } = runtimeForTest();
    const inner = runtime.supervisor().supervisor({ maxRestarts: 0 });
    const [lasting, temporary] = [inner.spawn(counter), inner.spawn(counter, { restart: "temporary" })];
    await failing(lasting);
    expect([inner.state, lasting.status, temporary.status]).toEqual(["running", "idle", "stopped"]);
    await runtime.close();
  });

  test("a watcher that stops the supervisor at the end of a temporary child leaves no restart behind", async () => {
    const { runtime, clock } = runtimeForTest();
    const supervisor = runtime.supervisor({ strategy: "one-for-all" });
    const failed = supervisor.spawn(counter);
    await failing(failed); // the next restart waits
    runtime.monitor(supervisor.spawn(counter, { restart: "temporary" }), () => supervisor.stop());
    await failing(failed);
    await clock.advance(ms(1000));
    expect([supervisor.state, failed.status]).toEqual(["ended", "stopped"]);
    await runtime.close();
  });
});

describe("monitor and link", () => {
  test("a watcher learns of a failure in the turn in which it happens, and of the end", async () => {
    const { runtime } = runtimeForTest();
    const agent = runtime.spawn(counter, { name: "watched" });
    const news: Down[] = [];
    runtime.monitor(agent, (down) => news.push(down));
    let seenBeforeReply = -1;
    await agent.ask({ type: "fail", data: "x" }).catch(() => (seenBeforeReply = news.length));
    expect(seenBeforeReply).toBe(1);
    await agent.stop({ reason: "enough" });
    expect(news).toMatchObject([
      { address: agent.address, name: "watched", reason: "crashed", error: { message: "x" }, mayRestart: true },
      { reason: "enough", mayRestart: false },
    ]);
    const late: Down[] = [];
    runtime.monitor(agent, (down) => late.push(down));
    expect(late).toMatchObject([{ reason: "stopped" }]);
    await runtime.close();
  });

  test("a watcher that throws harms nobody and is reported; one that has ended hears nothing", async () => {
    const { runtime, kinds } = runtimeForTest();
    const agent = runtime.spawn(counter);
    let heard = 0;
    runtime.monitor(agent, () => {
      throw new Error("broken watcher");
    });
    runtime.monitor(agent, () => heard++);
    runtime.monitor(agent, () => (heard += 100))();
    await agent.stop();
    expect(heard).toBe(1);
    expect(kinds()).toContain("observer-failed");
    await runtime.close();
  });

  test("linked agents fail together, also in a circle; one that stops as it should takes nobody along", async () => {
    const { runtime, events } = runtimeForTest();
    const agents = [0, 1, 2].map(() => runtime.spawn(counter));
    const next = (i: number): AgentRef<never> => agents[(i + 1) % 3] as unknown as AgentRef<never>;
    agents.forEach((agent, i) => void runtime.link(agent, next(i)));
    await failing(agents[0]!);
    const failed = events.flatMap((event) => (event.kind === "agent-failed" ? [event.agent] : []));
    expect(failed.toSorted()).toEqual(agents.map(({ address }) => address).toSorted());
    expect(agents.map(({ status }) => status)).toEqual(["idle", "idle", "idle"]);
    runtime.link(agents[0]!, agents[1]!);
    await agents[0]!.stop();
    expect(agents[1]!.status).toBe("idle");
    await runtime.close();
  });

  test("a link to an agent that has ended breaks at once, from either side", async () => {
    const { runtime, events } = runtimeForTest();
    const [dead, left, right] = [runtime.spawn(counter), runtime.spawn(counter), runtime.spawn(counter)];
    await left.ask({ type: "add", data: 1 });
    await dead.stop();
    runtime.link(left, dead);
    runtime.link(dead, right)();
    runtime.link(dead, dead);
    expect(events.filter(({ kind }) => kind === "agent-failed")).toMatchObject(
      [left, right].map(({ address }) => ({
        agent: address,
        error: { code: "AGENT_LINK_BROKEN", details: { address, failed: dead.address } },
      })),
    );
    expect(await left.ask({ type: "total" })).toBe(0);
    await runtime.close();
  });

  test("unlinked agents fail alone", async () => {
    const { runtime, events } = runtimeForTest();
    const [a, b] = [runtime.spawn(counter), runtime.spawn(counter)];
    runtime.link(a, b)();
    await failing(a);
    expect(events.filter(({ kind }) => kind === "agent-failed")).toHaveLength(1);
    await runtime.close();
  });
});
