/**
 * When an agent that ended by itself is started again: always (`permanent`), only after a failure (`transient`), or never.
 * One that others stop stays stopped.
 */
export type RestartKind = "permanent" | "transient" | "temporary";

/** Where an agent runs: in the calling thread, in the least busy of the runtime's threads, in one of them by number, or in a thread of its own. */
export type Placement = "here" | "any" | number | IsolatedPlacement;

export interface IsolatedPlacement {
  /** Limits of the thread's heap in MB; an agent that exceeds them dies alone. @defaultValue 64 */
  readonly isolatedHeapMb: number;
}

export interface SpawnOptions<State = unknown> {
  /** Unique among the living; found with `runtime.find`. */
  readonly name?: string;
  /** Instead of the definition's initial state. A restart without a snapshot begins with it again. */
  readonly state?: State;
  /** @defaultValue "transient" */
  readonly restart?: RestartKind;
  /** @defaultValue "here" */
  readonly placement?: Placement;
  /** Agents of priority "high" run before the others of their thread. @defaultValue "normal" */
  readonly priority?: "normal" | "high";
  /** Accounted bytes of state and mailbox: a warning at 80 %, the end at 100 %. @defaultValue 52 428 800 */
  readonly memoryLimitBytes?: number;
  /** After this long without a message the agent gives up its mailbox and keeps its state, if it is plain data, packed. Absent: never. */
  readonly hibernateAfterMs?: number;
}
