// Agents by name and by what they can do.
//
//   node -C mettle-source examples/agents/registry.ts
//
// Prints:
//   ada is at node-1
//   can write TypeScript and is healthy: ada, grace
//   most memory first: grace, ada
//   in Europe, or not a coder: ada, linus
//   after ada died: grace
import { type AgentQuery, AgentRegistry, type DiscoverOptions } from "@mettle/agents";

/** Stands for what a runtime tells of its agents. */
const deaths = new Map<string, () => void>();
const registry = new AgentRegistry<string>({
  watch: (agent, gone) => {
    deaths.set(agent, gone);
    return () => deaths.delete(agent);
  },
});

registry.registerAll([
  {
    namespace: "production",
    name: "ada",
    agent: "ada's mailbox",
    metadata: {
      type: "coder",
      capabilities: ["typescript", "testing"],
      health: "healthy",
      region: "eu",
      node: "node-1",
      resources: { memory: 0.5, cpu: 0.9 },
    },
  },
  {
    namespace: "production",
    name: "grace",
    agent: "grace's mailbox",
    metadata: {
      type: "coder",
      capabilities: ["typescript"],
      health: "healthy",
      region: "us",
      node: "node-2",
      resources: { memory: 0.8, cpu: 0.4 },
    },
  },
  {
    namespace: "production",
    name: "linus",
    agent: "linus's mailbox",
    metadata: { type: "reviewer", capabilities: ["c"], health: "degraded", region: "us", node: "node-2" },
  },
]);

const names = (query: AgentQuery, options?: DiscoverOptions): string =>
  registry
    .discover(query, options)
    .map(({ name }) => name)
    .join(", ");

console.log(`ada is at ${registry.lookup("production", "ada")?.node}`);
console.log(`can write TypeScript and is healthy: ${names({ capability: "typescript", health: "healthy" })}`);
console.log(
  `most memory first: ${names({ resources: { memory: 0.1 } }, { limit: 2, orderBy: { resource: "memory" } })}`,
);
const either = names({ or: [{ region: "eu" }, { not: { type: "coder" } }] }, { orderBy: { resource: "cpu" } });
console.log(`in Europe, or not a coder: ${either}`);

deaths.get("ada's mailbox")?.();
console.log(`after ada died: ${names({ capability: "typescript" })}`);
