import { randomFillSync } from "node:crypto";

// Random bytes are drawn by the page: a call for each frame would cost more than the frame.
const masks = Buffer.allocUnsafe(4096);
let nextMask = masks.length;

/**
 * One masked frame, ready to be written. Hot: one allocation.
 *
 * @param first - FIN, compression bit and opcode
 */
export function encodeFrame(first: number, payload: string | Uint8Array): Buffer {
  const length = typeof payload === "string" ? Buffer.byteLength(payload) : payload.length;
  const header = length < 126 ? 6 : length < 65_536 ? 8 : 14;
  const frame = Buffer.allocUnsafe(header + length);
  frame[0] = first;
  if (length < 126) {
    frame[1] = 0x80 | length;
  } else if (length < 65_536) {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 0x80 | 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  if (typeof payload === "string") frame.write(payload, header, "utf8");
  else frame.set(payload, header);
  mask(frame, header);
  return frame;
}

/** Puts a new mask before the payload, which starts at `at`, and applies it (RFC 6455 5.3). */
function mask(frame: Buffer, at: number): void {
  if (nextMask >= masks.length) {
    randomFillSync(masks);
    nextMask = 0;
  }
  const a = masks[nextMask]!;
  const b = masks[nextMask + 1]!;
  const c = masks[nextMask + 2]!;
  const d = masks[nextMask + 3]!;
  nextMask += 4;
  frame[at - 4] = a;
  frame[at - 3] = b;
  frame[at - 2] = c;
  frame[at - 1] = d;
  const end = frame.length;
  let i = at;
  for (; i + 3 < end; i += 4) {
    frame[i]! ^= a;
    frame[i + 1]! ^= b;
    frame[i + 2]! ^= c;
    frame[i + 3]! ^= d;
  }
  if (i < end) frame[i]! ^= a;
  if (i + 1 < end) frame[i + 1]! ^= b;
  if (i + 2 < end) frame[i + 2]! ^= c;
}
