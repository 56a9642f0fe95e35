import { readFileSync } from "node:fs";

/**
 * The modules that the live page runs, as the compiler wrote them: the renderer of the report, the arithmetic of units, the
 * page's own. No bundler: they are what everybody else imports too.
 */
const packages: Readonly<Record<string, URL>> = {
  core: distOf(import.meta.resolve("@mettle/core")),
  report: distOf(import.meta.resolve("@mettle/report")),
  dashboard: new URL("../../dist/", import.meta.url),
};

/** Beside `src/index.ts` and beside `dist/index.js` alike. */
function distOf(entry: string): URL {
  return new URL("../dist/", entry);
}

const known = new Map<string, Buffer | undefined>();

/** What `import` of these names loads in the page. */
export const importMap: string = JSON.stringify({
  imports: { "@mettle/core": "/m/core/index.js", "@mettle/report": "/m/report/charts.js" },
});

export const livePageModule = "/m/dashboard/browser/live-page.js";

/** A module by its path below `/m/`; undefined where there is none. Read once. */
export function moduleAt(path: string): Buffer | undefined {
  const [, owner = "", file] = /^\/m\/([a-z]+)\/((?:[a-z0-9-]+\/)*[a-z0-9-]+\.js)$/.exec(path) ?? [];
  const folder = Object.hasOwn(packages, owner) ? packages[owner] : undefined;
  if (!folder || file === undefined) return undefined;
  if (!known.has(path)) known.set(path, read(new URL(file, folder)));
  return known.get(path);
}

function read(file: URL): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
