import { existsSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import type { Command } from "./command.ts";

/** A command and the folder it is run in. */
export interface Step {
  readonly command: Command;
  readonly folder: string;
}

interface PackageManager {
  readonly program: string;
  readonly lockFile: string;
  /** Installs exactly what the lock file says, or fails. */
  readonly install: (lockText: string) => readonly string[];
}

const packageManagers: readonly PackageManager[] = [
  { program: "npm", lockFile: "package-lock.json", install: () => ["ci", "--no-audit", "--no-fund"] },
  { program: "npm", lockFile: "npm-shrinkwrap.json", install: () => ["ci", "--no-audit", "--no-fund"] },
  { program: "pnpm", lockFile: "pnpm-lock.yaml", install: () => ["install", "--frozen-lockfile"] },
  {
    program: "yarn",
    lockFile: "yarn.lock",
    // Yarn 2 and later write a `__metadata` entry and renamed the flag.
    install: (text) => ["install", text.includes("__metadata:") ? "--immutable" : "--frozen-lockfile"],
  },
  { program: "bun", lockFile: "bun.lock", install: () => ["install", "--frozen-lockfile"] },
];

export const lockFiles: readonly string[] = packageManagers.map(({ lockFile }) => lockFile);

interface PackageJson {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly workspaces?: unknown;
  readonly dependencies?: object;
  readonly devDependencies?: object;
  readonly optionalDependencies?: object;
}

function readPackageJson(folder: string): PackageJson | undefined {
  const file = join(folder, "package.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as PackageJson) : undefined;
}

function needsInstall(packageJson: PackageJson): boolean {
  const { dependencies, devDependencies, optionalDependencies, workspaces } = packageJson;
  const listed = [dependencies, devDependencies, optionalDependencies].some((d) => d && Object.keys(d).length > 0);
  return listed || workspaces !== undefined;
}

/** `folder` and the folders above it up to and with `top`. */
function upwards(folder: string, top: string): string[] {
  const folders = [folder];
  for (let at = folder; at !== top && dirname(at) !== at; ) {
    at = dirname(at);
    folders.push(at);
  }
  return folders;
}

/**
 * How to install and build a package: by the nearest lock file at or above it. In a workspace the root's `build` script
 * is preferred to the package's, for it knows what has to be built before.
 *
 * @param folder - of the package
 * @param top - of the repository; `folder` or one above it
 * @param overrides - lines of the user's configuration, run by the shell in `folder`; an empty one means: nothing
 */
export function planSteps(
  folder: string,
  top: string,
  overrides: { readonly install?: string; readonly build?: string } = {},
): { readonly install?: Step; readonly build?: Step } {
  const places = upwards(resolve(folder), resolve(top));
  const locked = places.flatMap((place) =>
    packageManagers.filter(({ lockFile }) => existsSync(join(place, lockFile))).map((manager) => ({ manager, place })),
  )[0];
  const install = overrides.install === undefined ? planInstall(folder, locked) : inShell(overrides.install, folder);
  const build = overrides.build === undefined ? planBuild(folder, locked) : inShell(overrides.build, folder);
  return { ...(install ? { install } : {}), ...(build ? { build } : {}) };
}

const inShell = (line: string, folder: string): Step | undefined =>
  line.trim() === "" ? undefined : { command: { shell: line }, folder };

type Locked = { readonly manager: PackageManager; readonly place: string } | undefined;

function planInstall(folder: string, locked: Locked): Step | undefined {
  const place = locked?.place ?? folder;
  const packageJson = readPackageJson(place);
  if (!packageJson || !needsInstall(packageJson)) return undefined;
  if (!locked) {
    const args = ["install", "--no-package-lock", "--no-audit", "--no-fund"];
    return { command: { program: "npm", args }, folder: place };
  }
  const text = readFileSync(join(place, locked.manager.lockFile), "utf8");
  return { command: { program: locked.manager.program, args: locked.manager.install(text) }, folder: place };
}

function planBuild(folder: string, locked: Locked): Step | undefined {
  const program = locked?.manager.program ?? "npm";
  for (const place of new Set([locked?.place ?? folder, folder])) {
    if (readPackageJson(place)?.scripts?.["build"] !== undefined) {
      return { command: { program, args: ["run", "build"] }, folder: place };
    }
  }
  return undefined;
}

/** True when `path` is `folder` or lies inside it. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  // Absolute between two drives of Windows.
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
