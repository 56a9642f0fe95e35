import { describe, expect, test } from "vitest";
import { allSwitches, defineAction, defineAgent, type Signal, type Switches } from "../../src/index.ts";
import type { AgentCell } from "../../src/runtime/agent-cell.ts";
import { runtimeForTest, settled } from "../support.ts";

interface Log {
  readonly seen: readonly unknown[];
}

const log = defineAgent({
  name: "log",
  state: (): Log => ({ seen: [] }),
  actions: {
    add: defineAction({
      run: (state: Log, value: unknown) => ({ state: { seen: [...state.seen, value] }, reply: state.seen.length + 1 }),
    }),
    seen: defineAction({ mode: "read", run: (state: Log) => ({ reply: state.seen }) }),
  },
});

const settings: Partial<Switches>[] = [
  {},
  ...Object.keys(allSwitches).map((name) => ({ [name]: false })),
  Object.fromEntries(Object.keys(allSwitches).map((name) => [name, false])),
];

describe("switches change the cost, never the result", () => {
  test.each(settings)("%j", async (switches) => {
    const { runtime } = runtimeForTest({ switches });
    const agent = runtime.spawn(log);
    for (let i = 0; i < 20; i++) agent.send({ type: "add", data: { i } });
    expect(await agent.ask({ type: "add", data: { i: 20 } })).toBe(21);
    expect(await agent.ask({ type: "seen" })).toEqual(Array.from({ length: 21 }, (_, i) => ({ i })));
    await runtime.close();
  });
});

test("zeroCopy: the receiver gets the object itself; off, a copy", async () => {
  const sent = { deep: { value: 1 } };
  const same = async (zeroCopy: boolean): Promise<boolean> => {
    const { runtime } = runtimeForTest({ switches: { zeroCopy } });
    const agent = runtime.spawn(log);
    agent.send({ type: "add", data: sent });
    await settled();
    const [received] = await agent.ask({ type: "seen" });
    expect(received).toEqual(sent);
    await runtime.close();
    return received === sent;
  };
  expect([await same(true), await same(false)]).toEqual([true, false]);
});

test("zeroCopy off: what cannot be copied is a typed error to the sender, as between threads", async () => {
  const { runtime } = runtimeForTest({ switches: { zeroCopy: false } });
  const agent = runtime.spawn(log);
  expect(() => agent.send({ type: "add", data: () => 1 })).toThrow(
    expect.objectContaining({ code: "AGENT_NOT_CLONEABLE" }),
  );
  await expect(agent.ask({ type: "add", data: () => 1 })).rejects.toMatchObject({ code: "AGENT_NOT_CLONEABLE" });
  await runtime.close();
});

test("pooling: the room of a mailbox that has ended serves the next one; off, each makes its own", async () => {
  const roomsOf = async (pooling: boolean): Promise<[unknown, unknown]> => {
    const { runtime } = runtimeForTest({ switches: { pooling } });
    const room = async (): Promise<unknown> => {
      const agent = runtime.spawn(log);
      agent.pause();
      for (let i = 0; i < 3; i++) agent.send({ type: "add", data: i });
      const { box } = agent as unknown as AgentCell;
      agent.resume();
      expect(await agent.ask({ type: "seen" })).toEqual([0, 1, 2]); // nothing of the one before is in it
      await agent.stop();
      return box;
    };
    const rooms: [unknown, unknown] = [await room(), await room()];
    await runtime.close();
    return rooms;
  };
  const [first, second] = await roomsOf(true);
  expect(second).toBe(first);
  const [own, other] = await roomsOf(false);
  expect([own === undefined, other === own]).toEqual([false, false]);
});

test("caching off: signals find their agents, also after the routes have changed", async () => {
  const { runtime } = runtimeForTest({ switches: { caching: false } });
  const listening = defineAgent({
    name: "listening",
    state: (): Log => ({ seen: [] }),
    signals: { "orders.**": "see" },
    actions: {
      see: defineAction({ run: ({ seen }: Log, { data }: Signal) => ({ state: { seen: [...seen, data] } }) }),
      seen: defineAction({ mode: "read", run: ({ seen }: Log) => ({ reply: seen }) }),
    },
  });
  const first = runtime.spawn(listening);
  for (const data of [1, 2]) runtime.bus.emit("orders.created", "shop", data);
  const second = runtime.spawn(listening);
  runtime.bus.emit("orders.created", "shop", 3);
  expect([await first.ask({ type: "seen" }), await second.ask({ type: "seen" })]).toEqual([[1, 2, 3], [3]]);
  await runtime.close();
});
