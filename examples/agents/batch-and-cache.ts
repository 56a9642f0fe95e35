// Items handled together, each with its own result or error; and a cache that knows a null from nothing.
// Prints:
//   one batch of 3: 2, 4, refused
//   looked up once: null null
//   hit rate 50 %
import { systemClock } from "@mettle/core";
import { Batcher, BoundedCache, TimerWheel } from "@mettle/agents";

using timers = new TimerWheel(systemClock);
await using batcher = new Batcher<number, number>({
  timers,
  handle: (_type, items) => items.map((item) => (item < 0 ? new Error("refused") : 2 * item)),
});
const submitted = [1, 2, -1].map((item) => batcher.submit("double", item));
const results = await Promise.allSettled(submitted);
const shown = results.map((result) =>
  result.status === "fulfilled" ? result.value : (result.reason as Error).message,
);
console.log(`one batch of ${batcher.statistics.largest}: ${shown.join(", ")}`);

let lookups = 0;
const users = new BoundedCache<string | null>({ capacity: 1000, nowMs: () => performance.now() });
const find = (): string | null => {
  lookups += 1;
  return null; // there is no such user, and that is worth knowing
};
const twice = [users.getOrCompute("user:1", find), users.getOrCompute("user:1", find)];
console.log(`looked up ${lookups === 1 ? "once" : `${lookups} times`}: ${twice.map(String).join(" ")}`);
console.log(`hit rate ${100 * (users.statistics.hitRate ?? Number.NaN)} %`);
