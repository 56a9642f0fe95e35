import { coreErrors } from "@mettle/core";

/** Throws `OPTIONS_INVALID` with all problems at once, when there are any. */
export function refuseProblems(what: string, problems: readonly string[]): void {
  if (problems.length > 0) {
    throw coreErrors.create("OPTIONS_INVALID", `${what}: ${problems.join("; ")}.`, { details: { problems } });
  }
}

/** The problem with a number that must be a whole one of at least `least`, or nothing. */
export function wholeAtLeast(name: string, value: number, least: number): string[] {
  return Number.isSafeInteger(value) && value >= least
    ? []
    : [`${name} must be a whole number of at least ${least}, got ${value}`];
}

/** The problem with a number that must lie in `low` … `high`, or nothing. Refuses NaN. */
export function within(name: string, value: number, low: number, high: number): string[] {
  return value >= low && value <= high ? [] : [`${name} must lie in ${low} … ${high}, got ${value}`];
}
