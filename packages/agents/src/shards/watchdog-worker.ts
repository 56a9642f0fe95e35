import { parentPort, workerData } from "node:worker_threads";
import { BEAT, CURRENT, LOADING } from "./protocol.ts";

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
  silentMs: number;
}

/** So many times longer may a thread take that loads modules. */
const LOADING_FACTOR = 10;

const { stuckAfterMs } = workerData as { readonly stuckAfterMs: number };
const watched = new Map<number, Watched>();
const port = parentPort!;

port.on("message", ({ shard, pulse }: WatchOrder) => {
  if (pulse === undefined) watched.delete(shard);
  // A thread beats for the first time when it has loaded; until then it is not judged.
  else watched.set(shard, { pulse: new Int32Array(pulse), beat: 0, silentMs: 0 });
});

const tickMs = Math.max(10, stuckAfterMs / 10);
let lastTick = performance.now();
setInterval(() => {
  const now = performance.now();
  // Of a tick that came late only its own length counts: a machine that gave this thread no time gave the others none.
  const elapsed = Math.min(now - lastTick, 2 * tickMs);
  lastTick = now;
  for (const [shard, state] of watched) {
    const beat = Atomics.load(state.pulse, BEAT);
    state.silentMs = beat === state.beat && beat !== 0 ? state.silentMs + elapsed : 0;
    state.beat = beat;
    const patience = stuckAfterMs * (Atomics.load(state.pulse, LOADING) > 0 ? LOADING_FACTOR : 1);
    if (state.silentMs < patience) continue;
    const agent = Atomics.load(state.pulse, CURRENT);
    port.postMessage({ shard, agent, forMs: Math.round(state.silentMs) } satisfies StuckNews);
    state.silentMs = 0;
  }
}, tickMs);
