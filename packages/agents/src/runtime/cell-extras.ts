import type { Message } from "../agent/message.ts";
import type { AnyRef } from "../agent/ref.ts";
import type { WheelTimer } from "../timers/timer-wheel.ts";
import type { DownListener } from "./down.ts";
import { Ring } from "../queues/ring.ts";
import type { RunningAction } from "./running-action.ts";

/** With fewer children than this it does not matter that some of them have ended. */
export const FEW_CHILDREN = 32;

/** What only some agents have. Made when first needed, so that an idle agent does not pay for it. */
export class CellExtras<Item = unknown> {
  /** Asynchronous actions under way. */
  readonly running: Set<RunningAction> = new Set();
  /** The asynchronous write under way; other writes wait for it. */
  writing: RunningAction | undefined = undefined;
  /** Writes, and ends of concurrent actions, that wait for `writing`. */
  readonly waiting: Ring<Item | RunningAction> = new Ring();
  children: Map<string, AnyRef> | undefined = undefined;
  /** So many children are looked through for those that have ended. */
  sweepChildrenAt: number = FEW_CHILDREN;
  schedules: Map<string, WheelTimer> | undefined = undefined;
  /** Instructions that failed and wait for their next attempt. */
  retries: Map<WheelTimer, Message> | undefined = undefined;
  sensors: Map<string, () => void> | undefined = undefined;
  watchers: Set<DownListener> | undefined = undefined;
  links: Set<AnyRef> | undefined = undefined;
  /** Why it stops when it has finished. */
  stopReason: string | undefined = undefined;
  /** Called when the agent has ended. */
  onEnd: (() => void)[] = [];
  /** The state at the last checkpoint. */
  snapshot: { readonly state: unknown } | undefined = undefined;
  /** Where snapshots are kept beside this thread. */
  onSnapshot: ((state: unknown) => void) | undefined = undefined;
  /** The state that the agent was spawned with, when not its definition's. */
  givenState: unknown = undefined;
  memoryLimitBytes: number | undefined = undefined;
  memoryWarned = false;
  /** Paused, or told to stop, before its start action had run. */
  startDue = false;
  /** The start action is a write and under way: nothing else begins. */
  starting = false;
  hibernation: WheelTimer | undefined = undefined;
  packed: Uint8Array | undefined = undefined;
  /** Where it lives since it moved to another thread; this one passes on what comes for it. */
  moved: AnyRef | undefined = undefined;
  /** Times its handlers exceeded the budget, newest last. */
  strikes: number[] | undefined = undefined;
}
