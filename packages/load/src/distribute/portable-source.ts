import { join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { LoadSource } from "../engine/load-test.ts";
import { kindOf, loadSource, type SourceKind } from "../scenario/load-source.ts";
import { type Bundle, realPath } from "./bundle.ts";
import { distributeErrors } from "./errors.ts";

type Parameters = Record<string, unknown>;

/** A load source that means the same on another machine. */
export interface PortableSource {
  readonly kind: SourceKind;
  readonly parameters: Readonly<Parameters>;
  /** Parameters that are files or folders: their paths below the bundle's root, "" for the root itself. */
  readonly files: Readonly<Record<string, string>>;
}

interface Portability {
  /** Parameters that are paths or file URLs, and must be rebuilt where the files lie; dots lead into parameters. */
  readonly paths: Readonly<Record<string, "file" | "folder" | "url">>;
  /** Its variables: the values given are sent, what else the environment holds stays on its machine. */
  readonly environment?: string;
}

/** What each kind needs to work afar; parameters not named here are sent as they are. */
const portable: Readonly<Record<SourceKind, Portability>> = {
  url: { paths: {} },
  model: { paths: { "trace.file": "file" } },
  declarative: { paths: { file: "file" } },
  converted: { paths: { file: "file" } },
  script: { paths: { script: "url" } },
  k6: { paths: { script: "file", urlCopies: "folder" }, environment: "environment" },
};

/**
 * The files that a source itself names, absolute: what loading it reads comes beside.
 *
 * @throws MettleError `LOAD_NOT_PORTABLE`
 */
export function filesOf(source: LoadSource): readonly string[] {
  const { paths } = portable[requiredKind(source)];
  return Object.entries(paths).flatMap(([name, kind]) => {
    const value = memberAt(source.parameters as Parameters, name);
    if (typeof value !== "string" || kind === "folder") return [];
    return [kind === "url" ? fileURLToPath(value) : value];
  });
}

/**
 * Makes a source portable.
 *
 * @param given - variables of the command line: with them alone, no secret of the environment leaves this machine
 * @throws MettleError `LOAD_NOT_PORTABLE`, `LOAD_BUNDLE_INVALID` for a file that is gone
 */
export function portableSource(
  source: LoadSource,
  bundle: Bundle,
  given: Readonly<Record<string, string>>,
): PortableSource {
  const kind = requiredKind(source);
  const { paths, environment } = portable[kind];
  let sent: Parameters = { ...(source.parameters as Parameters) };
  const files: Record<string, string> = {};
  for (const [name, what] of Object.entries(paths)) {
    const value = memberAt(sent, name);
    if (typeof value !== "string") continue;
    const path = realPath(what === "url" ? fileURLToPath(value) : value);
    files[name] = relative(bundle.root, path).split(sep).join("/");
    sent = withMember(sent, name, undefined);
  }
  // Where a script finds Mettle is for each machine to say.
  delete sent["own"];
  if (environment !== undefined) sent[environment] = given;
  return { kind, parameters: sent, files };
}

function requiredKind(source: LoadSource): SourceKind {
  const kind = kindOf(source);
  if (kind !== undefined && typeof source.parameters === "object" && source.parameters !== null) return kind;
  const { module, factory } = source;
  throw distributeErrors.create("LOAD_NOT_PORTABLE", `A load test made by ${factory} cannot be sent to workers.`, {
    details: { module, factory },
  });
}

/**
 * The source on this machine.
 *
 * @param root - where the bundle's files lie here
 * @param own - the specifiers by which scripts import Mettle, and where it is here
 * @throws MettleError `LOAD_NOT_PORTABLE` for what this version does not know
 */
export function localSource(
  { kind, parameters, files }: PortableSource,
  root: string,
  own: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>>,
): LoadSource {
  const known = Object.hasOwn(portable, kind) ? portable[kind] : undefined;
  const strange = Object.keys(files).find((name) => !known || !Object.hasOwn(known.paths, name));
  if (!known || strange !== undefined) {
    throw distributeErrors.create("LOAD_NOT_PORTABLE", `This worker knows no load test of the kind ${kind}.`, {
      details: { kind },
    });
  }
  let rebuilt: Parameters = { ...parameters };
  for (const [name, path] of Object.entries(files)) {
    const file = join(root, path);
    rebuilt = withMember(rebuilt, name, known.paths[name] === "url" ? pathToFileURL(file).href : file);
  }
  if (kind === "script") rebuilt["own"] = own;
  if (known.environment !== undefined) {
    const inherited = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined);
    rebuilt[known.environment] = { ...Object.fromEntries(inherited), ...(rebuilt[known.environment] as object) };
  }
  return loadSource(kind, rebuilt as never);
}

function memberAt(parameters: Parameters, name: string): unknown {
  return name
    .split(".")
    .reduce<unknown>(
      (value, part) => (typeof value === "object" && value !== null ? (value as Parameters)[part] : undefined),
      parameters,
    );
}

/** A copy with another value at a place; without it for undefined. */
function withMember(parameters: Parameters, name: string, value: unknown): Parameters {
  const [first = "", ...rest] = name.split(".");
  const inner = rest.length === 0 ? value : withMember((parameters[first] ?? {}) as Parameters, rest.join("."), value);
  const { [first]: _, ...others } = parameters;
  return inner === undefined ? others : { ...others, [first]: inner };
}
