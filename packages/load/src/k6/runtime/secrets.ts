import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { messageOf } from "@mettle/core";
import { k6Errors } from "../errors.ts";

interface SecretSource {
  readonly isDefault: boolean;
  readonly values: ReadonlyMap<string, string>;
}

const redacted = "***SECRET_REDACTED***";

/** What `--secret-source` gives to scripts, and keeps out of what they log. */
export class Secrets {
  readonly #sources = new Map<string, SecretSource>();
  /** Longest first, so that a secret within another leaves nothing behind. */
  readonly #values: readonly string[];

  /**
   * @param given - as on k6's command line: `mock=default,name=value` or `file=path`, each with `name=…` for its own name
   * @throws MettleError `K6_FLAG_INVALID`
   */
  constructor(given: readonly string[], folder: string) {
    for (const text of given) {
      const { name, source } = readSource(text, folder);
      if (this.#sources.has(name)) throw invalid(text, `the name ${name} is taken by another source`);
      this.#sources.set(name, source);
    }
    const values = [...this.#sources.values()].flatMap((source) => [...source.values.values()]);
    this.#values = values.filter((value) => value !== "").toSorted((a, b) => b.length - a.length);
  }

  get(name: string, source?: string): string {
    const found = source === undefined ? this.#defaultSource() : this.#sources.get(source);
    if (!found) {
      throw new Error(
        source === undefined
          ? "there is no default secret source; give one by --secret-source=file=PATH"
          : `there is no secret source named ${source}`,
      );
    }
    const value = found.values.get(name);
    if (value === undefined) throw new Error(`the secret source has no secret ${name}`);
    return value;
  }

  #defaultSource(): SecretSource | undefined {
    const sources = [...this.#sources.values()];
    return sources.find(({ isDefault }) => isDefault) ?? (sources.length === 1 ? sources[0] : undefined);
  }

  redact(text: string): string {
    let clean = text;
    for (const value of this.#values) clean = clean.replaceAll(value, redacted);
    return clean;
  }
}

const invalid = (text: string, reason: string, cause?: unknown): Error =>
  k6Errors.create("K6_FLAG_INVALID", `--secret-source=${text}: ${reason}.`, {
    details: { given: text, reason },
    cause,
  });

function readSource(text: string, folder: string): { name: string; source: SecretSource } {
  const [, kind = "", rest = ""] = /^([^=]*)=?(.*)$/s.exec(text) ?? [];
  if (kind !== "mock" && kind !== "file") {
    throw invalid(text, `${kind} sources are not provided; use file=PATH with lines of key=value, or mock=key=value`);
  }
  let name = kind;
  let isDefault = false;
  const entries: [string, string][] = [];
  for (const part of rest.split(",")) {
    const [, key = "", value] = /^([^=]*)(?:=(.*))?$/s.exec(part) ?? [];
    if (key === "default" && value === undefined) isDefault = true;
    else if (key === "name" && value !== undefined) name = value;
    else if (kind === "mock" && value !== undefined) entries.push([key, value]);
    else if (kind === "file" && key !== "") entries.push(...secretsOfFile(resolve(folder, value ?? key), text));
    else throw invalid(text, `${JSON.stringify(part)} is no key=value`);
  }
  return { name, source: { isDefault, values: new Map(entries) } };
}

function secretsOfFile(path: string, text: string): [string, string][] {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (cause) {
    throw invalid(text, `${path} cannot be read: ${messageOf(cause)}`, cause);
  }
  return content.split(/\r?\n/).flatMap((line, i): [string, string][] => {
    if (line.trim() === "" || line.startsWith("#")) return [];
    const equals = line.indexOf("=");
    if (equals < 1) throw invalid(text, `line ${i + 1} of ${path} is no key=value`);
    return [[line.slice(0, equals), line.slice(equals + 1)]];
  });
}
