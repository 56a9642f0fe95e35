import {
  builtIn,
  defineLoad,
  inProcess,
  type LoadResult,
  resolvePlan,
  runLoad,
  type ScenarioDefinition,
  type StepOutcome,
} from "@mettle/load";
import { failureKind } from "./operations.ts";

/** What a load in this process came to. */
export interface GeneratedLoad {
  /** Operations that were due. */
  readonly due: number;
  readonly succeeded: number;
  /** By its code or kind. */
  readonly failures: ReadonlyMap<string, number>;
  /** Operations done, over the time that the whole took. */
  readonly perSecond: number;
  /** 99th percentile of how late the generator itself was, ms. */
  readonly lateMs: number | undefined;
}

/**
 * Load on a platform in this process, by the load generator's own executors and its driver for functions. Operations that
 * failed are counted by kind; what they take is measured by whoever does them, because the generator's part is not theirs.
 *
 * @param operate - one operation, by its number from 0
 */
export async function generateLoad(
  shape: Omit<ScenarioDefinition, "run">,
  operate: (number: number) => Promise<void>,
  signal: AbortSignal,
): Promise<GeneratedLoad> {
  const failures = new Map<string, number>();
  let succeeded = 0;
  const driver = inProcess<number>("platform", async (number) => {
    try {
      await operate(number);
    } catch (thrown) {
      throw Object.assign(new Error("the operation failed", { cause: thrown }), { code: failureKind(thrown) });
    }
  });
  const count = ({ ok, error }: StepOutcome): void => {
    if (ok) succeeded += 1;
    else failures.set(error?.code ?? "unknown", (failures.get(error?.code ?? "unknown") ?? 0) + 1);
  };
  const test = defineLoad({
    scenarios: { load: { ...shape, run: async (user) => count(await user.send(driver, user.iterationInScenario)) } },
  });
  const result = await runLoad({
    name: "load",
    plan: resolvePlan({ ...test.options, punctuality: "end" }),
    from: { inline: { test } },
    noiseProbe: false,
    stopNow: signal,
  });
  signal.throwIfAborted();
  const [error] = result.errors;
  if (error) throw new Error(error.message);
  const lateNs = total(result, builtIn.dispatchDelay.name)?.p99;
  const due = result.snapshot.scenarios.reduce((sum, scenario) => sum + (scenario.due || scenario.started), 0);
  return {
    due,
    succeeded,
    failures,
    perSecond: succeeded / (result.run.durationMs / 1000),
    lateMs: lateNs === undefined ? undefined : lateNs / 1e6,
  };
}

const total = ({ run }: LoadResult, name: string): LoadResult["run"]["measurements"][number]["summary"] | undefined =>
  run.measurements.find(({ metric, tags }) => metric === name && Object.keys(tags).length === 0)?.summary;
