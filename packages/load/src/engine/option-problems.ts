import { MettleError, messageOf, parseDurationMs } from "@mettle/core";
import type { Duration } from "./load-options.ts";

/** Collects what is wrong, so that an author sees all of it at once. */
export class OptionProblems {
  readonly found: string[] = [];

  check(holds: boolean, path: string, problem: string): void {
    if (!holds) this.found.push(`${path} ${problem}`);
  }

  /** @returns the fallback for something that is no duration, which is then a problem */
  duration(path: string, given: Duration | undefined, fallback: number): number {
    if (given === undefined) return fallback;
    if (typeof given === "number") {
      this.check(given >= 0 && Number.isFinite(given), path, `must be milliseconds, 0 or more, got ${given}`);
      return given;
    }
    try {
      // k6 allows "0" and a bare number of milliseconds as text.
      return /^\d+(?:\.\d+)?$/.test(given) ? Number(given) : parseDurationMs(given);
    } catch (thrown) {
      if (!(thrown instanceof MettleError)) throw thrown;
      this.found.push(`${path} must be a duration such as 30s: ${messageOf(thrown)}`);
      return fallback;
    }
  }

  whole(path: string, given: number | undefined, fallback: number, least: number): number {
    const value = given ?? fallback;
    this.check(
      Number.isSafeInteger(value) && value >= least,
      path,
      `must be a whole number from ${least}, got ${value}`,
    );
    return value;
  }

  number(path: string, given: number | undefined, fallback: number, above: number): number {
    const value = given ?? fallback;
    this.check(Number.isFinite(value) && value > above, path, `must be a number above ${above}, got ${value}`);
    return value;
  }
}
