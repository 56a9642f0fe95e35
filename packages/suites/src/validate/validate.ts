import { type Clock, systemClock, timeOrderedId } from "@mettle/core";
import { judge, type Phase } from "@mettle/judge";
import {
  captureEnvironment,
  currentRevision,
  type Failure,
  type Measurement,
  type Profile,
  type Run,
  runSchema,
  type Validity,
} from "@mettle/results";
import { openPlatform } from "../adapters/adapters.ts";
import { scenariosOf } from "../catalogue/catalogue.ts";
import type { Scenario } from "../catalogue/scenario.ts";
import { runJob } from "./host.ts";
import type { Reply } from "./protocol.ts";
import { type ScenarioOutcome, type ValidationResult, validationResult } from "./result.ts";
import { policyOf } from "./rules.ts";

/** What a validation tells while it measures. */
export type ValidationEvent =
  | { readonly kind: "planned"; readonly scenarios: readonly string[]; readonly seconds: number }
  | { readonly kind: "started"; readonly scenario: string }
  | {
      readonly kind: "ended";
      readonly scenario: string;
      readonly state: ScenarioOutcome["state"];
      readonly done: number;
      readonly of: number;
      readonly elapsedMs: number;
      /** Expected time to the end of all. */
      readonly leftMs: number;
      readonly message?: string;
    };

export interface ValidateOptions {
  readonly name: string;
  /** Suites or scenarios; empty: all. */
  readonly suites: readonly string[];
  readonly profile: Profile;
  readonly platforms: readonly string[];
  readonly phase: Phase;
  readonly seed?: number;
  readonly cwd: string;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: ValidationEvent) => void;
}

/** Starting a process and loading what it runs takes so long, about; only for the time left. */
const processSeconds = 0.5;

/**
 * Runs the catalogue on platforms and judges the first of them.
 *
 * @throws MettleError `SUITE_UNKNOWN`, `PLATFORM_UNKNOWN`, `PLATFORM_NOT_INSTALLED`
 */
export async function validate(options: ValidateOptions): Promise<ValidationResult> {
  const clock = options.clock ?? systemClock;
  const [subject = "mettle"] = options.platforms;
  const chosen = scenariosOf(options.suites).filter(({ seconds }) => seconds[options.profile] !== undefined);
  // All are opened once before anything is measured: whoever waits for minutes should know now what is not installed.
  for (const platform of options.platforms) await (await openPlatform(platform))[Symbol.asyncDispose]();
  const startedAtMs = clock.wallTime();
  const before = clock.now();
  const [environment, revision] = [captureEnvironment({ clock }), await currentRevision({ folder: options.cwd })];
  const outcomes = await measureAll(chosen, options, clock);
  const run: Run = {
    schema: runSchema,
    id: timeOrderedId(clock),
    startedAt: new Date(startedAtMs).toISOString(),
    durationMs: (clock.now() - before) / 1e6,
    name: options.name,
    kind: "validate",
    profile: options.profile,
    ...(revision && { revision }),
    environment,
    ...validityOf(outcomes, environment.noise?.interruptedShare, options.signal?.aborted === true),
    measurements: outcomes.flatMap(({ measurements }): readonly Measurement[] => measurements),
  };
  const asked = outcomes.filter(({ platform, state }) => platform === subject && state !== "unsupported");
  const policy = policyOf(
    asked.map(({ scenario }) => scenario),
    subject,
    options.phase,
  );
  return validationResult({ run, verdict: judge(run, { policy }), outcomes, subject, phase: options.phase });
}

async function measureAll(
  scenarios: readonly Scenario[],
  options: ValidateOptions,
  clock: Clock,
): Promise<readonly ScenarioOutcome[]> {
  const { profile, platforms, signal, onEvent, seed = 1 } = options;
  const outcomes: ScenarioOutcome[] = [];
  const of = scenarios.length * platforms.length;
  const plannedOf = (scenario: Scenario): number => (scenario.seconds[profile] ?? 0) + processSeconds;
  const planned = scenarios.reduce((sum, each) => sum + plannedOf(each), 0) * platforms.length;
  const started = clock.now();
  let plannedDone = 0;
  const aborted = (): boolean => signal?.aborted === true;
  onEvent?.({ kind: "planned", scenarios: scenarios.map(({ id }) => id), seconds: planned });
  for (const scenario of scenarios) {
    for (const platform of platforms) {
      if (aborted()) return outcomes;
      onEvent?.({ kind: "started", scenario: scenario.id });
      await runJob(
        { platform, profile, scenarios: [scenario.id], seed },
        {
          nodeFlags: scenario.nodeFlags ?? [],
          timeoutMs: () => ((scenario.seconds[profile] ?? 0) * 8 + 30) * 1000,
          ...(signal && { signal }),
          onReply: (reply) => {
            if (reply.kind !== "started") outcomes.push(outcomeOf(scenario, platform, reply));
          },
        },
      );
      const outcome = outcomes.at(-1);
      if (outcome === undefined || aborted()) return outcomes;
      plannedDone += plannedOf(scenario);
      const elapsedMs = (clock.now() - started) / 1e6;
      onEvent?.({
        kind: "ended",
        scenario: scenario.id,
        state: outcome.state,
        done: outcomes.length,
        of,
        elapsedMs,
        // As fast as it went so far, beside what was planned.
        leftMs: Math.max(0, (planned - plannedDone) * (elapsedMs / plannedDone)),
        ...(outcome.state === "failed" && { message: `${outcome.failure.code}: ${outcome.failure.message}` }),
      });
    }
  }
  return outcomes;
}

function outcomeOf(scenario: Scenario, platform: string, reply: Exclude<Reply, { kind: "started" }>): ScenarioOutcome {
  const base = { scenario, platform, measurements: [] };
  if (reply.kind === "measured") return { ...base, state: "measured", measurements: reply.measurements };
  if (reply.kind === "unsupported") return { ...base, state: "unsupported", missing: reply.missing };
  const message = `${scenario.id} on ${platform}: ${reply.message}`;
  return { ...base, state: "failed", failure: { code: reply.code, message } };
}

/** Above this share the machine took the processor away too often to believe a tail. */
const disturbedShare = 0.25;

function validityOf(
  outcomes: readonly ScenarioOutcome[],
  interruptedShare: number | undefined,
  interrupted: boolean,
): { readonly validity: Validity; readonly failures?: readonly Failure[] } {
  const failures = outcomes.flatMap((outcome) => (outcome.state === "failed" ? [outcome.failure] : []));
  const told = failures.length > 0 ? { failures } : {};
  if (interrupted)
    return { validity: { state: "invalid", reasons: ["interrupted: only a part was measured"] }, ...told };
  const reasons = failures.map(({ code, message }) => `${code}: ${message}`);
  if (outcomes.every(({ state }) => state !== "measured")) {
    return {
      validity: { state: "invalid", reasons: reasons.length > 0 ? reasons : ["nothing was measured"] },
      ...told,
    };
  }
  if (interruptedShare !== undefined && interruptedShare > disturbedShare) {
    reasons.push(`a busy machine: ${Math.round(interruptedShare * 100)} % of the noise probe was interrupted`);
  }
  return { validity: { state: reasons.length > 0 ? "degraded" : "valid", reasons }, ...told };
}
