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

export interface PostmanOptions {
  readonly source?: string;
}

const variablePattern = /\{\{([^{}]+)\}\}/g;
const statusTest = /pm\.response\.to\.have\.status\((\d{3})\)/;
const DEEPEST = 50;

/** What a folder hands down to its requests. */
interface Inherited {
  readonly auth: unknown;
  readonly groups: readonly string[];
}

/**
 * A Postman collection (v2.0, v2.1) as a scenario: folders as groups, `{{variables}}`, bodies, and bearer, basic and API-key
 * authorization. Scripts are code of another system: only a test of the status is taken over, the rest is noted.
 *
 * @throws MettleError `CONVERT_INVALID` with the place, `CONVERT_UNSUPPORTED`, `CONVERT_EMPTY`
 */
export function scenarioFromPostman(document: unknown, options: PostmanOptions = {}): ScenarioModel {
  const reader = new DocumentReader(options.source ?? "Postman collection");
  const collection = reader.object(document, "the document");
  const info = reader.object(collection["info"], "info");
  const schema = plainText(info["schema"]);
  if (!/\/v2\.[01]\.\d+\//.test(schema)) {
    const message = `${reader.source}: info.schema ${JSON.stringify(schema)} is no collection v2.0 or v2.1.`;
    throw convertErrors.create("CONVERT_UNSUPPORTED", message, { details: { schema } });
  }
  const builder = new ScenarioBuilder(typeof info["name"] === "string" ? info["name"] : "collection");
  const variables: readonly unknown[] = Array.isArray(collection["variable"]) ? collection["variable"] : [];
  for (const variable of variables.filter(isObject)) {
    const name = variable["key"] ?? variable["id"];
    if (typeof name === "string") builder.variable({ name, value: plainText(variable["value"]) });
  }
  new CollectionReader(reader, builder).items(collection["item"], "item", { auth: collection["auth"], groups: [] });
  if (builder.requests === 0) throw convertErrors.create("CONVERT_EMPTY", `${reader.source}: there is no request.`);
  return builder.build();
}

class CollectionReader {
  readonly #reader: DocumentReader;
  readonly #builder: ScenarioBuilder;

  constructor(reader: DocumentReader, builder: ScenarioBuilder) {
    this.#reader = reader;
    this.#builder = builder;
  }

