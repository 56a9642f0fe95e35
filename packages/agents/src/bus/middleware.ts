import type { Signal } from "../signals/signal.ts";

/** What middleware and reports tell of a subscription. */
export interface SubscriptionInfo {
  readonly pattern: string;
  /** Of a persistent subscription, or as given. */
  readonly name: string | undefined;
}

export type DispatchOutcome = { readonly state: "handled" } | { readonly state: "failed"; readonly error: unknown };

/**
 * Hooks around publishing and dispatch, called in the order in which they were added, `afterDispatch` in the reverse.
 * They run in the path of every signal: keep them short and synchronous.
 */
export interface BusMiddleware {
  readonly name: string;
  /** Another signal, the same one, or `undefined` to stop it. What it throws reaches the publisher as `BUS_MIDDLEWARE_FAILED`. */
  readonly beforePublish?: (signal: Signal) => Signal | undefined;
  /** As `beforePublish`, for one subscriber. `undefined` keeps the signal from it; throwing fails its delivery. */
  readonly beforeDispatch?: (signal: Signal, subscription: SubscriptionInfo) => Signal | undefined;
  /** Told how it went, after what an asynchronous handler returned has settled. */
  readonly afterDispatch?: (signal: Signal, subscription: SubscriptionInfo, outcome: DispatchOutcome) => void;
}

/** The dispatch hooks of all middleware, ready to run; absent where no middleware has any. */
export interface DispatchHooks {
  readonly before: readonly NonNullable<BusMiddleware["beforeDispatch"]>[];
  readonly after: readonly NonNullable<BusMiddleware["afterDispatch"]>[];
}

export function dispatchHooksOf(middleware: readonly BusMiddleware[]): DispatchHooks | undefined {
  const before = middleware.flatMap(({ beforeDispatch }) => beforeDispatch ?? []);
  const after = middleware.flatMap(({ afterDispatch }) => afterDispatch ?? []).toReversed();
  return before.length + after.length === 0 ? undefined : { before, after };
}

/**
 * Calls the handler within the hooks. Returns or throws what the handler does; a signal that a hook stopped counts as
 * handled and nobody is told.
 */
export function dispatchWithin(
  hooks: DispatchHooks,
  subscription: SubscriptionInfo,
  signal: Signal,
  handler: (signal: Signal) => unknown,
): unknown {
  let current = signal;
  const settled = (outcome: DispatchOutcome): void => {
    for (const after of hooks.after) after(current, subscription, outcome);
  };
  let result: unknown;
  try {
    for (const before of hooks.before) {
      const next = before(current, subscription);
      if (next === undefined) return undefined;
      current = next;
    }
    result = handler(current);
  } catch (error) {
    settled({ state: "failed", error });
    throw error;
  }
  if (!isThenable(result)) {
    settled({ state: "handled" });
    return undefined;
  }
  return Promise.resolve(result).then(
    () => settled({ state: "handled" }),
    (error: unknown) => {
      settled({ state: "failed", error });
      throw error;
    },
  );
}

/** True for what `await` would wait for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
