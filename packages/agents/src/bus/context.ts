import type { DispatchHooks } from "./middleware.ts";
import type { BusProblem } from "./problems.ts";
import type { WorkQueue } from "./work-queue.ts";

/** What subscriptions use of their bus. One mutable object, so that a hot path reads a field instead of calling. */
export interface BusContext {
  readonly work: WorkQueue;
  hooks: DispatchHooks | undefined;
  /** Subscribers that wait for a handler or have a backlog; the bus is idle at 0 with no work. */
  busy: number;
  /** Tells whoever waits that something ended. */
  settled(): void;
  report(problem: BusProblem): void;
}
