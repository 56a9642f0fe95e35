import { registerHooks } from "node:module";

const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const authoring = new URL(`./authoring${extension}`, import.meta.url).href;

/** `mettle` re-exports what benchmarks need, and an older revision under comparison may not have it installed. */
const own: Readonly<Record<string, string>> = {
  "@mettle/bench": authoring,
  mettle: authoring,
  vitest: new URL(`./compat/vitest${extension}`, import.meta.url).href,
  tinybench: new URL(`./compat/tinybench${extension}`, import.meta.url).href,
};

/**
 * Gives every benchmark file of this process this process's own definitions: the file may resolve another copy of this
 * package, or be written for vitest or tinybench.
 */
export function redirectAuthoring(): void {
  registerHooks({
    resolve: (specifier, context, next) => {
      const url = Object.hasOwn(own, specifier) ? own[specifier] : undefined;
      return url ? { url, shortCircuit: true } : next(specifier, context);
    },
  });
}
