/**
 * A JSON Schema that knows the TypeScript type it describes, so that one description serves the published file, the
 * validator and a proof by the compiler that it matches the declared types. Only what the run document needs.
 */

/** A JSON Schema (draft 2020-12) as plain data. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

declare const described: unique symbol;
export interface Typed<T> {
  readonly json: JsonSchema;
  /** Never present: carries the type. */
  readonly [described]?: T;
}
type TypeOf<S> = S extends Typed<infer T> ? T : never;

type Members = Readonly<Record<string, Typed<unknown>>>;
// A type of its own, as the linter takes Record<never, …> for a slip.
// oxlint-disable-next-line typescript/no-generated-empty-object-type
type NoMembers = Record<never, never>;
type Flat<T> = { [K in keyof T]: T[K] };
type ObjectOf<R extends Members, O extends Members> = Flat<
  { readonly [K in keyof R]: TypeOf<R[K]> } & { readonly [K in keyof O]?: TypeOf<O[K]> }
>;
// Each T is compared with that of the other function: the one way to ask the compiler for identity of types.
// oxlint-disable typescript/no-unnecessary-type-parameters
/** True when the two types are identical, optionality and `readonly` included. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
// oxlint-enable typescript/no-unnecessary-type-parameters

const jsonOf = (members: Members): Record<string, JsonSchema> =>
  Object.fromEntries(Object.entries(members).map(([name, member]) => [name, member.json]));

export const text = (keywords: JsonSchema = {}): Typed<string> => ({ json: { type: "string", ...keywords } });
export const number = (keywords: JsonSchema = {}): Typed<number> => ({ json: { type: "number", ...keywords } });
export const integer = (keywords: JsonSchema = {}): Typed<number> => ({ json: { type: "integer", ...keywords } });
export const boolean = (keywords: JsonSchema = {}): Typed<boolean> => ({ json: { type: "boolean", ...keywords } });
export const numberOrNull: Typed<number | null> = { json: { type: ["number", "null"] } };
export const literal = <const T extends string>(value: T): Typed<T> => ({ json: { const: value } });
export const oneOf = <const T extends readonly string[]>(values: T, keywords: JsonSchema = {}): Typed<T[number]> => ({
  json: { enum: values, ...keywords },
});
export const list = <T>(items: Typed<T>, keywords: JsonSchema = {}): Typed<readonly T[]> => ({
  json: { type: "array", items: items.json, ...keywords },
});
export const pair = <A, B>(first: Typed<A>, second: Typed<B>): Typed<readonly [A, B]> => ({
  json: { type: "array", prefixItems: [first.json, second.json], items: false, minItems: 2, maxItems: 2 },
});
export const record = <T>(values: Typed<T>, keywords: JsonSchema = {}): Typed<Readonly<Record<string, T>>> => ({
  json: { type: "object", additionalProperties: values.json, ...keywords },
});
/** Properties beyond these are allowed: a later minor version may add optional ones, and readers keep them. */
export const object = <R extends Members, O extends Members = NoMembers>(
  required: R,
  optional?: O,
  keywords: JsonSchema = {},
): Typed<ObjectOf<R, O>> => ({
  json: {
    type: "object",
    ...keywords,
    required: Object.keys(required),
    properties: { ...jsonOf(required), ...(optional ? jsonOf(optional) : {}) },
  },
});

/** The schema as data, accepted by the compiler only when it describes exactly `Declared`. */
export const describing =
  <Declared>() =>
  <S>(
    schema: Typed<S> & (Equal<S, Declared> extends true ? unknown : { readonly "differs from the type": S }),
  ): JsonSchema =>
    schema.json;
