import { configErrors } from "./errors.ts";
import { type SettingValidator, validated } from "./validator.ts";

type Branch = Readonly<Record<string, unknown>>;

/** The dotted paths of a configuration: `"dispatch"`, `"dispatch.concurrency"`. Lists are values, not branches. */
export type ConfigPath<Config> = Config extends readonly unknown[] | ((...args: never) => unknown)
  ? never
  : Config extends object
    ? { [Key in keyof Config & string]: Key | `${Key}.${ConfigPath<NonNullable<Config[Key]>>}` }[keyof Config & string]
    : never;

/** The type of the value at a path. */
export type ConfigValue<Config, Path extends string> = Path extends `${infer Key}.${infer Rest}`
  ? Key extends keyof Config
    ? ConfigValue<NonNullable<Config[Key]>, Rest>
    : never
  : Path extends keyof Config
    ? Config[Path]
    : never;

/** Validators of the paths that may change while the system runs. */
export type Updatable<Config> = { readonly [Path in ConfigPath<Config>]?: SettingValidator<ConfigValue<Config, Path>> };

export interface ConfigChange<Value = unknown> {
  readonly path: string;
  readonly value: Value;
  readonly previous: Value;
  /** Counts updates, from 1. */
  readonly version: number;
}

interface Listener {
  readonly keys: readonly string[];
  readonly path: string;
  readonly call: (change: ConfigChange) => void;
}

/**
 * The configuration of a running system: read by path, changed only at paths declared updatable, frozen throughout. An
 * update makes a new tree and keeps the untouched branches, so whoever holds a value holds it unchanged.
 *
 * @example
 * const config = new ConfigStore({ dispatch: { concurrency: 8, url: "…" } }, { "dispatch.concurrency": wholeNumber });
 * config.get("dispatch.concurrency"); // 8, and known to be a number
 * config.update("dispatch.concurrency", 16);
 */
export class ConfigStore<Config extends object> {
  #tree: Branch;
  readonly #updatable: ReadonlyMap<string, SettingValidator<unknown>>;
  /** Values by path, as read since the last update; holds only paths that exist. */
  #read = new Map<string, unknown>();
  readonly #listeners = new Set<Listener>();
  #version = 0;

  /**
   * @param initial - plain data; copied
   * @throws MettleError `SETTINGS_INVALID` for data that cannot be copied or frozen (a map, a date) or an updatable path that is not there;
   *   `SETTING_INVALID` when an initial value fails its own validator
   */
  constructor(initial: Config, updatable: Updatable<Config> = {}) {
    this.#updatable = new Map(Object.entries(updatable) as [string, SettingValidator<unknown>][]);
    let tree = frozenCopy(initial) as Branch;
    for (const [path, validator] of this.#updatable) {
      const keys = path.split(".");
      if (!exists(tree, keys)) {
        throw configErrors.create("SETTINGS_INVALID", `There is no ${path} to update.`, { details: { path } });
      }
      tree = replaced(tree, keys, frozenCopy(validated(validator, path, valueAt(tree, keys))));
    }
    this.#tree = tree;
  }

  /** Counts updates. */
  get version(): number {
    return this.#version;
  }

  /** The whole, frozen. */
  get all(): Config {
    return this.#tree as Config;
  }

  /** The value at a path, frozen; one map access when it was read before. */
  get<Path extends ConfigPath<Config>>(path: Path): ConfigValue<Config, Path> {
    return this.lookup(path) as ConfigValue<Config, Path>;
  }

