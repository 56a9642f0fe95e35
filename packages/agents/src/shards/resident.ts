import type { AnyDefinition } from "../agent/definition-types.ts";
import type { SpawnOptions } from "../agent/spawn-options.ts";
import type { DownListener } from "../runtime/down.ts";
import type { ResolvedOptions } from "../runtime/options.ts";
import type { SnapshotPayload, SpawnPayload, WorkerSettings } from "./protocol.ts";
import type { RemoteRef } from "./remote-ref.ts";

/** An agent that this host's thread runs, and what it takes to start it again. */
export interface Resident {
  readonly ref: RemoteRef;
  readonly definition: AnyDefinition;
  readonly options: SpawnOptions;
  readonly watchers: Set<DownListener>;
  whole: unknown;
  snapshot: SnapshotPayload | undefined;
  stopping: boolean;
}

/** What the thread needs to start an agent. */
export function order({ definition, options }: Resident, whole: unknown): SpawnPayload {
  const { name, state, restart, priority, memoryLimitBytes, hibernateAfterMs } = options;
  const kept = { name, state, restart, priority, memoryLimitBytes, hibernateAfterMs };
  return {
    module: definition.module!,
    definition: definition.name,
    options: Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined)) as SpawnOptions,
    ...(whole === undefined ? {} : { whole }),
  };
}

/** What a thread is started with. */
export function settingsFor(
  shard: number,
  options: ResolvedOptions,
  pulse: SharedArrayBuffer,
  census: SharedArrayBuffer,
): WorkerSettings {
  const {
    mailboxLimit,
    askTimeoutMs,
    batch,
    maxAgents,
    maxHeapShare,
    handlerBudgetMs,
    memoryLimitBytes,
    memoryCheckMs,
    maxDeadLetters,
  } = options;
  return {
    shard,
    switches: options.switches,
    numbers: {
      mailboxLimit,
      askTimeoutMs,
      batch,
      maxAgents,
      maxHeapShare,
      handlerBudgetMs,
      memoryLimitBytes,
      memoryCheckMs,
      maxDeadLetters,
    },
    restarts: { ...options.restarts },
    maxInFlight: options.shards.maxInFlight,
    pulse,
    census,
  };
}
