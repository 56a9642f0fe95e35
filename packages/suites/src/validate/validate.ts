import { type Clock, systemClock, timeOrderedId, exitCodes } from "@mettle/core";
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
import { expectInProfile, scenariosOf } from "../catalogue/catalogue.ts";
import type { CatalogueEntry, Scenario } from "../catalogue/scenario.ts";
import { suitesErrors } from "../errors.ts";
import { isServiceDown, measureService, servicePlatform } from "../service/validate/measure-service.ts";
import { type PlannedChecks, plannedChecks } from "../service/validate/service-checks.ts";
import type { ServiceUnderTest } from "../service/validate/subject.ts";
import { runJob } from "./host.ts";
import type { Reply } from "./protocol.ts";
import { type ScenarioOutcome, type ValidationResult, validationResult } from "./result.ts";
import { lackOf } from "./unsupported.ts";
import { bothPolicies, policyOf } from "./rules.ts";

/** What a validation tells while it measures. */
export type ValidationEvent =
  | {
      readonly kind: "planned";
      readonly scenarios: readonly string[];
      /** Scenarios, each counted on every platform that it is measured on. */
      readonly of: number;
      readonly seconds: number;
    }
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
  /** Whom the checks of an agent service are for; absent: the whole catalogue goes without them. */
  readonly service?: ServiceUnderTest;
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
 * Runs the catalogue on platforms and on a service, and judges the first of the platforms and the service.
 *
 * @throws MettleError `SUITE_UNKNOWN`, `SUITE_NOT_IN_PROFILE`, `PLATFORM_UNKNOWN`, `PLATFORM_NOT_INSTALLED`, `SERVICE_OPTIONS_INVALID`
 */
export async function validate(options: ValidateOptions): Promise<ValidationResult> {
  const clock = options.clock ?? systemClock;
  const { suites, profile, phase, signal } = options;
  const chosen = scenariosOf(suites).filter(({ seconds }) => seconds[profile] !== undefined);
  expectInProfile(suites, profile);
  const planned = checksOf(options);
  const [platform = "mettle"] = options.platforms;
  const subject = chosen.length === 0 && planned.checks.length > 0 ? servicePlatform : platform;
  // All are opened once before anything is measured: whoever waits for minutes should know now what is not installed.
  if (subject !== servicePlatform) {
    for (const name of options.platforms) await (await openPlatform(name))[Symbol.asyncDispose]();
  }
  const startedAtMs = clock.wallTime();
  const before = clock.now();
  const [environment, revision] = [captureEnvironment({ clock }), await currentRevision({ folder: options.cwd })];
  const outcomes = await measureAll({ scenarios: chosen, planned, revision }, options, clock);
  // One that comes when everything is measured interrupts nothing.
  const interrupted = signal?.aborted === true && outcomes.length < countOf(chosen, planned, options);
  const run: Run = {
    schema: runSchema,
    id: timeOrderedId(clock),
    startedAt: new Date(startedAtMs).toISOString(),
    durationMs: (clock.now() - before) / 1e6,
    name: options.name,
    kind: "validate",
    profile,
    ...(revision && { revision }),
    environment,
    ...validityOf(outcomes, environment.noise?.interruptedShare, interrupted),
    measurements: outcomes.flatMap(({ measurements }): readonly Measurement[] => measurements),
  };
  const askedOf = (name: string): readonly CatalogueEntry[] =>
    outcomes.filter((each) => each.platform === name && each.state !== "unsupported").map(({ scenario }) => scenario);
  // A check that failed says so in one finding, which no verdict passes over; its many rules would only repeat it.
  const checked = outcomes.filter(({ platform: name, state }) => name === servicePlatform && state === "measured");
  const ofService = policyOf(
    checked.map(({ scenario }) => scenario),
    servicePlatform,
    phase,
  );
  const policy =
    subject === servicePlatform ? ofService : bothPolicies(policyOf(askedOf(subject), subject, phase), ofService);
  const judged = judge(run, { policy, ...(options.baseline && { baseline: options.baseline }) });
  // Nothing was missed that was promised: there was no service, and what to mend is how it is run.
  const isDown = run.failures?.some(({ code }) => isServiceDown(code)) === true;
  // An interruption outranks everything.
  const exitCode = interrupted ? exitCodes.interrupted : isDown ? exitCodes.usage : judged.exitCode;
  return validationResult({ run, verdict: { ...judged, exitCode }, outcomes, subject, phase });
}

/** The service's checks; a validation of another platform than ours leaves them out unless they are named. */
function checksOf({ suites, profile, platforms, service }: ValidateOptions): PlannedChecks {
  const planned = plannedChecks(suites, profile);
  if (suites.length === 0 && (!service || platforms[0] !== "mettle")) return { ...planned, checks: [] };
  if (service || planned.checks.length === 0) return planned;
  throw suitesErrors.create("SERVICE_OPTIONS_INVALID", "There is no service to validate.", {
    details: { problems: ["neither a command that starts one nor the URL of one was given"] },
  });
}

