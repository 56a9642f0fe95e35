import { agentErrors } from "../runtime/errors.ts";

/** What a validator answers by the Standard Schema convention: the value as it should be used, or what is wrong. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * Any validator that follows the Standard Schema convention (https://standardschema.dev), version 1: zod, valibot,
 * arktype and others. Only the types are needed; no validator is a dependency of Mettle.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** A problem in one line: `items.0.price: expected a number`. */
export function issueText({ path = [], message }: SchemaIssue): string {
  const place = path.map((step) => String(typeof step === "object" ? step.key : step)).join(".");
  return place === "" ? message : `${place}: ${message}`;
}

/**
 * `value` as the schema returns it, or the problems it found.
 *
 * @throws AGENT_DEFINITION_INVALID when the schema answers with a promise: a message is validated where it is handled,
 * which cannot wait
 */
export function validated<Output>(schema: StandardSchema<unknown, Output>, value: unknown): SchemaResult<Output> {
  const result = schema["~standard"].validate(value);
  if (!(result instanceof Promise)) return result;
  result.catch(() => undefined); // its outcome is not used: the schema itself is refused
  throw agentErrors.create(
    "AGENT_DEFINITION_INVALID",
    `A schema of ${schema["~standard"].vendor} validates in a promise.`,
    {
      next: "Make the schema synchronous and do what needs I/O in the action.",
    },
  );
}
