import {
  type AgentEntry,
  type AgentMetadata,
  type AgentMetadataChange,
  checkRegistration,
  type Registration,
} from "./entry.ts";
import { registryErrors } from "./errors.ts";
import { RegistryIndices } from "./indices.ts";
import { type AgentQuery, checkQuery, type DiscoverOptions } from "./query.ts";
import { bestSlots, countSlots, firstSlots } from "./search.ts";
import { BetterTerm, termOf } from "./term.ts";

export interface RegistryOptions<Agent> {
  /**
   * Calls `gone` once when the agent dies; the function returned ends the watch. Given by the runtime, it makes entries
   * vanish with their agents.
   */
  readonly watch?: (agent: Agent, gone: () => void) => () => void;
  /** @defaultValue 1 000 000 */
  readonly maxAgents?: number;
}

/** What happened to an entry; for whoever keeps a copy elsewhere. */
export interface RegistryChange<Agent> {
  readonly kind: "registered" | "updated" | "unregistered" | "died";
  readonly entry: AgentEntry<Agent>;
}

/** An entry and what only the registry knows of it. One shape, all fields always present: it is read on the hot path. */
class RegisteredAgent<Agent> implements AgentEntry<Agent> {
  readonly namespace: string;
  readonly name: string;
  readonly agent: Agent;
  readonly type: string;
  readonly capabilities: readonly string[];
  readonly health: AgentEntry<Agent>["health"];
  readonly region: string | undefined;
  readonly node: string | undefined;
  readonly status: string | undefined;
  readonly resources: Readonly<Record<string, number>>;
  readonly registration: number;
  readonly #slot: number;
  #unwatch: (() => void) | undefined = undefined;

  constructor(namespace: string, name: string, agent: Agent, fields: EntryFields, registration: number, slot: number) {
    this.namespace = namespace;
    this.name = name;
    this.agent = agent;
    this.type = fields.type;
    this.capabilities = fields.capabilities;
    this.health = fields.health;
    this.region = fields.region;
    this.node = fields.node;
    this.status = fields.status;
    this.resources = fields.resources;
    this.registration = registration;
    this.#slot = slot;
  }

  static slotOf(entry: RegisteredAgent<unknown>): number {
    return entry.#slot;
  }

  static watch(entry: RegisteredAgent<unknown>, unwatch: (() => void) | undefined): void {
    entry.#unwatch = unwatch;
  }

  /** Ends the watch and gives it away. */
  static unwatchOf(entry: RegisteredAgent<unknown>): (() => void) | undefined {
    return entry.#unwatch;
  }
}

type EntryFields = Pick<
  AgentEntry<unknown>,
  "type" | "capabilities" | "health" | "region" | "node" | "status" | "resources"
>;

const none: readonly string[] = Object.freeze([]);
const noResources: Readonly<Record<string, number>> = Object.freeze({});

/** A copy, each once. Comparing is quicker than a set for the few that an agent has. */
function distinct(texts: readonly string[]): string[] {
  return texts.length > 16 ? [...new Set(texts)] : texts.filter((text, i) => texts.indexOf(text) === i);
}

function fieldsOf(metadata: AgentMetadata): EntryFields {
  const { capabilities, resources } = metadata;
  return {
    type: metadata.type,
    capabilities: capabilities === undefined ? none : Object.freeze(distinct(capabilities)),
    health: metadata.health ?? "unknown",
    region: metadata.region,
    node: metadata.node,
    status: metadata.status,
    // A spread defines properties, also one called __proto__. An object without prototype would take twice the time.
    resources: resources === undefined ? noResources : Object.freeze({ ...resources }),
  };
}

/** Lists that were not changed stay the same objects, so that the indices can tell. */
function changedFields(before: EntryFields, metadata: AgentMetadata, change: AgentMetadataChange): EntryFields {
  const fields = fieldsOf(metadata);
  return {
    ...fields,
    capabilities: Object.hasOwn(change, "capabilities") ? fields.capabilities : before.capabilities,
    resources: Object.hasOwn(change, "resources") ? fields.resources : before.resources,
  };
}

/**
 * Agents by namespace and name, and by what they can do. Lookups are two map accesses; discovery answers from bitsets in
 * pages, so that it costs by what it finds and not by how many there are. Reads and writes of one thread; a registry in
 * another thread follows by `onChange`.
 *
 * @example
 * registry.register({ namespace: "prod", name: "ada", agent, metadata: { type: "coder", capabilities: ["typescript"] } });
 * registry.whereis("prod", "ada"); // agent
 * registry.discover({ capability: "typescript", health: "healthy" }, { limit: 10 });
 */
