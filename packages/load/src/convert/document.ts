import { invalidInput } from "./errors.ts";

export type Json = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Text, numbers and truths as text; anything else is not what belongs there. */
export const plainText = (value: unknown, otherwise: string = ""): string =>
  typeof value === "string"
    ? value
    : typeof value === "number" || typeof value === "boolean"
      ? String(value)
      : otherwise;

/** A document being read: every complaint names the file and the place in it. */
export class DocumentReader {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }

  /** @throws MettleError `CONVERT_INVALID` */
  object(value: unknown, place: string): Json {
    if (isObject(value)) return value;
    throw invalidInput(this.source, place, `it is ${describe(value)}, not an object`);
  }

  list(value: unknown, place: string): readonly unknown[] {
    if (Array.isArray(value)) return value;
    throw invalidInput(this.source, place, `it is ${describe(value)}, not a list`);
  }

  text(value: unknown, place: string): string {
    if (typeof value === "string") return value;
    throw invalidInput(this.source, place, `it is ${describe(value)}, not text`);
  }

  method(value: unknown, place: string): string {
    const method = this.text(value, place).toUpperCase();
    if (/^[A-Z][A-Z-]*$/.test(method)) return method;
    throw invalidInput(this.source, place, `${JSON.stringify(method.slice(0, 40))} is no method`);
  }

  /** An absolute http or https URL. */
  url(value: unknown, place: string): URL {
    const text = this.text(value, place);
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url && /^https?:$/.test(url.protocol)) return url;
    throw invalidInput(this.source, place, `${JSON.stringify(text.slice(0, 100))} is no http address`);
  }
}

function describe(value: unknown): string {
  if (value === undefined) return "absent";
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : JSON.stringify(value).slice(0, 60);
}
