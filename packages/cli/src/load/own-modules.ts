import { dirname, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The module that makes load tests. */
const loadModule = "@mettle/load";

/** Specifiers by which scripts import Mettle, and where this copy of it is. */
export function ownModules(): Readonly<Record<string, string>> {
  const mettle = new URL(import.meta.url.endsWith(".ts") ? "../index.ts" : "../index.js", import.meta.url).href;
  return { mettle, [loadModule]: import.meta.resolve(loadModule) };
}

/** Tells files of Mettle itself, which every machine has, from those of a load test. */
export function isOwnFile(file: string): boolean {
  // …/packages/load/dist/index.js: the packages lie side by side.
  const packages = dirname(dirname(dirname(fileURLToPath(import.meta.resolve(loadModule)))));
  const [, folder] = file.startsWith(packages + sep) ? file.slice(packages.length + 1).split(sep) : [];
  return folder === "dist" || folder === "src";
}
