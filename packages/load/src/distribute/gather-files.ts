import { existsSync } from "node:fs";
import { registerHooks } from "node:module";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { witnessReads } from "../engine/file-reads.ts";

/**
 * The files that loading something read: imported modules and the `package.json` that says how they are to be read, and
 * what the data functions of Mettle opened. Not packages (they are to be installed on every machine), not this program.
 *
 * @param isOurs - tells files of this program, which every machine has
 */
export async function gatherFiles<T>(
  action: () => Promise<T>,
  isOurs: (file: string) => boolean,
): Promise<{ readonly result: T; readonly files: readonly string[] }> {
  const imported = new Set<string>();
  const hooks = registerHooks({
    load: (url, context, next) => {
      if (url.startsWith("file:")) imported.add(fileURLToPath(withoutQuery(url)));
      return next(url, context);
    },
  });
  try {
    const { result, files } = await witnessReads(action);
    const all = [...imported, ...files].filter((file) => !isOurs(file) && !isPackaged(file));
    const manifests = all.flatMap((file) => manifestOf(file) ?? []);
    return { result, files: [...new Set([...all, ...manifests])].toSorted() };
  } finally {
    hooks.deregister();
  }
}

const withoutQuery = (url: string): string => url.replace(/[?#].*$/, "");

const isPackaged = (file: string): boolean => file.split(sep).includes("node_modules");

/** The nearest `package.json`: it says whether `.js` is a module. */
function manifestOf(file: string): string | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) return manifest;
    if (folder === dirname(folder)) return undefined;
  }
}
