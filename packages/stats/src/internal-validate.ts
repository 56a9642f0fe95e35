import { statsErrors } from "./errors.ts";

/**
 * Refuses a sample that statistics would turn into nonsense.
 *
 * @throws MettleError `STATS_TOO_FEW_SAMPLES`, `STATS_SAMPLE_INVALID` (NaN or infinite, with the first position)
 */
export function requireSample(values: ArrayLike<number>, minimum: number, what: string): void {
  if (values.length < minimum) {
    throw statsErrors.create(
      "STATS_TOO_FEW_SAMPLES",
      `${what} needs at least ${minimum} values, got ${values.length}.`,
      {
        details: { what, minimum, count: values.length },
      },
    );
  }
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw statsErrors.create("STATS_SAMPLE_INVALID", `${what}: value ${i} is ${values[i]}.`, {
        details: { what, index: i, value: String(values[i]) },
      });
    }
  }
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
  requireArgument(confidence > 0 && confidence < 1, `confidence must be between 0 and 1, got ${confidence}.`, {
    confidence,
  });
}
