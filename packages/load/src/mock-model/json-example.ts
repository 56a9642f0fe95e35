import type { Random } from "@mettle/core";
import { words } from "./words.ts";

const DEEPEST = 8;

/**
 * An object that satisfies the plain part of a JSON Schema: `type`, `enum`, `const`, `default`, `properties`, `required`,
 * `items`, the bounds of numbers, `minLength`, `minItems` and the first of `anyOf`/`oneOf`. Anything else is left out of
 * account: a model's arguments are not always valid either.
 */
export function exampleArguments(schema: unknown, random: Random): Record<string, unknown> {
  const value = example(schema, random, 0);
  return isObject(value) ? value : {};
}

/** A value for any schema, with the same limits. */
export function exampleValue(schema: unknown, random: Random): unknown {
  return example(schema, random, 0);
}

function example(schema: unknown, random: Random, depth: number): unknown {
  if (!isObject(schema) || depth > DEEPEST) return depth === 0 ? {} : null;
  if (Object.hasOwn(schema, "const")) return schema["const"];
  const choices = schema["enum"];
  if (Array.isArray(choices) && choices.length > 0) return choices[random.below(choices.length)];
  if (Object.hasOwn(schema, "default")) return schema["default"];
  for (const key of ["anyOf", "oneOf"]) {
    const options = schema[key];
    if (Array.isArray(options) && options.length > 0) return example(options[0], random, depth + 1);
  }
  switch (typeOf(schema)) {
    case "object":
      return exampleObject(schema, random, depth);
    case "array":
      return Array.from({ length: Math.min(10, Math.max(1, number(schema["minItems"], 1))) }, () =>
        example(schema["items"], random, depth + 1),
      );
    case "integer":
      return Math.ceil(number(schema["minimum"], 0)) + random.below(Math.max(1, span(schema)));
    case "number":
      return number(schema["minimum"], 0) + random.uniform() * span(schema);
    case "boolean":
      return random.uniform() < 0.5;
    case "null":
      return null;
    default:
      return text(schema, random);
  }
}

function exampleObject(schema: Record<string, unknown>, random: Random, depth: number): Record<string, unknown> {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? (schema["required"] as unknown[]) : Object.keys(properties);
  const entries = required
    .filter((key): key is string => typeof key === "string")
    .slice(0, 50)
    .map((key): [string, unknown] => [key, example(properties[key] ?? {}, random, depth + 1)]);
  return Object.fromEntries(entries);
}

function text(schema: Record<string, unknown>, random: Random): string {
  let made = "";
  const least = Math.min(1000, Math.max(1, number(schema["minLength"], 1)));
  do made += words[random.below(words.length)] ?? "";
  while (made.trim().length < least);
  return made.trim();
}

function typeOf(schema: Record<string, unknown>): unknown {
  const type = schema["type"];
  if (Array.isArray(type)) return type.find((each) => each !== "null") ?? "null";
  return type ?? (isObject(schema["properties"]) ? "object" : "string");
}

const span = (schema: Record<string, unknown>): number =>
  Math.max(0, number(schema["maximum"], number(schema["minimum"], 0) + 100) - number(schema["minimum"], 0));
const number = (value: unknown, otherwise: number): number =>
  typeof value === "number" && Number.isFinite(value) ? value : otherwise;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