export class AgentRegistry<Agent> {
  readonly #options: Required<Pick<RegistryOptions<Agent>, "maxAgents">> & RegistryOptions<Agent>;
  readonly #namespaces = new Map<string, Map<string, RegisteredAgent<Agent>>>();
  readonly #slots: (RegisteredAgent<Agent> | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #indices = new RegistryIndices();
  readonly #listeners = new Set<(change: RegistryChange<Agent>) => void>();
  #registrations = 0;

  constructor(options: RegistryOptions<Agent> = {}) {
    this.#options = { maxAgents: 1_000_000, ...options };
  }

  /** Agents registered. */
  get size(): number {
    return this.#indices.live.size;
  }

  /**
   * @throws MettleError `REGISTRY_NAME_TAKEN`, `REGISTRY_METADATA_INVALID`, `REGISTRY_FULL`; nothing changes then
   */
  register(registration: Registration<Agent>): AgentEntry<Agent> {
    const { namespace, name, metadata } = registration;
    this.#checkFree(1);
    checkRegistration(registration);
    if (this.#find(namespace, name) !== undefined) throw taken([`${namespace}/${name}`]);
    if (metadata.resources !== undefined) this.#indices.checkRoom(Object.keys(metadata.resources));
    return this.#insert(registration);
  }

  /** All or none; the error names every name that is taken. */
  registerAll(registrations: readonly Registration<Agent>[]): AgentEntry<Agent>[] {
    this.#checkAll(registrations);
    return registrations.map((registration) => this.#insert(registration));
  }

  /** False when there was none. */
  unregister(namespace: string, name: string): boolean {
    const entry = this.#find(namespace, name);
    if (entry === undefined) return false;
    this.#remove(entry, "unregistered");
    return true;
  }

  /**
   * Changes metadata; entries that were handed out stay as they were.
   *
   * @throws MettleError `REGISTRY_NOT_FOUND`, `REGISTRY_METADATA_INVALID`
   */
  update(namespace: string, name: string, change: AgentMetadataChange): AgentEntry<Agent> {
    const before = this.#find(namespace, name);
    if (before === undefined) {
      throw registryErrors.create("REGISTRY_NOT_FOUND", `There is no agent ${name} in ${namespace}.`, {
        details: { namespace, name },
      });
    }
    const metadata = { ...metadataOf(before), ...change } as AgentMetadata;
    checkRegistration({ namespace, name, metadata });
    this.#indices.checkRoom(Object.keys(change.resources ?? {}));
    const slot = RegisteredAgent.slotOf(before);
    const after = new RegisteredAgent(
      before.namespace,
      before.name,
      before.agent,
      changedFields(before, metadata, change),
      before.registration,
      slot,
    );
    RegisteredAgent.watch(after, RegisteredAgent.unwatchOf(before));
    this.#indices.update(slot, before, after);
    this.#slots[slot] = after;
    this.#namespaces.get(namespace)?.set(name, after);
    this.#tell({ kind: "updated", entry: after });
    return after;
  }

  /** Hot: the agent of this name, or `undefined`. */
  whereis(namespace: string, name: string): Agent | undefined {
    return this.#find(namespace, name)?.agent;
  }

  /** The entry of this name, or `undefined`. */
  lookup(namespace: string, name: string): AgentEntry<Agent> | undefined {
    return this.#find(namespace, name);
  }

  /**
   * The agents that match.
   *
   * @throws MettleError `REGISTRY_QUERY_INVALID`
   */
  discover(query: AgentQuery, options: DiscoverOptions = {}): AgentEntry<Agent>[] {
    checkQuery(query);
    const limit = checkedLimit(options.limit);
    const { orderBy } = options;
    const slots =
      orderBy === undefined
        ? firstSlots(termOf(query, this.#indices), this.#slots.length, limit)
        : this.#best(query, limit, orderBy.resource, orderBy.direction !== "ascending");
    const entries: AgentEntry<Agent>[] = [];
    for (const slot of slots) {
      const entry = this.#slots[slot];
      if (entry !== undefined) entries.push(entry);
    }
    return entries;
  }

  #best(query: AgentQuery, limit: number, resource: string, descending: boolean): number[] {
    const column = this.#indices.column(resource);
    const better = column === undefined ? undefined : new BetterTerm(column, descending);
    const age = (slot: number): number => this.#slots[slot]?.registration ?? 0;
    const term = termOf(query, this.#indices, better);
    return bestSlots(term, better, this.#slots.length, limit, { column, descending, age });
  }

  /** How many match. @throws MettleError `REGISTRY_QUERY_INVALID` */
  count(query: AgentQuery): number {
    checkQuery(query);
    return countSlots(termOf(query, this.#indices), this.#slots.length);
  }

  /** Calls `listener` after each change, in the writer's call. What it throws is thrown again outside of it. */
  onChange(listener: (change: RegistryChange<Agent>) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #find(namespace: string, name: string): RegisteredAgent<Agent> | undefined {
    return this.#namespaces.get(namespace)?.get(name);
  }

  #checkFree(count: number): void {
    if (this.size + count > this.#options.maxAgents) {
      throw registryErrors.create(
        "REGISTRY_FULL",
        `The registry holds ${this.size} of ${this.#options.maxAgents} agents.`,
      );
    }
  }

  #checkAll(registrations: readonly Registration<Agent>[]): void {
    this.#checkFree(registrations.length);
    const names = new Map<string, Set<string>>();
    const resources = new Set<string>();
    const clashes: string[] = [];
    for (const registration of registrations) {
      checkRegistration(registration);
      const { namespace, name, metadata } = registration;
      for (const resource of Object.keys(metadata.resources ?? {})) resources.add(resource);
      let own = names.get(namespace);
      if (own === undefined) names.set(namespace, (own = new Set()));
      if (own.has(name) || this.#find(namespace, name) !== undefined) clashes.push(`${namespace}/${name}`);
      own.add(name);
    }
    if (clashes.length > 0) throw taken(clashes);
    this.#indices.checkRoom(resources);
  }

  #insert({ namespace, name, agent, metadata }: Registration<Agent>): RegisteredAgent<Agent> {
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    const entry = new RegisteredAgent(namespace, name, agent, fieldsOf(metadata), ++this.#registrations, slot);
    let names = this.#namespaces.get(namespace);
    if (names === undefined) this.#namespaces.set(namespace, (names = new Map()));
    names.set(name, entry);
    this.#slots[slot] = entry;
    this.#indices.add(slot, entry);
    this.#tell({ kind: "registered", entry });
    this.#watch(entry);
    return entry;
  }

  /** Last, because a runtime may tell at once that the agent is dead already. */
  #watch(entry: RegisteredAgent<Agent>): void {
    const { watch } = this.#options;
    if (watch === undefined) return;
    const { namespace, name, registration } = entry;
    try {
      RegisteredAgent.watch(
        entry,
        watch(entry.agent, () => this.#died(namespace, name, registration)),
      );
    } catch (error) {
      this.#remove(entry, "unregistered");
      throw error;
    }
  }

  /** A death that is told late must not take the entry of a successor. */
  #died(namespace: string, name: string, registration: number): void {
    const entry = this.#find(namespace, name);
    if (entry?.registration === registration) this.#remove(entry, "died");
  }

  #remove(entry: RegisteredAgent<Agent>, kind: "unregistered" | "died"): void {
    const slot = RegisteredAgent.slotOf(entry);
    this.#indices.remove(slot, entry);
    this.#slots[slot] = undefined;
    this.#freeSlots.push(slot);
    const names = this.#namespaces.get(entry.namespace);
    names?.delete(entry.name);
    if (names?.size === 0) this.#namespaces.delete(entry.namespace);
    if (kind === "unregistered") RegisteredAgent.unwatchOf(entry)?.();
    this.#tell({ kind, entry });
  }

  #tell(change: RegistryChange<Agent>): void {
    for (const listener of Array.from(this.#listeners)) {
      try {
        listener(change);
      } catch (error) {
        // The write has happened and its caller is not to blame; nobody else would hear of it.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

function metadataOf(entry: AgentEntry<unknown>): { [Field in keyof AgentMetadata]: AgentMetadata[Field] | undefined } {
  const { type, capabilities, health, region, node, status, resources } = entry;
  return { type, capabilities, health, region, node, status, resources };
}

function taken(names: readonly string[]): Error {
  const shown = names.slice(0, 10).join(", ") + (names.length > 10 ? ` and ${names.length - 10} more` : "");
  return registryErrors.create("REGISTRY_NAME_TAKEN", `Taken: ${shown}.`, { details: { taken: names } });
}

function checkedLimit(limit: number = Number.POSITIVE_INFINITY): number {
  if (limit >= 0 && (Number.isInteger(limit) || limit === Number.POSITIVE_INFINITY)) return limit;
  throw registryErrors.create("REGISTRY_QUERY_INVALID", `The query cannot be answered: a limit of ${limit}.`);
}
