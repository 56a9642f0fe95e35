import type { AnyRef } from "../agent/ref.ts";

/** What agents need of a signal bus: publish what they emit, and get what their patterns match. */
export interface SignalPort {
  publish(type: string, data: unknown, source: string, subject: string | undefined): void;
  /** @returns the end of the subscription */
  subscribe(pattern: string, sink: SignalOffer): () => void;
}

export interface SignalOffer {
  /** Takes a signal; false when its agent has no room for it. */
  offer(signal: unknown): boolean;
}

/**
 * The way to agents that live elsewhere: in other processes, on other nodes. Attached to a runtime, it is asked for every
 * address and name that the runtime does not know, and `directives.send`, `runtime.find` and the rest work with what it
 * answers. A request through such a reference must settle, with a reply or a coded error, whatever happens on the way.
 */
export interface Transport {
  /** A reference to the agent of this address or name, or undefined when it is not there either. */
  resolve(addressOrName: string): AnyRef | undefined;
}
