import { Script } from "node:vm";

const name = "mettle.k6.guarded";
const guarded = new Script(`globalThis[Symbol.for(${JSON.stringify(name)})]()`, { filename: "guarded" });

/**
 * Does a synchronous piece of work, and throws where it takes longer: the only way to get a loop without an end back.
 *
 * @throws Error with the code `ERR_SCRIPT_EXECUTION_TIMEOUT`
 */
export function withinTime<T>(limitMs: number, work: () => T): T {
  const holder = globalThis as unknown as Record<symbol, (() => T) | undefined>;
  const key = Symbol.for(name);
  holder[key] = work;
  try {
    return guarded.runInThisContext({ timeout: limitMs }) as T;
  } finally {
    holder[key] = undefined;
  }
}
