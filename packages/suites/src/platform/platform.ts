/** Something that a platform gives at once or later: one that answers at once pays for no promise. */
export type Awaitable<T> = T | Promise<T>;

/** A running agent of some platform. Only the platform that made it looks inside. */
export type AgentHandle = object;

/**
 * What every agent of the catalogue understands. All adapters run the same agent, so that only the platforms differ:
 *
 * - `note` adds to its total and answers nothing; `add` does the same and replies with the total; `total` replies with it;
 * - `echo` replies with what it was given;
 * - `compute` runs so many rounds of integer arithmetic (see `computeRounds`) and replies with the result;
 * - `fail` throws: the agent goes on with the state it had, or ends, as it was spawned;
 * - `silent` never replies.
 */
export type AgentMessage =
  | { readonly type: "note"; readonly data: number }
  | { readonly type: "add"; readonly data: number }
  | { readonly type: "total"; readonly data?: undefined }
  | { readonly type: "echo"; readonly data: unknown }
  | { readonly type: "compute"; readonly data: number }
  | { readonly type: "fail"; readonly data?: undefined }
  | { readonly type: "silent"; readonly data?: undefined };

export interface AgentSpawn {
  readonly name?: string;
  /** What becomes of the agent when `fail` throws. @defaultValue "resume" */
  readonly onFailure?: "resume" | "stop";
}

/** What an agent tells the registry of itself. */
export interface AgentDescription {
  readonly type: string;
  readonly capabilities: readonly string[];
  readonly health: "healthy" | "degraded" | "unhealthy";
  readonly region: string;
  /** Fractions, 0 … 1. */
  readonly resources: { readonly cpu: number; readonly memory: number };
}

/** All that is named must hold; resources are minimums. */
export interface DiscoveryQuery {
  readonly capability?: string;
  readonly health?: AgentDescription["health"];
  readonly region?: string;
  readonly resources?: { readonly cpu?: number; readonly memory?: number };
}

export interface RegistryFacet {
  /** Whether an entry vanishes when its agent dies. */
  readonly forgetsDead: boolean;
  register(name: string, agent: AgentHandle, description: AgentDescription): Awaitable<void>;
  /** False when there was none. */
  unregister(name: string): Awaitable<boolean>;
  lookup(name: string): Awaitable<AgentHandle | undefined>;
  /** Names of agents that match, `limit` at most. */
  discover(query: DiscoveryQuery, limit?: number): Awaitable<readonly string[]>;
}

/** Handles one signal; where it returns a promise, a platform that keeps order gives it the next one after that. */
export type SignalHandler = (data: unknown, type: string) => Awaitable<void>;
/** Which signals a subscriber wants. */
export type SignalFilter = (data: unknown) => boolean;

export interface SignalsFacet {
  /** Whether `subscribe` takes `*` for one segment and `**` for any number. */
  readonly patterns: boolean;
  /** Whether `subscribe` takes a filter. @defaultValue false */
  readonly filters?: boolean;
  publish(type: string, data: unknown): Awaitable<void>;
  /** @returns the end of the subscription; what is published after it has settled does not reach the handler */
  subscribe(pattern: string, handler: SignalHandler, filter?: SignalFilter): Awaitable<() => Awaitable<void>>;
  /** Resolves when every signal published so far was handled. */
  delivered(): Awaitable<void>;
}

export const variableKinds = ["float", "choice", "team"] as const;
export type VariableKindName = (typeof variableKinds)[number];

export interface VariableUpdate {
  readonly old: unknown;
  readonly new: unknown;
}

export interface AdaptationResult {
  readonly valueChanged: boolean;
  readonly magnitude: number;
  readonly coordinationTriggered: boolean;
}

/** One tunable value. */
export interface VariableHandle {
  read(): Awaitable<unknown>;
  /** Asks for another value (0 … 1 chooses it) and resolves with the news of the change as a subscriber got it. */
  change(position: number): Promise<VariableUpdate>;
  /** Feedback on the present value; resolves with the news of the adaptation. Absent where variables do not learn. */
  readonly feedback?: (performance: number, cost: number) => Promise<AdaptationResult>;
  /** Asks the affected agents for another value; resolves with what they decided. Absent where there is no vote. */
  readonly coordinate?: (position: number) => Promise<{ readonly committed: boolean }>;
  close(): Awaitable<void>;
}

export interface VariablesFacet {
  readonly kinds: readonly VariableKindName[];
  /** Resolves when the variable takes changes. `affected` are told of each change. */
  create(kind: VariableKindName, name: string, affected: readonly AgentHandle[]): Awaitable<VariableHandle>;
  /** Tells all agents of several new values in one message each; resolves when every agent has handled it. */
  broadcast(agents: readonly AgentHandle[], values: readonly number[]): Promise<{ readonly reached: number }>;
}

export interface CoordinationOutcome {
  /** Members who took part: voted, or confirmed that they have it. */
  readonly participated: number;
  readonly succeeded: boolean;
  /** Messages that it took, both ways. */
  readonly messages: number;
}

