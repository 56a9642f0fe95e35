import { registerHooks } from "node:module";
import { MettleError, messageOf } from "@mettle/core";
import { loadErrors } from "../engine/errors.ts";
import type { LoadTest } from "../engine/load-test.ts";

export interface ScriptParameters {
  /** A file URL. */
  readonly script: string;
  /** Import specifiers that mean this copy of Mettle, and where it is: `mettle`, `@mettle/load`. */
  readonly own: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Loads a script of our own API: called in every thread. TypeScript is read by Node itself.
 *
 * @throws MettleError `LOAD_SCRIPT_UNREADABLE`, `LOAD_SCRIPT_INVALID`
 */
export async function scriptLoad({ script, own, env }: ScriptParameters): Promise<LoadTest> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) => {
      const url = Object.hasOwn(own, specifier) ? own[specifier] : undefined;
      return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
    },
  });
  try {
    const module = (await import(script)) as { readonly default?: unknown };
    const test = module.default;
    if (!isLoadTest(test)) {
      throw loadErrors.create("LOAD_SCRIPT_INVALID", `${script} does not export a load test as default.`, {
        details: { script },
      });
    }
    return { ...test, options: { ...test.options, env: { ...test.options.env, ...env } } };
  } catch (cause) {
    if (cause instanceof MettleError) throw cause;
    throw loadErrors.create("LOAD_SCRIPT_UNREADABLE", `${script} cannot be loaded: ${messageOf(cause)}`, {
      details: { script },
      cause,
    });
  } finally {
    hooks.deregister();
  }
}

function isLoadTest(value: unknown): value is LoadTest {
  const test = value as Partial<LoadTest> | undefined;
  return typeof test?.workload?.prepare === "function" && typeof test.options === "object";
}
