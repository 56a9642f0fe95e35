import type { RestartKind } from "../agent/spawn-options.ts";

/** Why a message was not handled. */
export type DeadLetterReason =
  | "stopped"
  | "restarted"
  | "unknown-address"
  | "mailbox-full"
  | "action-unknown"
  | "input-invalid"
  | "action-failed"
  | "action-timeout"
  | "not-cloneable"
  | "shard-lost"
  | "memory-exceeded";

/** What happens to agents and threads, as it is reported to whoever listens (`runtime.observe`). */
export type RuntimeEvent =
  | { readonly kind: "agent-started"; readonly agent: string; readonly definition: string }
  | { readonly kind: "agent-stopped"; readonly agent: string; readonly reason: string }
  | {
      readonly kind: "agent-failed";
      readonly agent: string;
      readonly action?: string;
      readonly error: unknown;
      readonly restart: RestartKind;
    }
  | {
      readonly kind: "agent-restarted";
      readonly agent: string;
      readonly from: "snapshot" | "initial";
    }
  /** A restart began with the initial state: what the agent knew is gone. */
  | { readonly kind: "agent-state-reset"; readonly agent: string }
  /** The bus did not take a signal: one that the runtime itself sends about an agent, or one of an agent of another thread. */
  | { readonly kind: "signal-refused"; readonly agent: string; readonly type: string; readonly error: unknown }
  | { readonly kind: "supervisor-escalated"; readonly supervisor: string; readonly error: unknown }
  /** `collected`: garbage was collected before this was told. */
  | {
      readonly kind: "memory-warning";
      readonly agent: string;
      readonly bytes: number;
      readonly limitBytes: number;
      readonly collected: boolean;
    }
  | { readonly kind: "memory-exceeded"; readonly agent: string; readonly bytes: number; readonly limitBytes: number }
  | { readonly kind: "agent-hibernated"; readonly agent: string; readonly bytes: number }
  /** Its handlers computed longer than the budget, several times within a second; `computedMs` is that of the last one. */
  | {
      readonly kind: "agent-greedy";
      readonly agent: string;
      readonly computedMs: number;
      readonly movedTo?: number;
      readonly keptBecause?: string;
    }
  | { readonly kind: "dead-letter"; readonly agent: string; readonly action: string; readonly reason: DeadLetterReason }
  | { readonly kind: "late-result"; readonly agent: string; readonly action: string; readonly failed: boolean }
  | { readonly kind: "sensor-failed"; readonly agent: string; readonly sensor: string; readonly error: unknown }
  | { readonly kind: "observer-failed"; readonly error: unknown }
  | { readonly kind: "shard-started"; readonly shard: number }
  | { readonly kind: "shard-stuck"; readonly shard: number; readonly agent?: string; readonly forMs: number }
  | {
      readonly kind: "shard-lost";
      readonly shard: number;
      readonly error: unknown;
      readonly agents: number;
      readonly messagesLost: number;
    }
  | { readonly kind: "shard-restarted"; readonly shard: number; readonly agents: number };

/** Tells observers what happens. Costs one comparison per event while nobody listens. */
export class Observers {
  #listeners: readonly ((event: RuntimeEvent) => void)[] = [];

  /** Test before making an event on a path that many messages take. */
  get active(): boolean {
    return this.#listeners.length > 0;
  }

  add(listener: (event: RuntimeEvent) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  /** Calls every listener. One that throws is reported to the others, once, and never breaks what reported. */
  tell(event: RuntimeEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        if (event.kind === "observer-failed") continue; // two listeners that both throw must not call each other for ever
        for (const other of this.#listeners)
          if (other !== listener) this.#tellOne(other, { kind: "observer-failed", error });
      }
    }
  }

  #tellOne(listener: (event: RuntimeEvent) => void, event: RuntimeEvent): void {
    try {
      listener(event);
    } catch (error) {
      // The last resort: a listener that throws on everything must still be seen by somebody.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
