/** Text with places for variables. */
export type Template = readonly (string | { readonly variable: string })[];

export interface RequestStep {
  readonly kind: "request";
  /** What it is called in results. */
  readonly name: string;
  readonly method: string;
  readonly url: Template;
  readonly headers: readonly (readonly [name: string, value: Template])[];
  readonly body?: Template;
  /** The status that the recording or the document promises. */
  readonly expectedStatus?: number;
  /** Folders or pages that it stood in, outermost first. */
  readonly groups: readonly string[];
}

export interface ThinkStep {
  readonly kind: "think";
  readonly milliseconds: number;
}

export interface ScenarioVariable {
  readonly name: string;
  /** Used where the environment does not say otherwise. */
  readonly value: string;
  /** Taken from this environment variable: secrets do not belong in a script. */
  readonly environment?: string;
}

/** A scenario as data: what converters make and the printer writes down. */
export interface ScenarioModel {
  readonly name: string;
  readonly variables: readonly ScenarioVariable[];
  readonly steps: readonly (RequestStep | ThinkStep)[];
  /** What of the input has no counterpart; for the user to read. Each thing once. */
  readonly notes: readonly string[];
}

/** Collects a scenario; variables and notes by name, once. */
export class ScenarioBuilder {
  readonly #name: string;
  readonly #variables = new Map<string, ScenarioVariable>();
  readonly #steps: (RequestStep | ThinkStep)[] = [];
  readonly #notes = new Set<string>();

  constructor(name: string) {
    this.#name = name.trim() === "" ? "scenario" : name.trim();
  }

  /** The first definition stands. */
  variable(variable: ScenarioVariable): Template[number] {
    if (!this.#variables.has(variable.name)) this.#variables.set(variable.name, variable);
    return { variable: variable.name };
  }

  step(step: RequestStep | ThinkStep): void {
    this.#steps.push(step);
  }

  note(text: string): void {
    this.#notes.add(text);
  }

  get requests(): number {
    return this.#steps.filter(({ kind }) => kind === "request").length;
  }

  build(): ScenarioModel {
    return { name: this.#name, variables: [...this.#variables.values()], steps: this.#steps, notes: [...this.#notes] };
  }
}

/** `{{name}}` and, where asked for, `{name}` as variables. Names are defined by the caller. */
export function templateOf(text: string, pattern: RegExp, variable: (name: string) => Template[number]): Template {
  const parts: (string | { readonly variable: string })[] = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > from) parts.push(text.slice(from, match.index));
    parts.push(variable((match[1] ?? "").trim()));
    from = match.index + match[0].length;
  }
  if (from < text.length || parts.length === 0) parts.push(text.slice(from));
  return parts;
}

/** Headers that the connection makes, or that would be wrong on another. */
const ofTheConnection: ReadonlySet<string> = new Set([
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "upgrade",
  "http2-settings",
]);

/** HTTP/2 pseudo headers, and what the client sends by itself. */
export const isConnectionHeader = (name: string): boolean =>
  name.startsWith(":") || ofTheConnection.has(name.toLowerCase());

/** A field name of RFC 9110; anything else would be refused by the client, or worse, be sent. */
export const isHeaderName = (name: string): boolean => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name);