/** Scenarios, each counted on every platform, and checks of the service. */
const countOf = (scenarios: readonly Scenario[], { checks }: PlannedChecks, { platforms }: ValidateOptions): number =>
  scenarios.length * platforms.length + checks.length;

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

interface ToMeasure {
  readonly scenarios: readonly Scenario[];
  readonly planned: PlannedChecks;
  readonly revision: Run["revision"];
}

async function measureAll(
  { scenarios, planned, revision }: ToMeasure,
  options: ValidateOptions,
  clock: Clock,
): Promise<readonly ScenarioOutcome[]> {
  const { profile, signal, onEvent, service } = options;
  const { checks } = planned;
  const batches = batchesOf(scenarios, options);
  const of = countOf(scenarios, planned, options);
  const progress = new Progress(clock, of, [
    ...batches.map((batch) => ({
      entries: batch.scenarios.map((each) => [each, each.seconds[profile] ?? 0] as const),
    })),
    ...checks.map((check) => ({ entries: [[check, planned.secondsOf(check)] as const] })),
  ]);
  onEvent?.({
    kind: "planned",
    scenarios: [...scenarios, ...checks].map(({ id }) => id),
    of,
    seconds: progress.plannedSeconds,
  });
  const onPlatforms = await measurePlatforms(batches, options, progress);
  if (!service || checks.length === 0 || signal?.aborted === true) return onPlatforms;
  const onService = await measureService(checks, {
    service,
    profile,
    secondsOf: planned.secondsOf,
    clock,
    revision,
    ...(signal && { signal }),
    onStarted: ({ id }) => onEvent?.({ kind: "started", scenario: id, platform: servicePlatform }),
    onEnded: (outcome) => onEvent?.({ kind: "ended", ...progress.ended(outcome) }),
  });
  return [...onPlatforms, ...onService];
}

async function measurePlatforms(
  batches: readonly Batch[],
  { profile, signal, onEvent, seed = 1 }: ValidateOptions,
  progress: Progress,
): Promise<readonly ScenarioOutcome[]> {
  const outcomes: ScenarioOutcome[] = [];
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
  readonly #plan: ReadonlyMap<CatalogueEntry, number>;
  readonly #started: number;
  #plannedDone = 0;
  #done = 0;

  /** @param batches - what one process does, with the seconds that each should take */
  constructor(
    clock: Clock,
    of: number,
    batches: readonly { readonly entries: readonly (readonly [CatalogueEntry, number])[] }[],
  ) {
    this.#clock = clock;
    this.#of = of;
    this.#started = clock.now();
    const entries = batches.flatMap((batch) => batch.entries);
    // Starts of processes are spread over the scenarios.
    const overhead = (batches.length / Math.max(1, entries.length)) * processSeconds;
    this.#plan = new Map(entries.map(([entry, seconds]) => [entry, seconds + overhead]));
    this.plannedSeconds = entries.reduce((sum, [, seconds]) => sum + seconds + overhead, 0);
  }

  ended(outcome: ScenarioOutcome): Omit<Extract<ValidationEvent, { kind: "ended" }>, "kind"> {
    this.#plannedDone += this.#plan.get(outcome.scenario) ?? 0;
    this.#done += 1;
    const elapsedMs = (this.#clock.now() - this.#started) / 1e6;
    return {
      scenario: outcome.scenario.id,
      platform: outcome.platform,
      state: outcome.state,
      done: this.#done,
      of: this.#of,
      elapsedMs,
      leftMs: Math.max(0, (this.plannedSeconds - this.#plannedDone) * (elapsedMs / (this.#plannedDone || 1))),
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

function nothingMeasured(outcomes: readonly ScenarioOutcome[]): string {
  const lacks = outcomes.flatMap((each) => (each.state === "unsupported" ? [lackOf(each.platform, each.missing)] : []));
  return ["nothing was measured", ...new Set(lacks)].join(": ");
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
  const doubts = outcomes.flatMap((outcome) => (outcome.state === "measured" ? (outcome.reasons ?? []) : []));
  const reasons = [...failures.map(({ code, message }) => `${code}: ${message}`), ...doubts];
  if (outcomes.every(({ state }) => state !== "measured")) {
    return {
      validity: { state: "invalid", reasons: reasons.length > 0 ? reasons : [nothingMeasured(outcomes)] },
      ...told,
    };
  }
  if (interruptedShare !== undefined && interruptedShare > disturbedShare) {
    reasons.push(`a busy machine: ${Math.round(interruptedShare * 100)} % of the noise probe was interrupted`);
  }
  return { validity: { state: reasons.length > 0 ? "degraded" : "valid", reasons }, ...told };
}
