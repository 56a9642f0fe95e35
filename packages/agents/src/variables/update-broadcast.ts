import type { VariableSignalOut } from "./signals.ts";

export type VariableUpdated = Extract<VariableSignalOut<unknown>, { readonly type: "variable.value.updated" }>;

/** Updates of one broadcast, one for each variable. The same frozen object for all agents. */
export type UpdateBatch = readonly VariableUpdated[];

export interface UpdateBroadcastOptions {
  /** Everyone who is active when the broadcast is made. */
  readonly agents: () => Iterable<string>;
  /** Hands a batch to one agent. Returns false when it cannot take it. */
  readonly deliver: (agent: string, batch: UpdateBatch) => boolean;
}

export interface UpdateBroadcastOutcome {
  readonly variables: number;
  readonly delivered: number;
  readonly refused: readonly string[];
}

/**
 * Collects updates and tells every active agent of all of them in one message. Of a variable that changed several times only the
 * last value is told, with the value that the agents knew before.
 */
export class UpdateBroadcast {
  readonly #options: UpdateBroadcastOptions;
  readonly #waiting = new Map<string, VariableUpdated>();

  constructor(options: UpdateBroadcastOptions) {
    this.#options = options;
  }

  /** Variables that have changed since the last broadcast. */
  get waiting(): number {
    return this.#waiting.size;
  }

  add(update: VariableUpdated): void {
    const known = this.#waiting.get(update.variable);
    this.#waiting.set(update.variable, known === undefined ? update : { ...update, old: known.old });
  }

  /** Tells everyone now; nobody when nothing changed. */
  flush(): UpdateBroadcastOutcome {
    const batch: UpdateBatch = Object.freeze([...this.#waiting.values()]);
    this.#waiting.clear();
    const refused: string[] = [];
    let delivered = 0;
    if (batch.length === 0) return { variables: 0, delivered, refused };
    // Hot: once per agent.
    for (const agent of this.#options.agents()) {
      if (this.#options.deliver(agent, batch)) delivered += 1;
      else refused.push(agent);
    }
    return { variables: batch.length, delivered, refused };
  }
}
