import type { RestartKind } from "../agent/spawn-options.ts";

/** What a supervisor watches over: an agent, or another supervisor. */
export interface Supervised {
  readonly address: string;
  readonly restartKind: RestartKind;
  /** Stops working and waits for `restart` or `terminate`. What it was doing ends with an error; its mailbox is kept. */
  suspend(): void;
  /** Begins again. Throws when it cannot; that counts as another failure. */
  restart(): void;
  /** Ends for good. Called twice it does nothing. */
  terminate(reason: string, error?: unknown): void;
}

/** Whom a child tells of its end. */
export interface Parent {
  readonly address: string;
  /** The child failed; the parent suspends, restarts or terminates it, now or later. */
  childFailed(child: Supervised, error: unknown): void;
  /** The child has ended for good, by itself or by order. */
  childEnded(child: Supervised): void;
}
