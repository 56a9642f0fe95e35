import { MettleError, messageOf } from "@mettle/core";
import { loadErrors } from "./errors.ts";
import type { LoadSource, LoadTest } from "./load-test.ts";

/**
 * Makes the load test that a source names, in this thread.
 *
 * @throws MettleError `LOAD_SCRIPT_UNREADABLE`, `LOAD_SCRIPT_INVALID`, and what the factory throws with a code
 */
export async function importLoadTest(source: LoadSource): Promise<LoadTest> {
  const module = (await importing(source.module)) as Readonly<Record<string, unknown>>;
  const factory = module[source.factory];
  if (typeof factory !== "function") {
    throw loadErrors.create("LOAD_SCRIPT_INVALID", `${source.module} has no function ${source.factory}.`, {
      details: { module: source.module, factory: source.factory },
    });
  }
  return (await (factory as (parameters: unknown) => unknown)(source.parameters)) as LoadTest;
}

async function importing(module: string): Promise<unknown> {
  try {
    return await import(module);
  } catch (cause) {
    if (cause instanceof MettleError) throw cause;
    throw loadErrors.create("LOAD_SCRIPT_UNREADABLE", `${module} cannot be loaded: ${messageOf(cause)}`, {
      details: { module },
      cause,
    });
  }
}
