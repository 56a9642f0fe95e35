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
  | { readonly kind: "started"; readonly scenario: string; readonly platform: string }
  | {
      readonly kind: "ended";
      readonly scenario: string;
      readonly platform: string;
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
  /** An earlier run, against which regressions are looked for. */
  readonly baseline?: Run;
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
  const verdict = judge(run, { policy, ...(options.baseline && { baseline: options.baseline }) });
  return validationResult({ run, verdict, outcomes, subject, phase: options.phase });
}

/** Scenarios that one process runs. */
interface Batch {
  readonly platform: string;
  readonly scenarios: readonly Scenario[];
}

/**
 * A process for each scenario, so that none inherits the compiler's choices or the heap of another. Only `smoke`, which asks whether
 * it works and not how fast, runs the scenarios of a suite in one.
 */
function batchesOf(scenarios: readonly Scenario[], { profile, platforms }: ValidateOptions): readonly Batch[] {
  const groups: Scenario[][] = [];
  for (const scenario of scenarios) {
    const last = groups.at(-1);
    const fits =
      profile === "smoke" &&
      last?.[0]?.suite === scenario.suite &&
      String(last[0].nodeFlags) === String(scenario.nodeFlags);
    if (fits) last.push(scenario);
    else groups.push([scenario]);
  }
  return groups.flatMap((group) => platforms.map((platform): Batch => ({ platform, scenarios: group })));
}

async function measureAll(
  scenarios: readonly Scenario[],
  options: ValidateOptions,
  clock: Clock,
): Promise<readonly ScenarioOutcome[]> {
  const { profile, platforms, signal, onEvent, seed = 1 } = options;
  const secondsOf = (scenario: Scenario): number => scenario.seconds[profile] ?? 0;
  const batches = batchesOf(scenarios, options);
  const progress = new Progress(clock, scenarios.length * platforms.length, batches, secondsOf);
  const outcomes: ScenarioOutcome[] = [];
  onEvent?.({ kind: "planned", scenarios: scenarios.map(({ id }) => id), seconds: progress.plannedSeconds });
  for (const { platform, scenarios: own } of batches) {
    const timeoutMs = (id: string): number =>
      ((own.find((each) => each.id === id)?.seconds[profile] ?? 0) * 8 + 60) * 1000;
    await runJob(
      { platform, profile, scenarios: own.map(({ id }) => id), seed },
      {
        nodeFlags: own[0]?.nodeFlags ?? [],
        timeoutMs,
        ...(signal && { signal }),
        onReply: (reply) => {
          if (reply.kind === "started") {
            onEvent?.({ kind: "started", scenario: reply.scenario, platform });
            return;
          }
          const scenario = own.find(({ id }) => id === reply.scenario);
          if (scenario === undefined) throw new Error(`a measuring process answered for ${reply.scenario}`);
          const outcome = outcomeOf(scenario, platform, reply);
          outcomes.push(outcome);
          onEvent?.({ kind: "ended", ...progress.ended(outcome) });
        },
      },
    );
    if (signal?.aborted === true) break;
  }
  return outcomes;
}

/** How far it is, and how long it will take at the pace so far. */
class Progress {
  readonly plannedSeconds: number;
  readonly #clock: Clock;
  readonly #of: number;
  readonly #planOf: (scenario: Scenario) => number;
  readonly #started: number;
  #plannedDone = 0;
  #done = 0;

  constructor(clock: Clock, of: number, batches: readonly Batch[], secondsOf: (scenario: Scenario) => number) {
    this.#clock = clock;
    this.#of = of;
    this.#started = clock.now();
    const scenarios = batches.flatMap((batch) => batch.scenarios);
    // Starts of processes are spread over the scenarios.
    const overhead = (batches.length / Math.max(1, scenarios.length)) * processSeconds;
    this.#planOf = (scenario) => secondsOf(scenario) + overhead;
    this.plannedSeconds = scenarios.reduce((sum, each) => sum + this.#planOf(each), 0);
  }

  ended(outcome: ScenarioOutcome): Omit<Extract<ValidationEvent, { kind: "ended" }>, "kind"> {
    this.#plannedDone += this.#planOf(outcome.scenario);
    this.#done += 1;
    const elapsedMs = (this.#clock.now() - this.#started) / 1e6;
    return {
      scenario: outcome.scenario.id,
      platform: outcome.platform,
      state: outcome.state,
      done: this.#done,
      of: this.#of,
      elapsedMs,
      leftMs: Math.max(0, (this.plannedSeconds - this.#plannedDone) * (elapsedMs / this.#plannedDone)),
      ...(outcome.state === "failed" && { message: `${outcome.failure.code}: ${outcome.failure.message}` }),
    };
  }
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
