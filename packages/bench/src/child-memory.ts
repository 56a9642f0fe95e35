import type { Arm } from "./arms.ts";
import type { AllocationReply } from "./protocol.ts";

export async function measureAllocations(
  _arms: readonly Arm[],
  _durationMs: number,
  _at: (arm: Arm, error?: unknown) => void,
): Promise<Record<string, AllocationReply>> {
  return {};
}
