import { createHash } from "node:crypto";
import type { Target } from "../http/prepared-request.ts";
import { deflateAgreed, deflateOffer } from "./permessage-deflate.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export interface HandshakeRequest {
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly protocols: readonly string[];
  readonly compression: boolean;
}

/** The request that asks for a WebSocket (RFC 6455 4.1). @param key - 16 random bytes in base64 */
export function handshakeBytes(target: Target, request: HandshakeRequest, key: string): Buffer {
  const given = new Set(request.headers.map(([name]) => name.toLowerCase()));
  const lines = [
    `GET ${target.path} HTTP/1.1`,
    ...(given.has("host") ? [] : [`Host: ${target.authority}`]),
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${key}`,
    "Sec-WebSocket-Version: 13",
    ...(request.protocols.length > 0 ? [`Sec-WebSocket-Protocol: ${request.protocols.join(", ")}`] : []),
    ...(request.compression ? [`Sec-WebSocket-Extensions: ${deflateOffer}`] : []),
    ...(target.authorization !== "" && !given.has("authorization") ? [`Authorization: ${target.authorization}`] : []),
    ...request.headers.map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "utf8");
}

export interface Agreement {
  readonly protocol: string;
  readonly compression: boolean;
}

/** What the server agreed to, or why its answer is none. */
export function agreementOf(
  status: number,
  headers: readonly (readonly [name: string, value: string])[],
  request: HandshakeRequest,
  key: string,
): Agreement | string {
  const valueOf = (wanted: string): string =>
    headers
      .filter(([name]) => name.toLowerCase() === wanted)
      .map(([, value]) => value)
      .join(", ");
  const accept = createHash("sha1")
    .update(key + GUID)
    .digest("base64");
  if (status !== 101) return `bad handshake: status ${status}`;
  if (valueOf("upgrade").toLowerCase() !== "websocket") return "bad handshake: no upgrade to websocket";
  if (!/\bupgrade\b/i.test(valueOf("connection"))) return "bad handshake: no upgrade of the connection";
  if (valueOf("sec-websocket-accept") !== accept) return "bad handshake: wrong Sec-WebSocket-Accept";
  const protocol = valueOf("sec-websocket-protocol");
  if (protocol !== "" && !request.protocols.includes(protocol))
    return `bad handshake: protocol ${protocol} was not offered`;
  const compression = deflateAgreed(valueOf("sec-websocket-extensions"));
  if (compression === "not offered" || (compression && !request.compression)) {
    return "bad handshake: an extension that was not offered";
  }
  return { protocol, compression };
}
