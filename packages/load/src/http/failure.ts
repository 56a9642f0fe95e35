import { messageOf } from "@mettle/core";
import type { HttpFailure } from "./exchange.ts";

/**
 * Why an exchange failed below HTTP, with the numbers of k6, which its scripts and thresholds know. Statuses have numbers
 * too, but a response is no failure here: see `errorCodeOfStatus`.
 */
export const failureCodes = {
  generic: 1000,
  invalidUrl: 1020,
  requestTimeout: 1050,
  dns: 1100,
  noSuchHost: 1101,
  blockedAddress: 1110,
  blockedHostname: 1111,
  tcp: 1200,
  brokenPipe: 1201,
  unknownErrno: 1202,
  dial: 1210,
  dialTimeout: 1211,
  dialRefused: 1212,
  dialUnknownErrno: 1213,
  reset: 1220,
  tls: 1300,
  unknownAuthority: 1310,
  certificateHostname: 1311,
  http2GoAway: 1610,
  http2Stream: 1630,
  http2Connection: 1650,
  decompression: 1701,
} as const;

/** Where a connection stood when it failed: the same error has another code while dialling. */
export type FailurePhase = "lookup" | "dial" | "tls" | "exchange";

/** k6's number for a response that HTTP calls an error: 1400–1599; `undefined` for all others. */
export function errorCodeOfStatus(status: number): number | undefined {
  return status >= 400 && status < 600 ? 1000 + status : undefined;
}

const unknownAuthority = new Set([
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "CERT_UNTRUSTED",
  "INVALID_CA",
]);

const noSuchHost = new Set(["ENOTFOUND", "ENODATA", "EAI_NONAME", "EAI_NODATA"]);

interface SystemError {
  readonly code?: string;
  readonly errno?: number;
  readonly syscall?: string;
}

/** Names what the operating system, the resolver or OpenSSL reported. */
export function failureOf(error: unknown, phase: FailurePhase): HttpFailure {
  const { code = "", errno } = (error ?? {}) as SystemError;
  const message = messageOf(error);
  if (phase === "lookup") {
    return noSuchHost.has(code)
      ? failure(failureCodes.noSuchHost, "lookup: no such host", error)
      : failure(failureCodes.dns, `lookup: ${message}`, error);
  }
  if (unknownAuthority.has(code)) {
    return failure(failureCodes.unknownAuthority, "x509: unknown authority", error);
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return failure(failureCodes.certificateHostname, "x509: certificate doesn't match hostname", error);
  }
  const operation = phase === "exchange" ? "read" : phase;
  if (code === "ECONNRESET") return failure(failureCodes.reset, `${operation}: connection reset by peer`, error);
  if (code === "EPIPE") return failure(failureCodes.brokenPipe, "write: broken pipe", error);
  if (phase === "dial") {
    if (code === "ECONNREFUSED") return failure(failureCodes.dialRefused, "dial: connection refused", error);
    if (code === "ETIMEDOUT") return failure(failureCodes.dialTimeout, "dial: i/o timeout", error);
    if (errno === undefined) return failure(failureCodes.dial, `dial: ${message}`, error);
    return failure(failureCodes.dialUnknownErrno, `dial: unknown errno ${-errno}: ${message}`, error);
  }
  if (phase === "tls" || code.startsWith("ERR_SSL") || code.startsWith("ERR_TLS") || code === "EPROTO") {
    return failure(failureCodes.tls, `tls: ${message}`, error);
  }
  return errno === undefined
    ? failure(failureCodes.tcp, `${operation}: ${message}`, error)
    : failure(failureCodes.unknownErrno, `${operation}: unknown errno ${-errno}: ${message}`, error);
}

/** k6 numbers the kinds of HTTP/2 error after the error code of RFC 9113 section 7, one above its base. */
export function http2Failure(
  kind: "goAway" | "stream" | "connection",
  errorCode: number,
  cause?: unknown,
): HttpFailure {
  const [base, words] = {
    goAway: [failureCodes.http2GoAway, "received GoAway"] as const,
    stream: [failureCodes.http2Stream, "stream error"] as const,
    connection: [failureCodes.http2Connection, "connection error"] as const,
  }[kind];
  const offset = errorCode >= 0 && errorCode <= 13 ? errorCode + 1 : 0;
  return failure(base + offset, `http2: ${words} with code ${errorCode}`, cause);
}

export function failure(code: number, message: string, cause?: unknown): HttpFailure {
  return cause === undefined ? { code, message } : { code, message, cause };
}

export const timeoutFailure: HttpFailure = failure(failureCodes.requestTimeout, "request timeout");
export const unexpectedEnd: HttpFailure = failure(failureCodes.generic, "unexpected EOF");
export const cancelledFailure: HttpFailure = failure(failureCodes.generic, "the request was cancelled");
export const closedFailure: HttpFailure = failure(failureCodes.generic, "the client is closed");
