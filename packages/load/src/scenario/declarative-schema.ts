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
  multipart: {
    type: "array",
    minItems: 1,
    description: "a form of parts; file is a path beside this file",
    items: {
      type: "object",
      additionalProperties: false,
      required: ["name"],
      properties: { name: text, value: { type: "string" }, file: text, contentType: text },
      oneOf: [{ required: ["value"] }, { required: ["file"] }],
    },
  },
  compress: { type: "array", minItems: 1, items: { enum: ["gzip", "deflate", "br", "zstd"] } },
  auth: {
    type: "object",
    additionalProperties: false,
    required: ["scheme", "username", "password"],
    properties: { scheme: { enum: ["basic", "digest"] }, username: text, password: { type: "string" } },
  },
  redirects: { type: "integer", minimum: 0, description: "followed at most" },
  events: { const: true, description: "the response is an event stream: its events are counted and timed" },
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

const alternatives = (own: object, required: readonly string[], dependentRequired?: object): object => ({
  type: "object",
  additionalProperties: false,
  ...(required.length > 0 && { required }),
  ...(dependentRequired && { dependentRequired }),
  properties: own,
});

/** Connections of all requests, as `http` of `defineLoad` has them; files are beside the declaration. */
const http = alternatives(
  {
    baseUrl: text,
    headers: texts,
    timeout: duration,
    maxRedirects: { type: "integer", minimum: 0 },
    keepCookies: { type: "boolean", description: "cookies last from one iteration of a user to the next" },
    keepAlive: { type: "boolean" },
    http2: { type: "boolean", description: "offered to servers with TLS (true)" },
    connectionsPerHost: { type: "integer", minimum: 1 },
    connectsPerSecond: { type: "number", exclusiveMinimum: 0 },
    hosts: { ...texts, description: "name, name:port or *.name: the address to connect to instead" },
    dns: alternatives(
      {
        ttl: duration,
        select: { enum: ["first", "random", "roundRobin"] },
        policy: { enum: ["preferIPv4", "preferIPv6", "onlyIPv4", "onlyIPv6", "any"] },
      },
      [],
    ),
    proxy: { ...text, description: "URL of a proxy for all requests" },
    noProxy: { ...text, description: "hosts that are reached without it, separated by commas" },
    insecureSkipVerify: { type: "boolean" },
    authorities: { ...text, description: "file with the certificates to trust" },
    certificate: { ...text, description: "file with the certificate to show" },
    key: { ...text, description: "file with its key" },
    minTls: { enum: ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] },
  },
  [],
  { certificate: ["key"], key: ["certificate"], noProxy: ["proxy"] },
);

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
    http,
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
        alternatives(
          {
            websocket: { ...text, description: "opens one, sends, waits for so many messages, closes" },
            name: text,
            headers: texts,
            send: { type: "array", items: { type: "string" } },
            receive: { type: "integer", minimum: 0, description: "messages to wait for; as many as are sent" },
            timeout: { ...duration, description: "for each message" },
            check: alternatives({ contains: { ...text, description: "some message holds this text" } }, ["contains"]),
          },
          ["websocket"],
        ),
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
