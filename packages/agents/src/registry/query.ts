import type { AgentHealth } from "./entry.ts";
import { registryErrors } from "./errors.ts";

/**
 * What to look for. All that is named must hold; of a list of values any may, except `capability`, of which an agent must
 * have all. `{}` matches every agent.
 *
 * @example
 * registry.discover({ capability: ["plan", "code"], health: "healthy", resources: { memory: 0.7 } }, { limit: 10 });
 * registry.discover({ or: [{ region: "eu" }, { not: { node: "n1" } }] });
 */
export interface AgentQuery {
  readonly namespace?: string | readonly string[];
  readonly type?: string | readonly string[];
  readonly capability?: string | readonly string[];
  readonly health?: AgentHealth | readonly AgentHealth[];
  readonly region?: string | readonly string[];
  readonly node?: string | readonly string[];
  readonly status?: string | readonly string[];
  /** At least this much of each; an agent that does not tell has none. */
  readonly resources?: Readonly<Record<string, number>>;
  readonly and?: readonly AgentQuery[];
  /** An empty list matches nothing. */
  readonly or?: readonly AgentQuery[];
  readonly not?: AgentQuery;
}

export interface DiscoverOptions {
  /** @defaultValue all */
  readonly limit?: number;
  /**
   * By a resource; agents that do not tell of it come last, equal ones in the order of registration. Without it the order
   * is the registry's own and may change with any registration.
   */
  readonly orderBy?: { readonly resource: string; readonly direction?: "ascending" | "descending" };
}

/** Fields with one value per agent, each with an index of its own. */
export const valueFields = ["namespace", "type", "health", "region", "node", "status"] as const;
export type ValueField = (typeof valueFields)[number];

const known: ReadonlySet<string> = new Set([...valueFields, "capability", "resources", "and", "or", "not"]);
/** Queries may come from outside: their size is bounded. */
export const maxQueryDepth = 16;
const maxQueryTerms = 256;

/** @throws MettleError `REGISTRY_QUERY_INVALID` naming the first problem */
export function checkQuery(query: AgentQuery): void {
  let terms = 0;
  const visit = (part: AgentQuery, depth: number): void => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) throw invalid("a query must be an object");
    if (depth > maxQueryDepth) throw invalid(`it is nested deeper than ${maxQueryDepth}`);
    for (const key of Object.keys(part)) {
      if (!known.has(key)) throw invalid(`there is no ${JSON.stringify(key)}`);
    }
    for (const field of [...valueFields, "capability"] as const) {
      const value = part[field];
      if (value !== undefined) terms += checkValues(field, value);
    }
    for (const [resource, minimum] of Object.entries(part.resources ?? {})) {
      terms += 1;
      if (typeof minimum !== "number" || Number.isNaN(minimum)) throw invalid(`resources.${resource} must be a number`);
    }
    const parts = [...listOf("and", part.and), ...listOf("or", part.or), ...(part.not === undefined ? [] : [part.not])];
    terms += parts.length;
    if (terms > maxQueryTerms) throw invalid(`it has more than ${maxQueryTerms} terms`);
    for (const child of parts) visit(child, depth + 1);
  };
  visit(query, 1);
}

function checkValues(field: string, value: string | readonly string[]): number {
  const values = typeof value === "string" ? [value] : value;
  if (!Array.isArray(values) || !values.every((one) => typeof one === "string")) {
    throw invalid(`${field} must be a text or a list of texts`);
  }
  return values.length;
}

function listOf(key: string, value: readonly AgentQuery[] | undefined): readonly AgentQuery[] {
  if (value !== undefined && !Array.isArray(value)) throw invalid(`${key} must be a list`);
  return value ?? [];
}

const invalid = (why: string): Error =>
  registryErrors.create("REGISTRY_QUERY_INVALID", `The query cannot be answered: ${why}.`);
