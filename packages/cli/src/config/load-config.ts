import { existsSync } from "node:fs";
import { registerHooks } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf } from "@mettle/core";
import { cliErrors } from "../errors.ts";
import { checkConfig } from "./check-config.ts";
import type { MettleConfig } from "./define-config.ts";

const names = ["mettle.config.ts", "mettle.config.mts", "mettle.config.js", "mettle.config.mjs"];

export interface LoadedConfig {
  readonly config: MettleConfig;
  /** Absent where there is no configuration file. */
  readonly file?: string;
}

/**
 * Loads the configuration that `--config` names, or the one in `cwd`, or none. TypeScript is read by Node itself.
 *
 * @throws MettleError `CONFIG_UNREADABLE`, `CONFIG_INVALID`
 */
export async function loadConfig(cwd: string, named: string | undefined): Promise<LoadedConfig> {
  const file = named === undefined ? names.map((name) => join(cwd, name)).find(existsSync) : resolve(cwd, named);
  if (file === undefined) return { config: {} };
  if (!existsSync(file)) {
    throw cliErrors.create("CONFIG_UNREADABLE", `There is no configuration file ${file}.`, {
      details: { file },
      next: "Check the path given with --config or METTLE_CONFIG.",
    });
  }
  const loaded = await importConfig(file);
  if (!("default" in loaded)) {
    throw cliErrors.create("CONFIG_INVALID", `${file} has no default export.`, {
      details: { file },
      next: "Write: export default defineConfig({ … }).",
    });
  }
  return { config: checkConfig(loaded.default, file), file };
}

async function importConfig(file: string): Promise<{ readonly default?: unknown }> {
  // The command may be installed elsewhere than in the project: the configuration gets this copy's types and functions.
  const own = new URL(import.meta.url.endsWith(".ts") ? "../index.ts" : "../index.js", import.meta.url).href;
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "mettle" ? { url: own, shortCircuit: true } : next(specifier, context),
  });
  try {
    return (await import(pathToFileURL(file).href)) as { readonly default?: unknown };
  } catch (cause) {
    throw cliErrors.create("CONFIG_UNREADABLE", `${file} cannot be loaded: ${messageOf(cause)}`, {
      details: { file },
      cause,
      ...(/Cannot use import statement|Unexpected token 'export'/.test(messageOf(cause)) && {
        next: `Set "type": "module" in ${join(dirname(file), "package.json")}, or name the file mettle.config.mts.`,
      }),
    });
  } finally {
    hooks.deregister();
  }
}
