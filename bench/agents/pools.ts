// Whether pooling, batching and caching pay: each beside doing without. A ratio under 1 is a loss and is shown as one.
//
// Run: node --expose-gc -C mettle-source bench/agents/pools.ts
import { ms, systemClock } from "@mettle/core";
import {
  AgentPool,
  Batcher,
  BoundedCache,
  ConnectionPool,
  ObjectPool,
  type Poolable,
  TaskPool,
  TimerWheel,
} from "@mettle/agents";
import { alternate, show } from "./alternate.ts";

interface Instruction extends Poolable {
  action: string;
  parameters: unknown;
  context: unknown;
  next: Instruction | undefined;
}
const create = (): Instruction => ({
  inPool: false,
  action: "",
  parameters: undefined,
  context: undefined,
  next: undefined,
});
const reset = (item: Instruction): void => {
  item.parameters = undefined;
  item.context = undefined;
  item.next = undefined;
};
const objects = new ObjectPool<Instruction>({ create, reset, capacity: 1000, warm: 1000 });
const COUNT = 10_000;
const window: Instruction[] = Array.from({ length: 500 }, create);
const pooledWindow: Instruction[] = Array.from({ length: 500 }, () => objects.checkout());
let sink = 0;

show(
  "an instruction",
  await alternate(
    [
      {
        name: "new, dropped at once",
        run: () => {
          for (let i = 0; i < COUNT; i++) {
            const item = create();
            item.action = "add";
            item.parameters = i;
            sink += item.action.length;
          }
        },
      },
      {
        name: "pool, returned at once",
        run: () => {
          for (let i = 0; i < COUNT; i++) {
            const item = objects.checkout();
            item.action = "add";
            item.parameters = i;
            sink += item.action.length;
            objects.checkin(item);
          }
        },
      },
      {
        name: "new, 500 alive at a time",
        run: () => {
          for (let i = 0; i < COUNT; i++) {
            const item = create();
            item.parameters = i;
            window[i % 500] = item;
          }
        },
      },
      {
        name: "pool, 500 alive at a time",
        run: () => {
          for (let i = 0; i < COUNT; i++) {
            objects.checkin(pooledWindow[i % 500]!);
            const item = objects.checkout();
            item.parameters = i;
            pooledWindow[i % 500] = item;
          }
        },
      },
    ],
    { runs: 20 },
  ),
  COUNT,
);

const spawn = (type: string): { type: string; state: Float64Array } => ({ type, state: new Float64Array(512) });
const agents = new AgentPool({ spawn, stop: () => undefined, reset: () => true, types: ["worker"], size: 10 });
show(
  "an agent of 4 KB",
  await alternate(
    [
      { name: "spawned each time", run: () => void (sink += spawn("worker").state.length) },
      {
        name: "AgentPool, taken and returned",
        run: () => {
          const agent = agents.get("worker");
          sink += agent.state.length;
          agents.release(agent);
        },
      },
    ],
    { runs: 5000 },
  ),
);

const connections = new ConnectionPool({
  open: async () => ({ sent: 0 }),
  close: () => undefined,
  timers: new TimerWheel(systemClock),
});
show(
  "a connection whose opening costs one turn of the event loop",
  await alternate(
    [
      {
        name: "opened each time",
        run: async () => {
          await new Promise(setImmediate);
          sink += 1;
        },
      },
      { name: "ConnectionPool", run: async () => connections.with(async () => void (sink += 1)) },
    ],
    { runs: 500 },
  ),
);

const cost = async (items: number): Promise<void> => {
  // A round trip, and little for each item: what makes batching worth it.
  await new Promise(setImmediate);
  sink += items;
};
const batcher = (adaptive: boolean): Batcher<number, number> =>
  new Batcher({
    adaptive,
    timers: new TimerWheel(systemClock),
    interval: ms(1),
    handle: async (_type, items) => {
      await cost(items.length);
      return [...items];
    },
  });
const [fixed, adaptive] = [batcher(false), batcher(true)];
const items = Array.from({ length: 1000 }, (_, i) => i);
show(
  "1 000 items at once through something with a round trip",
  await alternate(
    [
      {
        name: "one by one",
        run: async () => {
          for (const item of items.slice(0, 100)) await cost(item);
        },
      },
      {
        name: "batches of 100",
        run: async () => void (await Promise.all(items.map((item) => fixed.submit("a", item)))),
      },
      { name: "adaptive", run: async () => void (await Promise.all(items.map((item) => adaptive.submit("a", item)))) },
    ],
    { rounds: 9, runs: 3 },
  ).then(([single, ...others]) => {
    // The first did a tenth of the items.
    const whole = { ...single!, medianNs: single!.medianNs * 10 };
    return [whole, ...others.map((timing) => ({ ...timing, speedUp: timing.speedUp * 10 }))];
  }),
  1000,
);

const cache = new BoundedCache<boolean>({ capacity: 10_000, ttl: ms(300_000), nowMs: () => performance.now() });
const untimed = new BoundedCache<boolean>({ capacity: 10_000, nowMs: () => 0 });
const keys = Array.from({ length: 1000 }, (_, i) => `order.${i % 37}.created.${i}`);
const pattern = /^order\.(\d+)\.created\.(\d+)$/;
const validate = (key: string): boolean => {
  const found = pattern.exec(key);
  return found !== null && Number(found[1]) < 100 && JSON.stringify({ key, at: found[2] }).length > 10;
};
const plain = new Map(keys.map((key) => [key, validate(key)]));
show(
  "a validation, 1 000 different",
  await alternate(
    [
      { name: "done each time", run: () => keys.forEach((key) => void (sink += validate(key) ? 1 : 0)) },
      { name: "a bare Map, unbounded", run: () => keys.forEach((key) => void (sink += plain.get(key) ? 1 : 0)) },
      {
        name: "BoundedCache, for ever",
        run: () => keys.forEach((key) => void (sink += untimed.getOrCompute(key, () => validate(key)) ? 1 : 0)),
      },
      {
        name: "BoundedCache, five minutes",
        run: () => keys.forEach((key) => void (sink += cache.getOrCompute(key, () => validate(key)) ? 1 : 0)),
      },
    ],
    { runs: 50 },
  ),
  1000,
);

const module = new URL("./task-square-sum.mjs", import.meta.url);
const tasks = new TaskPool<number, number>({ module });
const { default: squareSum } = (await import(module.href)) as { default: (upTo: number) => number };
for (const [name, upTo] of [
  ["a task of some 20 µs", 20_000],
  ["a task of some 2 ms", 2_000_000],
] as const) {
  show(
    `8 × ${name}`,
    await alternate(
      [
        { name: "in this thread", run: () => void (sink += Array.from({ length: 8 }, () => squareSum(upTo)).length) },
        {
          name: "TaskPool, a worker for each core",
          run: async () => void (await Promise.all(Array.from({ length: 8 }, () => tasks.run(upTo)))),
        },
      ],
      { rounds: 9, runs: 10 },
    ),
    8,
  );
}
await tasks.close();
await connections.close();
console.log(`\n(${sink})`);