  items(value: unknown, place: string, inherited: Inherited): void {
    if (inherited.groups.length > DEEPEST) {
      throw convertErrors.create("CONVERT_INVALID", `${this.#reader.source}, ${place}: folders are nested too deeply.`);
    }
    this.#reader.list(value, place).forEach((entry, index) => {
      const at = `${place}[${index}]`;
      const item = this.#reader.object(entry, at);
      const name = typeof item["name"] === "string" ? item["name"] : at;
      const auth = item["auth"] ?? inherited.auth;
      if (Array.isArray(item["item"]))
        this.items(item["item"], `${at}.item`, { auth, groups: [...inherited.groups, name] });
      else this.#request(item, name, at, { ...inherited, auth });
    });
  }

  #request(item: Json, name: string, place: string, inherited: Inherited): void {
    const given = item["request"];
    const request =
      typeof given === "string" ? { method: "GET", url: given } : this.#reader.object(given, `${place}.request`);
    const method = this.#reader.method(request["method"] ?? "GET", `${place}.request.method`);
    const url = this.#url(request["url"], `${place}.request.url`);
    const { text, type } = this.#body(request["body"]);
    const headers = this.#headers(request["header"], `${place}.request.header`);
    const authorized = this.#authorize(request["auth"] ?? inherited.auth, headers, url);
    if (type !== undefined && !headers.some(([header]) => header.toLowerCase() === "content-type")) {
      headers.push(["Content-Type", [type]]);
    }
    const expectedStatus = this.#expectedStatus(item["event"]);
    this.#builder.step({
      kind: "request",
      name,
      method,
      url: authorized,
      headers,
      ...(text !== undefined && { body: this.#template(text) }),
      ...(expectedStatus !== undefined && { expectedStatus }),
      groups: inherited.groups,
    });
  }

  #template(text: string): Template {
    return templateOf(text, variablePattern, (name) => {
      // `$guid`, `$timestamp` …: values that Postman makes up anew each time.
      if (name.startsWith("$"))
        this.#builder.note("dynamic variables such as {{$guid}} have a fixed value: replace them");
      return this.#builder.variable({ name, value: "" });
    });
  }

  #url(value: unknown, place: string): Template {
    const raw = isObject(value) ? (value["raw"] ?? joined(value)) : value;
    const text = this.#reader.text(raw, place);
    if (text === "") throw convertErrors.create("CONVERT_INVALID", `${this.#reader.source}, ${place}: it is empty.`);
    // As Postman does, an address without a scheme is taken for http.
    const whole = /^(?:https?:\/\/|\{\{)/i.test(text) ? text : `http://${text}`;
    const path = isObject(value) && Array.isArray(value["variable"]) ? value["variable"].filter(isObject) : [];
    const known = new Map(path.map((each) => [String(each["key"]), plainText(each["value"])]));
    const filled = whole.replaceAll(/\/:([A-Za-z_]\w*)/g, (all, name: string) =>
      known.has(name) ? `/${known.get(name) ?? ""}` : all,
    );
    return this.#template(filled);
  }

  #headers(value: unknown, place: string): [string, Template][] {
    if (!Array.isArray(value)) return [];
    return this.#reader.list(value, place).flatMap((entry, index): [string, Template][] => {
      const header = this.#reader.object(entry, `${place}[${index}]`);
      const name = this.#reader.text(header["key"], `${place}[${index}].key`);
      if (header["disabled"] === true || isConnectionHeader(name) || !isHeaderName(name)) return [];
      return [[name, this.#template(plainText(header["value"]))]];
    });
  }

  #body(value: unknown): { readonly text?: string; readonly type?: string } {
    if (!isObject(value) || value["disabled"] === true) return {};
    const pairs = (list: unknown): Json[] =>
      (Array.isArray(list) ? (list as unknown[]) : []).filter(isObject).filter((pair) => pair["disabled"] !== true);
    switch (value["mode"]) {
      case "raw": {
        const raw = isObject(value["options"]) && isObject(value["options"]["raw"]) ? value["options"]["raw"] : {};
        const text = typeof value["raw"] === "string" ? value["raw"] : "";
        return text === "" ? {} : { text, ...(raw["language"] === "json" && { type: "application/json" }) };
      }
      case "urlencoded": {
        // Encoded piece by piece, so that {{variables}} stay as they are.
        const encode = (part: unknown): string =>
          plainText(part)
            .split(/(\{\{[^{}]+\}\})/)
            .map((piece, index) => (index % 2 === 1 ? piece : encodeURIComponent(piece)))
            .join("");
        const text = pairs(value["urlencoded"])
          .map((pair) => `${encode(pair["key"])}=${encode(pair["value"])}`)
          .join("&");
        return { text, type: "application/x-www-form-urlencoded" };
      }
      case "graphql": {
        const graphql = isObject(value["graphql"]) ? value["graphql"] : {};
        return { text: graphqlBody(graphql), type: "application/json" };
      }
      default:
        if (typeof value["mode"] === "string")
          this.#builder.note(`bodies of mode ${JSON.stringify(value["mode"])} were left out`);
        return {};
    }
  }

  #authorize(auth: unknown, headers: [string, Template][], url: Template): Template {
    if (
      !isObject(auth) ||
      auth["type"] === "noauth" ||
      headers.some(([name]) => name.toLowerCase() === "authorization")
    )
      return url;
    const type = String(auth["type"]);
    const field = (name: string): string => {
      const list = auth[type];
      // v2.1 has a list of pairs, v2.0 an object.
      const found = Array.isArray(list)
        ? (list as unknown[]).filter(isObject).find((pair) => pair["key"] === name)?.["value"]
        : isObject(list)
          ? list[name]
          : undefined;
      return typeof found === "string" ? found : "";
    };
    if (type === "bearer") headers.push(["Authorization", ["Bearer ", ...this.#secret(field("token"), "TOKEN")]]);
    else if (type === "basic") {
      this.#builder.note("basic authorization: set BASIC_CREDENTIALS to the base64 of user:password");
      headers.push([
        "Authorization",
        ["Basic ", this.#builder.variable({ name: "BASIC_CREDENTIALS", value: "", environment: "BASIC_CREDENTIALS" })],
      ]);
    } else if (type === "apikey") {
      const value = this.#secret(field("value"), "API_KEY");
      const key = field("key");
      if (field("in") === "query") {
        const mark = url.some((part) => typeof part === "string" && part.includes("?")) ? "&" : "?";
        return [...url, `${mark}${encodeURIComponent(key)}=`, ...value];
      }
      if (isHeaderName(key)) headers.push([key, value]);
    } else this.#builder.note(`authorization of type ${JSON.stringify(type)} was left out`);
    return url;
  }

  /** A variable stays one; a secret written out becomes an environment variable. */
  #secret(value: string, environment: string): Template {
    const template = this.#template(value);
    if (template.some((part) => typeof part !== "string")) return template;
    this.#builder.note(`credentials are taken from the environment variable ${environment}`);
    return [this.#builder.variable({ name: environment, value: "", environment })];
  }

  #expectedStatus(events: unknown): number | undefined {
    if (!Array.isArray(events)) return undefined;
    let status: number | undefined;
    for (const event of (events as unknown[]).filter(isObject)) {
      const script = isObject(event["script"]) ? event["script"]["exec"] : undefined;
      const code = Array.isArray(script) ? script.join("\n") : plainText(script);
      if (code.trim() === "") continue;
      const found = statusTest.exec(code)?.[1];
      if (event["listen"] === "test" && found !== undefined) status = Number(found);
      else this.#builder.note("scripts were left out, but for tests of the status");
    }
    return status;
  }
}

function joined(url: Json): string {
  const part = (value: unknown, separator: string): string =>
    Array.isArray(value)
      ? value.map((each: unknown) => (isObject(each) ? String(each["value"]) : String(each))).join(separator)
      : plainText(value);
  const port = url["port"] === undefined ? "" : `:${plainText(url["port"])}`;
  const path = part(url["path"], "/");
  return `${plainText(url["protocol"], "http")}://${part(url["host"], ".")}${port}/${path.replace(/^\//, "")}`;
}

function graphqlBody(graphql: Json): string {
  const variables = graphql["variables"];
  let parsed: unknown = variables;
  if (typeof variables === "string" && variables.trim() !== "") {
    try {
      parsed = JSON.parse(variables);
    } catch {
      // With {{variables}} in it the text is no JSON yet; it is sent as it stands.
      return `{"query":${JSON.stringify(graphql["query"] ?? "")},"variables":${variables}}`;
    }
  }
  return JSON.stringify({ query: graphql["query"] ?? "", ...(isObject(parsed) && { variables: parsed }) });
}
