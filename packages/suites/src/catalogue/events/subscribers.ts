import type { AgentPlatform, SignalFilter } from "../../platform/platform.ts";

export const eventType = "order.line.created";

/** Subscribers that count what they get. */
export interface Counting {
  /** Deliveries so far, of all subscribers together. */
  readonly received: () => number;
  /** Resolves when nothing reaches them any more. */
  readonly end: () => Promise<void>;
}

/** Adds so many, and returns when they are in place. */
export async function countingSubscribers(
  platform: AgentPlatform,
  count: number,
  pattern: string = eventType,
  filterOf?: (index: number) => SignalFilter,
): Promise<Counting> {
  let received = 0;
  const ends: (() => void | Promise<void>)[] = [];
  for (let i = 0; i < count; i++) {
    const count = (): void => {
      received += 1;
    };
    ends.push(await platform.signals!.subscribe(pattern, count, filterOf?.(i)));
  }
  return {
    received: () => received,
    end: async () => {
      for (const end of ends.splice(0)) await end();
    },
  };
}

/** Publishes so many, one after the other, and resolves when they are delivered. */
export async function publishMany(platform: AgentPlatform, count: number, type: string = eventType): Promise<void> {
  const signals = platform.signals!;
  for (let i = 0; i < count; i++) {
    const publishing = signals.publish(type, i);
    // A platform that answers at once is not charged for a promise.
    if (publishing instanceof Promise) await publishing;
  }
  await signals.delivered();
}
