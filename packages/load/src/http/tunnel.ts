import type { Socket } from "node:net";
import type { HttpFailure } from "./exchange.ts";
import { failure, failureCodes } from "./failure.ts";
import type { Origin } from "./prepared-request.ts";
import { ResponseParser } from "./response-parser.ts";

/**
 * Asks a proxy on `socket` to connect to `origin`. The socket's errors and its end are the caller's to watch; afterwards
 * nothing is left on it and nothing of what follows was read.
 */
export function openTunnel(
  socket: Socket,
  origin: Origin,
  authorization: string,
  done: (problem: HttpFailure | undefined) => void,
): void {
  const host = origin.hostname.includes(":") ? `[${origin.hostname}]` : origin.hostname;
  const authority = `${host}:${origin.port}`;
  let status = 0;
  const parser = new ResponseParser({
    onHead: (head) => {
      status = head.status;
    },
    onBody: () => undefined,
  });
  parser.begin(true);
  const onData = (chunk: Buffer): void => {
    const next = parser.execute(chunk, 0, chunk.length);
    if (next >= 0 && !parser.complete) return;
    socket.off("data", onData);
    socket.pause();
    if (next < 0) done(failure(failureCodes.generic, `malformed answer of the proxy: ${parser.problem}`));
    else if (status < 200 || status > 299)
      done(failure(failureCodes.generic, `the proxy answered CONNECT with ${status}`));
    // The origin speaks TLS, where the client begins: what came unasked is not the origin's.
    else if (next < chunk.length) done(failure(failureCodes.generic, "the proxy sent bytes before the handshake"));
    else done(undefined);
  };
  socket.on("data", onData);
  const credentials = authorization === "" ? "" : `Proxy-Authorization: ${authorization}\r\n`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`, "latin1");
}
