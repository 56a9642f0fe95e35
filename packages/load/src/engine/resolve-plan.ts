import type { Tags } from "../metrics/recorder.ts";
import { type RecorderOptions, recorderDefaults } from "../metrics/worker-recorder.ts";
import { loadErrors } from "./errors.ts";
import type { Duration, LoadOptions, ScenarioOptions } from "./load-options.ts";
import { OptionProblems } from "./option-problems.ts";
import type { Punctuality } from "./precise-timer.ts";
import { resolveScenario } from "./resolve-scenario.ts";
import type { ScenarioPlan } from "./scenario-plan.ts";

/** What the engine does, complete and checked: nothing deeper asks whether an option is set. Plain data. */
export interface LoadPlan {
  readonly scenarios: readonly ScenarioPlan[];
  readonly tags: Tags;
  readonly environment: Readonly<Record<string, string>>;
  readonly setupTimeoutMs: number;
  readonly teardownTimeoutMs: number;
  readonly setup: boolean;
  readonly teardown: boolean;
  readonly seed: number;
  readonly workers: number;
  readonly punctuality: Punctuality;
  readonly requestsPerSecond?: number;
  readonly recorder: Required<Omit<RecorderOptions, "submetrics">>;
}

const known: readonly string[] = [
  "scenarios",
  "vus",
  "duration",
  "iterations",
  "stages",
  "rate",
  "rps",
  "thresholds",
  "tags",
  "env",
  "setupTimeout",
  "teardownTimeout",
  "noSetup",
  "noTeardown",
  "seed",
  "workers",
  "punctuality",
  "splitBy",
  "maxSeries",
  "maxTagSets",
] satisfies readonly (keyof LoadOptions)[];

/**
 * Fills in and checks the options of a load test.
 *
 * @throws MettleError `LOAD_OPTIONS_INVALID` with every problem in `details.problems`
 */
export function resolvePlan(options: LoadOptions): LoadPlan {
  const problems = new OptionProblems();
  for (const key of Object.keys(options)) {
    problems.check(known.includes(key), key, `is not an option; there are ${known.join(", ")}`);
  }
  const scenarios = Object.entries(scenariosOf(options, problems)).map(([name, scenario]) =>
    resolveScenario(name, scenario, problems),
  );
  problems.check(scenarios.length > 0, "scenarios", "is empty");
  const punctuality = options.punctuality ?? "end";
  problems.check(["timer", "end", "full"].includes(punctuality), "punctuality", "must be timer, end or full");
  const plan: LoadPlan = {
    scenarios,
    tags: textRecord("tags", options.tags, problems),
    environment: textRecord("env", options.env, problems),
    setupTimeoutMs: problems.duration("setupTimeout", options.setupTimeout, 60_000),
    teardownTimeoutMs: problems.duration("teardownTimeout", options.teardownTimeout, 60_000),
    setup: !options.noSetup,
    teardown: !options.noTeardown,
    seed: problems.whole("seed", options.seed, 1, 0),
    workers: problems.whole("workers", options.workers, 1, 1),
    punctuality,
    ...(options.rps !== undefined && { requestsPerSecond: problems.number("rps", options.rps, 1, 0) }),
    recorder: {
      splitBy: { ...recorderDefaults.splitBy, ...options.splitBy },
      maxSeries: problems.whole("maxSeries", options.maxSeries, recorderDefaults.maxSeries, 1),
      maxTagSets: problems.whole("maxTagSets", options.maxTagSets, recorderDefaults.maxTagSets, 1),
    },
  };
  if (problems.found.length > 0) {
    throw loadErrors.create("LOAD_OPTIONS_INVALID", `Load options: ${problems.found.join("; ")}.`, {
      details: { problems: problems.found },
    });
  }
  return plan;
}

function textRecord(
  path: string,
  given: Readonly<Record<string, string>> | undefined,
  problems: OptionProblems,
): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(given ?? {})) {
    problems.check(typeof value === "string", `${path}.${name}`, `must be a text, got ${typeof value}`);
  }
  return given ?? {};
}

/** The scenarios, or the one that the short forms stand for, by k6's rules. */
function scenariosOf(options: LoadOptions, problems: OptionProblems): Readonly<Record<string, ScenarioOptions>> {
  const { scenarios, vus, duration, iterations, stages, rate } = options;
  const short = { duration, iterations, stages, rate };
  const given = Object.entries(short).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (scenarios && Object.keys(scenarios).length > 0) {
    problems.check(given.length === 0, given.join(", "), "cannot stand beside scenarios: put it into one of them");
    return scenarios;
  }
  problems.check(
    stages === undefined || given.length === 1,
    "stages",
    "cannot stand beside duration, iterations or rate",
  );
  const users = vus === undefined ? {} : { vus };
  if (rate !== undefined) return { default: arrivalScenario(rate, duration ?? "10s", vus) };
  if (stages) return { default: { executor: "ramping-vus", stages, ...(vus !== undefined && { startVUs: vus }) } };
  if (iterations !== undefined) {
    const limit = duration === undefined ? {} : { maxDuration: duration };
    return { default: { executor: "shared-iterations", iterations, ...users, ...limit } };
  }
  if (duration !== undefined) return { default: { executor: "constant-vus", duration, ...users } };
  return { default: { executor: "per-vu-iterations", iterations: 1, ...users } };
}

const arrivalScenario = (rate: number, duration: Duration, vus: number | undefined): ScenarioOptions => ({
  executor: "constant-arrival-rate",
  rate,
  duration,
  preAllocatedVUs: vus ?? Math.max(1, Math.min(100, Math.ceil(rate))),
});
