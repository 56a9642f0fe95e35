import { messageOf } from "@mettle/core";
import { agentErrors } from "../runtime/errors.ts";
import { parsePattern } from "../signals/pattern.ts";
import type { ActionContext, ActionMap, AnyAction, AnyOutcome, TypesOf } from "./action.ts";
import type { AgentDefinition, AnyDefinition } from "./definition-types.ts";
import { INSTRUCTION } from "./instruction.ts";
import type { FailurePolicy, Message } from "./message.ts";
import { onPart, ownState, type Plugin, wholeState } from "./plugin.ts";
import type { AgentRef } from "./ref.ts";
import { issueText, type StandardSchema, validated } from "./standard-schema.ts";

export const WRITE = 0;
const READ = 1;
export const CONCURRENT = 2;

/** An action as the runtime runs it. One shape for all. */
export interface CompiledAction {
  readonly name: string;
  readonly mode: typeof WRITE | typeof READ | typeof CONCURRENT;
  readonly input: StandardSchema | undefined;
  readonly timeoutMs: number;
  /** Runs on the fast path until the next one is timed. */
  untilProbe: number;
  readonly run: (
    state: unknown,
    input: unknown,
    context: ActionContext,
  ) => AnyOutcome | void | Promise<AnyOutcome | void>;
}

/** A pattern of the bus and the action that its signals go to. All agents of the definition get the same message. */
export class SignalRoute {
  readonly pattern: string;
  readonly #action: string;
  #last: Message | undefined = undefined;

  constructor(pattern: string, action: string) {
    this.pattern = pattern;
    this.#action = action;
  }

  /** Hot: once per delivery. A signal mostly goes to many agents in a row. */
  messageOf(signal: unknown): Message {
    const last = this.#last;
    if (last !== undefined && last.data === signal) return last;
    const message: Message = { type: this.#action, data: signal };
    this.#last = message;
    return message;
  }
}

/** A definition as the runtime runs it. */
export class CompiledDefinition {
  readonly name: string;
  readonly module: string | undefined;
  readonly actions: ReadonlyMap<string, CompiledAction>;
  readonly signals: readonly SignalRoute[];
  readonly start: string | undefined;
  readonly onFailure: FailurePolicy;
  readonly snapshotEvery: number;
  readonly #state: () => unknown;
  readonly #schema: StandardSchema | undefined;
  readonly #plugins: readonly Plugin[];
  /** Of the ceiling's account of memory: bytes of a first state, and spawns until one is looked at again. */
  stateBytes = 0;
  untilAccount = 0;
  #lastType: string | undefined = undefined;
  #lastAction: CompiledAction | undefined = undefined;

  constructor(options: AgentOptions<unknown, ActionMap<unknown>, readonly Plugin[]>) {
    this.name = options.name;
    this.module = options.module;
    this.#plugins = options.plugins ?? [];
    this.actions = compileActions(options.actions, this.#plugins);
    this.signals = [
      ...Object.entries(options.signals ?? {}).map(([pattern, action]) => new SignalRoute(pattern, action)),
      ...this.#plugins.flatMap(({ name, signals }) =>
        Object.entries(signals).map(([pattern, action]) => new SignalRoute(pattern, `${name}.${action}`)),
      ),
    ];
    this.start = options.start;
    this.onFailure = options.onFailure ?? "restart";
    this.snapshotEvery = options.snapshotEvery ?? 0;
    this.#state = options.state;
    this.#schema = options.schema;
  }

