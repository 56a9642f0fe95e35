import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve, sep } from "node:path";
import { bundleLimits, type FileEntry, hashOf, isBelow } from "./bundle.ts";
import { distributeErrors } from "./errors.ts";

/** Where a worker has the files of one run. */
export interface BundleStore extends Disposable {
  /** Absolute; the entries' paths are below it. */
  readonly root: string;
  /** Hashes of files that are still to be sent. */
  readonly needed: readonly string[];
  /** @throws MettleError `LOAD_BUNDLE_INVALID` for content that was not asked for */
  put(sha256: string, content: Uint8Array): void;
}

/**
 * The files of an offer, for a worker that runs what it is sent: in a folder of their own, which goes with the run.
 *
 * @param packages - a folder whose `node_modules` scripts may import from
 * @throws MettleError `LOAD_BUNDLE_INVALID` for paths that lead elsewhere, and for too much
 */
export function receivedFiles(entries: readonly FileEntry[], packages: string): BundleStore {
  checkOffer(entries);
  // Resolved, so that what scripts import by it is what is found.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "mettle-worker-")));
  const root = join(folder, "files");
  // Node looks for packages in the folders above.
  const modules = resolve(packages, "node_modules");
  if (existsSync(modules)) symlinkSync(modules, join(folder, "node_modules"), "dir");
  const missing = new Map(entries.map(({ sha256 }) => [sha256, entries.filter((entry) => entry.sha256 === sha256)]));
  const needed = [...missing.keys()];
  return {
    root,
    needed,
    put: (sha256, content) => {
      const places = missing.get(sha256);
      if (!places) throw invalid("a file was sent that was not asked for");
      if (hashOf(content) !== sha256) throw invalid(`what was sent is not ${places[0]?.path}`);
      missing.delete(sha256);
      for (const { path } of places) {
        const file = join(root, path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, content, { flag: "wx" });
      }
    },
    [Symbol.dispose]: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * The files of an offer, for a worker that runs only what lies in a folder of its own machine already: nothing is asked
 * for, nothing is written, and every file must be there, the same to the byte.
 *
 * @throws MettleError `LOAD_WORKER_REFUSED` with the first file that is not
 */
export function allowedFiles(entries: readonly FileEntry[], folder: string): BundleStore {
  checkOffer(entries);
  const root = realpathSync(folder);
  if (entries.length === 0) {
    throw refused("a load test without files, such as a URL, is none that lies in the folder this worker allows", "");
  }
  for (const { path, sha256 } of entries) {
    const file = join(root, path);
    if (!existsSync(file)) throw refused(`${path} is not in the folder this worker allows`, path);
    // A link in the folder may lead out of it.
    if (!isBelow(root, realpathSync(file))) throw refused(`${path} leads out of the folder this worker allows`, path);
    if (hashOf(readFileSync(file)) !== sha256) throw refused(`${path} is not the same on this worker`, path);
  }
  return {
    root,
    needed: [],
    put: () => {
      throw invalid("a file was sent that was not asked for");
    },
    [Symbol.dispose]: () => {},
  };
}

/** An offer comes from outside: it must not reach beyond its folder, nor fill the disk. */
function checkOffer(entries: readonly FileEntry[]): void {
  const paths = new Set<string>();
  let bytes = 0;
  for (const { path, sha256, bytes: size } of entries) {
    if (!isPlainPath(path)) throw invalid(`${JSON.stringify(path)} is no path below a folder`);
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw invalid(`${path} has no hash`);
    if (!Number.isSafeInteger(size) || size < 0) throw invalid(`${path} has no size`);
    if (paths.has(path)) throw invalid(`${path} is there twice`);
    paths.add(path);
    bytes += size;
  }
  const most = 2 * bundleLimits.files;
  if (entries.length > most) throw invalid(`${entries.length} names are more than ${most}`);
  if (bytes > bundleLimits.bytes) throw invalid(`${bytes} bytes are more than ${bundleLimits.bytes}`);
}

function isPlainPath(path: unknown): path is string {
  if (typeof path !== "string" || path === "" || path.length > 1000 || /[\\\0]/.test(path)) return false;
  if (sep === "\\" && path.includes(":")) return false;
  return path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

const invalid = (problem: string): Error =>
  distributeErrors.create("LOAD_BUNDLE_INVALID", `The files of the load test: ${problem}.`, { details: { problem } });

const refused = (problem: string, file: string): Error =>
  distributeErrors.create("LOAD_WORKER_REFUSED", `The worker refused the load test: ${problem}.`, {
    details: { problem, file },
  });
