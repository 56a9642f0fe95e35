import { ms } from "@mettle/core";
import type { Arm } from "./arms.ts";
import { origin } from "./child-blame.ts";
import { measureAllocation } from "./memory/allocation.ts";
import type { AllocationReply } from "./protocol.ts";

/**
 * Bytes that one iteration of each arm allocates, and what collecting them costs. Runs after the times were taken, in a
 * process of its own: counting is exact but slow.
 *
 */
export async function measureAllocations(
  arms: readonly Arm[],
  durationMs: number,
  on: { readonly started: (arm: Arm) => void; readonly failed: (arm: Arm, error: unknown) => void },
): Promise<Record<string, AllocationReply>> {
  const allocations: Record<string, AllocationReply> = {};
  for (const arm of arms) {
    on.started(arm);
    try {
      const run = (iterations: number): void | Promise<void> => {
        const done = origin.run(arm.origin, arm.batch, iterations);
        return typeof done === "number" ? undefined : done.then(() => undefined);
      };
      const options = { timeBudget: ms(durationMs), warmup: ms(durationMs / 5) };
      const found = await measureAllocation(run, arm.iterations, options);
      allocations[arm.id] = {
        bytesPerOperation: found.bytesPerOperation,
        low: found.spread.low,
        high: found.spread.high,
        gcCountPerOperation: found.gcCount / (found.iterations * found.windows.length),
        gcPauseNsPerOperation: found.gcPausePerOperationNs,
        settled: found.settled,
        ...(found.offHeapBytesPerOperation !== undefined && {
          offHeapBytesPerOperation: found.offHeapBytesPerOperation,
        }),
      };
    } catch (error) {
      on.failed(arm, error);
    }
  }
  return allocations;
}
