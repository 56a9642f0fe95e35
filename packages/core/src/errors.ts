/** Exit codes of the command. Part of the public contract: never renumbered. */
export const exitCodes = {
  pass: 0,
  internal: 1,
  usage: 2,
  objectiveMissed: 3,
  regression: 4,
  invalidMeasurement: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What is fixed about an error code: what a person should do next, and how the command exits on it. */
export interface ErrorDefinition {
  /** One imperative sentence, shown under the message. */
  readonly next: string;
  readonly exitCode: ExitCode;
  /** True when the same call may succeed later without a change by the caller. */
  readonly retryable?: boolean;
}

export interface MettleErrorOptions {
  /** Plain data for tools; must survive `JSON.stringify`. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** Replaces the code's general advice where the place knows better. */
  readonly next?: string;
}

/**
 * The one error type of Mettle. Programs branch on `code`, tools read `details`, people read `message` and `next`.
 * Codes are never renamed or reused; docs/reference/errors.md lists them all.
 */
export class MettleError extends Error {
  override readonly name = "MettleError";
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly next: string;
  readonly exitCode: ExitCode;
  readonly retryable: boolean;

  constructor(code: string, definition: ErrorDefinition, message: string, options: MettleErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    this.next = options.next ?? definition.next;
    this.exitCode = definition.exitCode;
    this.retryable = definition.retryable ?? false;
  }
}

/** The error codes of one package, and the only way to make one of its errors. */
export interface ErrorCatalogue<Code extends string> {
  readonly definitions: Readonly<Record<Code, ErrorDefinition>>;
  create(code: Code, message: string, options?: MettleErrorOptions): MettleError;
}

/**
 * Declares a package's error codes in one table.
 *
 * @example
 * const errors = defineErrors({ THING_MISSING: { next: "Create the thing first.", exitCode: exitCodes.usage } });
 * throw errors.create("THING_MISSING", `There is no thing named ${name}.`, { details: { name } });
 */
export function defineErrors<Code extends string>(
  definitions: Readonly<Record<Code, ErrorDefinition>>,
): ErrorCatalogue<Code> {
  return {
    definitions,
    create: (code, message, options) => new MettleError(code, definitions[code], message, options),
  };
}

/** The message of anything that was thrown, for text shown to people. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  try {
    return String(thrown);
  } catch {
    return "something that has no text was thrown"; // an object without prototype, for one
  }
}
