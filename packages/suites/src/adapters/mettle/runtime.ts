import { createRuntime, type Runtime, type RuntimeOptions } from "@mettle/agents";

/**
 * A runtime whose agents stay in the thread that measures. It would move one whose handler took long three times, which on
 * a busy machine is any; and ballots and relays are handed over as objects, which do not cross to another thread.
 */
export function runtimeForMeasuring(options: RuntimeOptions = {}): Runtime {
  return createRuntime({ shards: { moveGreedy: false }, ...options });
}
