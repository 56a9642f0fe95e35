import type { Runtime } from "@mettle/agents";
import { describe, expect, it } from "vitest";
import { runtimeForMeasuring } from "../../src/adapters/mettle/runtime.ts";
import { decide } from "../../src/catalogue/limits/delays.ts";
import { measureMemoryLimits } from "../../src/catalogue/limits/allocation.ts";
import { measureCrashLoops } from "../../src/catalogue/limits/exhaustion.ts";
import { measurePriority } from "../../src/catalogue/limits/priority.ts";
import { Recorder } from "../../src/measure/recorder.ts";
import {
  eventEmitter,
  judged,
  measured,
  mettle,
  type Open,
  replacing,
  scenarioOf,
  trial,
  type Trial,
} from "../trial.ts";

type Measure = (record: Recorder, seconds: number, signal: AbortSignal, create: () => Runtime) => Promise<void>;

/** A scenario of our own runtime, on a runtime made otherwise. */
async function on(id: string, measure: Measure, create: () => Runtime): Promise<Trial> {
  const record = new Recorder([], { platform: "tried" });
  await measure(record, 0.02, new AbortController().signal, create);
  return judged(scenarioOf(id), record.measurements());
}

/** A platform that says it has limits and has none. */
const boundless: Open = (options) => replacing(eventEmitter(options), { limits: { ceiling: 2000, mailbox: 1000 } });

describe("ceilings", () => {
  it("pass where what is over them is refused", async () => {
    const tried = await trial("limits.ceiling", mettle, { seconds: 0.05 });
    expect(tried.wrong).toEqual([]);
    expect(measured(tried, "limits.ceiling.refused")).toMatchObject({
      summary: { count: 100, rate: 1 },
      notes: ["refused as AGENT_CEILING_REACHED"],
    });
  });

  it("that are none are found", async () => {
    expect((await trial("limits.ceiling", boundless, { seconds: 0.05 })).missed).toContain(
      "limits.ceiling.refused rate == 1",
    );
  });

  it("that stay reached when there is room again are found", async () => {
    const stuck: Open = (options) => {
      const platform = mettle(options);
      let full = false;
      return replacing(platform, {
        spawn: (settings) => {
          if (full) throw new Error("full");
          try {
            return platform.spawn(settings);
          } catch (error) {
            full = true;
            throw error;
          }
        },
      });
    };
    expect((await trial("limits.ceiling", stuck, { seconds: 0.05 })).missed).toContain(
      "limits.ceiling.recovered rate == 1",
    );
  });
});

describe("mailboxes", () => {
  it("pass where each message is taken or refused", async () => {
    expect((await trial("limits.mailbox", mettle)).missed).not.toContain("limits.mailbox.intact rate == 1");
    expect((await trial("limits.mailbox", mettle)).missed).not.toContain("limits.mailbox.refused rate == 1");
  });

  it("that swallow what is too much are found", async () => {
    const swallowing: Open = (options) => {
      const platform = mettle(options);
      return replacing(platform, {
        send: (agent, message) => {
          try {
            return platform.send(agent, message);
          } catch {
            return undefined;
          }
        },
      });
    };
    const { missed } = await trial("limits.mailbox", swallowing);
    expect(missed).toEqual(
      expect.arrayContaining(["limits.mailbox.refused rate == 1", "limits.mailbox.intact rate == 1"]),
    );
  });

  it("pass where a refusal comes later, as a promise", async () => {
    const later: Open = (options) => {
      const platform = mettle(options);
      return replacing(platform, {
        send: async (agent, message) => {
          await platform.send(agent, message);
        },
      });
    };
    expect((await trial("limits.mailbox", later)).wrong).toEqual([]);
  });

  it("without an end are found", async () => {
    expect((await trial("limits.mailbox", boundless)).missed).toContain("limits.mailbox.refused rate == 1");
  });
});

