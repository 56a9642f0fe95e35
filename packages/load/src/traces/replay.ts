import { workloadErrors } from "../agent/errors.ts";
import type { TraceCall, TraceSession } from "./dependencies.ts";
import type { TraceRequest } from "./trace.ts";

export interface ArrivalOptions {
  /** 2 replays twice as fast. @defaultValue 1 */
  readonly speed?: number;
  /** Only the first so many. */
  readonly limit?: number;
}

/**
 * When each request of a trace is due, ms after the start, for the executor that replays traces. 8 bytes a request.
 *
 * @throws MettleError `REPLAY_INVALID` unless `speed` is above 0
 */
export async function traceArrivals(
  requests: AsyncIterable<TraceRequest> | Iterable<TraceRequest>,
  { speed = 1, limit = Infinity }: ArrivalOptions = {},
): Promise<Float64Array> {
  if (!(speed > 0 && speed < Infinity)) {
    throw workloadErrors.create("REPLAY_INVALID", `A trace cannot be replayed at speed ${speed}.`, {
      details: { speed },
    });
  }
  let times = new Float64Array(1024);
  let count = 0;
  if (limit > 0) {
    for await (const { atMs } of requests) {
      if (count === times.length) {
        const grown = new Float64Array(times.length * 2);
        grown.set(times);
        times = grown;
      }
      times[count++] = atMs / speed;
      if (count >= limit) break;
    }
  }
  return times.slice(0, count);
}

export interface ReplayOptions {
  /** Longest wait between a call and its predecessors; a recorded lunch break is not load. @defaultValue 15 000 */
  readonly maxWaitMs?: number;
  readonly speed?: number;
  /** Waits; ends early by rejecting when the run stops. `VirtualUser.sleep` is one. */
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Makes the call. `false` or a rejection is a failure, and cancels all that waits for it. */
  readonly call: (call: TraceCall) => Promise<boolean>;
}

export interface ReplayResult {
  readonly completed: number;
  readonly failed: number;
  /** Never made, because something they depended on failed. */
  readonly cancelled: number;
  /** What was thrown, in order of time; those are failures too. */
  readonly errors: readonly unknown[];
}

/**
 * Replays a session: each call starts when all it waits for has ended and its recorded wait has passed; independent calls run
 * at once, as they did.
 *
 * @throws MettleError `REPLAY_INVALID` when a call waits for one that is not before it
 */
export async function replaySession(session: TraceSession, options: ReplayOptions): Promise<ReplayResult> {
  checkOrder(session);
  const { maxWaitMs = 15_000, speed = 1 } = options;
  const outcomes = new Map<string, Promise<"completed" | "failed" | "cancelled">>();
  const errors: unknown[] = [];
  const run = async (call: TraceCall): Promise<"completed" | "failed" | "cancelled"> => {
    const before = await Promise.all(call.after.flatMap((id) => outcomes.get(id) ?? []));
    if (before.some((outcome) => outcome !== "completed")) return "cancelled";
    try {
      // A call that waits for none has its place in the session, which a cap would move among the others.
      const wait = (call.after.length > 0 ? Math.min(maxWaitMs, call.waitMs) : call.waitMs) / speed;
      if (wait > 0) await options.sleep(wait);
      return (await options.call(call)) ? "completed" : "failed";
    } catch (error) {
      errors.push(error);
      return "failed";
    }
  };
  for (const call of session.calls) outcomes.set(call.id, run(call));
  const ended = await Promise.all(outcomes.values());
  const count = (outcome: string): number => ended.filter((each) => each === outcome).length;
  return { completed: count("completed"), failed: count("failed"), cancelled: count("cancelled"), errors };
}

function checkOrder(session: TraceSession): void {
  const seen = new Set<string>();
  for (const { id, after } of session.calls) {
    const missing = after.find((each) => !seen.has(each));
    if (missing !== undefined || seen.has(id)) {
      const problem = missing === undefined ? "is there twice" : `waits for ${missing}, which is not before it`;
      throw workloadErrors.create("REPLAY_INVALID", `Session ${session.id}: call ${id} ${problem}.`, {
        details: { id },
      });
    }
    seen.add(id);
  }
}
