import { readFileSync } from "node:fs";
import { parse, parseAllDocuments } from "yaml";

/** A Kubernetes object, as far as is common to all. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: unknown;
}

type Json = Readonly<Record<string, unknown>>;

const understood = ["apiVersion", "kind", "namespace", "resources", "patches"];

/**
 * What `kubectl kustomize` makes of a folder, for the little of it that we use: resources, one namespace for all, and
 * patches that merge maps by key, lists of named things by name, and replace all else.
 *
 * @param folder - a URL that ends with a slash
 */
export function kustomized(folder: URL): readonly Manifest[] {
  const told = parse(read("kustomization.yaml", folder)) as {
    readonly namespace?: string;
    readonly resources: readonly string[];
    readonly patches?: readonly { readonly path: string }[];
  };
  const unknown = Object.keys(told).filter((key) => !understood.includes(key));
  if (unknown.length > 0) throw new Error(`${folder.href}: ${unknown.join(", ")} is not understood here`);
  const resources = told.resources.flatMap((name) =>
    name.endsWith(".yaml") ? documentsIn(name, folder) : kustomized(new URL(`${name}/`, folder)),
  );
  const patches = (told.patches ?? []).flatMap(({ path }) => documentsIn(path, folder));
  return patches.reduce(patched, resources).map((each) => placed(each, told.namespace));
}

const read = (name: string, folder: URL): string => readFileSync(new URL(name, folder), "utf8");

function documentsIn(name: string, folder: URL): readonly Manifest[] {
  return parseAllDocuments(read(name, folder)).map((document) => {
    if (document.errors.length > 0) throw new Error(`${name}: ${document.errors.join("; ")}`);
    return document.toJS() as Manifest;
  });
}

const same = (a: Manifest, b: Manifest): boolean =>
  a.apiVersion === b.apiVersion && a.kind === b.kind && a.metadata.name === b.metadata.name;

function patched(resources: readonly Manifest[], patch: Manifest): readonly Manifest[] {
  if (!resources.some((each) => same(each, patch))) throw new Error(`no ${patch.kind} ${patch.metadata.name} to patch`);
  return resources.map((each) => (same(each, patch) ? (merged(each, patch) as Manifest) : each));
}

function merged(old: unknown, patch: unknown): unknown {
  if (isNamedList(old) && isNamedList(patch)) {
    const names = old.map(({ name }) => name);
    const strange = patch.filter(({ name }) => !names.includes(name));
    if (strange.length > 0) throw new Error(`nothing is called ${strange.map(({ name }) => name).join(", ")}`);
    return old.map((each) => {
      const change = patch.find(({ name }) => name === each.name);
      return change ? merged(each, change) : each;
    });
  }
  if (!isMap(old) || !isMap(patch)) return patch;
  return { ...old, ...Object.fromEntries(Object.entries(patch).map(([key, value]) => [key, merged(old[key], value)])) };
}

const isMap = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const isNamedList = (value: unknown): value is readonly (Json & { readonly name: string })[] =>
  Array.isArray(value) && value.length > 0 && value.every((each) => isMap(each) && typeof each["name"] === "string");

function placed(manifest: Manifest, namespace: string | undefined): Manifest {
  if (namespace === undefined || manifest.kind === "Namespace") return manifest;
  return { ...manifest, metadata: { ...manifest.metadata, namespace } };
}
