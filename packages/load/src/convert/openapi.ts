import { Random } from "@mettle/core";
import { exampleValue } from "../mock-model/json-example.ts";
import { DocumentReader, isObject, type Json, plainText } from "./document.ts";
import { convertErrors } from "./errors.ts";
import {
  isConnectionHeader,
  isHeaderName,
  ScenarioBuilder,
  type ScenarioModel,
  type Template,
  templateOf,
} from "./scenario-model.ts";

export interface OpenApiOptions {
  readonly source?: string;
  /** Instead of the document's first server. */
  readonly baseUrl?: string;
  /** Only these methods. @defaultValue all that the document has */
  readonly methods?: readonly string[];
  /** For values that the document gives no example of. @defaultValue 1 */
  readonly seed?: number;
}

const methods = ["get", "post", "put", "patch", "delete", "head", "options"] as const;
const DEEPEST = 12;

/**
 * An OpenAPI document (3.0, 3.1) as a scenario: one request for each operation, in the document's order, with examples for
 * required parameters and JSON bodies (the document's own, else made from the schema), tags as groups, and the first
 * success status as what is expected.
 *
 * @throws MettleError `CONVERT_INVALID` with the place, `CONVERT_UNSUPPORTED`, `CONVERT_EMPTY`
 */
export function scenarioFromOpenApi(document: unknown, options: OpenApiOptions = {}): ScenarioModel {
  const reader = new DocumentReader(options.source ?? "OpenAPI document");
  const root = reader.object(document, "the document");
  const version = root["openapi"];
  if (typeof version !== "string" || !/^3\.[01]\.\d+/.test(version)) {
    const found =
      root["swagger"] === undefined ? JSON.stringify(version) : `Swagger ${JSON.stringify(root["swagger"])}`;
    throw convertErrors.create("CONVERT_UNSUPPORTED", `${reader.source}: OpenAPI version ${found ?? "absent"}.`, {
      details: { version },
    });
  }
  const info = isObject(root["info"]) ? root["info"] : {};
  const builder = new ScenarioBuilder(typeof info["title"] === "string" ? info["title"] : "api");
  new OperationReader(reader, builder, root, options).read();
  if (builder.requests === 0) throw convertErrors.create("CONVERT_EMPTY", `${reader.source}: there is no operation.`);
  return builder.build();
}

class OperationReader {
  readonly #reader: DocumentReader;
  readonly #builder: ScenarioBuilder;
  readonly #root: Json;
  readonly #random: Random;
  readonly #methods: ReadonlySet<string>;
  readonly #base: Template[number];

  constructor(reader: DocumentReader, builder: ScenarioBuilder, root: Json, options: OpenApiOptions) {
    this.#reader = reader;
    this.#builder = builder;
    this.#root = root;
    this.#random = new Random(options.seed ?? 1);
    this.#methods = new Set((options.methods ?? methods).map((method) => method.toLowerCase()));
    const value = options.baseUrl ?? this.#server();
    this.#base = builder.variable({ name: "baseUrl", value, environment: "BASE_URL" });
  }

