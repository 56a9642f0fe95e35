import { measureMemoryPerThing, type MemoryPerThing } from "../../src/memory/per-thing.ts";

// Runs `measureMemoryPerThing` in a process of its own and prints what it found: what a test runner does beside it would be
// counted as things.
//   node --conditions=mettle-source per-thing-process.ts THING

const things = {
  object: () =>
    measureMemoryPerThing({
      counts: [20_000, 60_000, 100_000],
      make: (count) => Array.from({ length: count }, (_, i) => ({ a: i, b: i })),
    }),
  buffer: () =>
    measureMemoryPerThing({
      counts: [100, 200, 400],
      make: (count) => Array.from({ length: count }, () => new Uint8Array(16_384)),
    }),
} satisfies Record<string, () => Promise<MemoryPerThing>>;

export type Thing = keyof typeof things;

console.log(JSON.stringify(await things[process.argv[2] as Thing]()));
