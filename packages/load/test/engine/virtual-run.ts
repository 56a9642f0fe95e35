import { ManualClock, ms } from "@mettle/core";
import type { Measurement } from "@mettle/results";
import type { LoadOptions } from "../../src/engine/load-options.ts";
import type { LoadTest } from "../../src/engine/load-test.ts";
import { resolvePlan } from "../../src/engine/resolve-plan.ts";
import { type LoadResult, type RunLoadOptions, runLoad } from "../../src/engine/run-load.ts";
import type { HealthMonitor } from "../../src/engine/thread-health.ts";
import type { HttpClient } from "../../src/http/exchange.ts";
import type { Iteration, VirtualUser } from "../../src/engine/virtual-user.ts";

/** A client that is never asked for anything. */
export const noClient: HttpClient = {
  send: () => Promise.reject(new Error("no request was expected")),
  closeIdle: () => {},
  close: () => {},
};

const EPOCH_MS = 1_700_000_000_000;

/** A thread that is well: virtual time says nothing of the machine that the test runs on. */
export const healthy: HealthMonitor = {
  take: () => ({
    wallMs: 1000,
    runMs: 100,
    waitMs: 0,
    loopUtilization: 0.1,
    idleSpinMs: 0,
    loopDelayP99Ms: 0,
    loopDelayMaxMs: 0,
    gcMs: 0,
    gcLongestMs: 0,
  }),
  [Symbol.dispose]: () => {},
};

export interface Begun {
  readonly user: number;
  readonly scenario: string;
  readonly iteration: Iteration;
  /** From the start of the run. */
  readonly atMs: number;
  /** When it was scheduled, from the start of the run; NaN without a schedule. */
  readonly dueMs: number;
}

export interface VirtualRun extends LoadResult {
  readonly begun: readonly Begun[];
  readonly clock: ManualClock;
}

export type Body = (user: VirtualUser, iteration: Iteration) => Promise<void>;

/** Runs a load test in one worker of this thread, in virtual time that passes as fast as it can. */
export async function runVirtually(
  options: LoadOptions,
  body: Body,
  extra: Partial<RunLoadOptions> & { readonly test?: Partial<LoadTest["workload"]>; readonly client?: HttpClient } = {},
): Promise<VirtualRun> {
  const clock = new ManualClock(EPOCH_MS);
  const begun: Omit<Begun, "dueMs">[] = [];
  const { test, client = noClient, ...rest } = extra;
  const load: LoadTest = {
    options,
    client: () => client,
    workload: {
      prepare: (user) =>
        Promise.resolve({
          run: async (iteration) => {
            begun.push({ user: user.id, scenario: user.scenario, iteration, atMs: clock.now() / 1e6 });
            await body(user, iteration);
          },
        }),
      ...test,
    },
  };
  let done = false;
  const result = runLoad({
    name: "virtual",
    plan: resolvePlan({ ...options, punctuality: options.punctuality ?? "timer" }),
    from: { inline: { test: load, clock, monitor: () => healthy } },
    noiseProbe: false,
    revision: { commit: "0".repeat(40), dirty: false },
    ...rest,
  }).finally(() => {
    done = true;
  });
  // A failing run must end the loop below, and is reported by the await after it.
  result.catch(() => undefined);
  for (let turns = 0; !done && turns < 2_000_000; turns++) {
    await clock.advance(ms(5));
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
  const ended = await result;
  const startMs = Date.parse(ended.run.startedAt) - EPOCH_MS;
  const shifted = begun.map((each) => ({
    ...each,
    atMs: each.atMs - startMs,
    dueMs: (each.iteration.scheduledAt ?? Number.NaN) - startMs,
  }));
  return { ...ended, begun: shifted, clock };
}

export function measured(
  result: Pick<LoadResult, "run">,
  metric: string,
  tags: Record<string, string> = {},
): Measurement {
  const found = result.run.measurements.find(
    (each) => each.metric === metric && JSON.stringify(each.tags) === JSON.stringify(tags),
  );
  if (!found) throw new Error(`${metric} ${JSON.stringify(tags)} was not measured`);
  return found;
}
