// Do two threads carry more than one? Requests that compute for 20 µs and more, on one shard and on two, in turns; and
// what one message to another thread costs, alone and among many.
//
// Run: node -C mettle-source bench/agents/shards.ts [rounds]
import { isMainThread } from "node:worker_threads";
import { createRuntime, defineAction, defineAgent, type RefOf } from "@mettle/agents";

/** Exported, because the other threads load it from here. */
export const worker = defineAgent({
  name: "worker",
  module: import.meta.url,
  state: () => ({}),
  actions: {
    // A fixed amount of work, not a fixed time: threads that share a core must not seem to do more than they do.
    compute: defineAction({
      mode: "read",
      run: (_state: object, steps: number) => {
        let hash = 0x811c9dc5;
        for (let i = 0; i < steps; i++) hash = Math.imul(hash ^ i, 0x01000193);
        return { reply: hash };
      },
    }),
  },
});

type Worker = RefOf<typeof worker>;

const REQUESTS = 4000;
const IN_FLIGHT = 64;
const STEPS = [20_000, 100_000];
/** Until the loop runs as optimized code on both threads, which takes V8 seconds: before, a request takes three times as long. */
const WARM_UP_MS = 6000;

/** Requests a second with `IN_FLIGHT` under way, spread over the agents. */
async function throughput(agents: readonly Worker[], steps: number): Promise<number> {
  const start = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < REQUESTS) {
      const agent = agents[next++ % agents.length]!;
      await agent.ask({ type: "compute", data: steps }, { timeout: 60_000 });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return (REQUESTS / (performance.now() - start)) * 1000;
}

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 5);
  await using runtime = createRuntime({ shards: { workers: 2 } });
  const [first, second] = [1, 2].map((placement) => runtime.spawn(worker, { placement })) as [Worker, Worker];
  await Promise.all([first, second].map((agent) => agent.ask({ type: "compute", data: 1 })));
  const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

  for (const steps of STEPS) {
    const warm = performance.now() + WARM_UP_MS;
    while (performance.now() < warm) await throughput([first, second], steps);
    const ratios: number[] = [];
    const perRequest: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const one = await throughput([first], steps);
      const two = await throughput([first, second], steps);
      ratios.push(two / one);
      perRequest.push(1e6 / one);
    }
    console.log(
      `${median(perRequest).toFixed(0)} µs a request on one shard; two carry ${median(ratios).toFixed(2)} times as much ` +
        `(${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`,
    );
  }

  const alone: number[] = [];
  for (let i = 0; i < 2000; i++) {
    const start = performance.now();
    await first.ask({ type: "compute", data: 0 });
    alone.push((performance.now() - start) * 1000);
  }
  const many = await throughput([first], 0);
  console.log(
    `to another thread and back: ${median(alone).toFixed(0)} µs alone, ${(1e6 / many).toFixed(1)} µs with ${IN_FLIGHT} under way`,
  );
}

if (isMainThread) await main();
