import { MettleError } from "@mettle/core";

/** Kinds of failure, as an answer's `type`, with the HTTP status of each. */
const failureStatus = {
  invalid_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  timeout: 408,
  conflict: 409,
  too_large: 413,
  unsupported_media_type: 415,
  unprocessable: 422,
  rate_limited: 429,
  headers_too_large: 431,
  internal: 500,
  bad_gateway: 502,
  unavailable: 503,
} as const;

export type FailureType = keyof typeof failureStatus;

/** The body of every answer that is no success. */
export interface FailureBody {
  readonly error: {
    readonly type: FailureType;
    /** Stable, for programs: `AUTH_TOKEN_INVALID`. */
    readonly code: string;
    /** For people. */
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
    readonly request_id: string;
  };
}

export interface FailureOptions {
  readonly details?: Readonly<Record<string, unknown>>;
  /** Seconds, as `Retry-After`. */
  readonly retryAfter?: number;
  readonly cause?: unknown;
}

/** Thrown where a request cannot be answered as asked; becomes the answer. */
export class RequestFailure extends Error {
  override readonly name = "RequestFailure";
  readonly type: FailureType;
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly retryAfter: number | undefined;

  constructor(type: FailureType, code: string, message: string, { details, retryAfter, cause }: FailureOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.type = type;
    this.code = code;
    this.details = details ?? {};
    this.retryAfter = retryAfter;
  }

  get statusCode(): number {
    return failureStatus[this.type];
  }
}

interface Thrown {
  readonly statusCode?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly validation?: readonly ValidationProblem[];
  readonly validationContext?: string;
}

interface ValidationProblem {
  readonly instancePath: string;
  readonly message?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

const storageRetrySeconds = 2;

/**
 * What the caller is told of anything that was thrown. Of our own mistakes that is nothing but the request's id: the log
 * has the rest.
 */
export function failureOf(thrown: unknown): RequestFailure {
  if (thrown instanceof RequestFailure) return thrown;
  if (thrown instanceof MettleError && thrown.code.startsWith("DATABASE_")) {
    return new RequestFailure("unavailable", thrown.code, "The service cannot reach its storage. Try again.", {
      retryAfter: storageRetrySeconds,
      cause: thrown,
    });
  }
  const { statusCode, code, message, validation, validationContext } = (thrown ?? {}) as Thrown;
  if (validation) {
    return new RequestFailure("invalid_request", "REQUEST_INVALID", String(message), {
      details: {
        in: validationContext ?? "body",
        problems: validation.map(({ instancePath, message: problem = "", params }) => ({
          path: instancePath,
          message: problem,
          ...(params && { params }),
        })),
      },
      cause: thrown,
    });
  }
  const status = typeof statusCode === "number" ? statusCode : 500;
  const known = (Object.keys(failureStatus) as FailureType[]).find((one) => failureStatus[one] === status);
  const type = known ?? (status >= 400 && status < 500 ? "invalid_request" : "internal");
  if (failureStatus[type] >= 500) {
    const told = status === 503 ? "The service is too busy. Try again." : "Something went wrong here.";
    return new RequestFailure(type, status === 503 ? "SERVICE_BUSY" : "INTERNAL", told, {
      ...(status === 503 && { retryAfter: 1 }),
      cause: thrown,
    });
  }
  // The framework's own refusals: FST_ERR_CTP_BODY_TOO_LARGE is our REQUEST_BODY_TOO_LARGE.
  const own = typeof code === "string" ? code.replace(/^FST_ERR_(?:CTP_)?/, "REQUEST_") : "REQUEST_INVALID";
  return new RequestFailure(type, own, String(message), { cause: thrown });
}

export const failureBody = (failure: RequestFailure, requestId: string): FailureBody => ({
  error: {
    type: failure.type,
    code: failure.code,
    message: failure.message,
    details: failure.details,
    request_id: requestId,
  },
});
