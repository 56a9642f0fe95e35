import type { Clock } from "@mettle/core";
import type { MockModelOptions } from "./options.ts";
import type { MockModel } from "./server.ts";

/**
 * Starts a deterministic model, tool and agent server, whose code is read only now: most who import this package make load
 * and serve nobody.
 *
 * @param clock - moved by tests; streams then stand still until it is advanced
 * @throws MettleError `MOCK_OPTIONS_INVALID`, `DISTRIBUTION_INVALID`, `MOCK_LISTEN_FAILED`
 */
export async function startMockModel(options?: MockModelOptions, clock?: Clock): Promise<MockModel> {
  const server = await import("./server.ts");
  return await server.startMockModel(options, clock);
}
