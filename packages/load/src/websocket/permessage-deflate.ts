import { messageOf } from "@mettle/core";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";

/**
 * RFC 7692 without context takeover in either direction: each message stands alone, so that a user of a load test holds no
 * window of 32 KiB, and both ways are one call.
 */
export const deflateOffer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

const TAIL = Buffer.from([0, 0, 0xff, 0xff]);

/**
 * Whether a server's `Sec-WebSocket-Extensions` agrees to the offer, to nothing, or to what was not offered.
 */
export function deflateAgreed(header: string): boolean | "not offered" {
  const extensions = header
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
  if (extensions.length === 0) return false;
  const [name = "", ...parameters] = extensions[0]!.split(";").map((each) => each.trim().toLowerCase());
  if (extensions.length > 1 || name !== "permessage-deflate") return "not offered";
  // A smaller window of the server's is read by the largest; one for the client was not offered.
  const known = parameters.every((each) =>
    /^(server_no_context_takeover|client_no_context_takeover|server_max_window_bits=\d+)$/.test(each),
  );
  return known && parameters.includes("server_no_context_takeover") ? true : "not offered";
}

export function deflateMessage(data: string | Uint8Array): Buffer {
  const deflated = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH });
  return deflated.subarray(0, deflated.length - TAIL.length);
}

/** @returns the message, or what is wrong with it */
export function inflateMessage(data: Buffer, maxBytes: number): Buffer | string {
  try {
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: Math.max(1, maxBytes) };
    return inflateRawSync(Buffer.concat([data, TAIL]), options);
  } catch (error) {
    if ((error as { code?: string }).code === "ERR_BUFFER_TOO_LARGE") return `a message of more than ${maxBytes} bytes`;
    return `broken compression: ${messageOf(error)}`;
  }
}