  read(): void {
    const paths = this.#root["paths"] === undefined ? {} : this.#reader.object(this.#root["paths"], "paths");
    for (const [path, value] of Object.entries(paths)) {
      const place = `paths[${JSON.stringify(path)}]`;
      if (!path.startsWith("/")) continue;
      const item = this.#resolve(this.#reader.object(value, place), place);
      for (const method of methods) {
        const operation = item[method];
        if (operation === undefined || !this.#methods.has(method)) continue;
        this.#operation(path, method, this.#reader.object(operation, `${place}.${method}`), item, `${place}.${method}`);
      }
    }
  }

  #operation(path: string, method: string, operation: Json, item: Json, place: string): void {
    const parameters = this.#parameters(item["parameters"], operation["parameters"], place);
    const url = this.#url(path, parameters, operation);
    const headers: [string, Template][] = parameters
      .filter(({ where, name }) => where === "header" && isHeaderName(name) && !isConnectionHeader(name))
      .map(({ name, value }) => [name, [value]]);
    const body = this.#body(operation["requestBody"], place);
    if (body) headers.push(["Content-Type", [body.type]]);
    headers.push(...this.#security(operation).headers);
    const [tag] = Array.isArray(operation["tags"]) ? (operation["tags"] as unknown[]) : [];
    const expectedStatus = successStatus(operation["responses"]);
    const id = operation["operationId"];
    this.#builder.step({
      kind: "request",
      name: typeof id === "string" && id !== "" ? id : `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      url,
      headers,
      ...(body && { body: [body.text] }),
      ...(expectedStatus !== undefined && { expectedStatus }),
      groups: typeof tag === "string" ? [tag] : [],
    });
  }

  #url(path: string, parameters: readonly Parameter[], operation: Json): Template {
    const known = new Map(parameters.filter(({ where }) => where === "path").map(({ name, value }) => [name, value]));
    const filled = templateOf(path, /\{([^{}]+)\}/g, (name) =>
      this.#builder.variable({ name, value: encodeURIComponent(known.get(name) ?? "1") }),
    );
    const query = new URLSearchParams(
      parameters.filter(({ where }) => where === "query").map(({ name, value }): [string, string] => [name, value]),
    ).toString();
    const { query: secrets } = this.#security(operation);
    const parts: Template[number][] = [this.#base, ...filled];
    if (query !== "") parts.push(`?${query}`);
    secrets.forEach(({ name, value }, index) => {
      parts.push(`${query === "" && index === 0 ? "?" : "&"}${encodeURIComponent(name)}=`, value);
    });
    return parts;
  }

  /** Required ones, and those that the document gives an example of. Those of the operation replace those of the path. */
  #parameters(shared: unknown, own: unknown, place: string): readonly Parameter[] {
    const found = new Map<string, Parameter>();
    for (const list of [shared, own]) {
      if (list === undefined) continue;
      this.#reader.list(list, `${place}.parameters`).forEach((value, index) => {
        const at = `${place}.parameters[${index}]`;
        const parameter = this.#resolve(this.#reader.object(value, at), at);
        const name = this.#reader.text(parameter["name"], `${at}.name`);
        const where = String(parameter["in"]);
        const example = this.#exampleOf(parameter, at);
        if (parameter["required"] !== true && where !== "path" && !example.given) return;
        if (where === "cookie") this.#builder.note("cookie parameters were left out: each user has a jar");
        else found.set(`${where} ${name}`, { name, where, value: asText(example.value) });
      });
    }
    return [...found.values()];
  }

  #body(value: unknown, place: string): { readonly text: string; readonly type: string } | undefined {
    if (!isObject(value)) return undefined;
    const at = `${place}.requestBody`;
    const body = this.#resolve(value, at);
    const content = isObject(body["content"]) ? body["content"] : {};
    const type = Object.keys(content).find((each) => /^application\/(?:[\w.+-]+\+)?json\b/.test(each));
    if (type === undefined) {
      if (Object.keys(content).length > 0) this.#builder.note("request bodies other than JSON were left out");
      return undefined;
    }
    const media = content[type];
    const { value: example } = this.#exampleOf(isObject(media) ? media : {}, `${at}.content[${JSON.stringify(type)}]`);
    return { text: JSON.stringify(example) ?? "null", type };
  }

  /** `example`, the first of `examples`, the schema's own, or one made from the schema. */
  #exampleOf(holder: Json, place: string): { readonly value: unknown; readonly given: boolean } {
    if (holder["example"] !== undefined) return { value: holder["example"], given: true };
    const examples = isObject(holder["examples"]) ? Object.values(holder["examples"]) : [];
    const [first] = examples;
    const named = isObject(first) ? this.#resolve(first, place) : undefined;
    if (named?.["value"] !== undefined) return { value: named["value"], given: true };
    const schema = isObject(holder["schema"]) ? (this.#inlined(holder["schema"], place, 0) as Json) : {};
    if (schema["example"] !== undefined) return { value: schema["example"], given: true };
    if (Array.isArray(schema["examples"]) && schema["examples"].length > 0)
      return { value: schema["examples"][0], given: true };
    return { value: exampleValue(schema, this.#random), given: schema["default"] !== undefined };
  }

  /** A schema with its references followed, to a depth at which recursive ones end. */
  #inlined(value: unknown, place: string, depth: number): unknown {
    if (depth > DEEPEST) return {};
    if (Array.isArray(value)) return value.map((each: unknown) => this.#inlined(each, place, depth + 1));
    if (!isObject(value)) return value;
    const resolved = this.#resolve(value, place);
    const merged = Array.isArray(resolved["allOf"])
      ? mergeAll(
          resolved["allOf"].map((each: unknown) => this.#inlined(each, place, depth + 1)),
          resolved,
        )
      : resolved;
    const entries = Object.entries(merged).map(([key, each]): [string, unknown] => [
      key,
      this.#inlined(each, place, depth + 1),
    ]);
    return withoutExampleLoss(Object.fromEntries(entries));
  }

  #resolve(value: Json, place: string): Json {
    let current = value;
    for (let hops = 0; typeof current["$ref"] === "string"; hops++) {
      const reference = current["$ref"];
      if (!reference.startsWith("#/") || hops > DEEPEST) {
        this.#builder.note("references to other documents, and circular ones, were left out");
        return {};
      }
      let found: unknown = this.#root;
      for (const part of reference.slice(2).split("/")) {
        const key = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
        found = isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined;
      }
      current = this.#reader.object(found, `${place}, ${reference}`);
    }
    return current;
  }

  #server(): string {
    const servers: readonly unknown[] = Array.isArray(this.#root["servers"]) ? this.#root["servers"] : [];
    const [server] = servers;
    const url = isObject(server) && typeof server["url"] === "string" ? server["url"] : "";
    const variables = isObject(server) && isObject(server["variables"]) ? server["variables"] : {};
    const filled = url.replaceAll(/\{([^{}]+)\}/g, (all, name: string) => {
      const variable = Object.hasOwn(variables, name) ? variables[name] : undefined;
      return isObject(variable) ? plainText(variable["default"], all) : all;
    });
    if (/^https?:\/\//.test(filled)) return filled.replace(/\/+$/, "");
    this.#builder.note("the document names no absolute server: set BASE_URL");
    return `http://localhost${filled.startsWith("/") ? filled.replace(/\/+$/, "") : ""}`;
  }

  #security(operation: Json): {
    readonly headers: [string, Template][];
    readonly query: { readonly name: string; readonly value: Template[number] }[];
  } {
    const required = operation["security"] ?? this.#root["security"];
    const [first] = Array.isArray(required) ? (required as unknown[]) : [];
    const components = isObject(this.#root["components"]) ? this.#root["components"] : {};
    const schemes = isObject(components["securitySchemes"]) ? components["securitySchemes"] : {};
    const headers: [string, Template][] = [];
    const query: { name: string; value: Template[number] }[] = [];
    for (const name of isObject(first) ? Object.keys(first) : []) {
      const declared = Object.hasOwn(schemes, name) ? schemes[name] : undefined;
      const scheme = isObject(declared) ? this.#resolve(declared, `components.securitySchemes.${name}`) : {};
      const secret = (environment: string): Template[number] => {
        this.#builder.note(`credentials are taken from the environment variable ${environment}`);
        return this.#builder.variable({ name: environment, value: "", environment });
      };
      const key = plainText(scheme["name"]);
      if (scheme["type"] === "apiKey" && scheme["in"] === "query") query.push({ name: key, value: secret("API_KEY") });
      else if (scheme["type"] === "apiKey" && scheme["in"] === "header" && isHeaderName(key))
        headers.push([key, [secret("API_KEY")]]);
      else if (scheme["type"] === "http" && String(scheme["scheme"]).toLowerCase() === "basic") {
        headers.push(["Authorization", ["Basic ", secret("BASIC_CREDENTIALS")]]);
      } else headers.push(["Authorization", ["Bearer ", secret("TOKEN")]]);
    }
    return { headers, query };
  }
}

interface Parameter {
  readonly name: string;
  readonly where: string;
  readonly value: string;
}

/** `allOf` as one schema: properties and required together, the rest by the later. */
function mergeAll(parts: readonly unknown[], around: Json): Json {
  const { allOf: _, ...own } = around as Record<string, unknown>;
  let merged: Record<string, unknown> = {};
  for (const part of [...parts, own].filter(isObject)) {
    const properties = { ...(merged["properties"] as Json | undefined), ...(part["properties"] as Json | undefined) };
    const required = [
      ...((merged["required"] as unknown[] | undefined) ?? []),
      ...((part["required"] as unknown[] | undefined) ?? []),
    ];
    merged = { ...merged, ...part, properties, ...(required.length > 0 && { required }) };
  }
  return merged;
}

/** The schema's own example serves as its value wherever it is nested. */
function withoutExampleLoss(schema: Json): Json {
  return schema["example"] !== undefined && schema["default"] === undefined
    ? { ...schema, default: schema["example"] }
    : schema;
}

function successStatus(responses: unknown): number | undefined {
  const statuses = isObject(responses) ? Object.keys(responses).map(Number) : [];
  const good = statuses.filter((status) => status >= 200 && status < 300);
  return good.length > 0 ? Math.min(...good) : undefined;
}

function asText(value: unknown): string {
  if (Array.isArray(value)) return value.map((each: unknown) => plainText(each)).join(",");
  return typeof value === "object" && value !== null ? JSON.stringify(value) : plainText(value);
}
