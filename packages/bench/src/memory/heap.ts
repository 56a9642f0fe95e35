import { setImmediate as nextTurn } from "node:timers/promises";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { benchLabErrors } from "../lab-errors.ts";

/**
 * How much of the process a memory figure covers: `accounted` is the JavaScript heap in use, `isolate` adds what lives
 * outside it on behalf of JavaScript (array buffers, native objects), `process` is the resident set: everything,
 * other threads, code and the allocator's slack included.
 */
export const memoryScopes = ["accounted", "isolate", "process"] as const;
export type MemoryScope = (typeof memoryScopes)[number];

/** Bytes in use per scope, read at one moment. */
export type MemoryReading = Readonly<Record<MemoryScope, number>>;

type CollectGarbage = () => void;
let cachedCollect: CollectGarbage | undefined;

/** V8's `gc`, without asking the user for a flag: `--expose-gc` only has to be on when a context is made. */
function collector(): CollectGarbage {
  if (cachedCollect) return cachedCollect;
  const { gc } = globalThis as { gc?: CollectGarbage };
  if (typeof gc === "function") {
    cachedCollect = gc;
    return gc;
  }
  setFlagsFromString("--expose-gc");
  const made: unknown = runInNewContext("typeof gc === 'function' ? gc : undefined");
  // Put back, so that code which behaves differently where `gc` exists does not see it in contexts made later.
  setFlagsFromString("--no-expose-gc");
  if (typeof made !== "function") {
    throw benchLabErrors.create("MEMORY_GC_UNAVAILABLE", "This Node gives no way to force a garbage collection.");
  }
  cachedCollect = made as CollectGarbage;
  return cachedCollect;
}

/** Rounds after which a heap that still shrinks is taken as it is: finalizers that free more finalizers. */
const MAX_ROUNDS = 8;
/** A round that frees less than this has found nothing; reading the statistics itself allocates some hundred bytes. */
const SETTLED_BYTES = 1024;

/**
 * Full collections until the heap stops shrinking, with a turn of the event loop between them for finalizers and for
 * the freeing of array buffers. Some milliseconds per round on a small heap.
 *
 * @throws MettleError `MEMORY_GC_UNAVAILABLE` where V8 gives no `gc`
 */
export async function collectGarbage(): Promise<void> {
  const collect = collector();
  let before = readIsolate();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    collect();
    await nextTurn();
    const after = readIsolate();
    if (round > 0 && before - after < SETTLED_BYTES) return;
    before = after;
  }
}

function readIsolate(): number {
  const heap = getHeapStatistics();
  return heap.used_heap_size + heap.external_memory;
}

/** Bytes in use now. Garbage not yet collected counts as in use: call {@link collectGarbage} first. */
export function readMemory(): MemoryReading {
  const usage = process.memoryUsage();
  // `external` includes array buffers (Node documentation of process.memoryUsage).
  return { accounted: usage.heapUsed, isolate: usage.heapUsed + usage.external, process: usage.rss };
}
