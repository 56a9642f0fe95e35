import { messageOf } from "@mettle/core";
import type { Signal } from "../signals/signal.ts";
import type { SubscriptionInfo } from "./middleware.ts";

/** Something that went wrong after `publish` had returned, so that no caller is there to hear of it. */
export interface BusProblem {
  /**
   * `failed`: a handler, filter or hook threw. `dropped`: a subscriber's backlog was full. `dead`: a signal went to the
   * dead letters.
   */
  readonly kind: "failed" | "dropped" | "dead";
  readonly subscription: SubscriptionInfo;
  readonly signal: Signal;
  readonly error: unknown;
}

/** Default of a bus: a warning of the process for the first problem of each kind and subscription. */
export function warnOfProblems(): (problem: BusProblem) => void {
  const warned = new WeakMap<SubscriptionInfo, Set<string>>();
  return ({ kind, subscription, signal, error }) => {
    const kinds = warned.get(subscription) ?? new Set();
    warned.set(subscription, kinds);
    if (kinds.has(kind)) return;
    kinds.add(kind);
    const name = subscription.name === undefined ? "" : ` ${subscription.name}`;
    process.emitWarning(
      `Subscription${name} to ${subscription.pattern} ${kind} ${signal.type}: ${messageOf(error)}. Further ones are only counted.`,
      "MettleBusWarning",
    );
  };
}
