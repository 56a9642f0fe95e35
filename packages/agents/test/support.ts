import { ManualClock } from "@mettle/core";
import {
  createRuntime,
  defineAction,
  defineAgent,
  type Runtime,
  type RuntimeEvent,
  type RuntimeOptions,
} from "../src/index.ts";

export interface Total {
  readonly total: number;
}

/** Waiters that the test lets go one by one, in any order. */
export class Gates {
  readonly #waiting = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();

  wait(name: string): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.set(name, { resolve, reject }));
  }

  async open(name: string): Promise<void> {
    this.#waiting.get(name)!.resolve();
    await settled();
  }

  async break(name: string, error: Error): Promise<void> {
    this.#waiting.get(name)!.reject(error);
    await settled();
  }

  get names(): string[] {
    return [...this.#waiting.keys()];
  }
}

/** When everything that can run without time passing has run. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** A runtime on a clock that the test moves, and what it reported. */
export function runtimeForTest(options: RuntimeOptions = {}): {
  runtime: Runtime;
  clock: ManualClock;
  events: RuntimeEvent[];
  kinds: () => string[];
} {
  const clock = new ManualClock(1_000_000);
  const runtime = createRuntime({ clock, ...options });
  const events: RuntimeEvent[] = [];
  runtime.observe((event) => events.push(event));
  return { runtime, clock, events, kinds: () => events.map(({ kind }) => kind) };
}

export const counter = defineAgent({
  name: "counter",
  state: (): Total => ({ total: 0 }),
  actions: {
    add: defineAction({
      run: (state: Total, by: number) => ({ state: { total: state.total + by }, reply: state.total + by }),
    }),
    total: defineAction({ mode: "read", run: (state: Total) => ({ reply: state.total }) }),
    fail: defineAction({
      run: (_state: Total, text: string): undefined => {
        throw new Error(text);
      },
    }),
  },
});
