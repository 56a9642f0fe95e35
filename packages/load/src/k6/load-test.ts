import type { LoadOptions, ScenarioOptions } from "../engine/load-options.ts";
import { splitDefaults } from "../metrics/built-in.ts";
import type { LoadTest } from "../engine/load-test.ts";
import { connectionOptions } from "./options/connections.ts";
import type { K6Options, K6Scenario } from "./options/options.ts";
import type { GivenOptions } from "./options/resolve.ts";
import { type K6Host, RunHost } from "./runtime/host.ts";
import type { K6Script } from "./script.ts";

/** Plain data, as it crosses to other threads. */
export interface K6LoadParameters {
  /** Path of the script. */
  readonly script: string;
  /** `__ENV`. */
  readonly environment: Readonly<Record<string, string>>;
  /** From the command line: of highest precedence. */
  readonly flags?: GivenOptions;
  /** From `K6_*` variables. */
  readonly variables?: GivenOptions;
  readonly configFile?: GivenOptions;
  readonly noSetup?: boolean;
  readonly noTeardown?: boolean;
  /** Folder with copies of modules imported by URL. */
  readonly urlCopies?: string;
  /** As `--secret-source` gives them. */
  readonly secretSources?: readonly string[];
}

/** A k6 script as a load test. Called in every thread. */
export async function k6Load(parameters: K6LoadParameters): Promise<LoadTest> {
  const host = new RunHost();
  const script = await loadK6(parameters, host);
  return {
    ...k6LoadTest(script),
    attach: (run) => {
      host.attach(run);
    },
  };
}

/** What the engine runs of a script. */
export function k6LoadTest({ workload, options }: K6Script): LoadTest {
  return { workload, options: engineOptions(options), http: connectionOptions(options) };
}

/** The script as the command line and the environment have it; to be asked for its options, notes and summary. */
export async function loadK6(parameters: K6LoadParameters, host?: K6Host): Promise<K6Script> {
  // The compiler and all modules of k6: only for who has such a script.
  const { loadK6Script } = await import("./script.ts");
  const { script, environment, flags, variables, configFile, noSetup, noTeardown, urlCopies, secretSources } =
    parameters;
  return await loadK6Script(script, {
    environment,
    ...(host && { host }),
    ...(secretSources && { secretSources }),
    sources: {
      ...(flags && { flags }),
      ...(variables && { environment: variables }),
      ...(configFile && { configFile }),
    },
    ...(noSetup !== undefined && { noSetup }),
    ...(noTeardown !== undefined && { noTeardown }),
    ...(urlCopies !== undefined && { urlCopies }),
  });
}

/** What the engine has to know of a k6 test. */
function engineOptions(options: K6Options): LoadOptions {
  const { scenarios, thresholds, tags, rps, setupTimeoutMs, teardownTimeoutMs } = options;
  return {
    scenarios: Object.fromEntries(scenarios.map((scenario) => [scenario.name, scenarioOptions(scenario)])),
    thresholds: Object.fromEntries(
      Object.entries(thresholds).map(([metric, list]) => [
        metric,
        list.map(({ expression, abortOnFail, delayAbortEvalMs }) => ({
          threshold: expression,
          abortOnFail,
          delayAbortEval: delayAbortEvalMs,
        })),
      ]),
    ),
    tags,
    // The end-of-test summary shows checks below their groups.
    splitBy: { ...splitDefaults, checks: ["group", "check"] },
    setupTimeout: setupTimeoutMs,
    teardownTimeout: teardownTimeoutMs,
    ...(rps !== undefined && rps > 0 && { rps }),
  };
}

function scenarioOptions(scenario: K6Scenario): ScenarioOptions {
  const { startTimeMs, gracefulStopMs, env, tags, exec } = scenario;
  const common = { startTime: startTimeMs, gracefulStop: gracefulStopMs, env, tags, exec };
  switch (scenario.executor) {
    case "shared-iterations":
    case "per-vu-iterations": {
      const { executor, vus, iterations, maxDurationMs } = scenario;
      return { ...common, executor, vus, iterations, maxDuration: maxDurationMs };
    }
    case "constant-vus":
      return { ...common, executor: scenario.executor, vus: scenario.vus, duration: scenario.durationMs };
    case "ramping-vus": {
      const { executor, startVUs, gracefulRampDownMs } = scenario;
      return { ...common, executor, startVUs, stages: stagesOf(scenario), gracefulRampDown: gracefulRampDownMs };
    }
    case "constant-arrival-rate":
    case "ramping-arrival-rate": {
      const { preAllocatedVUs, maxVUs, timeUnitMs } = scenario;
      const users = { preAllocatedVUs, maxVUs, timeUnit: timeUnitMs };
      // k6 drops what finds nobody free, and counts it; scripts' thresholds on dropped_iterations mean that.
      return scenario.executor === "constant-arrival-rate"
        ? {
            ...common,
            ...users,
            executor: scenario.executor,
            overflow: "drop",
            rate: scenario.rate,
            duration: scenario.durationMs,
          }
        : {
            ...common,
            ...users,
            executor: scenario.executor,
            overflow: "drop",
            startRate: scenario.startRate,
            stages: stagesOf(scenario),
          };
    }
    case "externally-controlled": {
      const { executor, vus, maxVUs, durationMs } = scenario;
      return { ...common, executor, vus, maxVUs, duration: durationMs };
    }
  }
}

const stagesOf = ({ stages }: { readonly stages: readonly { durationMs: number; target: number }[] }) =>
  stages.map(({ durationMs, target }) => ({ duration: durationMs, target }));
