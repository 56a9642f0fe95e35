import type { ArrivalPattern } from "./arrival-process.ts";
import type { ScenarioOptions, StageOptions } from "./load-options.ts";
import type { RateStage } from "./rate-profile.ts";
import type { OptionProblems } from "./option-problems.ts";
import {
  type ClosedPlan,
  type ExecutorName,
  executorNames,
  type OpenPlan,
  type ScenarioPlan,
} from "./scenario-plan.ts";
import type { UserStage } from "./user-profile.ts";

const everywhere = ["executor", "startTime", "gracefulStop", "exec", "env", "tags"];
const open = ["preAllocatedVUs", "maxVUs", "overflow"];
/** Which settings each executor has beside those of all. */
const settings: Readonly<Record<ExecutorName, readonly (keyof ScenarioOptions)[]>> = {
  "shared-iterations": ["vus", "iterations", "maxDuration"],
  "per-vu-iterations": ["vus", "iterations", "maxDuration"],
  "constant-vus": ["vus", "duration"],
  "ramping-vus": ["startVUs", "stages", "gracefulRampDown"],
  "externally-controlled": ["vus", "maxVUs", "duration"],
  "constant-arrival-rate": ["rate", "timeUnit", "duration"],
  "ramping-arrival-rate": ["startRate", "timeUnit", "stages"],
  poisson: ["rate", "startRate", "timeUnit", "duration", "stages"],
  gamma: ["rate", "startRate", "timeUnit", "duration", "stages", "shape"],
  trace: ["times", "speed"],
};
const openExecutors: readonly ExecutorName[] = [
  "constant-arrival-rate",
  "ramping-arrival-rate",
  "poisson",
  "gamma",
  "trace",
];
/** As k6 has it. */
const GRACE_MS = 30_000;
const MAX_DURATION_MS = 600_000;

/** Fills in and checks one scenario; what is wrong with it goes to `problems`. */
export function resolveScenario(name: string, options: ScenarioOptions, problems: OptionProblems): ScenarioPlan {
  const path = `scenarios.${name}`;
  const { executor } = options;
  const isKnown = executorNames.includes(executor);
  problems.check(isKnown, `${path}.executor`, `must be one of ${executorNames.join(", ")}, got ${String(executor)}`);
  const isOpen = openExecutors.includes(executor);
  const allowed: readonly string[] = [...everywhere, ...(isKnown ? settings[executor] : []), ...(isOpen ? open : [])];
  for (const key of Object.keys(options)) {
    if (isKnown) problems.check(allowed.includes(key), `${path}.${key}`, `is not a setting of ${executor}`);
  }
  const common = {
    name,
    executor,
    startTimeMs: problems.duration(`${path}.startTime`, options.startTime, 0),
    gracefulStopMs: problems.duration(`${path}.gracefulStop`, options.gracefulStop, GRACE_MS),
    ...(options.exec !== undefined && { exec: options.exec }),
    environment: options.env ?? {},
    tags: options.tags ?? {},
  };
  return isOpen
    ? { ...common, ...openPart(path, options, problems) }
    : { ...common, ...closedPart(path, options, problems) };
}

type OpenPart = Pick<OpenPlan, "model" | "arrivals" | "preAllocatedUsers" | "maxUsers" | "overflow">;
type ClosedPart = Pick<
  ClosedPlan,
  "model" | "startUsers" | "stages" | "gracefulRampDownMs" | "iterations" | "maxUsers"
>;

function closedPart(path: string, options: ScenarioOptions, problems: OptionProblems): ClosedPart {
  const { executor } = options;
  const gracefulRampDownMs = problems.duration(`${path}.gracefulRampDown`, options.gracefulRampDown, GRACE_MS);
  if (executor === "ramping-vus") {
    const stages = userStages(path, options.stages, problems);
    const startUsers = problems.whole(`${path}.startVUs`, options.startVUs, 1, 0);
    return { model: "closed", startUsers, stages, gracefulRampDownMs };
  }
  const users = problems.whole(`${path}.vus`, options.vus, 1, executor === "externally-controlled" ? 0 : 1);
  const steady = (durationMs: number): readonly UserStage[] => [{ durationMs, target: users }];
  if (executor === "externally-controlled") {
    const durationMs = problems.duration(`${path}.duration`, options.duration, 0);
    const maxUsers = problems.whole(`${path}.maxVUs`, options.maxVUs, users, users);
    // 0 is k6's word for "until somebody stops it".
    const stages = steady(durationMs === 0 ? Number.POSITIVE_INFINITY : durationMs);
    return { model: "closed", startUsers: users, stages, gracefulRampDownMs, maxUsers };
  }
  if (executor === "constant-vus") {
    const durationMs = requiredDuration(path, options, problems);
    return { model: "closed", startUsers: users, stages: steady(durationMs), gracefulRampDownMs };
  }
  const count = problems.whole(`${path}.iterations`, options.iterations, 1, 1);
  const shared = executor === "shared-iterations";
  problems.check(!shared || count >= users, `${path}.iterations`, `must be at least vus (${users}), got ${count}`);
  const limit = problems.duration(`${path}.maxDuration`, options.maxDuration, MAX_DURATION_MS);
  return {
    model: "closed",
    startUsers: users,
    stages: steady(limit),
    gracefulRampDownMs,
    iterations: { count, shared },
  };
}

