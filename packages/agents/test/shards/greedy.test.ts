import { expect, test } from "vitest";
import { defineAction, defineAgent } from "../../src/index.ts";
import type { AgentCell } from "../../src/runtime/agent-cell.ts";
import { strike } from "../../src/shards/greedy.ts";
import type { ShardPool } from "../../src/shards/shard-pool.ts";
import { Gates, runtimeForTest, settled } from "../support.ts";

class Account {
  readonly balance: number = 0;
}

const gates = new Gates();
const working = defineAgent({
  name: "working",
  module: import.meta.url,
  state: (): object => ({}),
  actions: {
    wait: defineAction({ run: (_state: object) => gates.wait("work").then(() => undefined) }),
    own: defineAction({ run: (_state: object) => ({ state: new Account() }) }),
    fail: defineAction({
      run: (_state: object): undefined => {
        throw new Error("broken");
      },
    }),
  },
});

test("only an agent that goes on, with a state that comes back as it was, is moved to another thread", async () => {
  const { runtime, events } = runtimeForTest({ restarts: { backoffMs: 1000 } });
  let moved = 0;
  const pool = {
    adopt: () => {
      moved += 1;
      throw new Error("no thread in this test");
    },
  } as unknown as ShardPool;
  const reportOf = (agent: unknown): string | undefined => {
    events.length = 0;
    for (let i = 0; i < 3; i++) strike(agent as AgentCell, 10, pool);
    const report = events.find(({ kind }) => kind === "agent-greedy") as { keptBecause?: string } | undefined;
    return report?.keptBecause;
  };
  const stopped = runtime.spawn(working);
  await stopped.stop();
  expect(reportOf(stopped)).toBeUndefined();
  const stopping = runtime.spawn(working);
  stopping.send({ type: "wait" });
  await settled();
  void stopping.stop({ drain: true });
  expect(reportOf(stopping)).toBe("it is stopping");
  const restarting = runtime.spawn(working);
  restarting.send({ type: "fail" });
  restarting.send({ type: "fail" });
  await settled();
  expect(reportOf(restarting)).toBe("it is restarting");
  const paused = runtime.spawn(working);
  paused.pause();
  expect(reportOf(paused)).toBe("it is paused");
  const own = runtime.spawn(working);
  own.send({ type: "own" });
  await settled();
  expect(reportOf(own)).toBe("its state has parts that another thread would get as something else");
  expect(moved).toBe(0);
  expect(reportOf(runtime.spawn(working))).toBe("no thread in this test");
  await gates.open("work");
  await runtime.close();
});
