import type { ArrivalUsers, K6Executor, K6Scenario, K6Stage } from "./options.ts";
import { OptionReader } from "./reader.ts";

const minuteMs = 60_000;
const gracefulMs = 30_000;
const tenMinutesMs = 10 * minuteMs;

const executors = [
  "shared-iterations",
  "per-vu-iterations",
  "constant-vus",
  "ramping-vus",
  "constant-arrival-rate",
  "ramping-arrival-rate",
  "externally-controlled",
] as const;

/** The scenarios of an `options` object: as written, or the one that its shortcuts (vus, duration, stages …) stand for. */
export function readScenarios(options: OptionReader, problems: string[]): K6Scenario[] {
  const written = options.raw("scenarios");
  const vus = options.whole("vus");
  const durationMs = options.duration("duration");
  const iterations = options.whole("iterations", 1);
  const stages = readStages(options, problems, "");
  if (written !== undefined) {
    if (typeof written !== "object" || written === null || Object.keys(written).length === 0) {
      problems.push("scenarios must be an object with at least one scenario");
      return [];
    }
    return Object.entries(written).flatMap(([name, given]) => readScenario(name, given, problems) ?? []);
  }
  const shortcut = shortcutExecutor(vus, durationMs, iterations, stages, problems);
  return [
    { ...shortcut, name: "default", exec: "default", startTimeMs: 0, gracefulStopMs: gracefulMs, env: {}, tags: {} },
  ];
}

function shortcutExecutor(
  vus: number | undefined,
  durationMs: number | undefined,
  iterations: number | undefined,
  stages: readonly K6Stage[] | undefined,
  problems: string[],
): K6Executor {
  if (iterations !== undefined) {
    if (stages) problems.push("iterations and stages cannot both be given");
    if (vus !== undefined && vus > iterations)
      problems.push(`iterations (${iterations}) must be at least vus (${vus})`);
    return { executor: "shared-iterations", vus: vus ?? 1, iterations, maxDurationMs: durationMs ?? tenMinutesMs };
  }
  if (durationMs !== undefined) {
    if (stages) problems.push("duration and stages cannot both be given");
    if (durationMs === 0) problems.push("duration must be more than 0");
    return { executor: "constant-vus", vus: vus ?? 1, durationMs };
  }
  if (stages) return { executor: "ramping-vus", startVUs: vus ?? 1, stages, gracefulRampDownMs: gracefulMs };
  if (vus !== undefined && vus > 1) problems.push("vus needs a duration, iterations or stages");
  return { executor: "per-vu-iterations", vus: 1, iterations: 1, maxDurationMs: tenMinutesMs };
}

function readStages(options: OptionReader, problems: string[], path: string): K6Stage[] | undefined {
  const given = options.raw("stages");
  if (given === undefined) return undefined;
  if (!Array.isArray(given) || given.length === 0)
    return options.problem("stages", "must be a list with at least one stage");
  return given.map((stage, i) => {
    const reader = new OptionReader(stage, problems, `${path}stages[${i}].`);
    const durationMs = reader.duration("duration");
    const target = reader.whole("target");
    if (durationMs === undefined && reader.raw("duration") === undefined) reader.problem("duration", "is missing");
    if (target === undefined && reader.raw("target") === undefined) reader.problem("target", "is missing");
    return { durationMs: durationMs ?? 0, target: target ?? 0 };
  });
}

function readScenario(name: string, given: unknown, problems: string[]): K6Scenario | undefined {
  const path = `scenarios.${name}.`;
  if (!/^[\w-]+$/.test(name))
    problems.push(`${path.slice(0, -1)}: a scenario's name holds only letters, digits, _ and -`);
  const reader = new OptionReader(given, problems, path);
  const executor = readExecutor(reader, problems, path);
  const exec = reader.text("exec") ?? "default";
  const startTimeMs = reader.duration("startTime") ?? 0;
  const gracefulStopMs = reader.duration("gracefulStop") ?? gracefulMs;
  const env = reader.map("env") ?? {};
  const tags = reader.map("tags") ?? {};
  const browser = reader.raw("options");
  if (browser !== undefined) reader.problem("options", "(browser) cannot be used: k6/browser is not provided");
  if (!executor) return undefined;
  for (const unknown of reader.unknown()) reader.problem(unknown, `is not an option of ${executor.executor}`);
  return { ...executor, name, exec, startTimeMs, gracefulStopMs, env, tags };
}

function readExecutor(reader: OptionReader, problems: string[], path: string): K6Executor | undefined {
  const executor = reader.choice("executor", executors);
  const need = <T>(name: string, value: T | undefined, otherwise: T): T => {
    if (value === undefined && reader.raw(name) === undefined) reader.problem(name, "is missing");
    return value ?? otherwise;
  };
  const positive = (name: string, ms: number): number => {
    if (ms === 0) reader.problem(name, "must be more than 0");
    return ms;
  };
  switch (executor) {
    case "shared-iterations":
    case "per-vu-iterations": {
      const vus = reader.whole("vus", 1) ?? 1;
      const iterations = reader.whole("iterations", 1) ?? 1;
      if (executor === "shared-iterations" && iterations < vus)
        reader.problem("iterations", `(${iterations}) must be at least vus (${vus})`);
      return { executor, vus, iterations, maxDurationMs: reader.duration("maxDuration") ?? tenMinutesMs };
    }
    case "constant-vus":
      return {
        executor,
        vus: reader.whole("vus", 1) ?? 1,
        durationMs: positive("duration", need("duration", reader.duration("duration"), 1)),
      };
    case "ramping-vus":
      return {
        executor,
        startVUs: reader.whole("startVUs") ?? 1,
        stages: need("stages", readStages(reader, problems, path), []),
        gracefulRampDownMs: reader.duration("gracefulRampDown") ?? gracefulMs,
      };
    case "constant-arrival-rate":
      return {
        executor,
        rate: need("rate", reader.whole("rate", 1), 1),
        durationMs: positive("duration", need("duration", reader.duration("duration"), 1)),
        ...readArrivalUsers(reader),
      };
    case "ramping-arrival-rate":
      return {
        executor,
        startRate: reader.whole("startRate") ?? 0,
        stages: need("stages", readStages(reader, problems, path), []),
        ...readArrivalUsers(reader),
      };
    case "externally-controlled": {
      const vus = reader.whole("vus") ?? 1;
      return {
        executor,
        vus,
        maxVUs: reader.whole("maxVUs", 1) ?? vus,
        durationMs: need("duration", reader.duration("duration"), 0),
      };
    }
    case undefined:
      if (reader.raw("executor") === undefined) reader.problem("executor", "is missing");
      return undefined;
  }
}

function readArrivalUsers(reader: OptionReader): ArrivalUsers {
  const preAllocatedVUs = reader.whole("preAllocatedVUs");
  if (preAllocatedVUs === undefined && reader.raw("preAllocatedVUs") === undefined)
    reader.problem("preAllocatedVUs", "is missing");
  const maxVUs = reader.whole("maxVUs", 1) ?? preAllocatedVUs ?? 1;
  if (preAllocatedVUs !== undefined && maxVUs < preAllocatedVUs)
    reader.problem("maxVUs", `(${maxVUs}) must be at least preAllocatedVUs (${preAllocatedVUs})`);
  const timeUnitMs = reader.duration("timeUnit") ?? 1000;
  if (timeUnitMs === 0) reader.problem("timeUnit", "must be more than 0");
  return { timeUnitMs, preAllocatedVUs: preAllocatedVUs ?? 1, maxVUs };
}
