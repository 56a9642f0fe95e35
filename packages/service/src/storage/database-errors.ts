import { type MettleError, messageOf } from "@mettle/core";
import { type ServiceErrorCode, serviceErrors } from "../errors.ts";

/** SQLSTATE by its first characters, the longest that fits first (PostgreSQL manual, appendix A). */
const states: readonly (readonly [string, ServiceErrorCode])[] = [
  ["57014", "DATABASE_TIMEOUT"],
  ["55P03", "DATABASE_TIMEOUT"],
  ["57P", "DATABASE_UNAVAILABLE"],
  ["53300", "DATABASE_BUSY"],
  ["53", "DATABASE_UNAVAILABLE"],
  ["08", "DATABASE_UNAVAILABLE"],
  ["58", "DATABASE_UNAVAILABLE"],
];

const network = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "ENOENT",
  "EPIPE",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EAI_FAIL",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
]);

/** What the driver says in words alone. */
const wordings: readonly (readonly [RegExp, ServiceErrorCode])[] = [
  [/timeout exceeded when trying to connect/i, "DATABASE_BUSY"],
  [/query read timeout/i, "DATABASE_TIMEOUT"],
  [/connection terminated|client has encountered a connection error|not queryable/i, "DATABASE_UNAVAILABLE"],
];

/** The coded error behind one of the driver, or undefined where the statement itself is at fault. */
export function databaseError(error: unknown): MettleError | undefined {
  const { code: state } = error as { readonly code?: unknown };
  const message = messageOf(error);
  const code =
    typeof state === "string" && network.has(state)
      ? "DATABASE_UNAVAILABLE"
      : (states.find(([start]) => typeof state === "string" && state.startsWith(start))?.[1] ??
        (state === undefined ? wordings.find(([wording]) => wording.test(message))?.[1] : undefined));
  return code && serviceErrors.create(code, `The database did not answer: ${message}.`, { cause: error });
}