function openPart(path: string, options: ScenarioOptions, problems: OptionProblems): OpenPart {
  const preAllocatedUsers = problems.whole(`${path}.preAllocatedVUs`, options.preAllocatedVUs, 50, 0);
  const maxUsers = problems.whole(`${path}.maxVUs`, options.maxVUs, Math.max(1, preAllocatedUsers), 1);
  problems.check(maxUsers >= preAllocatedUsers, `${path}.maxVUs`, `must be at least preAllocatedVUs, got ${maxUsers}`);
  const overflow = options.overflow ?? "queue";
  problems.check(["queue", "drop"].includes(overflow), `${path}.overflow`, `must be queue or drop, got ${overflow}`);
  return { model: "open", arrivals: arrivalsOf(path, options, problems), preAllocatedUsers, maxUsers, overflow };
}

function arrivalsOf(path: string, options: ScenarioOptions, problems: OptionProblems): OpenPlan["arrivals"] {
  if (options.executor === "trace") return traceOf(path, options, problems);
  const unitMs = problems.duration(`${path}.timeUnit`, options.timeUnit, 1000);
  problems.check(unitMs > 0, `${path}.timeUnit`, "must be above 0");
  const perSecond = (rate: number): number => (rate * 1000) / unitMs;
  const pattern = patternOf(path, options, problems);
  if (options.stages) {
    problems.check(options.rate === undefined, `${path}.rate`, "cannot stand beside stages; write startRate");
    const start = perSecond(nonNegative(`${path}.startRate`, options.startRate ?? 0, problems));
    return { kind: "rate", pattern, stages: rateStages(path, start, options.stages, perSecond, problems) };
  }
  problems.check(options.executor !== "ramping-arrival-rate", `${path}.stages`, "is missing");
  const rate = perSecond(problems.number(`${path}.rate`, options.rate, Number.NaN, 0));
  const durationMs = requiredDuration(path, options, problems);
  return { kind: "rate", pattern, stages: [{ durationMs, from: rate, to: rate }] };
}

function traceOf(path: string, options: ScenarioOptions, problems: OptionProblems): OpenPlan["arrivals"] {
  const timesMs = options.times ?? [];
  problems.check(timesMs.length > 0, `${path}.times`, "is empty");
  const wrong = timesMs.findIndex((time, index) => !(time >= (timesMs[index - 1] ?? 0)));
  problems.check(wrong < 0, `${path}.times[${wrong}]`, `must not be before the one before it, got ${timesMs[wrong]}`);
  return { kind: "trace", timesMs, speed: problems.number(`${path}.speed`, options.speed, 1, 0) };
}

function patternOf(path: string, { executor, shape }: ScenarioOptions, problems: OptionProblems): ArrivalPattern {
  if (executor === "poisson") return { kind: "poisson" };
  if (executor === "gamma") return { kind: "gamma", shape: problems.number(`${path}.shape`, shape, Number.NaN, 0) };
  return { kind: "even" };
}

function requiredDuration(path: string, { duration }: ScenarioOptions, problems: OptionProblems): number {
  problems.check(duration !== undefined, `${path}.duration`, "is missing");
  const durationMs = problems.duration(`${path}.duration`, duration, 0);
  if (duration !== undefined) problems.check(durationMs > 0, `${path}.duration`, "must be above 0");
  return durationMs;
}

function nonNegative(path: string, value: number, problems: OptionProblems): number {
  problems.check(value >= 0 && Number.isFinite(value), path, `must be 0 or more, got ${value}`);
  return value;
}

function checkedStages(
  path: string,
  stages: readonly StageOptions[] | undefined,
  problems: OptionProblems,
): readonly { readonly durationMs: number; readonly target: number }[] {
  problems.check((stages?.length ?? 0) > 0, `${path}.stages`, "is empty");
  const checked = (stages ?? []).map(({ duration, target }, index) => ({
    durationMs: problems.duration(`${path}.stages[${index}].duration`, duration, 0),
    target: nonNegative(`${path}.stages[${index}].target`, target, problems),
  }));
  problems.check(
    checked.length === 0 || checked.some(({ durationMs }) => durationMs > 0),
    `${path}.stages`,
    "take no time",
  );
  return checked;
}

function userStages(
  path: string,
  stages: readonly StageOptions[] | undefined,
  problems: OptionProblems,
): readonly UserStage[] {
  const checked = checkedStages(path, stages, problems);
  checked.forEach(({ target }, index) => {
    problems.check(Number.isInteger(target), `${path}.stages[${index}].target`, `must be whole, got ${target}`);
  });
  return checked;
}

/** Lines from each target to the next; a stage without length is a jump and gives no line. */
function rateStages(
  path: string,
  start: number,
  stages: readonly StageOptions[],
  perSecond: (rate: number) => number,
  problems: OptionProblems,
): readonly RateStage[] {
  let from = start;
  return checkedStages(path, stages, problems).flatMap(({ durationMs, target }) => {
    const stage = { durationMs, from, to: perSecond(target) };
    from = stage.to;
    return durationMs > 0 ? [stage] : [];
  });
}
