// Agents in other threads: started on demand, found by name, and only theirs when their thread dies.
//
//   node -C mettle-source examples/agents/threads.ts
//
// Prints:
//   primes below 200000: 17984
//   computed in another thread: true
//   a function cannot go there: AGENT_NOT_CLONEABLE
//   threads: 3
import { createRuntime, defineAction, defineAgent } from "@mettle/agents";
import { isMainThread, threadId } from "node:worker_threads";
import { MettleError } from "@mettle/core";

// Exported, with its module: that is where other threads load it from.
export const primes = defineAgent({
  name: "primes",
  module: import.meta.url,
  state: () => ({}),
  actions: {
    count: defineAction({
      mode: "read",
      run: (_state: object, { from, to }: { from: number; to: number }) => {
        let found = 0;
        for (let n = Math.max(from, 2); n < to; n++) {
          let prime = true;
          for (let d = 2; d * d <= n && prime; d++) prime = n % d !== 0;
          if (prime) found++;
        }
        return { reply: { found, thread: threadId } };
      },
    }),
  },
});

if (isMainThread) {
  await using runtime = createRuntime({ shards: { workers: 2 } });
  const agents = [1, 2].map((i) => runtime.spawn(primes, { placement: "any", name: `primes-${i}` }));
  const counted = await Promise.all(
    agents.map((agent, i) => {
      const range = { from: i * 100_000, to: (i + 1) * 100_000 };
      return agent.ask({ type: "count", data: range }, { timeout: 60_000 }); // the thread has to start first
    }),
  );
  console.log(`primes below 200000: ${counted.reduce((sum, { found }) => sum + found, 0)}`);
  console.log(`computed in another thread: ${counted.every(({ thread }) => thread !== threadId)}`);
  const loose = runtime.find("primes-1");
  await loose?.ask({ type: "count", data: () => 1 }).catch((error: unknown) => {
    if (error instanceof MettleError) console.log(`a function cannot go there: ${error.code}`);
  });
  console.log(`threads: ${runtime.stats().threads}`);
}
