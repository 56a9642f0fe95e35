import { type Clock, MettleError, messageOf } from "@mettle/core";
import type { Measurement, Profile, Revision } from "@mettle/results";
import { suitesErrors } from "../../errors.ts";
import { Recorder } from "../../measure/recorder.ts";
import type { ScenarioOutcome } from "../../validate/result.ts";
import { Availability } from "./availability.ts";
import type { LoadGenerator, ServiceCheck } from "./check.ts";
import { components, ComponentTimes } from "./components.ts";
import { openSubject, type ServiceSubject, type ServiceUnderTest } from "./subject.ts";
import { UsageSamples } from "./usage.ts";

export interface MeasureServiceOptions {
  readonly service: ServiceUnderTest;
  readonly profile: Profile;
  readonly secondsOf: (check: ServiceCheck) => number;
  readonly clock: Clock;
  readonly revision: Revision | undefined;
  /** @defaultValue thread */
  readonly generator?: LoadGenerator;
  readonly signal?: AbortSignal;
  readonly onStarted?: (check: ServiceCheck) => void;
  readonly onEnded?: (outcome: ScenarioOutcome) => void;
}

/** As what a service stands in a run, beside platforms. */
export const servicePlatform = "service";

/** Share of S4-053 … S4-056, and users that log in, by profile. */
const dataOf: Readonly<Record<Profile, { readonly seedScale: number; readonly users: number }>> = {
  smoke: { seedScale: 0.002, users: 10 },
  ci: { seedScale: 0.01, users: 24 },
  full: { seedScale: 1, users: 200 },
  soak: { seedScale: 1, users: 200 },
};

/** After these there is no service any more, and nothing further can be measured. */
const fatal = ["SERVICE_NOT_READY", "SERVICE_DIED", "SERVICE_UNREACHABLE"] as const;

/** Whether a failure says that the service itself did not stay up. */
export const isServiceDown = (code: string): boolean => fatal.some((each) => each === code);

/**
 * Opens a service, runs checks on it one after the other, and ends it. Never rejects for what the service does: a service that
 * does not start, or ends while it is measured, is the outcome of the check that met it, and the last one.
 */
export async function measureService(
  checks: readonly ServiceCheck[],
  options: MeasureServiceOptions,
): Promise<readonly ScenarioOutcome[]> {
  const outcomes: ScenarioOutcome[] = [];
  const [first] = checks;
  if (!first) return outcomes;
  const ended = (outcome: ScenarioOutcome): void => {
    outcomes.push(outcome);
    options.onEnded?.(outcome);
  };
  const { profile, clock, signal } = options;
  options.onStarted?.(first);
  let opened: ServiceSubject;
  try {
    opened = await openSubject(options.service, { ...dataOf[profile], clock, ...(signal && { signal }) });
  } catch (error) {
    if (signal?.aborted !== true) ended(failed(first, error));
    return outcomes;
  }
  await using subject = opened;
  const session = new Session(subject, options);
  for (const check of checks) {
    if (check !== first) options.onStarted?.(check);
    const outcome = await session.outcomeOf(check);
    if (signal?.aborted === true) break;
    ended(outcome);
    if (outcome.state === "failed" && isServiceDown(outcome.failure.code)) break;
  }
  return outcomes;
}

/** What checks of one service share. */
class Session {
  readonly #subject: ServiceSubject;
  readonly #options: MeasureServiceOptions;
  readonly #components = new ComponentTimes();
  readonly #usage = new UsageSamples();
  readonly #availability = new Availability();

  constructor(subject: ServiceSubject, options: MeasureServiceOptions) {
    this.#subject = subject;
    this.#options = options;
  }

  async outcomeOf(check: ServiceCheck): Promise<ScenarioOutcome> {
    const { died } = this.#subject;
    const base = { scenario: check, platform: servicePlatform, measurements: [] };
    try {
      const missing = await this.#missing(check);
      if (missing.length > 0) return { ...base, state: "unsupported", missing };
      const { measurements, reasons } = await this.#measure(check);
      // It may have ended after its last answer.
      died.throwIfAborted();
      if (measurements.length > 0) return { ...base, state: "measured", measurements, reasons };
      throw suitesErrors.create("SCENARIO_MEASURED_NOTHING", "It recorded nothing.");
    } catch (error) {
      return failed(check, died.aborted ? died.reason : error);
    }
  }

  async #measure(
    check: ServiceCheck,
  ): Promise<{ readonly measurements: readonly Measurement[]; readonly reasons: readonly string[] }> {
    const { profile, secondsOf, clock, revision, generator = "thread", signal } = this.#options;
    const record = new Recorder(check.requirement, { platform: servicePlatform });
    const kept: Measurement[] = [];
    const reasons: string[] = [];
    const { died } = this.#subject;
    await check.run({
      profile,
      seconds: secondsOf(check),
      subject: this.#subject,
      clock,
      revision,
      generator,
      record,
      keep: (measurements) => void kept.push(...measurements),
      degraded: (found) => void reasons.push(...found.map((reason) => `${check.id}: ${reason}`)),
      signal: signal ? AbortSignal.any([died, signal]) : died,
      components: this.#components,
      usage: this.#usage,
      availability: this.#availability,
    });
    return { measurements: [...record.measurements(), ...kept], reasons };
  }

  /** What the check needs and this service does not have. */
  async #missing({ needs = [] }: ServiceCheck): Promise<readonly string[]> {
    const missing: string[] = [];
    if (needs.includes("start") && !this.#subject.restart) missing.push("a service that was started here");
    if (needs.includes("load") && this.#availability.requests === 0) missing.push("a load that was measured");
    if (needs.includes("metrics")) {
      const told = await this.#subject.client.metrics();
      const known = components.some(({ source, labels }) => told?.durations(source, labels) !== undefined);
      if (!known) missing.push("times of its parts at /metrics");
    }
    return missing;
  }
}

function failed(check: ServiceCheck, error: unknown): ScenarioOutcome {
  const code = error instanceof MettleError ? error.code : "SCENARIO_FAILED";
  const failure = { code, message: `${check.id}: ${messageOf(error)}` };
  return { scenario: check, platform: servicePlatform, measurements: [], state: "failed", failure };
}
