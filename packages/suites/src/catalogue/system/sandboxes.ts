import { type Runtime, type SupervisorRef } from "@mettle/agents";
import { runtimeForMeasuring } from "../../adapters/mettle/runtime.ts";
import { measureMemoryPerThing } from "@mettle/bench";
import { worker } from "../../adapters/mettle/agents.ts";
import { failureKind } from "../../measure/operations.ts";
import type { Recorder } from "../../measure/recorder.ts";
import { nowNs } from "../../measure/time.ts";
import { type Scenario, timesBeyondSmoke } from "../scenario.ts";

/** An environment of its own: a runtime, a supervisor, children. */
interface Sandbox extends AsyncDisposable {
  readonly id: string;
  readonly runtime: Runtime;
  readonly supervisor: SupervisorRef;
  readonly children: number;
}

/** Opens a sandbox that is ready to use. */
function openSandbox(id: string, children: number, create: () => Runtime): Sandbox {
  const runtime = create();
  const supervisor = runtime.supervisor({ name: `${id}/supervisor` });
  for (let i = 0; i < children; i++) supervisor.spawn(worker, { name: `${id}/child-${i}` });
  return { id, runtime, supervisor, children, [Symbol.asyncDispose]: () => runtime.close({ drain: false }) };
}

/** Only the runtime. */
function bareSandbox(): Omit<Sandbox, "supervisor"> {
  const runtime = runtimeForMeasuring();
  return { id: "bare", runtime, children: 0, [Symbol.asyncDispose]: () => runtime.close({ drain: false }) };
}

const childCount = 10;

/** Opens, uses and closes sandboxes of unique ids, several at a time. */
export async function stressSandboxes(
  record: Recorder,
  options: {
    readonly seconds: number;
    readonly parallel: number;
    readonly signal: AbortSignal;
    readonly create: () => Runtime;
  },
): Promise<void> {
  const { seconds, parallel, signal, create } = options;
  const created = record.operation("system.sandbox.creation.time", { requirement: ["S2-010"] });
  const cycles = record.operation("system.sandbox.cycle.time", { requirement: ["S2-012"] });
  const end = nowNs() + seconds * 1e9;
  let next = 0;
  let good = 0;
  const one = async (id: string): Promise<void> => {
    const start = nowNs();
    try {
      const sandbox = openSandbox(id, childCount, create);
      created.times.record(nowNs() - start);
      const child = sandbox.runtime.find(`${id}/child-0`);
      const answered = (await child?.ask({ type: "add", data: 3 })) === 3;
      const complete = sandbox.runtime.stats().agents === childCount;
      await sandbox[Symbol.asyncDispose]();
      cycles.times.record(nowNs() - start);
      if (answered && complete && sandbox.runtime.stats().agents === 0) good += 1;
    } catch (error) {
      cycles.fail(failureKind(error));
    }
  };
  while (next < 100 || (nowNs() < end && next < 5000)) {
    signal.throwIfAborted();
    const batch = Array.from({ length: parallel }, () => one(`sandbox-${next++}`));
    await Promise.all(batch);
  }
  record.rate("system.sandbox.success", good, next, { requirement: ["S2-012"] });
}

/** Bytes of one sandbox with so many children, with and without its supervisor, by slope. */
async function perSandbox(
  kind: string,
  make: () => AsyncDisposable,
  signal: AbortSignal,
  record: Recorder,
): Promise<number> {
  const slopes = await measureMemoryPerThing({
    counts: [5, 20],
    repeats: 2,
    signal,
    make: (count) => Array.from({ length: count }, make),
    release: async (sandboxes) => {
      for (const sandbox of sandboxes) await sandbox[Symbol.asyncDispose]();
    },
  });
  const { slopeBytes, low, high, confidence } = slopes.isolate;
  const bytes = Math.max(0, slopeBytes);
  record.value("system.sandbox.memory", bytes, {
    unit: "bytes",
    direction: "lower",
    tags: { part: kind },
    requirement: ["S2-011"],
    interval: { of: "slope", low, high, confidence, method: "least squares over 5 and 20 sandboxes" },
  });
  return bytes;
}

const sandboxes: Scenario = {
  id: "system.sandboxes",
  suite: "system",
  group: "resource_efficiency_tests",
  needs: ["mettle"],
  title: "Sandboxes of a runtime, a supervisor and 10 children: opened, measured, and 10 at a time opened and closed",
  requirement: ["S2-010", "S2-011", "S2-012"],
  seconds: timesBeyondSmoke(2),
  rules: {
    thresholds: {
      "system.sandbox.success": { threshold: "rate == 1", severity: "critical", requirement: ["S2-012"] },
      "system.sandbox.creation.time": { threshold: "p(95) < 100ms", requirement: ["S2-010"] },
      "system.sandbox.memory{part:total}": { threshold: "mean > 0", requirement: ["S2-011"] },
    },
  },
  run: async ({ record, seconds, signal }) => {
    await stressSandboxes(record, { seconds: seconds / 2, parallel: 10, signal, create: runtimeForMeasuring });
    const supervised = (children: number) => (): Sandbox => openSandbox("measured", children, runtimeForMeasuring);
    const app = await perSandbox("app", bareSandbox, signal, record);
    const withSupervisor = await perSandbox("app-and-supervisor", supervised(0), signal, record);
    const total = await perSandbox("total", supervised(childCount), signal, record);
    const part = (name: string, bytes: number): void =>
      record.value("system.sandbox.memory", Math.max(0, bytes), {
        unit: "bytes",
        direction: "lower",
        tags: { part: name },
        requirement: ["S2-011"],
        notes: ["difference of two slopes"],
      });
    part("supervisor", withSupervisor - app);
    part("children", total - withSupervisor);
  },
};

export const sandboxScenarios: readonly Scenario[] = [sandboxes];
