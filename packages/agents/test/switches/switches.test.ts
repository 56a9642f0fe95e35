import { describe, expect, test } from "vitest";
import { allSwitches, defineAction, defineAgent, type Switches } from "../../src/index.ts";
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