describe("crash loops", () => {
  it("end within the supervisor's limits", async () => {
    const tried = await on("limits.crash-loop", measureCrashLoops, runtimeForMeasuring);
    expect(tried.wrong).toEqual([]);
    expect(measured(tried, "limits.crash-loop.restarts").summary.max).toBeLessThanOrEqual(3);
  });

  it("that a supervisor never gives up are found", async () => {
    const patient = (): Runtime => {
      const runtime = runtimeForMeasuring();
      return new Proxy(runtime, {
        get: (target, key) => {
          if (key === "supervisor")
            return () => target.supervisor({ maxRestarts: 5, backoffMs: 1, restart: "temporary" });
          const value: unknown = Reflect.get(target, key, target);
          return typeof value === "function" ? (value.bind(target) as unknown) : value;
        },
      });
    };
    expect((await on("limits.crash-loop", measureCrashLoops, patient)).missed).toContain(
      "limits.crash-loop.ended rate == 1",
    );
  });
});

describe("memory limits of agents", () => {
  it("warn and stop", async () => {
    const tried = await on("limits.agent-memory", measureMemoryLimits, runtimeForMeasuring);
    expect(tried.wrong).toEqual([]);
  });

  it("that nobody looks at are found", async () => {
    const careless = (): Runtime => {
      const runtime = runtimeForMeasuring();
      const spawn: Runtime["spawn"] = (definition, options) => {
        const { memoryLimitBytes: _ignored, ...rest } = options ?? {};
        return runtime.spawn(definition, rest);
      };
      return new Proxy(runtime, {
        get: (target, key) => {
          if (key === "spawn") return spawn;
          const value: unknown = Reflect.get(target, key, target);
          return typeof value === "function" ? (value.bind(target) as unknown) : value;
        },
      });
    };
    const { missed } = await on("limits.agent-memory", measureMemoryLimits, careless);
    expect(missed).toEqual(
      expect.arrayContaining(["limits.agent-memory.warned rate == 1", "limits.agent-memory.stopped rate == 1"]),
    );
  });
});

describe("priorities", () => {
  it("put an agent before the others", async () => {
    expect((await on("limits.priority", measurePriority, runtimeForMeasuring)).wrong).toEqual([]);
  });

  it("that are ignored are found", async () => {
    const equal = (): Runtime => {
      const runtime = runtimeForMeasuring();
      const spawn: Runtime["spawn"] = (definition, { priority: _ignored, ...rest } = {}) =>
        runtime.spawn(definition, rest);
      return new Proxy(runtime, {
        get: (target, key) => {
          if (key === "spawn") return spawn;
          const value: unknown = Reflect.get(target, key, target);
          return typeof value === "function" ? (value.bind(target) as unknown) : value;
        },
      });
    };
    expect((await on("limits.priority", measurePriority, equal)).missed).toContain("limits.priority.first rate > 0.95");
  });
});

describe("delays", () => {
  it("of a seed give the same decision again", () => {
    const link = { min: 1, max: 10, loss: 0.05 };
    const once = decide(link, 7);
    expect(once.agreed).toBe(true);
    expect(decide(link, 7)).toEqual(once);
    expect(decide(link, 8)).not.toEqual(once);
  });

  it("bound the decision from below: three ways one after the other", () => {
    for (let seed = 0; seed < 20; seed++) {
      const { tookMs } = decide({ min: 10, max: 10, loss: 0 }, seed);
      expect(tookMs).toBe(30);
    }
  });

  it("are no excuse for a wrong answer", async () => {
    const muddled: Open = (options) => {
      const platform = mettle(options);
      return replacing(platform, {
        ask: (agent, message, timeoutMs) =>
          message.type === "echo" ? Promise.resolve(0) : platform.ask(agent, message, timeoutMs),
      });
    };
    expect((await trial("limits.delays.requests", muddled)).missed).toContain("limits.delays.answered rate == 1");
    expect((await trial("limits.delays.requests", mettle)).missed).not.toContain("limits.delays.answered rate == 1");
  });
});
