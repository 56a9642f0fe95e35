// What does one agent cost in memory? The slope over several numbers of them, with its interval: one difference would
// also hold whatever the first one loads.
//
//   node --expose-gc examples/memory-per-thing.ts
import { measureMemoryPerThing } from "@mettle/bench";
import { formatQuantity } from "@mettle/core";

class Agent {
  readonly name: string;
  readonly mailbox = new Float64Array(128); // 1 KiB outside the heap
  constructor(name: string) {
    this.name = name;
  }
}

const { isolate } = await measureMemoryPerThing({
  counts: [1000, 2000, 4000],
  make: (count) => Array.from({ length: count }, (_, i) => new Agent(`agent-${i}`)),
});
const [each, low, high] = [isolate.slopeBytes, isolate.low, isolate.high].map((bytes) =>
  formatQuantity(bytes, "bytes"),
);
console.log(`${each} an agent (${isolate.confidence * 100} % interval ${low} to ${high})`);
