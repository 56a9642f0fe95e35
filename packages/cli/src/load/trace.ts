import { parseDurationMs } from "@mettle/core";
import { type LoadOptions, readTraceFile, type ScenarioOptions } from "@mettle/load";
import type { CommandContext } from "../command-context.ts";
import { cliErrors } from "../errors.ts";
import { traceOf } from "./model-target.ts";

/** Bursts of a recorded load find as many users as this, unless `--vus` says otherwise. */
const MOST_USERS = 1000;
const shapes = ["rate", "iterations"] as const;
/** What says who comes when, in short. */
const shortForms: ReadonlySet<string> = new Set(["scenarios", "vus", "duration", "iterations", "stages", "rate"]);

/**
 * The options of a load test whose iterations come when a recorded load's requests came: `--trace FILE`. Without the flag
 * the options as they are.
 *
 * @throws MettleError `USAGE_VALUE_INVALID`, those of `readTraceFile`
 */
export async function withTrace(options: LoadOptions, context: CommandContext): Promise<LoadOptions> {
  const trace = traceOf(context);
  if (!trace) return options;
  refuseShape(context);
  const { flags } = context;
  const duration = flags.text("duration");
  const untilMs = duration === undefined ? Number.POSITIVE_INFINITY : parseDurationMs(duration) * trace.speed;
  const { times } = await readTraceFile(trace.file, trace);
  const users = flags.number("vus") ?? MOST_USERS;
  const scenario: ScenarioOptions = {
    executor: "trace",
    times: times.filter((time) => time < untilMs),
    speed: trace.speed,
    preAllocatedVUs: Math.min(50, users),
    maxVUs: users,
  };
  const { scenarios } = options;
  const rest = Object.fromEntries(Object.entries(options).filter(([name]) => !shortForms.has(name)));
  return { ...rest, scenarios: { [nameOf(scenarios)]: { ...keptOf(scenarios), ...scenario } } };
}

function refuseShape({ flags }: CommandContext): void {
  const given = [
    ...shapes.filter((name) => flags.number(name) !== undefined),
    ...(flags.all("stage").length > 0 ? ["stage"] : []),
    ...(flags.on("poisson") ? ["poisson"] : []),
  ];
  if (given.length === 0) return;
  throw cliErrors.create("USAGE_VALUE_INVALID", `--${given.join(", --")} cannot stand beside --trace.`, {
    details: { flags: given },
    next: "A trace says itself when requests come: replay it faster with --speed, end it with --duration.",
  });
}

function nameOf(scenarios: LoadOptions["scenarios"]): string {
  const names = Object.keys(scenarios ?? {});
  if (names.length <= 1) return names[0] ?? "default";
  throw cliErrors.create(
    "USAGE_VALUE_INVALID",
    `The script has several scenarios (${names.join(", ")}); it cannot be told which one the trace is for.`,
    { details: { scenarios: names }, next: "Read the trace in the script: times: (await readTraceFile(FILE)).times." },
  );
}

/** What a scenario says beside who comes when. */
function keptOf(scenarios: LoadOptions["scenarios"]): Partial<ScenarioOptions> {
  const [scenario] = Object.values(scenarios ?? {});
  if (!scenario) return {};
  const { exec, env, tags, startTime, gracefulStop } = scenario;
  return Object.fromEntries(
    Object.entries({ exec, env, tags, startTime, gracefulStop }).filter(([, value]) => value !== undefined),
  );
}
