import type { Profile } from "@mettle/results";
import type { ServiceCheck } from "./check.ts";
import { serviceChecks } from "./checks.ts";

/** Checks to run, and how long each may take. */
export interface PlannedChecks {
  readonly checks: readonly ServiceCheck[];
  readonly secondsOf: (check: ServiceCheck) => number;
}

/**
 * What is run of the service's checks. By name all that the profile has: `service`, or single ones, before which the service is
 * started all the same. As a part of the whole catalogue a share, for a validation of everything has to end soon: in `smoke`
 * nothing, because a database, data and users take longer than the rest of that profile together.
 *
 * @param names - of suites and scenarios; empty for the whole catalogue
 */
export function plannedChecks(names: readonly string[], profile: Profile): PlannedChecks {
  const whole = names.length === 0;
  const shared = whole && profile === "ci";
  const named = serviceChecks.filter(({ id, suite }) => whole || names.includes(suite) || names.includes(id));
  const [start] = serviceChecks;
  const wanted = named.length > 0 && start && !named.includes(start) ? [start, ...named] : named;
  const secondsOf = ({ seconds, share }: ServiceCheck): number | undefined => (shared ? share : seconds[profile]);
  return {
    checks: whole && profile === "smoke" ? [] : wanted.filter((check) => secondsOf(check) !== undefined),
    secondsOf: (check) => secondsOf(check) ?? 0,
  };
}