export interface CoordinationFacet {
  /** Every member is asked and answers; it succeeds when all agree within the deadline. */
  consensus(members: readonly AgentHandle[], timeoutMs: number): Promise<CoordinationOutcome>;
  /** Everyone gets it and confirms. */
  broadcast(targets: readonly AgentHandle[], timeoutMs: number): Promise<CoordinationOutcome>;
  /** Level by level: each level is led by the one above it, and confirms to it. */
  hierarchy?(levels: readonly (readonly AgentHandle[])[], timeoutMs: number): Promise<CoordinationOutcome>;
}

export interface SupervisionFacet {
  /** Calls `onDown` once when the agent is no more. @returns the end of the watch */
  monitor(agent: AgentHandle, onDown: (reason: string) => void): Awaitable<() => void>;
}

export interface SettingsFacet {
  /** The value at a dotted path of the configuration that the platform was opened with. */
  get(path: string): Awaitable<unknown>;
}

export interface JournalFacet {
  append(type: string, correlation: string, data: unknown): Awaitable<void>;
  count(correlation: string): Awaitable<number>;
}

/** A message to an agent whose mailbox is full, or an agent over the ceiling, is refused with an error. */
export interface LimitsFacet {
  /** Agents that may live at once. */
  readonly ceiling: number;
  /** Messages that may wait for one agent. */
  readonly mailbox: number;
}

export const coreOperations = ["create", "send", "request", "lookup", "publish", "propose"] as const;
/** What every runtime of agents does, and is compared by. */
export type CoreOperation = (typeof coreOperations)[number];

/**
 * A platform that lives elsewhere: its memory is not this process's, and the way to it would be timed along with it. It
 * therefore measures the core operations by itself, by the same loops.
 */
export interface OutsideFacet {
  /** Memory in use after a collection, in bytes. */
  memory(): Promise<number>;
  /**
   * Times an operation in there.
   *
   * @param size - agents, subscribers or members that take part
   * @param count - operations in one sample
   * @returns nanoseconds per operation, one for each of so many samples
   */
  time(operation: CoreOperation, size: number, count: number, samples: number): Promise<readonly number[]>;
}

export interface PlatformOptions {
  /** Agents that may live at once, where the platform has a ceiling. */
  readonly maxAgents?: number;
  /** Messages that may wait for one agent, where the platform bounds them. */
  readonly mailboxLimit?: number;
  /** What `settings.get` reads. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** How many agents a platform is measured with at most, and why not with more. */
export interface Crowd {
  readonly agents: number;
  /** At a time, where creation is timed. */
  readonly created: number;
  readonly because: string;
}

/**
 * A runtime of agents as the catalogue sees it. Everything that not every runtime has is a facet of its own, absent where
 * there is none: what cannot be asked cannot be measured, and is reported so.
 */
export interface AgentPlatform extends AsyncDisposable {
  readonly name: string;
  readonly version: string;
  /** Present on a platform on which so many agents as elsewhere would take minutes. */
  readonly crowd?: Crowd;
  spawn(options?: AgentSpawn): Awaitable<AgentHandle>;
  /** Resolves when it has stopped. */
  stop(agent: AgentHandle): Awaitable<void>;
  /**
   * Hands the message over and does not wait for its handling. What becomes of a message to an agent that has stopped is the
   * platform's own affair.
   *
   * @throws when the agent cannot take it
   */
  send(agent: AgentHandle, message: AgentMessage): Awaitable<void>;
  /** Rejects when the agent fails, has stopped, or does not reply in time. */
  ask(agent: AgentHandle, message: AgentMessage, timeoutMs: number): Promise<unknown>;
  readonly registry?: RegistryFacet;
  readonly signals?: SignalsFacet;
  readonly variables?: VariablesFacet;
  readonly coordination?: CoordinationFacet;
  readonly supervision?: SupervisionFacet;
  readonly settings?: SettingsFacet;
  readonly journal?: JournalFacet;
  readonly limits?: LimitsFacet;
  /** Only of a platform that lives outside of this process. */
  readonly outside?: OutsideFacet;
}

export const capabilities = [
  "registry",
  "signals",
  "patterns",
  "filters",
  "forgetting",
  "variables",
  "adaptation",
  "coordination",
  "hierarchy",
  "supervision",
  "settings",
  "journal",
  "limits",
  "in-process",
  "mettle",
] as const;
/**
 * What a scenario may need of a platform beyond agents. `forgetting`: a registry that forgets the dead; `in-process`: its memory and processor time are this process's;
 * `mettle`: what only our own runtime has.
 */
export type Capability = (typeof capabilities)[number];

/** What a platform can be asked to do, as its facets tell. */
export function capabilitiesOf(platform: AgentPlatform): ReadonlySet<Capability> {
  const facets = ["registry", "signals", "variables", "coordination", "supervision", "settings", "journal", "limits"];
  const found = new Set<Capability>(
    (facets as (Capability & keyof AgentPlatform)[]).filter((facet) => platform[facet] !== undefined),
  );
  if (platform.signals?.patterns === true) found.add("patterns");
  if (platform.signals?.filters === true) found.add("filters");
  if (platform.registry?.forgetsDead === true) found.add("forgetting");
  if ((platform.variables?.kinds.length ?? 0) > 1) found.add("adaptation");
  if (platform.coordination?.hierarchy !== undefined) found.add("hierarchy");
  if (platform.outside === undefined) found.add("in-process");
  if (platform.name === "mettle") found.add("mettle");
  return found;
}
