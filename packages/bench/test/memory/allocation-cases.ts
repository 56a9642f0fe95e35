// Run as a process of its own by allocation.test.ts: bodies whose allocation V8's object layout fixes, on one line of JSON.
import { measureAllocation, type RunIterations } from "../../src/memory/allocation.ts";

let sink: unknown;
const survivors: unknown[] = Array.from({ length: 1 << 16 }, () => 0);

const cases: Record<string, RunIterations> = {
  empty: (n) => {
    for (let i = 0; i < n; i++);
  },
  // map, properties, elements and two fields, 8 bytes each
  pair: (n) => {
    for (let i = 0; i < n; i++) sink = { a: i, b: i };
  },
  // three words and one field, and a number box of 16 bytes
  double: (n) => {
    for (let i = 0; i < n; i++) sink = { x: i + 0.5 };
  },
  // an array of 32 bytes, its elements 16 + 8
  array: (n) => {
    for (let i = 0; i < n; i++) sink = [i];
  },
  // outlives several collections: copied and promoted, still allocated once
  surviving: (n) => {
    for (let i = 0; i < n; i++) survivors[i & 0xffff] = { a: i, b: i };
  },
  asyncPair: async (n) => {
    for (let i = 0; i < n; i++) sink = { a: i, b: i };
    await Promise.resolve();
  },
  buffer: (n) => {
    for (let i = 0; i < n; i++) sink = new Uint8Array(4096);
  },
};

/** 26 MB of buffers a window: V8 collects within it, however early the measurement settles. */
const firstIterations: Readonly<Record<string, number>> = { buffer: 6400 };

const results: Record<string, unknown> = {};
for (const [name, run] of Object.entries(cases)) {
  results[name] = await measureAllocation(run, firstIterations[name] ?? 100);
}
process.stdout.write(JSON.stringify({ results, alive: typeof sink }));
