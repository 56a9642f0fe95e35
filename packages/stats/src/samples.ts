import { statsErrors } from "./errors.ts";

/**
 * Refuses what no statistic can be computed from.
 *
 * @param what - names the values in messages: "first sample"
 * @throws MettleError `STATS_TOO_FEW_SAMPLES` for fewer than `minimum`, `STATS_SAMPLE_INVALID` for NaN or infinities
 */
export function requireSamples(values: ArrayLike<number>, minimum: number, what = "samples"): void {
  if (values.length < minimum) {
    throw statsErrors.create("STATS_TOO_FEW_SAMPLES", `${what}: ${values.length} given, at least ${minimum} needed.`, {
      details: { what, count: values.length, minimum },
    });
  }
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (!Number.isFinite(value)) {
      throw statsErrors.create("STATS_SAMPLE_INVALID", `${what}: value ${index} is ${value}.`, {
        details: { what, index, value: String(value) },
      });
    }
  }
}

/** @throws MettleError `STATS_ARGUMENT_INVALID` unless 0 < value < 1 */
export function requireOpenFraction(value: number, name: string): void {
  if (!(value > 0 && value < 1)) throw argumentInvalid(name, value, "must lie between 0 and 1, both excluded");
}

/** @throws MettleError `STATS_ARGUMENT_INVALID` unless 0 ≤ value ≤ 1 */
export function requireFraction(value: number, name: string): void {
  if (!(value >= 0 && value <= 1)) throw argumentInvalid(name, value, "must lie between 0 and 1");
}

/** @throws MettleError `STATS_ARGUMENT_INVALID` unless value is an integer in minimum … maximum */
export function requireInteger(value: number, name: string, minimum: number, maximum: number): void {
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    throw argumentInvalid(name, value, `must be a whole number from ${minimum} to ${maximum}`);
  }
}

/** A `STATS_ARGUMENT_INVALID` naming the argument, what it was and what it should have been. */
export function argumentInvalid(name: string, value: unknown, rule: string): Error {
  return statsErrors.create("STATS_ARGUMENT_INVALID", `${name} ${rule}; it is ${String(value)}.`, {
    details: { argument: name, value: String(value) },
  });
}

/** @throws MettleError `STATS_ARGUMENT_INVALID` with `message` unless `valid` */
export function requireArgument(
  valid: boolean,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): void {
  if (!valid) throw statsErrors.create("STATS_ARGUMENT_INVALID", message, { details });
}

/** @throws MettleError `STATS_ARGUMENT_INVALID` unless 0 < confidence < 1 */
export function requireConfidence(confidence: number): void {
  requireOpenFraction(confidence, "confidence");
}

/** An ascending copy; the input is not modified. */
export function sortedCopy(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values).sort();
}

/** Neumaier's compensated sum: the error does not grow with the number of values. */
function preciseSum(values: ArrayLike<number>): number {
  let sum = 0;
  let lost = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? Number.NaN;
    const next = sum + value;
    lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return sum + lost;
}

/** Arithmetic mean of at least one value. */
export function mean(values: ArrayLike<number>): number {
  return preciseSum(values) / values.length;
}

/**
 * Sum of squared distances to the mean, corrected for the mean's own rounding.
 *
 * @see Chan, Golub & LeVeque, The American Statistician 37 (1983): the corrected two-pass algorithm
 */
function squaredDeviations(values: ArrayLike<number>, center: number): number {
  let squares = 0;
  let drift = 0;
  for (let index = 0; index < values.length; index++) {
    const distance = (values[index] ?? Number.NaN) - center;
    squares += distance * distance;
    drift += distance;
  }
  return Math.max(0, squares - (drift * drift) / values.length);
}

/** Sample variance (n − 1) of two or more values. */
export function variance(values: ArrayLike<number>, center: number = mean(values)): number {
  return squaredDeviations(values, center) / (values.length - 1);
}
