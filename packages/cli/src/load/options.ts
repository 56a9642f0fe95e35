import type { LoadOptions, Punctuality, ScenarioOptions, StageOptions } from "@mettle/load";
import type { CommandContext } from "../command-context.ts";
import { cliErrors } from "../errors.ts";
import { pairs } from "./pairs.ts";

/**
 * The options of a load test with what the command line says of them.
 *
 * @throws MettleError `USAGE_VALUE_INVALID`
 */
export function withFlags(options: LoadOptions, context: CommandContext, isK6 = false): LoadOptions {
  const { flags } = context;
  const rps = flags.number("rps");
  const workers = flags.number("workers");
  const seed = flags.number("seed");
  const punctuality = flags.text("punctuality") as Punctuality | undefined;
  const tags = { ...options.tags, ...pairs(context, "tag") };
  return {
    // A script of k6 has read k6's flags itself, by k6's rules of precedence.
    ...(isK6 ? refusingRate(options, context) : flags.text("trace") ? options : shaped(options, context)),
    ...(Object.keys(tags).length > 0 && { tags }),
    ...(rps !== undefined && { rps }),
    ...(workers !== undefined && { workers }),
    ...(seed !== undefined && { seed }),
    ...(punctuality && { punctuality }),
    ...(flags.on("no-setup") && { noSetup: true }),
    ...(flags.on("no-teardown") && { noTeardown: true }),
  };
}

function refusingRate(options: LoadOptions, { flags }: CommandContext): LoadOptions {
  if (flags.number("rate") === undefined && !flags.on("poisson")) return options;
  throw cliErrors.create("USAGE_VALUE_INVALID", "--rate and --poisson are not for scripts of k6.", {
    details: { flag: "--rate" },
    next: "Give the script a scenario with the executor constant-arrival-rate.",
  });
}

type Shape = Pick<LoadOptions, "vus" | "duration" | "iterations" | "stages" | "rate">;

/** The flags' load in place of the options': one of several scenarios cannot be guessed. */
function shaped(options: LoadOptions, context: CommandContext): LoadOptions {
  const shape = shapeOf(context);
  const poisson = context.flags.on("poisson");
  if (poisson && shape.rate === undefined) {
    throw cliErrors.create("USAGE_VALUE_INVALID", "--poisson needs --rate.", { details: { flag: "--poisson" } });
  }
  if (Object.keys(shape).length === 0) return options;
  const { scenarios, vus, duration, iterations, stages, rate, ...rest } = options;
  if (!scenarios || Object.keys(scenarios).length === 0) {
    // A duration alone changes how long, not what.
    const kept = onlyLength(shape)
      ? { vus, iterations, stages, rate }
      : { duration: shape.iterations ? undefined : duration };
    const merged = { ...defined(kept), ...shape };
    return { ...rest, ...(poisson ? { scenarios: { default: scenarioOf(merged, true) } } : merged) };
  }
  const [[name, only], ...others] = Object.entries(scenarios) as [
    [string, ScenarioOptions],
    ...[string, ScenarioOptions][],
  ];
  if (others.length > 0) {
    const names = Object.keys(scenarios).join(", ");
    throw cliErrors.create(
      "USAGE_VALUE_INVALID",
      `The script has several scenarios (${names}); it cannot be told which one the load on the command line is for.`,
      {
        details: { scenarios: Object.keys(scenarios) },
        next: "Change the load in the script, or take it from user.env.",
      },
    );
  }
  const { exec, env, tags, startTime, gracefulStop } = only;
  const common = defined({ exec, env, tags, startTime, gracefulStop });
  const changed = onlyLength(shape) && only.duration !== undefined ? { ...only, ...shape } : scenarioOf(shape, poisson);
  return { ...rest, scenarios: { [name]: { ...common, ...changed } } };
}

const onlyLength = (shape: Shape): boolean => Object.keys(shape).every((key) => key === "duration" || key === "vus");

function shapeOf(context: CommandContext): Shape {
  const { flags } = context;
  const stages = flags.all("stage").flatMap((text) => text.split(",").map(stageOf));
  return defined({
    vus: flags.number("vus"),
    duration: flags.text("duration"),
    iterations: flags.number("iterations"),
    stages: stages.length > 0 ? stages : undefined,
    rate: flags.number("rate"),
  });
}

function stageOf(text: string): StageOptions {
  const match = /^\s*([^:]+):(\d+)\s*$/.exec(text);
  if (!match) {
    throw cliErrors.create(
      "USAGE_VALUE_INVALID",
      `--stage needs TIME:N, such as 30s:10, got ${JSON.stringify(text)}.`,
      {
        details: { flag: "--stage", value: text },
      },
    );
  }
  return { duration: match[1] ?? "", target: Number(match[2]) };
}

/** One scenario of the short forms. */
function scenarioOf({ vus, duration, iterations, stages, rate }: Shape, poisson: boolean): ScenarioOptions {
  if (rate !== undefined) {
    const users = vus ?? Math.max(1, Math.min(100, Math.ceil(rate)));
    const executor = poisson ? "poisson" : "constant-arrival-rate";
    return { executor, rate, duration: duration ?? "10s", preAllocatedVUs: users };
  }
  if (stages) return { executor: "ramping-vus", stages, ...(vus !== undefined && { startVUs: vus }) };
  if (iterations !== undefined) {
    return { executor: "shared-iterations", iterations, ...defined({ vus, maxDuration: duration }) };
  }
  return { executor: "constant-vus", duration: duration ?? "10s", ...defined({ vus }) };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}
