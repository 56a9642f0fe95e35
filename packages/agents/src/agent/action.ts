import type { InstructionInfo } from "./instruction.ts";
import type { ActionMode } from "./message.ts";
import type { AnyRef } from "./ref.ts";
import type { Directive } from "./directive.ts";
import type { StandardSchema } from "./standard-schema.ts";

/** What an action knows besides state and input. Read `signal` before the first `await`: it belongs to this run. */
export interface ActionContext {
  /** The agent itself, as others see it. */
  readonly self: AnyRef;
  /** Aborts when the agent stops or restarts, or the action takes longer than its timeoutMs. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch by the runtime's clock. */
  now(): number;
  /** Present when the action runs for an instruction with context or options. */
  readonly instruction?: InstructionInfo;
}

/** What a write returns: the state as it is from now on, the reply to a request, and effects to carry out. */
export interface Outcome<State, Reply = void> {
  /** Absent: the state stays as it is. */
  readonly state?: State;
  readonly reply?: Reply;
  readonly directives?: readonly Directive[];
}

/** What a read returns. */
export interface ReadOutcome<Reply = void> {
  readonly reply?: Reply;
  readonly directives?: readonly Directive[];
}

/** What a concurrent action returns: not a state but a change of it, as others may have changed it meanwhile. */
export interface ConcurrentOutcome<State, Reply = void> {
  /** From the state at the end of the action to the next. Runs at once and alone. */
  readonly update?: (state: State) => State;
  readonly reply?: Reply;
  readonly directives?: readonly Directive[];
}

/** Every outcome as the runtime sees it. */
export interface AnyOutcome {
  readonly state?: unknown;
  readonly update?: (state: never) => unknown;
  readonly reply?: unknown;
  readonly directives?: readonly Directive[];
}

type MaybeAsync<T> = T | Promise<T>;

/** An action as the runtime sees it. */
export interface AnyAction<State = never> {
  readonly mode: ActionMode;
  readonly input: StandardSchema | undefined;
  readonly timeoutMs: number;
  readonly run: (state: State, input: never, context: ActionContext) => MaybeAsync<AnyOutcome | void>;
}

/** One thing an agent can do. Made by {@link defineAction}; input and reply are only seen by the compiler. */
export interface Action<State, Input, Reply> extends AnyAction<State> {
  /** Never present at run time. */
  readonly types?: { readonly input: Input; readonly reply: Reply };
}

/** The actions of an agent by name. Says nothing of inputs and replies, so that the compiler takes none from here. */
export type ActionMap<State = never> = Readonly<Record<string, AnyAction<State>>>;

/** Input and reply of an action. */
export type TypesOf<A> = A extends { readonly types?: infer Types } ? NonNullable<Types> : never;

interface CommonOptions<Output, Input> {
  /** Any Standard Schema validator; without one the input is what the sender's types promise. */
  readonly input?: StandardSchema<Input, Output>;
  /** How long a promise of this action may take; then AGENT_ACTION_TIMEOUT. @defaultValue 30 000 */
  readonly timeoutMs?: number;
}

export interface WriteOptions<State, Output, Input, Reply> extends CommonOptions<Output, Input> {
  readonly mode?: "write";
  readonly run: (
    state: State,
    input: Output,
    context: ActionContext,
  ) => MaybeAsync<Outcome<NoInfer<State>, Reply> | void>;
}

export interface ReadOptions<State, Output, Input, Reply> extends CommonOptions<Output, Input> {
  readonly mode: "read";
  readonly run: (state: State, input: Output, context: ActionContext) => MaybeAsync<ReadOutcome<Reply> | void>;
}

export interface ConcurrentOptions<State, Output, Input, Reply> extends CommonOptions<Output, Input> {
  readonly mode: "concurrent";
  readonly run: (
    state: State,
    input: Output,
    context: ActionContext,
  ) => MaybeAsync<ConcurrentOutcome<NoInfer<State>, Reply> | void>;
}

/** How long an asynchronous action may take unless it says otherwise. */
const DEFAULT_ACTION_TIMEOUT_MS = 30_000;

/**
 * Defines an action: `(state, input) → new state, reply, directives`. It must not change the state it is given.
 *
 * How actions of one agent take turns, by `mode`:
 * - `write` (the default): one at a time, in the order sent. While one awaits, later writes wait for it, so the state it
 *   returns cannot undo theirs.
 * - `read`: cannot change state and never waits for a write that awaits. It sees every write that ended before it began;
 *   with nothing awaiting, that is every write sent before it.
 * - `concurrent`: starts in its turn, then waits for nobody and nobody for it. It returns `update`, a function from the
 *   state at its end, so no result is lost whatever the order in which they end.
 *
 * Annotate `state`, and `input` when there is no schema; the rest is inferred.
 *
 * @example
 * const add = defineAction({
 *   input: z.number(),
 *   run: (state: Counter, by) => ({ state: { total: state.total + by }, reply: state.total + by }),
 * });
 */
export function defineAction<State, Output = void, Input = Output, Reply = void>(
  options: WriteOptions<State, Output, Input, Reply>,
): Action<State, Input, Reply>;
export function defineAction<State, Output = void, Input = Output, Reply = void>(
  options: ReadOptions<State, Output, Input, Reply>,
): Action<State, Input, Reply>;
export function defineAction<State, Output = void, Input = Output, Reply = void>(
  options: ConcurrentOptions<State, Output, Input, Reply>,
): Action<State, Input, Reply>;
export function defineAction<State, Output, Input, Reply>(
  options:
    | WriteOptions<State, Output, Input, Reply>
    | ReadOptions<State, Output, Input, Reply>
    | ConcurrentOptions<State, Output, Input, Reply>,
): Action<State, Input, Reply> {
  return {
    mode: options.mode ?? "write",
    input: options.input,
    timeoutMs: options.timeoutMs ?? DEFAULT_ACTION_TIMEOUT_MS,
    run: options.run,
  };
}
