/** The declarative form as a JSON Schema (draft 2020-12), which editors can use: `docs/reference/load.schema.json`. */
const text = { type: "string", minLength: 1 } as const;
const duration = { type: ["string", "number"] } as const;
const texts = { type: "object", additionalProperties: { type: ["string", "number", "boolean"] } } as const;
const methods = ["get", "head", "post", "put", "patch", "delete"] as const;
export const requestMethods: readonly (typeof methods)[number][] = methods;

const check = {
  type: "object",
  additionalProperties: false,
  minProperties: 1,
  properties: {
    status: { anyOf: [{ type: "integer" }, { type: "array", items: { type: "integer" }, minItems: 1 }] },
    below: { ...duration, description: "the exchange takes less than this" },
    contains: { ...text, description: "the body holds this text" },
    json: { type: "object", description: "paths in the JSON body and the values that must be there" },
    header: texts,
  },
} as const;

const steps = { type: "array", minItems: 1, items: { $ref: "#/$defs/step" } } as const;

const requestProperties = {
  ...Object.fromEntries(
    methods.map((method) => [method, { ...text, description: "the URL, or a path under http.baseUrl" }]),
  ),
  name: text,
  headers: texts,
  query: texts,
  json: { description: "sent as JSON; ${…} is filled in within texts" },
  body: { type: "string" },
  form: texts,
  timeout: duration,
  tags: texts,
  check,
  capture: { ...texts, description: "name: json.path, header.name, status or body" },
} as const;

const request = {
  type: "object",
  additionalProperties: false,
  properties: requestProperties,
  oneOf: methods.map((method) => ({ required: [method] })),
} as const;

const alternatives = (own: object, required: readonly string[]): object => ({
  type: "object",
  additionalProperties: false,
  required,
  properties: own,
});

const scenarioShape = {
  executor: { type: "string" },
  startTime: duration,
  gracefulStop: duration,
  gracefulRampDown: duration,
  vus: { type: "integer" },
  startVUs: { type: "integer" },
  duration,
  maxDuration: duration,
  iterations: { type: "integer" },
  rate: { type: "number" },
  startRate: { type: "number" },
  timeUnit: duration,
  preAllocatedVUs: { type: "integer" },
  maxVUs: { type: "integer" },
  overflow: { enum: ["queue", "drop"] },
  shape: { type: "number" },
  times: { type: "array", items: { type: "number" } },
  speed: { type: "number" },
  stages: {
    type: "array",
    items: alternatives({ duration, target: { type: "number" } }, ["duration", "target"]),
  },
  env: texts,
  tags: texts,
} as const;

/** A load test for people who do not program. */
export const declarativeSchema: Readonly<Record<string, unknown>> = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Mettle load test",
  type: "object",
  additionalProperties: false,
  required: ["scenarios"],
  properties: {
    http: {
      type: "object",
      additionalProperties: false,
      properties: { baseUrl: text, headers: texts, timeout: duration, insecureSkipVerify: { type: "boolean" } },
    },
    variables: texts,
    data: { type: "object", additionalProperties: text, description: "name: file.csv or file.json" },
    setup: steps,
    teardown: steps,
    scenarios: {
      type: "object",
      minProperties: 1,
      additionalProperties: alternatives({ ...scenarioShape, steps }, ["steps"]),
    },
    thresholds: { type: "object" },
    tags: texts,
    seed: { type: "integer" },
    workers: { type: "integer" },
    punctuality: { enum: ["timer", "end", "full"] },
    rps: { type: "number" },
  },
  $defs: {
    step: {
      anyOf: [
        request,
        alternatives({ think: { ...duration, description: "2s, or 1s-3s for something between" } }, ["think"]),
        alternatives({ group: text, steps }, ["group", "steps"]),
        alternatives({ repeat: { type: "integer", minimum: 1 }, steps }, ["repeat", "steps"]),
        alternatives(
          {
            choose: {
              type: "array",
              minItems: 1,
              items: alternatives({ weight: { type: "number", minimum: 0 }, steps }, ["weight", "steps"]),
            },
          },
          ["choose"],
        ),
      ],
    },
  },
};
