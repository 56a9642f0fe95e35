// The lines of bench/agents/versus on Mettle's runtime. Run by run.ts.
import { isMainThread } from "node:worker_threads";
import {
  type AnyRef,
  ballotsTo,
  Coordinator,
  createRuntime,
  defineAction,
  defineAgent,
  type Runtime,
  type Signal,
  type StandardSchema,
  TimerWheel,
  unanimity,
} from "@mettle/agents";
import { systemClock } from "@mettle/core";
import { counter, type Total, voter } from "../subjects.ts";
import {
  ASKS,
  asks,
  CREATED,
  creation,
  cpu,
  LOOKUPS,
  nextTurn,
  order,
  percentile,
  PUBLISHED,
  REGISTERED,
  repeat,
  rounds,
  SENDS,
  sends,
  type Values,
} from "./round.ts";

const wholeNumber: StandardSchema<number> = {
  "~standard": {
    version: 1,
    vendor: "bench",
    validate: (value) =>
      Number.isInteger(value) ? { value: value as number } : { issues: [{ message: "must be a whole number" }] },
  },
};

/** One step as an agent framework counts it: input validated, state changed, answer returned. */
const stepper = defineAgent({
  name: "stepper",
  state: (): Total => ({ total: 0 }),
  actions: {
    step: defineAction({
      input: wholeNumber,
      run: (state: Total, by) => ({ state: { total: state.total + by }, reply: state.total + by }),
    }),
  },
});

let heard = 0;
let allHeard: () => void = () => undefined;
const listener = defineAgent({
  name: "listener",
  state: (): Total => ({ total: 0 }),
  signals: { "orders.*.created": "hear" },
  actions: {
    hear: defineAction({
      run: (_state: Total, _signal: Signal) => {
        heard += 1;
        if (heard === 1000) allHeard();
      },
    }),
  },
});

/** Keys of their own, as from a message: a text that is the key itself is compared by identity. */
function register(runtime: Runtime, agent: AnyRef): readonly { readonly namespace: string; readonly name: string }[] {
  for (let i = 0; i < REGISTERED; i++) {
    const metadata = { type: "coder", capabilities: ["code"] };
    runtime.registry.register({ namespace: "production", name: `agent-${i}`, agent, metadata });
  }
  const text = (value: string): string => Buffer.from(value).toString();
  let seed = 1;
  return Array.from({ length: 65_536 }, () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return { namespace: text("production"), name: text(`agent-${seed % REGISTERED}`) };
  });
}

function costs(runtime: Runtime): () => Promise<Values> {
  const wheel = new TimerWheel(systemClock);
  const coordinator = new Coordinator({ timers: wheel, nowMs: () => performance.now() });
  const publishers = createRuntime();
  for (let i = 0; i < 1000; i++) publishers.spawn(listener);
  const publish = (): Promise<void> =>
    new Promise((resolve) => {
      heard = 0;
      allHeard = resolve;
      publishers.bus.emit("orders.invoice.created", "bench", { total: 1 });
    });
  const voters = Array.from({ length: 10_000 }, () => runtime.spawn(voter));
  const propose = (members: number): (() => Promise<void>) => {
    const ask = ballotsTo<string>(voters.slice(0, members), "propose");
    return async () => {
      const { outcome } = coordinator.propose({ members, proposal: "scale", rule: unanimity, ask });
      if ((await outcome).state !== "decided") throw new Error("undecided");
    };
  };
  const thousand = propose(1000);
  const tenThousand = propose(10_000);
  const agent = runtime.spawn(counter);
  const stepping = runtime.spawn(stepper);
  const keys = register(runtime, agent);
  return async () => ({
    ...(await creation(
      CREATED,
      () => runtime.spawn(counter),
      (made) => void made.stop(),
    )),
    ask: await asks(ASKS, () => agent.ask({ type: "add", data: 1 }, { timeout: 5000 })),
    step: await asks(ASKS, () => stepping.ask({ type: "step", data: 1 }, { timeout: 5000 })),
    send: await sends(
      SENDS,
      () => agent.send({ type: "note", data: 1 }),
      () => agent.ask({ type: "add", data: 0 }),
    ),
    lookup: await cpu(LOOKUPS, () => {
      for (let i = 0; i < LOOKUPS; i++) {
        const { namespace, name } = keys[i & 65_535]!;
        if (runtime.registry.whereis(namespace, name) === undefined) throw new Error("not found");
      }
    }),
    publish: await repeat(PUBLISHED, publish),
    propose1000: await repeat(500, thousand),
    propose10000: await repeat(50, tenThousand),
  });
}

