import { suitesErrors } from "../errors.ts";
import { nextTurn, nowNs } from "./time.ts";

/**
 * Lets turns pass until `done` says so. A platform that loses what it was given must not hang whoever waits for it.
 * Nothing here rests for a fixed time and looks (S2-006).
 *
 * @throws MettleError `PLATFORM_REQUEST_FAILED` when it takes longer
 */
export async function until(done: () => boolean, withinMs: number): Promise<void> {
  const end = nowNs() + withinMs * 1e6;
  while (!done()) {
    if (nowNs() > end) {
      throw suitesErrors.create("PLATFORM_REQUEST_FAILED", `What was waited for did not come within ${withinMs} ms.`);
    }
    await nextTurn();
  }
}
