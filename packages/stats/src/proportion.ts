import { normalQuantile } from "./distributions.ts";
import { argumentInvalid, requireOpenFraction } from "./samples.ts";

/**
 * Wilson's score interval for a share: right for few trials and for shares near 0 and 1, where the usual one is not.
 *
 * @param successes - 0 … trials, whole
 * @param trials - at least 1, whole
 * @param confidence - coverage as a fraction
 * @throws MettleError `STATS_ARGUMENT_INVALID`
 * @see Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927)
 */
export function wilsonInterval(
  successes: number,
  trials: number,
  confidence: number = 0.95,
): { readonly low: number; readonly high: number } {
  if (!(Number.isSafeInteger(trials) && trials >= 1))
    throw argumentInvalid("trials", trials, "must be whole, 1 or more");
  if (!(Number.isSafeInteger(successes) && successes >= 0 && successes <= trials))
    throw argumentInvalid("successes", successes, `must be whole, 0 … ${trials}`);
  requireOpenFraction(confidence, "confidence");
  const z = normalQuantile((1 + confidence) / 2);
  const share = successes / trials;
  const spread = (z * z) / trials;
  const centre = (share + spread / 2) / (1 + spread);
  const reach = (z / (1 + spread)) * Math.sqrt((share * (1 - share)) / trials + spread / (4 * trials));
  // At both ends the sum is exact but for its rounding.
  return {
    low: successes === 0 ? 0 : Math.max(0, centre - reach),
    high: successes === trials ? 1 : Math.min(1, centre + reach),
  };
}
