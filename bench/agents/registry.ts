// A registry of 100 000 agents: registration, lookup and discovery, beside a plain Map and a scan.
// Run: node -C mettle-source bench/agents/registry.ts
import { type AgentEntry, type AgentQuery, AgentRegistry, type Registration } from "@mettle/agents";
import { Random } from "@mettle/core";
import { compare, formatNs, percentile, report } from "./measure.ts";

const agents = 100_000;
const random = new Random(1);
const pick = <T>(values: readonly T[]): T => values[random.below(values.length)]!;
const capabilities = Array.from({ length: 20 }, (_, i) => `capability-${i}`);
const registrations = Array.from(
  { length: agents },
  (_, i): Registration<object> => ({
    namespace: pick(["production", "test"]),
    name: `agent-${i}`,
    agent: { id: i },
    metadata: {
      type: pick(["coder", "planner", "reviewer", "tester"]),
      capabilities: [pick(capabilities), pick(capabilities), pick(capabilities)],
      health: pick(["healthy", "healthy", "healthy", "degraded", "unhealthy"]),
      region: pick(["us_east", "us_west", "eu", "asia"]),
      node: `node-${random.below(50)}`,
      status: pick(["idle", "running"]),
      resources: { cpu: random.uniform(), memory: random.uniform() },
    },
  }),
);

const registry = new AgentRegistry<object>();
const start = process.hrtime.bigint();
const entries: AgentEntry<object>[] = [];
for (const registration of registrations) entries.push(registry.register(registration));
console.log(`register 100 000: ${formatNs(Number(process.hrtime.bigint() - start) / agents)} each`);

const map = new Map(registrations.map(({ namespace, name, agent }) => [`${namespace}/${name}`, agent]));
const keys = Array.from({ length: 65_536 }, () => {
  const { namespace, name } = pick(registrations);
  // Texts of their own, as from a message: a text that is the key itself is compared by identity.
  return { namespace: [...namespace].join(""), name: [...name].join("") };
});
let sink = 0;
const control = "control: Map by namespace/name, key joined";
const lookups = await compare([
  {
    name: control,
    count: 500_000,
    run: (n) => {
      for (let i = 0; i < n; i++) {
        const key = keys[i & 65_535]!;
        if (map.get(`${key.namespace}/${key.name}`) !== undefined) sink += 1;
      }
    },
  },
  {
    name: "whereis",
    count: 500_000,
    run: (n) => {
      for (let i = 0; i < n; i++) {
        const key = keys[i & 65_535]!;
        if (registry.whereis(key.namespace, key.name) !== undefined) sink += 1;
      }
    },
  },
  {
    name: "register and unregister",
    count: 50_000,
    run: (n) => {
      const { agent, metadata } = registrations[0]!;
      for (let i = 0; i < n; i++) {
        registry.register({ namespace: "bench", name: `agent-${i}`, agent, metadata });
        registry.unregister("bench", `agent-${i}`);
      }
    },
  },
]);
report("lookup among 100 000 (random order)", lookups, control);

const makers: Readonly<Record<string, () => AgentQuery>> = {
  capability: () => ({ capability: pick(capabilities) }),
  resources: () => ({ resources: { memory: 0.5 + random.uniform() / 2, cpu: random.uniform() } }),
  health: () => ({ health: "healthy" }),
  region: () => ({ region: pick(["us_east", "eu"]) }),
  composite: () => ({ capability: pick(capabilities), health: "healthy", resources: { memory: 0.7 } }),
  "and, or, not": () => ({
    capability: [pick(capabilities), pick(capabilities)],
    or: [{ region: "eu" }, { resources: { cpu: 0.9 } }],
    not: { node: `node-${random.below(50)}` },
  }),
  "nearly none": () => ({ capability: capabilities.slice(0, 3), type: "coder", resources: { memory: 0.99 } }),
};
console.log("discovery among 100 000, limit 10: p50, p95 and p99 of single calls");
for (const [name, query] of Object.entries(makers)) {
  for (const ordered of [false, true]) {
    const options = ordered ? { limit: 10, orderBy: { resource: "memory" } } : { limit: 10 };
    const queries = Array.from({ length: 4000 }, query);
    const times: number[] = [];
    for (const [i, one] of queries.entries()) {
      const from = process.hrtime.bigint();
      sink += registry.discover(one, options).length;
      if (i >= 1000) times.push(Number(process.hrtime.bigint() - from));
    }
    times.sort((a, b) => a - b);
    const figures = [0.5, 0.95, 0.99].map((fraction) => formatNs(percentile(times, fraction)).padStart(9));
    console.log(`  ${`${name}${ordered ? ", by memory" : ""}`.padEnd(28)} ${figures.join("  ")}`);
  }
}
const scanned = await compare([
  {
    name: "control: scan of entries, composite, limit 10",
    count: 20,
    run: (n) => {
      for (let i = 0; i < n; i++) {
        const capability = pick(capabilities);
        sink += entries
          .filter((e) => e.capabilities.includes(capability) && e.health === "healthy" && e.resources["memory"]! >= 0.7)
          .slice(0, 10).length;
      }
    },
  },
  { name: "discover, composite, limit 10", count: 20_000, run: (n) => discoverAll(n, { limit: 10 }) },
  { name: "discover, composite, all", count: 200, run: (n) => discoverAll(n, {}) },
]);
report("composite query", scanned, "control: scan of entries, composite, limit 10");
if (sink === 0) throw new Error("nothing was found");

function discoverAll(count: number, options: { limit?: number }): void {
  for (let i = 0; i < count; i++) sink += registry.discover(makers["composite"]!(), options).length;
}
