import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import ajvFormats from "ajv-formats";

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: object }>> }>
  >;
}
interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

// A test of its own holds this file to what the service gives.
const file = new URL("../../../docs/reference/openapi.json", import.meta.url);
const document = JSON.parse(readFileSync(file, "utf8")) as ApiDocument;
const ajv = new Ajv2020({ strict: false, allErrors: true });
(ajvFormats as unknown as (ajv: Ajv2020) => void)(ajv);
ajv.addSchema(document, "document");
const compiled = new Map<string, ValidateFunction>();

const forms = Object.keys(document.paths).map((path) => ({
  path,
  form: new RegExp(`^${path.replaceAll(/[.]/g, "\\$&").replaceAll(/\{\w+\}/g, "[^/]+")}$`),
}));
const pointer = (...steps: readonly string[]): string =>
  steps.map((step) => `/${encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("");

export interface Answered {
  readonly method: string;
  /** Without a query. */
  readonly path: string;
  readonly status: number;
}

/** @throws Error where an answer is not one that the OpenAPI document tells of; routes that it does not have are passed over */
export function expectDocumented({ method, path, status }: Answered, body: unknown): void {
  const found = forms.find(({ form }) => form.test(path));
  const operation = found && document.paths[found.path]?.[method.toLowerCase()];
  if (!found || !operation) return;
  const name = [String(status), `${Math.floor(status / 100)}XX`].find((one) => Object.hasOwn(operation.responses, one));
  if (name === undefined) throw new Error(`${method} ${path} answers ${status}, which its document does not have`);
  const [type, content] = Object.entries(operation.responses[name]?.content ?? {})[0] ?? [];
  if (type !== "application/json" || content?.schema === undefined) return;
  if (status === 204 || (status === 202 && body === "")) return;
  const at = `document#${pointer("paths", found.path, method.toLowerCase(), "responses", name, "content", type, "schema")}`;
  let validate = compiled.get(at);
  if (!validate) {
    validate = ajv.compile({ $ref: at });
    compiled.set(at, validate);
  }
  if (validate(body)) return;
  throw new Error(`${method} ${path} answers ${status} against its schema: ${ajv.errorsText(validate.errors)}`);
}
