// Agents that the tests run in other threads: those load this file.
import { threadId } from "node:worker_threads";
import {
  type AgentDefinition,
  busErrors,
  defineAction,
  defineAgent,
  directives,
  type MessageOf,
  type Signal,
} from "../../src/index.ts";

export interface Numbers {
  readonly seen: readonly number[];
}

const write = defineAction({ run: (state: Numbers, n: number) => ({ state: { seen: [...state.seen, n] }, reply: n }) });

export const collector = defineAgent({
  name: "collector",
  module: import.meta.url,
  state: (): Numbers => ({ seen: [] }),
  snapshotEvery: 2,
  actions: {
    add: write,
    seen: defineAction({ mode: "read", run: (state: Numbers) => ({ reply: state.seen }) }),
    thread: defineAction({ mode: "read", run: (_state: Numbers) => ({ reply: threadId }) }),
    fail: defineAction({
      run: (_state: Numbers, text: string): undefined => {
        throw new RangeError(text);
      },
    }),
    hang: defineAction({ run: (_state: Numbers) => new Promise<undefined>(() => undefined) }),
    spin: defineAction({
      run: (_state: Numbers): undefined => {
        for (;;);
      },
    }),
    function: defineAction({ mode: "read", run: (_state: Numbers) => ({ reply: (): number => 1 }) }),
    tell: defineAction({
      run: (_state: Numbers, { to, n }: { to: string; n: number }) => ({
        directives: [directives.send(to, { type: "add", data: n })],
      }),
    }),
    eat: defineAction({
      run: (_state: Numbers): undefined => {
        const kept: number[][] = [];
        for (;;) kept.push(Array.from({ length: 100_000 }, (_, i) => i + kept.length));
      },
    }),
  },
});

/** Keeps nothing over a restart. */
export const forgetful = defineAgent({
  name: "forgetful",
  module: import.meta.url,
  state: (): Numbers => ({ seen: [] }),
  actions: { add: write, seen: defineAction({ mode: "read", run: (state: Numbers) => ({ reply: state.seen }) }) },
});

/** Hears signals of the main thread's bus. */
export const listener = defineAgent({
  name: "listener",
  module: import.meta.url,
  state: () => ({ heard: [] as readonly unknown[] }),
  signals: { "orders.**": "hear" },
  actions: {
    hear: defineAction({
      run: (state: { readonly heard: readonly unknown[] }, { data }: Signal) => ({
        state: { heard: [...state.heard, data] },
      }),
    }),
    heard: defineAction({
      mode: "read",
      run: (state: { readonly heard: readonly unknown[] }) => ({ reply: state.heard }),
    }),
  },
});

/** Sends signals, good ones and others, and fails with what it is told to. */
export const speaker = defineAgent({
  name: "speaker",
  module: import.meta.url,
  state: () => ({ about: "nothing" as unknown }),
  actions: {
    say: defineAction({
      run: (_state: object, { type, data }: { readonly type: string; readonly data?: unknown }) => ({
        directives: [directives.emit(type, data)],
      }),
    }),
    mutter: defineAction({
      run: (_state: object) => ({ directives: [directives.emit("words.muttered", () => "cannot leave the thread")] }),
    }),
    whisper: defineAction({
      run: (_state: object, _input: void, { self }) => ({
        directives: [directives.send(self, { type: "nothing known", data: () => "cannot leave the thread" })],
      }),
    }),
    refuse: defineAction({
      run: (_state: object, knot: boolean): undefined => {
        const details: Record<string, unknown> = { why: "no" };
        if (knot) details["self"] = details;
        throw busErrors.create("BUS_BACKPRESSURE", "not now", { details });
      },
    }),
  },
});

/** Of this thread: on a busy machine time passes without it. */
function computedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Computes for as long as it is told. */
export const busy = defineAgent({
  name: "busy",
  module: import.meta.url,
  state: () => ({ turns: 0 }),
  actions: {
    compute: defineAction({
      run: (state: { turns: number }, forMs: number) => {
        const end = computedMs() + forMs;
        while (computedMs() < end);
        return { state: { turns: state.turns + 1 }, reply: { turns: state.turns + 1, thread: threadId } };
      },
    }),
  },
});

export type CollectorMessage = typeof collector extends AgentDefinition<Numbers, infer P> ? MessageOf<P> : never;
