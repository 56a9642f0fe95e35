import type { Random } from "@mettle/core";
import type { AgentDescription, AgentHandle, AgentPlatform, DiscoveryQuery } from "../platform/platform.ts";

const regions = ["us_east", "us_west", "eu_central", "ap_south"] as const;
const healths = ["healthy", "healthy", "healthy", "degraded", "unhealthy"] as const;
const capabilityNames = Array.from({ length: 20 }, (_, i) => (i === 0 ? "model_management" : `capability_${i}`));

/** The capabilities that described agents may have; 20 of them, as S0-022 asks. */
export const knownCapabilities: readonly string[] = capabilityNames;

/** What an agent says of itself: one to three capabilities, mostly healthy, anywhere, with some of its resources free. */
export function describeAgent(random: Random): AgentDescription {
  const count = 1 + random.below(3);
  const picked = new Set<string>();
  while (picked.size < count) picked.add(capabilityNames[random.below(capabilityNames.length)]!);
  return {
    type: random.uniform() < 0.5 ? "worker" : "coordinator",
    capabilities: [...picked],
    health: healths[random.below(healths.length)]!,
    region: regions[random.below(regions.length)]!,
    resources: { cpu: random.uniform(), memory: random.uniform() },
  };
}

/** The five kinds of discovery (S0-030 … S0-034). */
export const discoveryQueries: Readonly<Record<string, DiscoveryQuery>> = {
  capability: { capability: "model_management" },
  resource: { resources: { memory: 0.5, cpu: 0.3 } },
  health: { health: "healthy" },
  geographic: { region: "us_east" },
  composite: { capability: "model_management", health: "healthy", resources: { memory: 0.7 } },
};

/** Whether a description answers a query, the slow obvious way: the oracle of discovery. */
export function answers({ capabilities, health, region, resources }: AgentDescription, query: DiscoveryQuery): boolean {
  const { cpu = 0, memory = 0 } = query.resources ?? {};
  if (query.capability !== undefined && !capabilities.includes(query.capability)) return false;
  if (query.health !== undefined && query.health !== health) return false;
  if (query.region !== undefined && query.region !== region) return false;
  return resources.cpu >= cpu && resources.memory >= memory;
}

export interface Population {
  readonly agents: readonly AgentHandle[];
  readonly names: readonly string[];
  readonly descriptions: readonly AgentDescription[];
}

/** Spawns and registers so many described agents. */
export async function populate(platform: AgentPlatform, count: number, random: Random): Promise<Population> {
  const agents: AgentHandle[] = [];
  const names: string[] = [];
  const descriptions: AgentDescription[] = [];
  for (let i = 0; i < count; i++) {
    const agent = await platform.spawn();
    const description = describeAgent(random);
    const name = `agent-${i}`;
    await platform.registry?.register(name, agent, description);
    agents.push(agent);
    names.push(name);
    descriptions.push(description);
  }
  return { agents, names, descriptions };
}

/** Spawns so many, unregistered. */
export async function spawnMany(platform: AgentPlatform, count: number): Promise<AgentHandle[]> {
  const agents: AgentHandle[] = [];
  for (let i = 0; i < count; i++) agents.push(await platform.spawn());
  return agents;
}

export async function stopAll(platform: AgentPlatform, agents: readonly AgentHandle[]): Promise<void> {
  for (const agent of agents) await platform.stop(agent);
}
