import { type Milliseconds, ms } from "@mettle/core";
import type { Signal } from "../signals/signal.ts";
import { busErrors } from "./errors.ts";
import type { LogStart } from "./signal-log.ts";

export interface PersistentOptions {
  /** Only signals for which it returns true. Runs inside `publish`; one that throws lets the signal through. */
  readonly filter?: (signal: Signal) => boolean;
  /**
   * `auto`: a handler that returns or resolves has acknowledged. `manual`: it calls `delivery.ack()`, then or later.
   * In both, throwing or rejecting refuses the delivery. @defaultValue "auto"
   */
  readonly acknowledge?: "auto" | "manual";
  /**
   * Deliveries that wait for their acknowledgement, those that wait for another attempt included. 1 keeps the order even
   * when a delivery fails. @defaultValue 1 000
   */
  readonly maxInFlight?: number;
  /** Signals not delivered yet. @defaultValue 10 000 */
  readonly maxPending?: number;
  /** At `maxPending`: refuse to publish (`BUS_BACKPRESSURE`), or send the surplus to the dead letters. @defaultValue "refuse" */
  readonly whenFull?: "refuse" | "deadLetter";
  /** Deliveries of one signal before it goes to the dead letters. @defaultValue 5 */
  readonly attempts?: number;
  /** Wait before the second attempt; doubles with each further one. @defaultValue 100 ms */
  readonly backoff?: Milliseconds;
  /** @defaultValue 30 s */
  readonly maxBackoff?: Milliseconds;
  /** A delivery that is not acknowledged for this long has failed. @defaultValue 30 s */
  readonly ackTimeout?: Milliseconds;
  /** Begins with signals of the log instead of the next one published. Used when the subscription is made. */
  readonly from?: LogStart;
}

/** `PersistentOptions` with every default filled in. */
export type ResolvedPersistentOptions = Required<Omit<PersistentOptions, "filter" | "from">> &
  Pick<PersistentOptions, "filter" | "from">;

export const persistentDefaults: Required<Omit<PersistentOptions, "filter" | "from">> = {
  acknowledge: "auto",
  maxInFlight: 1000,
  maxPending: 10_000,
  whenFull: "refuse",
  attempts: 5,
  backoff: ms(100),
  maxBackoff: ms(30_000),
  ackTimeout: ms(30_000),
};

/** @throws MettleError `SUBSCRIPTION_INVALID` naming every problem */
export function resolvePersistentOptions(options: PersistentOptions): ResolvedPersistentOptions {
  const resolved = { ...persistentDefaults, ...options };
  const problems: string[] = [];
  for (const name of ["maxInFlight", "maxPending", "attempts"] as const) {
    if (!Number.isInteger(resolved[name]) || resolved[name] < 1) problems.push(`${name} must be a whole number from 1`);
  }
  for (const name of ["backoff", "maxBackoff"] as const) {
    if (!(resolved[name] >= 0)) problems.push(`${name} must be 0 ms or more`);
  }
  if (!(resolved.ackTimeout > 0)) problems.push("ackTimeout must be more than 0 ms");
  if (problems.length > 0) {
    throw busErrors.create("SUBSCRIPTION_INVALID", `Persistent subscription: ${problems.join("; ")}.`, {
      details: { problems },
    });
  }
  return resolved;
}

/** Wait before attempt `attempt + 1`, when `attempt` deliveries have failed. */
export function backoffOf(options: ResolvedPersistentOptions, attempt: number): number {
  return Math.min(options.backoff * 2 ** (attempt - 1), options.maxBackoff);
}
