// What an agent costs: to create, to keep, to send to, to ask with a deadline. Beside it, in the same process, a bare
// mailbox in a few lines (what plain JavaScript allows). Beside Erlang/OTP and other runtimes: bench/agents/versus.
// Absolute times are the machine's; the ratios are what counts.
//
// Run: node --expose-gc -C mettle-source bench/agents/runtime.ts [rounds]
import { createRuntime } from "@mettle/agents";
import { counter } from "./subjects.ts";

interface Costs {
  readonly createNs: number;
  readonly idleBytes: number;
  readonly askNs: number;
  readonly askConcurrentNs: number;
  readonly sendNs: number;
}

const CREATED = 100_000;
const ASKS = 200_000;
const SENDS = 2_000_000;
/** Sent between two waits, so that the mailbox (10 000) holds them. */
const BURST = 8000;
const IN_FLIGHT = 100;

const now = (): number => Number(process.hrtime.bigint());
const collect = globalThis.gc ?? ((): void => undefined);

async function timed(count: number, body: () => Promise<void>): Promise<number> {
  const start = now();
  await body();
  return (now() - start) / count;
}

/** What both sides are measured by. */
interface Subject {
  create(): unknown;
  discard(agents: readonly unknown[]): void;
  ask(by: number): Promise<unknown>;
  send(by: number): void;
}

async function measure(subject: Subject): Promise<Costs> {
  collect();
  const agents: unknown[] = Array.from({ length: CREATED });
  const before = process.memoryUsage().heapUsed;
  const createNs = await timed(CREATED, async () => {
    for (let i = 0; i < CREATED; i++) agents[i] = subject.create();
  });
  collect();
  const idleBytes = (process.memoryUsage().heapUsed - before) / CREATED;
  subject.discard(agents);
  const askNs = await timed(ASKS, async () => {
    for (let i = 0; i < ASKS; i++) await subject.ask(1);
  });
  const askConcurrentNs = await timed(ASKS, async () => {
    for (let i = 0; i < ASKS; i += IN_FLIGHT) {
      const asked: Promise<unknown>[] = [];
      for (let k = 0; k < IN_FLIGHT; k++) asked.push(subject.ask(1));
      await Promise.all(asked);
    }
  });
  const sendNs = await timed(SENDS, async () => {
    for (let i = 0; i < SENDS; i += BURST) {
      for (let k = 0; k < BURST; k++) subject.send(1);
      await subject.ask(0);
    }
  });
  return { createNs, idleBytes, askNs, askConcurrentNs, sendNs };
}

/** A mailbox and a run queue, and nothing that makes a runtime of them: no deadlines, limits, failures, types. */
function bareSubject(): Subject {
  type Item = { by: number; reply: ((value: number) => void) | undefined };
  interface Bare {
    total: number;
    box: Item[] | undefined;
  }
  let ready: Bare[] = [];
  const drain = (): void => {
    const work = ready;
    ready = [];
    for (const agent of work) {
      const box = agent.box!;
      agent.box = undefined;
      for (const { by, reply } of box) {
        agent.total += by;
        if (reply !== undefined) reply(agent.total);
      }
    }
  };
  const push = (agent: Bare, item: Item): void => {
    if (agent.box === undefined) {
      agent.box = [];
      ready.push(agent);
      if (ready.length === 1) queueMicrotask(drain);
    }
    agent.box.push(item);
  };
  const one: Bare = { total: 0, box: undefined };
  return {
    create: (): Bare => ({ total: 0, box: undefined }),
    discard: () => undefined,
    ask: (by) => new Promise<number>((resolve) => push(one, { by, reply: resolve })),
    send: (by) => push(one, { by, reply: undefined }),
  };
}

function mettleSubject(): Subject & AsyncDisposable {
  const runtime = createRuntime();
  const agent = runtime.spawn(counter);
  return {
    create: () => runtime.spawn(counter),
    discard: (agents) => {
      for (const each of agents as (typeof agent)[]) void each.stop();
    },
    ask: (by) => agent.ask({ type: "add", data: by }, { timeout: 5000 }),
    send: (by) => agent.send({ type: "note", data: by }),
    [Symbol.asyncDispose]: () => runtime.close(),
  };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

function medians(runs: readonly Partial<Costs>[]): Partial<Costs> {
  const names = Object.keys(runs[0] ?? {}) as (keyof Costs)[];
  return Object.fromEntries(names.map((name) => [name, median(runs.map((run) => run[name]!))]));
}

const rounds = Number(process.argv[2] ?? 5);
await using mettle = mettleSubject();
const bare = bareSubject();
const runs: { mettle: Costs; bare: Costs }[] = [];
await measure(mettle); // warms both
await measure(bare);
for (let round = 0; round < rounds; round++) runs.push({ mettle: await measure(mettle), bare: await measure(bare) });

const ours = medians(runs.map((run) => run.mettle)) as Costs;
const plain = medians(runs.map((run) => run.bare)) as Costs;
console.log("what             Mettle      bare mailbox   ratio");
for (const name of Object.keys(ours) as (keyof Costs)[]) {
  const [own, control] = [ours[name], plain[name]];
  console.log(
    [
      name.padEnd(16),
      own.toFixed(1).padStart(10),
      control.toFixed(1).padStart(14),
      (own / control).toFixed(2).padStart(9),
    ].join(" "),
  );
}
