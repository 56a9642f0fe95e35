/** Where a result of a step is to stand: `{"$from": "read", "at": "/summary"}`. */
interface Reference {
  readonly $from: string;
  /** JSON pointer (RFC 6901) into that step's result; all of it unless given. */
  readonly at?: string;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function isReference(value: unknown): value is Reference {
  if (!isObject(value) || typeof value["$from"] !== "string") return false;
  return Object.keys(value).every((key) => key === "$from" || (key === "at" && typeof value["at"] === "string"));
}

/** The steps whose results a value asks for. */
export function referencesIn(value: unknown): readonly string[] {
  if (isReference(value)) return [value.$from];
  if (Array.isArray(value)) return value.flatMap((item) => referencesIn(item));
  return isObject(value) ? Object.values(value).flatMap((item) => referencesIn(item)) : [];
}

/** The value with results in place of its references; what points nowhere is null. */
export function resolved(value: unknown, resultOf: (step: string) => unknown): unknown {
  if (isReference(value)) return valueAt(resultOf(value.$from), value.at ?? "") ?? null;
  if (Array.isArray(value)) return value.map((item) => resolved(item, resultOf));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolved(item, resultOf)]));
}

/** What a JSON pointer points to; undefined where there is nothing. */
export function valueAt(value: unknown, pointer: string): unknown {
  let at = value;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(at)) at = /^(?:0|[1-9]\d*)$/.test(key) ? (at[Number(key)] as unknown) : undefined;
    else at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return at;
}
