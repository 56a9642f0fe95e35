/** Monotonic nanoseconds. A number, where `systemClock.now` makes a bigint first: what is timed here may take 100 ns. */
export const nowNs = (): number => performance.now() * 1e6;

/** When to stop: after so many repetitions, or when the time is over, but never before the minimum. */
export interface Extent {
  readonly atMost: number;
  readonly atLeast: number;
  readonly seconds: number;
  /** Repetitions before the first that counts, however long they take. @defaultValue a tenth, see {@link repeat} */
  readonly warmups?: number;
}

/**
 * Runs `body` once after the other. The first tenth (200 times and a fifth of the time at most, or so many as are asked for) is for
 * the compiler: `body` is told, so that it records nothing.
 *
 * @returns how many were recorded
 */
export async function repeat(
  { atMost, atLeast, seconds, warmups }: Extent,
  body: (index: number, warmingUp: boolean) => void | Promise<void>,
  signal?: AbortSignal,
): Promise<number> {
  const start = nowNs();
  const warmupEnd = start + seconds * 0.2e9;
  const most = warmups ?? Math.min(200, Math.ceil(atMost / 10));
  for (let i = 0; i < most && (warmups !== undefined || nowNs() < warmupEnd); i++) {
    signal?.throwIfAborted();
    await body(i, true);
  }
  const end = (warmups === undefined ? start : nowNs()) + seconds * 1e9;
  let done = 0;
  while (done < atMost && (done < atLeast || nowNs() < end)) {
    signal?.throwIfAborted();
    const running = body(done, false);
    if (running !== undefined) await running;
    done += 1;
    // Bodies that never leave the turn would starve timers and channels of the very platform they measure.
    if ((done & 255) === 0) await nextTurn();
  }
  return done;
}

/** After everything that is due now. */
export const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