  /** As `get`, for a path from outside; `undefined` where nothing is. Only own properties are seen. */
  lookup(path: string): unknown {
    const known = this.#read.get(path);
    if (known !== undefined) return known;
    const value = valueAt(this.#tree, path.split("."));
    if (value !== undefined) this.#read.set(path, value);
    return value;
  }

  /** @throws MettleError `SETTING_FIXED`, `SETTING_INVALID`, `SETTINGS_INVALID`; nothing changes then */
  update<Path extends ConfigPath<Config>>(path: Path, value: ConfigValue<Config, Path>): void {
    this.updateAll({ [path]: value });
  }

  /**
   * Several at once, or none: listeners see all of them. Values may come from outside, they are validated and copied.
   *
   * @throws MettleError `SETTING_FIXED`, `SETTING_INVALID`, `SETTINGS_INVALID`; nothing changes then
   */
  updateAll(values: Readonly<Record<string, unknown>>): void {
    let tree = this.#tree;
    for (const [path, value] of Object.entries(values)) {
      const validator = this.#updatable.get(path);
      if (validator === undefined) {
        throw configErrors.create("SETTING_FIXED", `${path} cannot be updated.`, {
          details: { path, updatable: [...this.#updatable.keys()] },
        });
      }
      tree = replaced(tree, path.split("."), frozenCopy(validated(validator, path, value)));
    }
    const before = this.#tree;
    this.#tree = tree;
    this.#read = new Map();
    this.#version += 1;
    this.#tell(before, tree);
  }

  /**
   * Calls `listener` after an update that changed the value at `path`: the value itself, something within it or the
   * branch that holds it. What a listener throws is thrown again outside of the update.
   */
  subscribe<Path extends ConfigPath<Config>>(
    path: Path,
    listener: (change: ConfigChange<ConfigValue<Config, Path>>) => void,
  ): () => void {
    const entry: Listener = { keys: path.split("."), path, call: listener as (change: ConfigChange) => void };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  #tell(before: Branch, after: Branch): void {
    const version = this.#version;
    for (const { keys, path, call } of Array.from(this.#listeners)) {
      const previous = valueAt(before, keys);
      const value = valueAt(after, keys);
      if (Object.is(previous, value)) continue;
      try {
        call({ path, value, previous, version });
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

const isBranch = (value: unknown): value is Branch =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function exists(tree: Branch, keys: readonly string[]): boolean {
  let node: unknown = tree;
  for (const key of keys) {
    if (!isBranch(node) || !Object.hasOwn(node, key)) return false;
    node = node[key];
  }
  return true;
}

function valueAt(tree: Branch, keys: readonly string[]): unknown {
  let node: unknown = tree;
  for (const key of keys) {
    if (!isBranch(node) || !Object.hasOwn(node, key)) return undefined;
    node = node[key];
  }
  return node;
}

/** The tree with another value at an existing path; unequal values only, so that an update without effect changes nothing. */
function replaced(tree: Branch, keys: readonly string[], value: unknown): Branch {
  const [key, ...rest] = keys;
  if (key === undefined) return tree;
  const child = tree[key];
  if (rest.length > 0 && !isBranch(child)) {
    throw configErrors.create("SETTING_INVALID", `${rest.join(".")} cannot be set in ${key}, which holds nothing.`, {
      details: { path: rest.join(".") },
    });
  }
  const next = rest.length === 0 ? value : replaced(child as Branch, rest, value);
  if (Object.is(child, next)) return tree;
  // A computed key of a literal defines a property and sets no prototype, whatever it is called.
  return Object.freeze({ ...tree, [key]: next });
}

/** @throws MettleError `SETTINGS_INVALID` for what is no plain data, such as a function */
function frozenCopy(value: unknown): unknown {
  let copy: unknown;
  try {
    copy = structuredClone(value);
  } catch (error) {
    throw configErrors.create("SETTINGS_INVALID", "The configuration holds something that is no plain data.", {
      cause: error,
    });
  }
  return frozen(copy);
}

/** @throws MettleError `SETTINGS_INVALID` for what freezing leaves open to changes, such as a map, a date or bytes */
function frozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  const kind = Object.prototype.toString.call(value).slice("[object ".length, -1);
  if (kind !== "Object" && kind !== "Array") {
    throw configErrors.create(
      "SETTINGS_INVALID",
      `The configuration holds a ${kind}, which cannot be frozen: lists, plain objects and simple values only.`,
    );
  }
  Object.freeze(value);
  for (const child of Object.values(value)) frozen(child);
  return value;
}
