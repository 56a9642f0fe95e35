// What a greedy neighbour does to the others: one agent computes 20 ms of every 40 while the others are asked 1 000 times a
// second. Response time (from when a request was due) of the others before the runtime has noticed it, and after.
//
// Run: node -C mettle-source bench/agents/neighbours.ts [seconds]
import { isMainThread } from "node:worker_threads";
import { createRuntime, defineAction, defineAgent, type Runtime } from "@mettle/agents";

/** Exported, because the runtime moves it to another thread, which loads it from here. */
export const greedy = defineAgent({
  name: "greedy",
  module: import.meta.url,
  state: () => ({ turns: 0 }),
  actions: {
    compute: defineAction({
      run: (state: { turns: number }, forMs: number) => {
        const end = performance.now() + forMs;
        while (performance.now() < end);
        return { state: { turns: state.turns + 1 } };
      },
    }),
  },
});

const modest = defineAgent({
  name: "modest",
  state: () => ({ n: 0 }),
  actions: {
    add: defineAction({ run: (state: { n: number }) => ({ state: { n: state.n + 1 }, reply: state.n + 1 }) }),
  },
});

const EVERY_MS = 1;
const percentile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? Number.NaN;

/** Asks for `seconds` by the clock, whatever became of the earlier requests; response times in ms with when they were due. */
async function ask(runtime: Runtime, seconds: number): Promise<{ due: number; took: number }[]> {
  const agents = Array.from({ length: 100 }, () => runtime.spawn(modest));
  const start = performance.now();
  const responses: { due: number; took: number }[] = [];
  let sent = 0;
  while (performance.now() - start < seconds * 1000) {
    for (; start + sent * EVERY_MS <= performance.now(); sent++) {
      const due = start + sent * EVERY_MS;
      void agents[sent % agents.length]!.ask({ type: "add" }).then(() =>
        responses.push({ due, took: performance.now() - due }),
      );
    }
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  return responses;
}

async function run(moveGreedy: boolean, seconds: number): Promise<void> {
  await using runtime = createRuntime({ shards: { moveGreedy } });
  let noticed = Number.POSITIVE_INFINITY;
  runtime.observe((event) => {
    if (event.kind === "agent-greedy") noticed = Math.min(noticed, performance.now());
  });
  const neighbour = runtime.spawn(greedy);
  const start = performance.now();
  const pushing = setInterval(() => neighbour.send({ type: "compute", data: 20 }), 40);
  const responses = await ask(runtime, seconds);
  clearInterval(pushing);
  // A thread's start costs this one some milliseconds too: it belongs to noticing.
  const calm = noticed + 500;
  const before = responses.filter(({ due }) => due < noticed).map(({ took }) => took);
  const after = responses.filter(({ due }) => due > calm).map(({ took }) => took);
  const seen = Number.isFinite(noticed) ? `${(noticed - start).toFixed(0)} ms` : "never";
  console.log(
    `${moveGreedy ? "moved" : "left where it is"}: noticed after ${seen}; p50 and p99 before ${percentile(before, 0.5).toFixed(2)} and ` +
      `${percentile(before, 0.99).toFixed(2)} ms, after ${percentile(after, 0.5).toFixed(2)} and ${percentile(after, 0.99).toFixed(2)} ms`,
  );
}

if (isMainThread) {
  const seconds = Number(process.argv[2] ?? 5);
  await run(true, seconds);
  await run(false, seconds);
}
