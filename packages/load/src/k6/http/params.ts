import type { K6Options } from "../options/options.ts";
import type { UserContext } from "../runtime/user-context.ts";
import type { CookieJar } from "../../http/cookie-jar.ts";
import { ExpectedStatuses } from "./statuses.ts";

/** The last argument of k6's request functions, read. */
export interface RequestParams {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly tags: Readonly<Record<string, string>> | undefined;
  readonly cookies: readonly { readonly name: string; readonly value: string; readonly replace: boolean }[];
  /** Absent: the user's own. */
  readonly jar: CookieJar | undefined;
  readonly timeoutMs: number;
  readonly redirects: number;
  readonly auth: "basic" | "digest" | undefined;
  readonly compression: readonly ("gzip" | "deflate" | "br" | "zstd")[];
  readonly responseType: "text" | "binary" | "none";
  /** null: no request is judged, and `http_req_failed` is not recorded. */
  readonly expected: ExpectedStatuses | null;
  readonly throws: boolean;
}

const defaultTimeoutMs = 60_000;
const defaultRedirects = 10;
const compressions = ["gzip", "deflate", "br", "zstd"] as const;
const none = [] as const;

/** Jars that scripts hold, by the object that they see. */
export const jarOf: WeakMap<object, CookieJar> = new WeakMap();

/** Hot for requests without parameters. @throws TypeError for what k6 refuses too */
export function readParams(given: unknown, context: UserContext, expected: ExpectedStatuses | null): RequestParams {
  const base = withoutAny(context.options, expected);
  if (given === undefined || given === null) return base;
  if (typeof given !== "object") throw new TypeError(`request parameters must be an object, got ${typeof given}`);
  return { ...base, ...readFields(given as Record<string, unknown>) };
}

/** What `withoutAny` was asked last: of one script it is the same each time. */
let plain:
  | { readonly options: K6Options; readonly expected: ExpectedStatuses | null; readonly params: RequestParams }
  | undefined;

function withoutAny(options: K6Options, expected: ExpectedStatuses | null): RequestParams {
  if (plain?.options === options && plain.expected === expected) return plain.params;
  const params: RequestParams = {
    headers: none,
    tags: undefined,
    cookies: none,
    jar: undefined,
    timeoutMs: defaultTimeoutMs,
    redirects: options.maxRedirects ?? defaultRedirects,
    auth: undefined,
    compression: none,
    responseType: options.discardResponseBodies === true ? "none" : "text",
    expected,
    throws: options.throw ?? false,
  };
  plain = { options, expected, params };
  return params;
}

type Mutable<T> = { -readonly [K in keyof T]?: T[K] };

function readFields(given: Record<string, unknown>): Mutable<RequestParams> {
  const fields: Mutable<RequestParams> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || (value === null && name !== "responseCallback")) continue;
    const read = readers[name];
    if (read) Object.assign(fields, read(value));
  }
  return fields;
}

const readers: Readonly<Record<string, (value: unknown) => Mutable<RequestParams>>> = {
  headers: (value) => ({
    headers: Object.entries(value as object).map(([name, text]) => [name, String(text)] as const),
  }),
  tags: (value) => ({
    tags: Object.fromEntries(Object.entries(value as object).map(([name, text]) => [name, String(text)])),
  }),
  cookies: (value) => ({ cookies: Object.entries(value as object).map(readCookie) }),
  jar: (value) => {
    const jar = jarOf.get(value as object);
    if (!jar) throw new TypeError("`jar` must be one made by http.cookieJar() or new http.CookieJar()");
    return { jar };
  },
  timeout: (value) => ({ timeoutMs: durationMs(value, "timeout") }),
  redirects: (value) => ({ redirects: Number(value) }),
  auth: (value) => {
    if (value === "basic" || value === "digest") return { auth: value };
    throw new TypeError(`auth "${String(value)}" is not provided: use basic or digest`);
  },
  compression: (value) => ({ compression: String(value).split(",").map(readCompression) }),
  responseType: (value) => {
    if (value === "text" || value === "binary" || value === "none") return { responseType: value };
    throw new TypeError(`responseType must be text, binary or none, got ${String(value)}`);
  },
  responseCallback: (value) => {
    if (value === null || value instanceof ExpectedStatuses) return { expected: value };
    throw new TypeError("responseCallback must be made by http.expectedStatuses, or be null");
  },
  throw: (value) => ({ throws: Boolean(value) }),
};

function readCookie([name, value]: [string, unknown]): { name: string; value: string; replace: boolean } {
  if (typeof value !== "object" || value === null) return { name, value: String(value), replace: false };
  const { value: text, replace } = value as { value?: unknown; replace?: unknown };
  return { name, value: String(text), replace: Boolean(replace) };
}

function readCompression(text: string): (typeof compressions)[number] {
  const found = compressions.find((name) => name === text.trim());
  if (!found) throw new TypeError(`unknown compression algorithm ${text.trim()}`);
  return found;
}

/** Numbers are milliseconds, as everywhere in k6. */
function durationMs(value: unknown, what: string): number {
  const milliseconds = typeof value === "number" ? value : parseK6Duration(String(value));
  if (milliseconds === undefined || !Number.isFinite(milliseconds) || milliseconds < 0) {
    throw new TypeError(
      `${what} must be milliseconds or a text such as "30s" or "1m30s", got ${JSON.stringify(value)}`,
    );
  }
  return milliseconds;
}

const unitsMs: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};

/** `1h30m`, `10.5s`, `250ms`, and a bare number of milliseconds; undefined for anything else. */
export function parseK6Duration(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed);
  if (!/^(\d+(\.\d+)?(d|h|ms|us|µs|ns|m|s))+$/.test(trimmed)) return undefined;
  let total = 0;
  for (const [, number = "", , unit = ""] of trimmed.matchAll(/(\d+(\.\d+)?)(d|h|ms|us|µs|ns|m|s)/g)) {
    total += Number(number) * (unitsMs[unit] ?? Number.NaN);
  }
  return total;
}
