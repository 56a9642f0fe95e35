import { MettleError } from "@mettle/core";
import type { OperationTimes } from "./recorder.ts";
import { type Extent, nextTurn, nowNs, repeat } from "./time.ts";

/** The name under which a failed attempt is counted. */
export function failureKind(error: unknown): string {
  if (error instanceof MettleError) return error.code;
  return error instanceof Error ? error.name : typeof error;
}

export interface TimedBody<Prepared> {
  /** Not timed. */
  readonly before?: (index: number) => Prepared | Promise<Prepared>;
  /** Timed, until what it returns has settled. */
  readonly run: (prepared: Prepared, index: number) => unknown;
  /** Not timed. */
  readonly after?: (prepared: Prepared, index: number) => void | Promise<void>;
}

/**
 * Times an operation again and again, each on its own. What `run` throws is a failed attempt; what the others throw ends
 * the scenario.
 *
 * @returns attempts, those of the warm-up excluded
 */
export async function timeEach<Prepared>(
  operation: OperationTimes,
  extent: Extent,
  { before, run, after }: TimedBody<Prepared>,
  signal?: AbortSignal,
): Promise<number> {
  const body = async (index: number, warmingUp: boolean): Promise<void> => {
    const prepared = (before === undefined ? undefined : await before(index)) as Prepared;
    try {
      const start = nowNs();
      const result = run(prepared, index);
      // A platform that answers at once is not charged for a promise.
      if (result instanceof Promise) await result;
      const took = nowNs() - start;
      if (!warmingUp) operation.times.record(took);
    } catch (error) {
      if (!warmingUp) operation.fail(failureKind(error));
    }
    if (after !== undefined) await after(prepared, index);
  };
  return repeat(extent, body, signal);
}

/**
 * Operations per second, one figure for each burst. For operations so short that timing each would measure the clock.
 *
 * @param burst - does `size` operations and resolves when all have taken effect
 */
export async function ratesOf(
  size: number,
  seconds: number,
  burst: (size: number) => unknown,
  signal?: AbortSignal,
): Promise<number[]> {
  const rates: number[] = [];
  const start = nowNs();
  const warm = start + seconds * 0.25e9;
  const end = start + seconds * 1e9;
  while (rates.length < 3 || nowNs() < end) {
    signal?.throwIfAborted();
    const begun = nowNs();
    const result = burst(size);
    if (result instanceof Promise) await result;
    const took = nowNs() - begun;
    if (begun >= warm || nowNs() >= end) rates.push((size / took) * 1e9);
    await nextTurn();
  }
  return rates;
}