const EVENTS = 30_000;

/**
 * Until something is due there is nothing to run, as every turn before has run it all. By a function that is compiled, as
 * what waits on the other side makes no garbage either: in the loop below it made fifteen times as much as the events did.
 */
function spinUntil(due: number): void {
  while (performance.now() < due);
}

/** 10 000 events a second to 10 subscribers: from when each was due until each has it, for three seconds. */
async function events(): Promise<Values> {
  const latencies = new Float64Array(EVENTS * 10);
  let heard = 0;
  const timed = defineAgent({
    name: "timed",
    state: (): Total => ({ total: 0 }),
    signals: { "orders.*.created": "hear" },
    actions: {
      hear: defineAction({
        run: (_state: Total, signal: Signal) => {
          latencies[heard++] = (performance.now() - (signal.data as number)) * 1e6;
        },
      }),
    },
  });
  await using runtime = createRuntime();
  for (let i = 0; i < 10; i++) runtime.spawn(timed);
  const start = performance.now();
  for (let sent = 0; sent < EVENTS; sent++) {
    const due = start + sent / 10;
    spinUntil(due);
    runtime.bus.emit("orders.invoice.created", "bench", due);
    await nextTurn();
  }
  while (heard < latencies.length) await nextTurn();
  return { events: percentile(latencies, 0.99) };
}

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

/** 1 000 requests a second to 100 agents while another one computes 20 ms of every 40, for five seconds. */
async function neighbours(): Promise<Values> {
  await using runtime = createRuntime();
  let noticed = Number.POSITIVE_INFINITY;
  runtime.observe((event) => {
    if (event.kind === "agent-greedy") noticed = Math.min(noticed, performance.now());
  });
  const neighbour = runtime.spawn(greedy);
  const agents = Array.from({ length: 100 }, () => runtime.spawn(counter));
  const start = performance.now();
  const pushing = setInterval(() => neighbour.send({ type: "compute", data: 20 }), 40);
  const responses: { readonly due: number; readonly tookNs: number }[] = [];
  for (let sent = 0; sent < 5000; ) {
    for (; sent < 5000 && start + sent <= performance.now(); sent++) {
      const due = start + sent;
      void agents[sent % 100]!.ask({ type: "add", data: 1 }).then(() =>
        responses.push({ due, tookNs: (performance.now() - due) * 1e6 }),
      );
    }
    await nextTurn();
  }
  while (responses.length < 5000) await nextTurn();
  clearInterval(pushing);
  const p99 = (of: (due: number) => boolean): number =>
    percentile(
      responses.filter(({ due }) => of(due)).map(({ tookNs }) => tookNs),
      0.99,
    );
  // A thread's start costs this one some milliseconds too: it belongs to noticing.
  return {
    neighbour: p99((due) => due > noticed + 500),
    neighbourUnnoticed: p99((due) => due < noticed),
    noticedAfter: (noticed - start) * 1e6,
  };
}

if (isMainThread) {
  const { what, count } = order();
  if (what === "events") await rounds(events, count, 1);
  else if (what === "neighbours") await rounds(neighbours, count, 0);
  else {
    await using runtime = createRuntime();
    await rounds(costs(runtime), count, 3);
    process.exit(0);
  }
}
