import type { AnyDeadLetter } from "../dead-letters/dead-letters.ts";
import type { Signal } from "../signals/signal.ts";

/** A signal that its persistent subscription (`to`) could not deliver. */
export interface DeadSignal extends AnyDeadLetter {
  readonly signal: Signal;
  readonly sequence: number;
  /** Deliveries that failed; 0 for a surplus that was never delivered. */
  readonly attempts: number;
  /** `attempts`: it failed as often as allowed. `surplus`: the subscription was full. */
  readonly reason: "attempts" | "surplus";
}
