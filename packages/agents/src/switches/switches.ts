/**
 * The optimizations of the runtime, each on by default. Off is the plain way to do the same, so that an effect can be
 * measured; results are the same either way.
 */
export interface Switches {
  /** A read of an idle agent runs at once instead of through its mailbox. */
  readonly fastPath: boolean;
  /** Messages within a thread are passed by reference; off, each is cloned, as between processes. */
  readonly zeroCopy: boolean;
  /** Mailboxes of agents that have ended serve those that begin. */
  readonly pooling: boolean;
  /** Up to 64 messages a turn, and one transfer between threads for all of a turn; off, one each. */
  readonly batching: boolean;
  /** The last lookups are remembered: actions by message type, routes by signal type. */
  readonly caching: boolean;
  /** One object shape on hot paths; off, messages arrive in envelopes of many shapes. */
  readonly monomorphic: boolean;
  /** A broadcast goes to each other thread once and is handed out there; off, once to each agent. */
  readonly treeBroadcast: boolean;
  /** An agent of the same thread is called directly; off, its messages take the way to another thread's. */
  readonly localFirst: boolean;
}

export const allSwitches: Switches = {
  fastPath: true,
  zeroCopy: true,
  pooling: true,
  batching: true,
  caching: true,
  monomorphic: true,
  treeBroadcast: true,
  localFirst: true,
};

/** Every switch, those not named as in {@link allSwitches}. */
export function resolveSwitches(given: Partial<Switches> = {}): Switches {
  return { ...allSwitches, ...given };
}
