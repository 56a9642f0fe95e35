import { MettleError, ms, Random } from "@mettle/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { defineAction, defineAgent } from "../../src/index.ts";
import { Gates, runtimeForTest, settled } from "../support.ts";

interface Log {
  readonly seen: readonly number[];
}

function makeAgent(gates: Gates) {
  return defineAgent({
    name: "any",
    state: (): Log => ({ seen: [] }),
    snapshotEvery: 1,
    actions: {
      write: defineAction({ run: (state: Log, n: number) => ({ state: { seen: [...state.seen, n] }, reply: n }) }),
      slow: defineAction({
        timeoutMs: 400,
        run: async (state: Log, n: number) => {
          await gates.wait(String(n));
          return { state: { seen: [...state.seen, n] }, reply: n };
        },
      }),
      concurrent: defineAction({
        mode: "concurrent",
        timeoutMs: 400,
        run: async (_state: Log, n: number) => {
          await gates.wait(String(n));
          return { update: (latest: Log) => ({ seen: [...latest.seen, n] }), reply: n };
        },
      }),
      fail: defineAction({
        run: (_state: Log, n: number): undefined => {
          throw new Error(String(n));
        },
      }),
      seen: defineAction({ mode: "read", run: (state: Log) => ({ reply: state.seen }) }),
    },
  });
}

test("no request without a reply or a coded error, under random failures, pauses, restarts and stops", async () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("write" as const, "slow" as const, "concurrent" as const) },
    { weight: 2, arbitrary: fc.constantFrom("fail" as const, "open" as const, "break" as const) },
    { weight: 1, arbitrary: fc.constantFrom("pause" as const, "resume" as const, "wait" as const, "turn" as const) },
    { weight: 1, arbitrary: fc.constantFrom("stop" as const, "drain" as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.nat(), async (steps, seed) => {
      const random = new Random(seed);
      const gates = new Gates();
      const { runtime, clock } = runtimeForTest({ mailboxLimit: 8 });
      const agent = runtime.spawn(makeAgent(gates));
      const asked: Promise<number>[] = [];
      const outcomes = new Map<number, "pending" | number | MettleError>();
      for (const [n, kind] of steps.entries()) {
        const gate = gates.names[random.below(Math.max(gates.names.length, 1))];
        if (kind === "pause") agent.pause();
        else if (kind === "resume") agent.resume();
        else if (kind === "wait") await clock.advance(ms(random.below(300)));
        else if (kind === "turn") await settled();
        else if (kind === "stop") void agent.stop();
        else if (kind === "drain") void agent.stop({ drain: true });
        else if (kind === "open" || kind === "break") {
          if (gate !== undefined)
            await (kind === "open" ? gates.open(gate) : gates.break(gate, new Error("broken gate")));
        } else {
          const request = agent.ask({ type: kind, data: n }, { timeout: 200 + random.below(600) }) as Promise<number>;
          outcomes.set(n, "pending");
          asked.push(request);
          request.then(
            (value) => outcomes.set(n, value),
            (error: unknown) => outcomes.set(n, error as MettleError),
          );
        }
      }
      await settled();
      await clock.advance(ms(2000));
      agent.resume();
      await settled();
      await clock.advance(ms(2000));
      await Promise.allSettled(asked);
      for (const [n, outcome] of outcomes) {
        if (outcome instanceof MettleError) expect(outcome.code).toMatch(/^AGENT_/);
        else expect(outcome).toBe(n);
      }
      await runtime.close({ drain: false });
    }),
    { numRuns: 150 },
  );
});

test("messages of one sender to one agent are handled in the order sent, whatever else happens in between", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom("send", "pause", "resume", "turn"), { maxLength: 60 }), async (steps) => {
      const { runtime } = runtimeForTest();
      const agent = runtime.spawn(makeAgent(new Gates()));
      const sent: number[] = [];
      for (const [n, kind] of steps.entries()) {
        if (kind === "send") {
          agent.send({ type: "write", data: n });
          sent.push(n);
        } else if (kind === "pause") agent.pause();
        else if (kind === "resume") agent.resume();
        else await settled();
      }
      agent.resume();
      await settled();
      expect(await agent.ask({ type: "seen" })).toEqual(sent);
      await runtime.close();
    }),
    { numRuns: 60 },
  );
});
