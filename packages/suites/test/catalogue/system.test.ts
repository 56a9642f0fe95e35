import { AgentRegistry, type AnyRef, type Runtime } from "@mettle/agents";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { worker } from "../../src/adapters/mettle/agents.ts";
import { runtimeForMeasuring } from "../../src/adapters/mettle/runtime.ts";
import { namespacesApart } from "../../src/catalogue/registry/scale.ts";
import { type Component, components, measureComponents, startOrder } from "../../src/catalogue/system/components.ts";
import { heldBy, openUseClose } from "../../src/catalogue/system/growth.ts";
import { stressSandboxes } from "../../src/catalogue/system/sandboxes.ts";
import { startInProcess } from "../../src/catalogue/system/startup-process.ts";
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

const signal = new AbortController().signal;

/** A runtime with one of its functions replaced. */
function changed(parts: (runtime: Runtime) => Partial<Runtime>): () => Runtime {
  return () => {
    const runtime = runtimeForMeasuring();
    const own = parts(runtime);
    return new Proxy(runtime, {
      get: (target, key) => {
        if (Object.hasOwn(own, key)) return own[key as keyof Runtime];
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  };
}

describe("components (S2-134)", () => {
  const trialOf = async (create: () => Runtime): Promise<Trial> => {
    const record = new Recorder([], { platform: "tried" });
    await measureComponents({ record, seconds: 0.02, signal, create });
    return judged(scenarioOf("system.components"), record.measurements());
  };

  it("start in the order of their dependencies, recover from failing starts, and restart", async () => {
    expect((await trialOf(runtimeForMeasuring)).wrong).toEqual([]);
  });

  it("that are not started again are found", async () => {
    const impatient = changed((runtime) => ({
      supervisor: (options) => runtime.supervisor({ ...options, maxRestarts: 0, restart: "temporary" }),
    }));
    const { wrong } = await trialOf(impatient);
    expect(wrong).toEqual(["system.components.recovered rate == 1", "system.components.restarted rate == 1"]);
  });

  it("are ordered so that each comes after what it needs, whatever the graph", () => {
    const graphs = fc.array(fc.array(fc.nat(30), { maxLength: 4 }), { minLength: 1, maxLength: 30 }).map((edges) =>
      edges.map(
        (on, i): Component => ({
          name: `c${i}`,
          // Only on earlier ones: no circle. Shuffled by the property below.
          dependsOn: [...new Set(on.filter((each) => each < i).map((each) => `c${each}`))],
        }),
      ),
    );
    fc.assert(
      fc.property(
        graphs.chain((graph) => fc.shuffledSubarray(graph, { minLength: graph.length })),
        (parts) => {
          const places = new Map(startOrder(parts).map(({ name }, place) => [name, place]));
          expect(places.size).toBe(parts.length);
          for (const { name, dependsOn } of parts)
            for (const each of dependsOn) expect(places.get(each)!).toBeLessThan(places.get(name)!);
        },
      ),
    );
  });

  it("in a circle are refused", () => {
    expect(() =>
      startOrder([
        { name: "a", dependsOn: ["b"] },
        { name: "b", dependsOn: ["a"] },
      ]),
    ).toThrow("circle");
    expect(startOrder(components)[0]?.name).toBe("config");
  });
});

describe("what a runtime holds", () => {
  it("goes when it is closed", async () => {
    expect(await openUseClose(runtimeForMeasuring)).toEqual({ open: 61, closed: 0 });
  });

  it("is counted while it is there", async () => {
    const runtime = runtimeForMeasuring();
    expect(heldBy(runtime)).toBe(0);
    const agent = runtime.spawn(worker);
    runtime.registry.register({ namespace: "test", name: "one", agent, metadata: { type: "worker" } });
    runtime.bus.subscribe("a.b", () => undefined);
    expect(heldBy(runtime)).toBe(3);
    await runtime.close();
  });

  it("is found when closing leaves it", async () => {
    const kept: Runtime[] = [];
    const leaking = changed((runtime) => {
      kept.push(runtime);
      return { close: () => Promise.resolve() };
    });
    expect((await openUseClose(leaking)).closed).toBe(60);
    for (const runtime of kept) await runtime.close({ drain: false });
  });
});

describe("sandboxes", () => {
  const trialOf = async (create: () => Runtime): Promise<Trial> => {
    const record = new Recorder([], { platform: "tried" });
    await stressSandboxes(record, { seconds: 0.02, parallel: 10, signal, create });
    return judged(scenarioOf("system.sandboxes"), record.measurements());
  };

  it("are apart, complete and gone afterwards", async () => {
    const tried = await trialOf(runtimeForMeasuring);
    expect(tried.wrong).toEqual([]);
    expect(measured(tried, "system.sandbox.success").summary.count).toBeGreaterThanOrEqual(100);
  });

  it("that outlive their end are found", async () => {
    const kept: Runtime[] = [];
    const lingering = changed((runtime) => {
      kept.push(runtime);
      return { close: () => Promise.resolve() };
    });
    expect((await trialOf(lingering)).wrong).toContain("system.sandbox.success rate == 1");
    for (const runtime of kept) await runtime.close({ drain: false });
  });
});

describe("startup", () => {
  it("is timed in a process of its own", async () => {
    const times = await startInProcess("event-emitter", signal);
    expect(times.answered).toBe(true);
    expect(times.startupMs).toBeGreaterThan(0);
    expect(times.readyMs).toBeGreaterThan(times.startupMs);
  });

  it("of a platform that there is not is an error with what the process said", async () => {
    await expect(startInProcess("nowhere", signal)).rejects.toMatchObject({
      code: "PLATFORM_REQUEST_FAILED",
      message: expect.stringContaining("ended with 1") as string,
    });
  });

  it("that does not lead to a working platform is found", async () => {
    const dead: Open = (options) => replacing(eventEmitter(options), { ask: () => Promise.resolve(undefined) });
    expect((await trial("system.initialization", dead)).wrong).toContain("system.initialization.works rate == 1");
    expect((await trial("system.initialization", mettle)).wrong).toEqual([]);
  });
});

describe("the registry", () => {
  it("keeps namespaces apart", async () => {
    const runtime = runtimeForMeasuring();
    const agents = Array.from({ length: 200 }, (): AnyRef => runtime.spawn(worker));
    expect(namespacesApart(new AgentRegistry<AnyRef>(), agents)).toEqual([100, 100]);
    await runtime.close();
  });

  it("that mixes them up is found", async () => {
    const runtime = runtimeForMeasuring();
    const agents = Array.from({ length: 200 }, (): AnyRef => runtime.spawn(worker));
    class OneNamespace extends AgentRegistry<AnyRef> {
      override lookup(_namespace: string, name: string) {
        return super.lookup("production", name);
      }
    }
    const [right] = namespacesApart(new OneNamespace(), agents);
    expect(right).toBe(0);
    await runtime.close();
  });

  it("that forgets too late is found", async () => {
    const remembering: Open = (options) => {
      const platform = eventEmitter(options);
      return replacing(platform, { registry: { ...platform.registry!, forgetsDead: true } });
    };
    expect((await trial("registry.cleanup", remembering)).wrong).toContain("registry.cleanup.gone rate == 1");
    expect((await trial("registry.cleanup", mettle)).wrong).toEqual([]);
  });

  it("that answers wrongly while it is written to is found", async () => {
    const stale: Open = (options) => {
      const platform = mettle(options);
      const { registry } = platform;
      let lookups = 0;
      return replacing(platform, {
        registry: { ...registry!, lookup: (name) => (lookups++ % 50 === 0 ? undefined : registry!.lookup(name)) },
      });
    };
    expect((await trial("registry.reads", stale)).wrong).toContain("registry.reads.right rate == 1");
    expect((await trial("registry.reads", mettle)).wrong).toEqual([]);
  });

  it("that scans is found by how it grows", async () => {
    const scanning: Open = (options) => {
      const platform = mettle(options);
      const { registry } = platform;
      const names: string[] = [];
      return replacing(platform, {
        registry: {
          ...registry!,
          register: (name, agent, description) => {
            names.push(name);
            return registry!.register(name, agent, description);
          },
          lookup: (name) => registry!.lookup(names.find((each) => each === name)!),
        },
      });
    };
    const growth = async (open: Open): Promise<number> =>
      measured(await trial("registry.scale", open), "registry.scale.lookup.growth-per-tenfold").summary.mean!;
    expect(await growth(scanning)).toBeGreaterThan(3);
  });
});

describe("settings and the journal", () => {
  it("that lose or mix up what they were given are found", async () => {
    const forgetful: Open = (options) => {
      const platform = mettle(options);
      let appended = 0;
      return replacing(platform, {
        settings: { get: (path) => (path === "name" ? "other" : platform.settings!.get(path)) },
        journal: {
          count: (correlation) => platform.journal!.count(correlation),
          append: (type, correlation, data) =>
            appended++ % 7 === 0 ? undefined : platform.journal!.append(type, correlation, data),
        },
      });
    };
    expect((await trial("system.configuration", forgetful)).wrong).toContain("configuration.right rate == 1");
    expect((await trial("system.journal", forgetful)).wrong).toContain("journal.found rate == 1");
    expect((await trial("system.configuration", mettle)).wrong).toEqual([]);
    expect((await trial("system.journal", mettle)).wrong).toEqual([]);
  });
});

describe("load", () => {
  it("counts requests that fail", async () => {
    const failing: Open = (options) => {
      const platform = mettle(options);
      let asked = 0;
      return replacing(platform, {
        ask: (agent, message, timeoutMs) =>
          asked++ % 100 === 99 ? Promise.reject(new Error("lost")) : platform.ask(agent, message, timeoutMs),
      });
    };
    const tried = await trial("system.load", failing, { seconds: 0.5 });
    expect(tried.wrong).toContain("system.load.success rate == 1");
    expect(measured(tried, "system.load.request.time", { rate: "20000" }).errors?.kinds).toEqual({ Error: 20 });
  });
});
