import { type Runtime, runtimeDefaults, type RuntimeOptions } from "@mettle/agents";
import { ms } from "@mettle/core";
import { runtimeForMeasuring } from "../../adapters/mettle/runtime.ts";
import type { Recorder } from "../../measure/recorder.ts";
import { nowNs } from "../../measure/time.ts";
import { type Scenario, timesBeyondSmoke } from "../scenario.ts";
import { isolatedHoarder } from "./hoarder.ts";

/** Here, so that a scenario sees many checks; by default they are 30 s apart. */
const checkMs = 20;
const limitBytes = 400_000;
/** Over 80 % and under the limit, in one message: only the check can see it. */
const keptBytes = 0.85 * limitBytes;
/** Twenty checks are due in a tenth of it; what makes the rest pass is the machine's other work. */
const patienceMs = 10_000;

/** The measuring of the check on any runtime. @param waitMs - how long a warning may take */
export async function measureMemoryChecks(
  record: Recorder,
  seconds: number,
  signal: AbortSignal,
  create: (options: RuntimeOptions) => Runtime = runtimeForMeasuring,
  waitMs: number = patienceMs,
): Promise<void> {
  let collections = 0;
  await using runtime = create({
    memoryCheckMs: checkMs,
    collect: () => {
      collections += 1;
      globalThis.gc?.(); // the process has it; a test of the measuring may not
    },
  });
  const found = { tried: 0, warned: 0, collected: 0 };
  const { times } = record.operation("limits.memory-check.time");
  const end = nowNs() + seconds * 1e9;
  while (found.tried < 5 || (nowNs() < end && found.tried < 100)) {
    signal.throwIfAborted();
    found.tried += 1;
    const agent = runtime.spawn(isolatedHoarder, { memoryLimitBytes: limitBytes, restart: "temporary" });
    await agent.ask({ type: "size" }); // from here on its thread is there: starting one is not what is timed
    const before = collections;
    const warned = warning(runtime, agent.address, waitMs);
    await agent.ask({ type: "keep", data: keptBytes });
    const tookNs = await warned;
    if (tookNs !== undefined) {
      found.warned += 1;
      times.record(tookNs);
      if (collections > before) found.collected += 1;
    }
    await agent.stop();
  }
  record.rate("limits.memory-check.warned", found.warned, found.tried);
  record.rate("limits.memory-check.collected", found.collected, found.warned);
  record.value("limits.memory-check.interval", runtimeDefaults.memoryCheckMs * 1e6, { unit: "ns", direction: "none" });
}

/** How long it takes until an agent is warned of, in ns; undefined when it is not. */
function warning(runtime: Runtime, address: string, waitMs: number): Promise<number | undefined> {
  const start = nowNs();
  return new Promise((resolve) => {
    const end = (tookNs: number | undefined): void => {
      timer.cancel();
      stop();
      resolve(tookNs);
    };
    const timer = runtime.timers.after(ms(waitMs), () => end(undefined));
    const stop = runtime.observe((event) => {
      if (event.kind === "memory-warning" && event.agent === address) end(nowNs() - start);
    });
  });
}

export const memoryCheck: Scenario = {
  suite: "limits",
  group: "resource_efficiency_tests",
  needs: ["mettle"],
  id: "limits.memory-check",
  title: "An agent over 80 % of its limit that does nothing more: the check warns, and collects garbage first",
  requirement: ["S3-035"],
  seconds: timesBeyondSmoke(1),
  nodeFlags: ["--expose-gc"],
  rules: {
    thresholds: {
      "limits.memory-check.warned": { threshold: "rate == 1", severity: "critical", requirement: ["S3-035"] },
      "limits.memory-check.collected": { threshold: "rate == 1", requirement: ["S3-035"] },
      // Two of its intervals; a busy machine may be late once in twenty.
      "limits.memory-check.time": { threshold: `p(95) < ${2 * checkMs}ms`, requirement: ["S3-035"] },
      "limits.memory-check.interval": { threshold: "value == 30s", requirement: ["S3-035"] },
    },
  },
  run: ({ record, seconds, signal }) => measureMemoryChecks(record, seconds, signal),
};
