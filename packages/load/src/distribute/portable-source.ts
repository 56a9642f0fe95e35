import { join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { LoadSource } from "../engine/load-test.ts";
import { type Bundle, realPath } from "./bundle.ts";
import { distributeErrors } from "./errors.ts";

/** A load source that means the same on another machine. */
export interface PortableSource {
  /** A factory of this package. */
  readonly factory: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Parameters that are files or folders: their paths below the bundle's root, "" for the root itself. */
  readonly files: Readonly<Record<string, string>>;
}

interface Portability {
  /** Parameters that are paths or file URLs, and must be rebuilt where the files lie. */
  readonly paths: Readonly<Record<string, "path" | "url">>;
  /** Its variables: the values given are sent, what else the environment holds stays on its machine. */
  readonly environment?: string;
}

/** What is known to work afar; parameters not named here are sent as they are. */
const portable: Readonly<Record<string, Portability>> = {
  urlLoad: { paths: {} },
  declarativeLoad: { paths: { file: "path" } },
  scriptLoad: { paths: { script: "url" } },
  k6Load: { paths: { script: "path", urlCopies: "path" }, environment: "environment" },
};

/**
 * Makes a source portable.
 *
 * @param own - the module of this package, which every machine has its own copy of
 * @param given - variables of the command line: with them alone, no secret of the environment leaves this machine
 * @throws MettleError `LOAD_NOT_PORTABLE`, `LOAD_BUNDLE_INVALID` for a file that is gone
 */
export function portableSource(
  { module, factory, parameters }: LoadSource,
  bundle: Bundle,
  own: string,
  given: Readonly<Record<string, string>>,
): PortableSource {
  const known = Object.hasOwn(portable, factory) ? portable[factory] : undefined;
  if (!known || module !== own || typeof parameters !== "object" || parameters === null) {
    throw distributeErrors.create("LOAD_NOT_PORTABLE", `A load test made by ${factory} cannot be sent to workers.`, {
      details: { module, factory },
    });
  }
  const sent: Record<string, unknown> = { ...parameters };
  const files: Record<string, string> = {};
  for (const [name, kind] of Object.entries(known.paths)) {
    const value = sent[name];
    if (typeof value !== "string") continue;
    const path = realPath(kind === "url" ? fileURLToPath(value) : value);
    files[name] = relative(bundle.root, path).split(sep).join("/");
    delete sent[name];
  }
  // Where a script finds Mettle is for each machine to say.
  delete sent["own"];
  if (known.environment !== undefined) sent[known.environment] = given;
  return { factory, parameters: sent, files };
}

/**
 * The source on this machine.
 *
 * @param root - where the bundle's files lie here
 * @param own - the specifiers of Mettle's modules and where they are here; `@mettle/load` is one
 * @throws MettleError `LOAD_NOT_PORTABLE` for what this version does not know
 */
export function localSource(
  { factory, parameters, files }: PortableSource,
  root: string,
  own: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>>,
): LoadSource {
  const known = Object.hasOwn(portable, factory) ? portable[factory] : undefined;
  const module = own["@mettle/load"];
  const strange = Object.keys(files).find((name) => !known || !Object.hasOwn(known.paths, name));
  if (!known || module === undefined || strange !== undefined) {
    throw distributeErrors.create("LOAD_NOT_PORTABLE", `This worker knows no load test made by ${factory}.`, {
      details: { factory },
    });
  }
  const rebuilt: Record<string, unknown> = { ...parameters };
  for (const [name, path] of Object.entries(files)) {
    const file = join(root, path);
    rebuilt[name] = known.paths[name] === "url" ? pathToFileURL(file).href : file;
  }
  if (factory === "scriptLoad") rebuilt["own"] = own;
  if (known.environment !== undefined) {
    const inherited = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined);
    rebuilt[known.environment] = { ...Object.fromEntries(inherited), ...(rebuilt[known.environment] as object) };
  }
  return { module, factory, parameters: rebuilt };
}
