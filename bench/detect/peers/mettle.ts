import { coreErrors } from "@mettle/core";
import type { Trial, TrialRequest } from "../trial.ts";

/**
 * One comparison by Mettle's own runner: `together` is its paired comparison, `apart` its comparison of two builds.
 * To be connected to the runner of `@mettle/bench`; until then asking for it is an error and not a number.
 *
 * @throws MettleError `OPTIONS_INVALID`
 */
export function mettleTrial(request: TrialRequest): Promise<Trial> {
  return Promise.reject(
    coreErrors.create("OPTIONS_INVALID", "The harness mettle is not connected to this experiment yet.", {
      details: { request },
      next: "Leave mettle out of --harness.",
    }),
  );
}
