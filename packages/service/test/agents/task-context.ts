import { type Clock, systemClock } from "@mettle/core";
import type { TaskContext } from "../../src/agents/agent-type.ts";

export interface Recorded {
  readonly context: TaskContext;
  readonly progress: string[];
  readonly tokens: string[];
  readonly saves: unknown[];
}

/** A task's context that keeps what it is told. */
export function recorded({
  clock = systemClock,
  signal = new AbortController().signal,
  saved,
}: {
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  readonly saved?: unknown;
} = {}): Recorded {
  const progress: string[] = [];
  const tokens: string[] = [];
  const saves: unknown[] = [];
  const context: TaskContext = {
    tenantId: "t",
    clock,
    signal,
    progress: (_share, note) => void progress.push(note),
    token: (text) => void tokens.push(text),
    breathe: async () => {
      await new Promise(setImmediate);
      signal.throwIfAborted();
    },
    saved,
    save: async (state) => void saves.push(structuredClone(state)),
  };
  return { context, progress, tokens, saves };
}
