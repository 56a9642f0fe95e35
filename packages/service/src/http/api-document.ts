import type { FastifyDynamicSwaggerOptions, SwaggerTransform } from "@fastify/swagger";

type Json = Readonly<Record<string, unknown>>;

/** What the OpenAPI document is made from, beside the routes' own schemas. */
export const apiDocument: FastifyDynamicSwaggerOptions = {
  openapi: {
    openapi: "3.1.0",
    info: { title: "Mettle agent service", version: "0.1.0", description: "Agents, knowledge and tools over HTTP." },
    components: { securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } } },
  },
  transform: described,
  transformObject: (document) => named("openapiObject" in document ? document.openapiObject : document.swaggerObject),
};

/** Gives each operation a name for generated clients, and bodies that are no JSON their types. */
function described({ schema, url, route }: Parameters<SwaggerTransform>[0]): ReturnType<SwaggerTransform> {
  const { consumes, ...told } = schema;
  const method = Array.isArray(route.method) ? route.method[0] : route.method;
  return {
    url,
    schema: {
      ...told,
      operationId: operationId(String(method), url),
      ...(consumes && {
        body: {
          content: Object.fromEntries(
            consumes.map((type) => [
              type,
              { schema: { type: "string", ...(type === "application/pdf" && { format: "binary" }) } },
            ]),
          ),
        },
      }),
    },
  };
}

/** `GET /agents/executions/:id` is getAgentsExecutionsId. */
const operationId = (method: string, url: string): string =>
  method.toLowerCase() + url.replaceAll(/[^a-zA-Z0-9]+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());

/**
 * Puts schemas that have a title where they can be shared, and refers to them there: otherwise generated clients would have a
 * type of their own for each answer.
 */
function named<T extends object>(document: T): T {
  const shared = new Map<string, Json>();
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== "object" || value === null) return value;
    const seen = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, visit(each)]));
    const choices = choicesIn(seen);
    if (choices) return choices;
    const { title, type, ...rest } = seen;
    if (typeof title !== "string" || type !== "object") return seen;
    shared.set(title, { type, ...rest });
    return { $ref: `#/components/schemas/${title}` };
  };
  const { paths, ...rest } = document as { readonly paths?: object; readonly components?: object };
  const visited = visit(paths ?? {});
  const schemas = Object.fromEntries([...shared].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return { ...rest, paths: visited, components: { ...rest.components, schemas } } as T;
}

/** One of several words is a list of words, not a choice of schemas. */
function choicesIn({ anyOf, ...rest }: Json): Json | undefined {
  if (!Array.isArray(anyOf)) return undefined;
  const words = anyOf.flatMap(({ type, enum: values }: Json) =>
    type === "string" && Array.isArray(values) ? (values as string[]) : [],
  );
  return words.length === anyOf.length ? { ...rest, type: "string", enum: words } : undefined;
}
