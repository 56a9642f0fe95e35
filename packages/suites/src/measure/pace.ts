import { nextTurn, nowNs } from "./time.ts";

export interface PaceOptions {
  readonly perSecond: number;
  readonly seconds: number;
  /**
   * `spin` looks at the clock every turn, so that nothing starts late; `sleep` every millisecond, so that pacing takes no
   * processor time worth the name. @defaultValue "spin"
   */
  readonly waiting?: "spin" | "sleep";
  readonly signal?: AbortSignal;
}

/**
 * Starts one thing after the other at a fixed rate, whatever becomes of the earlier ones (an open model: a slow platform does
 * not slow its own load).
 *
 * @param start - told when the thing was due: times are taken from there, so that waiting to be started counts
 * @returns how many were started
 */
export async function pace(options: PaceOptions, start: (index: number, dueNs: number) => void): Promise<number> {
  const { perSecond, seconds, waiting = "spin", signal } = options;
  const total = Math.round(perSecond * seconds);
  const gap = 1e9 / perSecond;
  const begun = nowNs();
  let started = 0;
  while (started < total) {
    signal?.throwIfAborted();
    const now = nowNs();
    for (let due = begun + started * gap; due <= now && started < total; due = begun + started * gap) {
      start(started, due);
      started += 1;
    }
    if (waiting === "spin") await nextTurn();
    else await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return started;
}
