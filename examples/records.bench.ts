// A body may say itself what to record: a number, or several quantities of one run, each a metric of its own.
import { measure } from "@mettle/bench";

/** A search that counts what it looks at. */
function search(target: number): { readonly visited: number; readonly found: boolean } {
  const open = [1];
  let visited = 0;
  while (open.length > 0 && visited < 10_000) {
    const node = open.shift() ?? 0;
    visited++;
    if (node === target) return { visited, found: true };
    open.push(node * 2, node * 2 + 1);
  }
  return { visited, found: false };
}

measure(
  "breadth-first search",
  () => {
    const before = process.hrtime.bigint();
    const { visited, found } = search(200);
    return { time: Number(process.hrtime.bigint() - before), visited, success: found ? 1 : 0 };
  },
  {
    iterations: 50,
    // Keys without a unit are times in nanoseconds, and lower is better.
    units: {
      visited: { unit: "count", direction: "lower" },
      success: { unit: "1", direction: "higher" },
    },
  },
);
