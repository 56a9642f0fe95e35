import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { type Clock, timeOrderedId } from "@mettle/core";
import { failureBody, RequestFailure } from "./failure.ts";

interface ParserError extends Error {
  readonly code?: string;
}

/**
 * Refuses what cannot even be read as a request, in the one form of all failures: headers that are too large or too slow, or
 * that are no HTTP. The connection ends, since nobody knows where the next request would begin.
 */
export const refuseUnreadable =
  (clock: Clock) =>
  (error: ParserError, socket: Socket): void => {
    if (error.code === "ECONNRESET" || socket.destroyed) return;
    const failure = failureFor(error);
    const body = JSON.stringify(failureBody(failure, timeOrderedId(clock)));
    const { statusCode } = failure;
    const head = [
      `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode]}`,
      "content-type: application/json; charset=utf-8",
      `content-length: ${Buffer.byteLength(body)}`,
      "connection: close",
    ].join("\r\n");
    if (socket.writable) socket.write(`${head}\r\n\r\n${body}`);
    socket.destroySoon();
  };

function failureFor(cause: ParserError): RequestFailure {
  if (cause.code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new RequestFailure("timeout", "REQUEST_TOO_SLOW", "The request took too long to arrive.", { cause });
  }
  if (cause.code === "HPE_HEADER_OVERFLOW") {
    return new RequestFailure("headers_too_large", "REQUEST_HEADERS_TOO_LARGE", "The headers are too large.", {
      cause,
    });
  }
  return new RequestFailure("invalid_request", "REQUEST_UNREADABLE", "This is no HTTP request.", { cause });
}
