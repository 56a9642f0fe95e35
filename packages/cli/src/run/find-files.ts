import { statSync } from "node:fs";
import { glob } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { benchErrors } from "@mettle/bench";

/** What benchmark files are called where nobody said otherwise. */
const benchmarkPattern = "**/*.bench.{ts,mts,js,mjs}";
const excludedDefaults: readonly string[] = ["node_modules", "dist", ".git", "mettle-out"];

export interface FindFilesOptions {
  readonly cwd: string;
  /** Files, folders or globs; empty: the patterns of the configuration. */
  readonly named: readonly string[];
  readonly patterns?: readonly string[] | undefined;
  /** Names of folders that globs do not enter. */
  readonly exclude?: readonly string[] | undefined;
}

/**
 * Absolute paths of benchmark files, in order, each once.
 *
 * @throws MettleError `BENCH_NOTHING_FOUND`, also when one of several names matches nothing
 */
export async function findFiles(options: FindFilesOptions): Promise<readonly string[]> {
  const { cwd, named } = options;
  const exclude = options.exclude ?? excludedDefaults;
  const wanted = named.length > 0 ? named : (options.patterns ?? [benchmarkPattern]);
  const found = new Set<string>();
  for (const each of wanted) {
    const files = await filesOf(each, cwd, exclude);
    if (files.length === 0 && named.length > 0) {
      throw benchErrors.create("BENCH_NOTHING_FOUND", `No benchmark file matches ${JSON.stringify(each)}.`, {
        details: { pattern: each, cwd },
        next: "Check the path; a folder stands for every *.bench.ts below it.",
      });
    }
    for (const file of files) found.add(file);
  }
  if (found.size === 0) {
    throw benchErrors.create("BENCH_NOTHING_FOUND", `No file below ${cwd} matches ${wanted.join(", ")}.`, {
      details: { patterns: wanted, cwd },
    });
  }
  return [...found].sort();
}

async function filesOf(name: string, cwd: string, exclude: readonly string[]): Promise<readonly string[]> {
  const stats = statSync(resolve(cwd, name), { throwIfNoEntry: false });
  if (stats?.isFile()) return [resolve(cwd, name)];
  const pattern = stats?.isDirectory() ? join(name, benchmarkPattern) : name;
  const files: string[] = [];
  for await (const path of glob(pattern, { cwd, exclude: (path) => exclude.includes(basename(path)) })) {
    const absolute = resolve(cwd, path);
    if (statSync(absolute, { throwIfNoEntry: false })?.isFile()) files.push(absolute);
  }
  return files;
}
