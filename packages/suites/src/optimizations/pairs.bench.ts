// Each switch of the runtime off and on, doing the same work: S1-008, S1-012 … S1-015, S1-020, S1-023, S1-032.
import {
  type AgentRef,
  type AnyRef,
  allSwitches,
  BoundedCache,
  createRuntime,
  ObjectPool,
  poolCapacities,
  type Poolable,
  type Runtime,
  type Switches,
} from "@mettle/agents";
import { afterAll, beforeAll, bench, suite } from "@mettle/bench";
import { worker, type WorkerProtocol } from "../adapters/mettle/agents.ts";

type Ask = (agent: AgentRef<WorkerProtocol>, index: number) => unknown;

/** One switch off (the baseline) against all on, each on a runtime of its own. */
const pair = (title: string, name: keyof Switches, ask: Ask): void => against(title, { [name]: false }, ask);

function against(title: string, off: Partial<Switches>, ask: Ask): void {
  suite(title, () => {
    const runtimes: Runtime[] = [];
    const agents: AgentRef<WorkerProtocol>[] = [];
    let index = 0;
    beforeAll(() => {
      for (const switches of [off, {}]) {
        const runtime = createRuntime({ switches });
        runtimes.push(runtime);
        agents.push(runtime.spawn(worker));
      }
    });
    afterAll(async () => {
      for (const runtime of runtimes) await runtime.close({ drain: false });
    });
    bench("off", () => ask(agents[0]!, index++), { baseline: true });
    bench("on", () => ask(agents[1]!, index++));
  });
}

pair("fast-path", "fastPath", (agent) => agent.ask({ type: "total" }));
pair("monomorphic", "monomorphic", (agent, index) => agent.ask({ type: "add", data: index & 7 }));

/** Agents that another place knows; none of them is asked for. */
const elsewhere = new Map<string, AnyRef>();
/** Found by name, where another place could know the name too: only then does it matter who is asked first. */
suite("local-first", () => {
  const runtimes: Runtime[] = [];
  beforeAll(() => {
    for (const switches of [{ localFirst: false }, {}]) {
      const runtime = createRuntime({ switches });
      runtimes.push(runtime);
      const agent = runtime.spawn(worker, { name: "own-agent" }) as AnyRef;
      for (let i = 0; i < 10_000; i++) elsewhere.set(`remote-${i}`, agent);
      runtime.attach({ resolve: (name) => elsewhere.get(name) });
    }
  });
  afterAll(async () => {
    for (const runtime of runtimes) await runtime.close({ drain: false });
  });
  bench("off", () => runtimes[0]!.find("own-agent"), { baseline: true });
  bench("on", () => runtimes[1]!.find("own-agent"));
});

/** A hundred messages and a reply to the last: what a turn handles together, or one by one. */
const burst: Ask = (agent) => {
  for (let i = 0; i < 100; i++) agent.send({ type: "note", data: 1 });
  return agent.ask({ type: "total" });
};
pair("batching", "batching", burst);

const none = Object.fromEntries(Object.keys(allSwitches).map((name) => [name, false]));
against("combined", none, burst);

for (const size of [64, 1024, 65_536]) {
  const payload = { id: 1, body: "x".repeat(size), tags: ["a", "b", "c"] };
  pair(`zero-copy-${size}`, "zeroCopy", (agent) => agent.ask({ type: "echo", data: payload }));
}

interface PooledInstruction extends Poolable {
  action: string;
  params: unknown;
  context: unknown;
  attempts: number;
}
const fresh = (): PooledInstruction => ({
  inPool: false,
  action: "",
  params: undefined,
  context: undefined,
  attempts: 0,
});
/** Kept for a while, as an instruction in a queue is: the objects outlive the youngest generation. */
const queued = 256;

suite("pooling", () => {
  const pool = new ObjectPool<PooledInstruction>({
    create: fresh,
    reset: (item) => {
      item.action = "";
      item.params = undefined;
      item.context = undefined;
      item.attempts = 0;
    },
    capacity: poolCapacities.instruction,
    warm: queued * 2,
  });
  const rings = [0, 1].map(() => Array.from({ length: queued }, fresh));
  let at = 0;
  bench(
    "off",
    () => {
      at = (at + 1) % queued;
      const made = fresh();
      made.action = "step";
      rings[0]![at] = made;
      return made;
    },
    { baseline: true },
  );
  bench("on", () => {
    at = (at + 1) % queued;
    const before = rings[1]![at]!;
    const made = pool.checkout();
    made.action = "step";
    rings[1]![at] = made;
    before.inPool = false;
    pool.checkin(before);
    return made;
  });
});

/** What a schema library does with a message of a few fields, written out. */
function validateOrder(value: { id: string; items: readonly { sku: string; count: number }[] }): boolean {
  if (typeof value.id !== "string" || !/^[a-z0-9-]{3,40}$/.test(value.id)) return false;
  return value.items.every(
    ({ sku, count }) => /^[A-Z]{2}-\d{4,8}$/.test(sku) && Number.isSafeInteger(count) && count > 0 && count < 1000,
  );
}

suite("caching", () => {
  // Templates: the same messages come again, as those of a schedule or a heartbeat do.
  const orders = Array.from({ length: 64 }, (_, i) => ({
    id: `order-${i}`,
    items: Array.from({ length: 8 }, (_item, k) => ({ sku: `AB-${10_000 + i * 8 + k}`, count: k + 1 })),
  }));
  const cache = new BoundedCache<boolean>({ capacity: 10_000, nowMs: () => performance.now() });
  let at = 0;
  bench("off", () => validateOrder(orders[(at = (at + 1) & 63)]!), { baseline: true });
  bench("on", () => {
    const order = orders[(at = (at + 1) & 63)]!;
    const hit = cache.lookup(order.id);
    if (hit !== undefined) return hit.value;
    const valid = validateOrder(order);
    cache.set(order.id, valid);
    return valid;
  });
});
