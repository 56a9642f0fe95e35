import type { ActionMap, AnyAction, AnyOutcome } from "./action.ts";

/** Actions with a state of their own, to be put into several agents. */
export interface Plugin<
  Name extends string = string,
  Slice = never,
  Actions extends ActionMap<Slice> = ActionMap<Slice>,
> {
  /** Its actions become `name.action`. */
  readonly name: Name;
  /** Its own initial state, which only its actions see. */
  readonly state: () => unknown;
  readonly actions: Actions;
  /** Signal patterns and the plugin's action that each goes to. */
  readonly signals: Readonly<Record<string, string>>;
}

export interface PluginOptions<Name extends string, Slice, Actions extends ActionMap<Slice>> {
  readonly name: Name;
  readonly state: () => Slice;
  readonly actions: Actions;
  readonly signals?: Readonly<Record<string, keyof Actions & string>>;
}

/** Defines a plugin: a slice of state with the actions that work on it. */
export function definePlugin<const Name extends string, Slice, Actions extends ActionMap<Slice>>(
  options: PluginOptions<Name, Slice, Actions>,
): Plugin<Name, Slice, Actions> {
  return { name: options.name, state: options.state, actions: options.actions, signals: options.signals ?? {} };
}

/** The state of an agent with plugins: its own and theirs, apart, so that neither can overwrite the other's. */
interface Whole {
  readonly own: unknown;
  readonly slices: Readonly<Record<string, unknown>>;
}

/** The initial state of an agent with plugins. */
export function wholeState(own: unknown, plugins: readonly Plugin[]): unknown {
  return { own, slices: Object.fromEntries(plugins.map((plugin) => [plugin.name, plugin.state()])) };
}

/** What the agent's own actions see of the state; the state itself without plugins. */
export function ownState(whole: unknown): unknown {
  return (whole as Whole).own;
}

/** An action on a part of the state as an action on the whole. */
export function onPart(action: AnyAction, slice: string | undefined): AnyAction {
  const part = (whole: Whole): unknown => (slice === undefined ? whole.own : whole.slices[slice]);
  const withPart = (whole: Whole, value: unknown): Whole =>
    slice === undefined ? { ...whole, own: value } : { ...whole, slices: { ...whole.slices, [slice]: value } };
  const lift = (outcome: AnyOutcome | void, whole: Whole): AnyOutcome | void => {
    if (outcome === undefined) return undefined;
    const { state, update, ...rest } = outcome;
    if (update !== undefined) {
      return { ...rest, update: (latest: Whole) => withPart(latest, update(part(latest) as never)) };
    }
    return state === undefined ? rest : { ...rest, state: withPart(whole, state) };
  };
  return {
    ...action,
    run: (state, input, context) => {
      const whole = state as Whole;
      const outcome = action.run(part(whole) as never, input, context);
      return outcome instanceof Promise ? outcome.then((value) => lift(value, whole)) : lift(outcome, whole);
    },
  };
}
