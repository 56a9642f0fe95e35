// Do two threads carry more than one? Requests that compute for 20 µs and more, on one shard and on two, in turns; and
// what one message to another thread costs, alone and among many. Plain messages between threads, without agents, are
// measured in the same rounds: what they gain is what the machine gives.
//
// Run: node -C mettle-source bench/agents/shards.ts [rounds]
import { isMainThread, type MessagePort, parentPort, Worker as Thread, workerData } from "node:worker_threads";
import { createRuntime, defineAction, defineAgent, type RefOf } from "@mettle/agents";

// In blocks, as code usually is: a loop of its own that long V8 replaces while it runs, anew in every call, for seconds.
const BLOCK = 200;
function hashBlock(hash: number): number {
  for (let i = 0; i < BLOCK; i++) hash = Math.imul(hash ^ i, 0x01000193);
  return hash;
}
function hashOf(blocks: number): number {
  let hash = 0;
  for (let i = 0; i < blocks; i++) hash = hashBlock(hash);
  return hash;
}

/** Exported, because the other threads load it from here. */
export const worker = defineAgent({
  name: "worker",
  module: import.meta.url,
  state: () => ({}),
  actions: {
    // A fixed amount of work, not a fixed time: threads that share a core must not seem to do more than they do.
    compute: defineAction({
      mode: "read",
      run: (_state: object, blocks: number) => ({ reply: hashOf(blocks) }),
    }),
  },
});

type Worker = RefOf<typeof worker>;
type Ask = (blocks: number) => Promise<unknown>;

const asksOf = (agents: readonly Worker[]): Ask[] =>
  agents.map((agent) => (blocks) => agent.ask({ type: "compute", data: blocks }, { timeout: 60_000 }));

/** The control: a thread that computes on a message and answers with another, in order. */
const PLAIN = "plain";
function answerPlainly(port: MessagePort): void {
  port.on("message", (blocks: number) => port.postMessage(hashOf(blocks), []));
}
function plainThread(): { thread: Thread; ask: Ask } {
  const thread = new Thread(new URL(import.meta.url), { workerData: PLAIN });
  const waiting: ((hash: number) => void)[] = [];
  thread.on("message", (hash: number) => waiting.shift()?.(hash));
  const ask: Ask = (blocks) =>
    new Promise<number>((resolve) => {
      waiting.push(resolve);
      thread.postMessage(blocks, []);
    });
  return { thread, ask };
}

const REQUESTS = 4000;
const IN_FLIGHT = 64;
const BLOCKS = [200, 1000];
const WARM_UP_MS = 3000;

/** Requests a second with `IN_FLIGHT` under way, spread over those who are asked. */
async function throughput(asks: readonly Ask[], blocks: number): Promise<number> {
  const start = performance.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < REQUESTS) await asks[next++ % asks.length]!(blocks);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return (REQUESTS / (performance.now() - start)) * 1000;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

class Arm {
  readonly #name: string;
  readonly #asks: readonly Ask[];
  readonly #ratios: number[] = [];
  readonly #perRequestUs: number[] = [];

  constructor(name: string, asks: readonly Ask[]) {
    this.#name = name;
    this.#asks = asks;
  }

  async warmUp(blocks: number): Promise<void> {
    const until = performance.now() + WARM_UP_MS;
    while (performance.now() < until) await throughput(this.#asks, blocks);
  }

  async round(blocks: number): Promise<void> {
    const one = await throughput(this.#asks.slice(0, 1), blocks);
    const two = await throughput(this.#asks, blocks);
    this.#ratios.push(two / one);
    this.#perRequestUs.push(1e6 / one);
  }

  toString(): string {
    const ratios = this.#ratios;
    return (
      `${this.#name}: ${median(this.#perRequestUs).toFixed(0)} µs a request on one thread; two carry ` +
      `${median(ratios).toFixed(2)} times as much (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`
    );
  }
}

async function main(): Promise<void> {
  const rounds = Number(process.argv[2] ?? 5);
  await using runtime = createRuntime({ shards: { workers: 2 } });
  const agents = [1, 2].map((placement) => runtime.spawn(worker, { placement }));
  await Promise.all(agents.map((agent) => agent.ask({ type: "compute", data: 1 })));
  const plain = [plainThread(), plainThread()];

  for (const blocks of BLOCKS) {
    const arms = [
      new Arm("agents", asksOf(agents)),
      new Arm(
        "plain messages",
        plain.map(({ ask }) => ask),
      ),
    ];
    for (const arm of arms) await arm.warmUp(blocks);
    for (let round = 0; round < rounds; round++) for (const arm of arms) await arm.round(blocks);
    for (const arm of arms) console.log(String(arm));
  }
  await Promise.all(plain.map(({ thread }) => thread.terminate()));

  const first = agents[0]!;
  const alone: number[] = [];
  for (let i = 0; i < 2000; i++) {
    const start = performance.now();
    await first.ask({ type: "compute", data: 0 });
    alone.push((performance.now() - start) * 1000);
  }
  const many = await throughput(asksOf([first]), 0);
  console.log(
    `to another thread and back: ${median(alone).toFixed(0)} µs alone, ${(1e6 / many).toFixed(1)} µs with ${IN_FLIGHT} under way`,
  );
}

if (isMainThread) await main();
else if (workerData === PLAIN && parentPort) answerPlainly(parentPort);
