import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "@mettle/core";
import { noteFileRead } from "../../engine/file-reads.ts";
import type { Target } from "../http/target.ts";
import { HttpEngine } from "../../http/http-client.ts";
import { connectionOptions } from "../options/connections.ts";
import type { K6Options } from "../options/options.ts";
import type { MetricDefinition } from "../../metrics/recorder.ts";
import { Secrets } from "./secrets.ts";

/** What the virtual users of one thread hold in common: data that none of them can change. */
export class ThreadShare {
  readonly arrays: Map<string, readonly unknown[]> = new Map();
  /** Metrics that the script defined, the same for every user. */
  readonly definitions: Map<string, MetricDefinition> = new Map();
  /** Addresses that users asked for, read. */
  readonly targets: Map<string, Target> = new Map();
  readonly #texts = new Map<string, string>();
  readonly #bytes = new Map<string, Uint8Array>();
  /** Where relative paths of `open` start. */
  readonly folder: string;

  readonly secrets: Secrets;
  #webSockets: HttpEngine | undefined;

  /** @param secretSources - as `--secret-source` gives them */
  constructor(script: string, secretSources: readonly string[] = []) {
    this.folder = dirname(script);
    this.secrets = new Secrets(secretSources, process.cwd());
  }

  /** What all users' WebSockets share. Made for the first of them. */
  webSockets(options: K6Options): HttpEngine {
    return (this.#webSockets ??= new HttpEngine(connectionOptions(options)));
  }

  path(path: string, from: string = this.folder): string {
    return path.startsWith("file://") ? fileURLToPath(path) : resolve(from, path);
  }

  /** One copy of a text for all users: the engine's strings are immutable. */
  text(path: string): string {
    const text = this.#texts.get(path) ?? new TextDecoder().decode(this.bytes(path));
    this.#texts.set(path, text);
    return text;
  }

  bytes(path: string): Uint8Array {
    const known = this.#bytes.get(path);
    if (known) return known;
    try {
      const bytes = readFileSync(path);
      noteFileRead(resolve(path));
      this.#bytes.set(path, bytes);
      return bytes;
    } catch (error) {
      throw new Error(`the file ${path} cannot be opened: ${messageOf(error)}`, { cause: error });
    }
  }
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
