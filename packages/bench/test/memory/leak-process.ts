import { measureLeak } from "../../src/memory/leak.ts";

// Runs `measureLeak` in a process of its own and prints what it found: a test runner keeps some kilobytes from cycle to
// cycle itself.
//   node --conditions=mettle-source leak-process.ts CYCLE CYCLES

const kept: unknown[] = [];
const cache = new Map<number, unknown>();

const cycles = {
  leak: () => void kept.push(new Uint8Array(100_000)),
  garbage: () => {
    for (let i = 0; i < 1000; i++) kept[0] = Array.from({ length: 100 }, (_, j) => ({ i, j }));
    kept.length = 0;
  },
  "cache that fills": (index: number) => {
    if (index < 10)
      cache.set(
        index,
        Array.from({ length: 10_000 }, (_, i) => ({ i })),
      );
  },
} satisfies Record<string, (index: number) => void>;

export type LeakCycle = keyof typeof cycles;

/** Above the lazily compiled code and the tables of the engine, which grow by steps. */
const minimumBytesPerCycle = 4096;

const [name, count] = process.argv.slice(2);
const { points, ...found } = await measureLeak({
  cycle: cycles[name as LeakCycle],
  cycles: Number(count),
  minimumBytesPerCycle,
});
console.log(JSON.stringify({ ...found, points: points.length, kept: kept.length, cached: cache.size }));
