import { parentPort, workerData } from "node:worker_threads";
import { BEAT, CURRENT } from "./protocol.ts";

/** What the watchdog is told: watch this thread's pulse, or no longer. */
export type WatchOrder =
  | { readonly shard: number; readonly pulse: SharedArrayBuffer }
  | { readonly shard: number; readonly pulse?: undefined };

/** What it tells: a thread's event loop has not turned for `forMs`; `agent` had its turn, 0 for none. */
export interface StuckNews {
  readonly shard: number;
  readonly agent: number;
  readonly forMs: number;
}

interface Watched {
  readonly pulse: Int32Array;
  beat: number;
  since: number;
}

const { stuckAfterMs } = workerData as { readonly stuckAfterMs: number };
const watched = new Map<number, Watched>();
const port = parentPort!;

port.on("message", ({ shard, pulse }: WatchOrder) => {
  if (pulse === undefined) watched.delete(shard);
  // A thread beats for the first time when it has loaded; until then it is not judged.
  else watched.set(shard, { pulse: new Int32Array(pulse), beat: 0, since: performance.now() });
});

setInterval(
  () => {
    const now = performance.now();
    for (const [shard, state] of watched) {
      const beat = Atomics.load(state.pulse, BEAT);
      if (beat !== state.beat || beat === 0) {
        state.beat = beat;
        state.since = now;
      } else if (now - state.since >= stuckAfterMs) {
        const agent = Atomics.load(state.pulse, CURRENT);
        port.postMessage({ shard, agent, forMs: Math.round(now - state.since) } satisfies StuckNews);
        state.since = now;
      }
    }
  },
  Math.max(10, stuckAfterMs / 10),
);