  /** Hot: once per message. Most messages repeat the type of the one before. */
  find(type: string): CompiledAction | undefined {
    if (type === this.#lastType) return this.#lastAction;
    const action = this.actions.get(type);
    if (action !== undefined) {
      this.#lastType = type;
      this.#lastAction = action;
    }
    return action;
  }

  /**
   * A first state: the given one, or the definition's.
   * @throws AGENT_STATE_INVALID
   */
  createState(given: unknown): unknown {
    let own = given ?? this.#state();
    if (this.#schema !== undefined) {
      const result = validated(this.#schema, own);
      if (result.issues !== undefined) {
        const problems = result.issues.map(issueText);
        throw agentErrors.create(
          "AGENT_STATE_INVALID",
          `A state for ${this.name} is not valid: ${problems.join("; ")}.`,
          {
            details: { definition: this.name, problems },
          },
        );
      }
      own = result.value;
    }
    return this.#plugins.length === 0 ? own : wholeState(own, this.#plugins);
  }

  /** The part of the state that the agent's own actions see. */
  own(state: unknown): unknown {
    return this.#plugins.length === 0 ? state : ownState(state);
  }
}

const modes = { write: WRITE, read: READ, concurrent: CONCURRENT } as const;

function compileActions(own: ActionMap<unknown>, plugins: readonly Plugin[]): Map<string, CompiledAction> {
  const entries: (readonly [string, AnyAction])[] =
    plugins.length === 0
      ? Object.entries(own)
      : [
          ...Object.entries(own).map(([name, action]) => [name, onPart(action, undefined)] as const),
          ...plugins.flatMap((plugin) =>
            Object.entries(plugin.actions).map(
              ([name, action]) => [`${plugin.name}.${name}`, onPart(action, plugin.name)] as const,
            ),
          ),
        ];
  return new Map(
    entries.map(([name, action]) => [
      name,
      {
        name,
        mode: modes[action.mode],
        input: action.input,
        timeoutMs: action.timeoutMs,
        untilProbe: 0,
        run: action.run as CompiledAction["run"],
      },
    ]),
  );
}

type ProtocolOfActions<Actions extends ActionMap> = {
  readonly [Name in keyof Actions]: TypesOf<Actions[Name]>;
};

type PluginProtocol<P> =
  P extends Plugin<infer Name, never, infer Actions>
    ? { readonly [Key in keyof Actions & string as `${Name}.${Key}`]: TypesOf<Actions[Key]> }
    : never;

type PluginProtocols<Plugins extends readonly unknown[]> = Plugins extends readonly [infer First, ...infer Rest]
  ? PluginProtocol<First> & PluginProtocols<Rest>
  : unknown;

/** What an agent of these actions and plugins understands. */
export type ProtocolOf<Actions extends ActionMap, Plugins extends readonly unknown[]> = ProtocolOfActions<Actions> &
  PluginProtocols<Plugins>;

export interface AgentOptions<State, Actions extends ActionMap<State>, Plugins extends readonly unknown[]> {
  /** Names the kind of agent, unique among the exports of its module. */
  readonly name: string;
  /** Makes the initial state. Each agent has its own. */
  readonly state: () => State;
  /** Validates a state given to `spawn`, and one that comes back from a snapshot. */
  readonly schema?: StandardSchema<unknown, State>;
  readonly actions: Actions;
  readonly plugins?: Plugins;
  /** Signal patterns of the bus and the action that each goes to; its input is the signal. */
  readonly signals?: Readonly<Record<string, keyof Actions & string>>;
  /**
   * An action without input that runs before everything else, at every start and restart. While a write awaits, so does all
   * else, reads too, and the agent is `initializing`.
   */
  readonly start?: keyof Actions & string;
  /**
   * What follows an action that throws: `restart` leaves it to the supervisor, `resume` goes on with the state as it was
   * before the message, `stop` ends the agent. The sender learns of it in every case. @defaultValue "restart"
   */
  readonly onFailure?: FailurePolicy;
  /** Keep the state after every so many messages for the next restart. 0: a restart begins with the initial state. @defaultValue 0 */
  readonly snapshotEvery?: number;
  /** `import.meta.url` of the module that exports the definition. Needed to run it in another thread. */
  readonly module?: string;
}

/**
 * Defines a kind of agent: state and the actions that it can run.
 *
 * @example
 * const counter = defineAgent({
 *   name: "counter",
 *   state: () => ({ total: 0 }),
 *   actions: {
 *     add: defineAction({ run: (state: { total: number }, by: number) => ({ state: { total: state.total + by } }) }),
 *     total: defineAction({ mode: "read", run: (state: { total: number }) => ({ reply: state.total }) }),
 *   },
 * });
 * @throws AGENT_DEFINITION_INVALID naming every problem
 */
export function defineAgent<
  State,
  Actions extends ActionMap<State>,
  const Plugins extends readonly Plugin[] = readonly [],
>(options: AgentOptions<State, Actions, Plugins>): AgentDefinition<State, ProtocolOf<Actions, Plugins>> {
  const problems = problemsOf(options as unknown as LooseOptions);
  if (problems.length > 0) {
    throw agentErrors.create("AGENT_DEFINITION_INVALID", `Agent "${options.name}": ${problems.join("; ")}.`, {
      details: { name: options.name, problems },
    });
  }
  return {
    name: options.name,
    module: options.module,
    onFailure: options.onFailure ?? "restart",
    schema: options.schema,
    compiled: new CompiledDefinition(options as unknown as LooseOptions),
  };
}

type LooseOptions = AgentOptions<unknown, ActionMap<unknown>, readonly Plugin[]>;

function problemsOf({ name, actions, plugins = [], signals = {}, start, snapshotEvery = 0 }: LooseOptions): string[] {
  const problems: string[] = [];
  if (typeof name !== "string" || name === "") problems.push("name must not be empty");
  const names = plugins.map((plugin) => plugin.name);
  const twice = names.filter((name, i) => names.indexOf(name) !== i);
  if (twice.length > 0) problems.push(`plugins named twice: ${twice.join(", ")}`);
  const routed = [...Object.values(signals), ...(start === undefined ? [] : [start])];
  if (Object.hasOwn(actions, INSTRUCTION)) problems.push(`"${INSTRUCTION}" is not free as the name of an action`);
  const own = Object.keys(signals);
  for (const pattern of [...own, ...plugins.flatMap((plugin) => Object.keys(plugin.signals))]) {
    const problem = problemOfPattern(pattern);
    if (problem !== undefined) problems.push(problem);
  }
  for (const action of routed) {
    if (!Object.hasOwn(actions, action)) problems.push(`there is no action "${action}"`);
  }
  if (!Number.isInteger(snapshotEvery) || snapshotEvery < 0) problems.push("snapshotEvery must be a whole number");
  return problems;
}

function problemOfPattern(pattern: string): string | undefined {
  try {
    parsePattern(pattern);
    return undefined;
  } catch (error) {
    return messageOf(error).replace(/\.$/, "");
  }
}

/** The compiled form of a definition made by {@link defineAgent}. */
export function compiledOf(definition: AnyDefinition): CompiledDefinition {
  if (definition.compiled instanceof CompiledDefinition) return definition.compiled;
  throw agentErrors.create("AGENT_DEFINITION_INVALID", "That is not a definition made by defineAgent.");
}

/** The reference type of a definition: `RefOf<typeof counter>`. */
export type RefOf<Definition> = Definition extends { readonly types?: { readonly protocol: infer P } }
  ? AgentRef<P>
  : never;
