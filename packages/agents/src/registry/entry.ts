import { registryErrors } from "./errors.ts";

export type AgentHealth = "healthy" | "degraded" | "unhealthy" | "unknown";

/** What an agent says of itself, and others may search for. */
export interface AgentMetadata {
  readonly type: string;
  readonly capabilities?: readonly string[];
  /** @defaultValue "unknown" */
  readonly health?: AgentHealth;
  readonly region?: string;
  readonly node?: string;
  /** State of its life, such as `idle` or `running`. */
  readonly status?: string;
  /** What it has to give, by name: `cpu` and `memory` as fractions, or any other quantity of 0 or more. */
  readonly resources?: Readonly<Record<string, number>>;
}

/** Changes to metadata; what is not named stays, `undefined` takes away. */
export type AgentMetadataChange = { readonly [Field in keyof AgentMetadata]?: AgentMetadata[Field] | undefined };

/** An agent in the registry. A snapshot: an update makes a new one. */
export interface AgentEntry<Agent> {
  readonly namespace: string;
  readonly name: string;
  readonly agent: Agent;
  readonly type: string;
  readonly capabilities: readonly string[];
  readonly health: AgentHealth;
  readonly region: string | undefined;
  readonly node: string | undefined;
  readonly status: string | undefined;
  readonly resources: Readonly<Record<string, number>>;
  /** Counts registrations, from 1. */
  readonly registration: number;
}

/** An agent to register. */
export interface Registration<Agent> {
  readonly namespace: string;
  readonly name: string;
  readonly agent: Agent;
  readonly metadata: AgentMetadata;
}

const healths: readonly unknown[] = ["healthy", "degraded", "unhealthy", "unknown"];
/** Limits that keep one agent from filling the indices. */
const limits = { text: 255, capabilities: 256, resources: 32 };

/** @throws MettleError `REGISTRY_METADATA_INVALID` naming every problem */
export function checkRegistration({ namespace, name, metadata }: Omit<Registration<unknown>, "agent">): void {
  const problems: string[] = [];
  const text = (field: string, value: unknown): void => {
    if (typeof value !== "string" || value === "" || value.length > limits.text) {
      problems.push(`${field} must be a text of 1 to ${limits.text} characters`);
    }
  };
  text("namespace", namespace);
  text("name", name);
  text("type", metadata.type);
  for (const field of ["region", "node", "status"] as const) {
    if (metadata[field] !== undefined) text(field, metadata[field]);
  }
  if (metadata.health !== undefined && !healths.includes(metadata.health)) problems.push("health is none of the known");
  const capabilities = metadata.capabilities ?? [];
  if (!Array.isArray(capabilities) || capabilities.length > limits.capabilities) {
    problems.push(`capabilities must be a list of at most ${limits.capabilities}`);
  } else for (const capability of capabilities) text("a capability", capability);
  const resources = Object.entries(metadata.resources ?? {});
  if (resources.length > limits.resources) problems.push(`there may be at most ${limits.resources} resources`);
  for (const [resource, amount] of resources) {
    text("a resource's name", resource);
    if (!(Number.isFinite(amount) && amount >= 0)) problems.push(`resource ${resource} must be a number from 0`);
  }
  if (problems.length > 0) {
    throw registryErrors.create("REGISTRY_METADATA_INVALID", `Agent ${name}: ${problems.join("; ")}.`, {
      details: { problems },
    });
  }
}
