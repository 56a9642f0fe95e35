import type { JsonSchema } from "./json-schema.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/**
 * JSON in one fixed form, so that equal documents are equal bytes and a difference is a readable diff: properties in
 * the schema's order, others after them by name; one member a line, and lists of plain values on one line.
 *
 * @param value - plain JSON data; undefined members are left out. Numbers must be finite (JSON has no others).
 */
export function canonicalJson(value: unknown, schema: JsonSchema, style: "readable" | "compact" = "readable"): string {
  return style === "readable"
    ? `${write(value as Json, schema, "\n")}\n`
    : JSON.stringify(ordered(value as Json, schema));
}

function write(value: Json, schema: JsonSchema | undefined, newline: string): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const deeper = `${newline}  `;
  if (isList(value)) {
    if (value.every(isFlat)) return `[${value.map((each) => JSON.stringify(each)).join(", ")}]`;
    const items = value.map((each) => write(each, child(schema, "items"), deeper));
    return `[${deeper}${items.join(`,${deeper}`)}${newline}]`;
  }
  const members = memberNames(value, schema).map((name) => {
    const inner = write(value[name] ?? null, memberSchema(schema, name), deeper);
    return `${JSON.stringify(name)}: ${inner}`;
  });
  return members.length === 0 ? "{}" : `{${deeper}${members.join(`,${deeper}`)}${newline}}`;
}

function ordered(value: Json, schema: JsonSchema | undefined): Json {
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map((each) => ordered(each, child(schema, "items")));
  // Not an object literal: "__proto__" as a key must stay a key.
  return Object.fromEntries(
    memberNames(value, schema).map((name) => [name, ordered(value[name] ?? null, memberSchema(schema, name))]),
  );
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
const isPlain = (value: Json): boolean => typeof value !== "object" || value === null;
const isFlat = (value: Json): boolean => isPlain(value) || (isList(value) && value.every(isPlain));

function memberNames(value: { readonly [key: string]: Json | undefined }, schema: JsonSchema | undefined): string[] {
  const properties = child(schema, "properties") ?? {};
  const present = Object.keys(value).filter((name) => value[name] !== undefined);
  const known = Object.keys(properties).filter((name) => Object.hasOwn(value, name) && value[name] !== undefined);
  const others = present.filter((name) => !Object.hasOwn(properties, name));
  return [...known, ...others.sort()];
}

function memberSchema(schema: JsonSchema | undefined, name: string): JsonSchema | undefined {
  const properties = child(schema, "properties");
  if (properties && Object.hasOwn(properties, name)) return child(properties, name);
  return child(schema, "additionalProperties");
}

function child(schema: JsonSchema | undefined, keyword: string): JsonSchema | undefined {
  const inner = schema?.[keyword];
  return typeof inner === "object" && inner !== null ? (inner as JsonSchema) : undefined;
}
